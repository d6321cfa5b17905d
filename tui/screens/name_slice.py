"""Asks for the name under which a filter is saved as a slice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from ...core.errors import UserError
from ...core.runs import slices
from ...core.safe_text import safe_line
from ..field_names import by_fields
from ..widgets.text_field import LineField
from .dialog import Dialog, line


class NameSlice(Dialog):
    """Enter saves it and closes."""

    def __init__(self, source: str, filter_line: str, kept: Callable[[str], None]) -> None:
        """Prepare to save a filter for all runs on the data set `source`; `kept` is called with its name."""
        super().__init__(
            "keep the filter as a slice", f"{safe_line(filter_line, 60)}\n\nIt is measured for every run on this data. enter keeps it"
        )
        self._source, self._line, self._kept = source, filter_line, kept

    def compose_fields(self) -> ComposeResult:
        yield line("name", LineField(id="name", placeholder="such as: short texts"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        self._keep(message.value)

    @work(exclusive=True)
    async def _keep(self, name: str) -> None:
        try:
            name = await asyncio.to_thread(slices.save, self._source, name, self._line)
        except UserError as error:
            self.show_wrong(by_fields(error))
            return
        self.dismiss()
        self._kept(name)
