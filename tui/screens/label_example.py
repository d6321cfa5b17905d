"""Asks for an example of the texts to look for, and for the labels of a file."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from ..widgets.text_field import LineField
from .dialog import Dialog, line


class LabelExample(Dialog):
    """Enter accepts the text and closes."""

    def __init__(self, take: Callable[[str], None]) -> None:
        """Prepare to ask; `take` is called with the text."""
        super().__init__(
            "texts like this one",
            "Type an example of a class that is rare, such as: i was so surprised by the letter\n\n"
            "enter puts the texts first whose hidden states are nearest to it",
        )
        self._take = take

    def compose_fields(self) -> ComposeResult:
        yield line("example", LineField(id="example", placeholder="a text"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        if not message.value.strip():
            self.show_wrong("type a text first")
            return
        self.dismiss()
        self._take(message.value.strip())


class LabelNames(Dialog):
    """Asks for the labels to choose from for the texts of a file; Enter accepts them."""

    def __init__(self, why: str, take: Callable[[tuple[str, ...]], None]) -> None:
        """Prepare to ask; `why` is a sentence, and `take` is called with the names."""
        super().__init__("label texts", f"{why}\n\nenter opens the queue; nothing is written to the file")
        self._names = take

    def compose_fields(self) -> ComposeResult:
        yield line("labels", LineField(id="labels", placeholder="joy, anger, fear"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        names = tuple(name.strip() for name in message.value.split(","))
        if len(names) < 2 or not all(names) or len(set(names)) < len(names):
            self.show_wrong("type two or more different names with commas between them")
            return
        self.dismiss()
        self._names(names)
