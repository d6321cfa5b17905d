"""Asks a yes-or-no question."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ...core.safe_text import safe_text


class Confirm(ModalScreen[bool]):
    """Returns True for `y`, and False for `n` and Esc."""

    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        #confirm { width: 62; max-width: 90%; height: auto; border: round $warning; background: $surface; padding: 1 2; }
        Static { width: 1fr; height: auto; margin-bottom: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "no", id="confirm.no"),
    ]

    def __init__(self, question: str, consequence: str, verb: str) -> None:
        super().__init__()
        self._question, self._consequence, self._verb = question, consequence, verb

    def compose(self) -> ComposeResult:
        with Vertical(id="confirm"):
            yield Static(Text(safe_text(self._question), "bold"), markup=False)
            yield Static(Text(safe_text(self._consequence)), markup=False)
            yield Static(Text.assemble((" y ", "bold reverse"), f" {self._verb}   ", (" n ", "bold reverse"), " leave it"), markup=False)

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
