"""Asks for the number of a row to go to."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from ...core.units import count
from ..widgets.text_field import LineField
from .dialog import Dialog, line


class GoToRow(Dialog):
    """Enter goes to the row and closes."""

    def __init__(self, split: str, rows: int, go: Callable[[int], str]) -> None:
        """Prepare to ask for one of the `rows` of a split; `go` goes to a number from 0 on, and returns why it cannot, '' if it did."""
        super().__init__("go to a row", f"{split} has {count(rows, 'row')}, numbered from 0 to {rows - 1:,}\n\nenter goes there")
        self._rows = rows
        self._go = go

    def compose_fields(self) -> ComposeResult:
        yield line("row", LineField(id="number", placeholder="its number"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        typed = message.value.strip().replace(",", "").replace("_", "")
        if not (typed.isascii() and typed.isdigit() and len(typed) < 16 and int(typed) < self._rows):
            self.show_wrong(f"type a number from 0 to {self._rows - 1:,}")
        elif why := self._go(int(typed)):
            self.show_wrong(why)
        else:
            self.dismiss()
