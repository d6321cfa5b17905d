"""The rows behind the figures: the filter line with its errors, the list, and the legend of keys while labelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from ....core.safe_text import safe_text
from ...widgets.key_legend import KeyLegend
from ...widgets.text_field import LineField

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ...widgets.judged_list import JudgedList


class RowPanel(Vertical):
    """A list of rows, or a sentence in its place, below a filter line that opens and closes."""

    @dataclass
    class Filtered(Message):
        """A filter was typed; `taken` if it was submitted with Enter."""

        line: str
        taken: bool

    def __init__(self) -> None:
        super().__init__(id="errors-rows", classes="panel")
        self.is_faulty = False
        """Whether the typed filter is invalid."""

    def compose(self) -> ComposeResult:
        from ...widgets.judged_list import JudgedHeads, JudgedList

        yield LineField(placeholder="words  wrong  label:joy  predicted:love  loss>1  confidence<0.6", id="filter", compact=True)
        yield Static(id="fault", markup=False)
        yield Static(id="wait", markup=False)
        rows = JudgedList(id="judged")
        yield JudgedHeads(rows, id="heads")
        yield rows
        yield KeyLegend(id="legend")

    def on_mount(self) -> None:
        self._field.cursor_blink = False

    @property
    def list(self) -> JudgedList:
        from ...widgets.judged_list import JudgedList

        return self.query_one(JudgedList)

    @property
    def _field(self) -> Input:
        return self.query_one("#filter", Input)

    def wait(self, sentence: str) -> None:
        """Show a sentence in place of the rows; '' shows the rows."""
        place = self.query_one("#wait", Static)
        place.display = bool(sentence)
        place.update(Text(safe_text(sentence)))
        self.set_class(bool(sentence), "-waiting")

    def show_keys(self, keys: Sequence[Text]) -> None:
        """Show the legend of labelling keys below the list; an empty one hides it."""
        place = self.query_one(KeyLegend)
        place.set_class(bool(keys), "-open")
        place.show(keys)

    # --- the filter line --------------------------------------------------------------------------------------

    @property
    def is_typing(self) -> bool:
        return self._field.has_focus

    @property
    def is_filter_kept(self) -> bool:
        """Whether leaving the line keeps its filter."""
        return self.is_typing and bool(self._field.value) and not self.is_faulty

    def open_filter(self, line: str | None = None) -> None:
        """Open and focus the line, with the filter `line` in it if given."""
        if line is not None:
            with self.prevent(Input.Changed):
                self._field.value = line
        self._field.add_class("-open")
        self._field.focus()

    def go_back_to_filter(self) -> None:
        """Focus the line if it is open."""
        if self._field.has_class("-open"):
            self._field.focus()

    def shut_filter(self) -> None:
        """Clear and close the line, without posting a message."""
        self.complain("")
        with self.prevent(Input.Changed):
            self._field.value = ""
        self._field.remove_class("-open")
        if self.is_typing:
            self.list.focus()

    def complain(self, message: str) -> None:
        """Show what is wrong with the filter; '' for nothing."""
        fault = self.query_one("#fault", Static)
        self.is_faulty = bool(message)
        fault.set_class(self.is_faulty, "-open")
        fault.update(Text(safe_text(message)))

    @on(Input.Submitted, "#filter")
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.post_message(self.Filtered(message.value, True))
        self.list.focus()

    @on(Input.Changed, "#filter")
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self.post_message(self.Filtered(message.value, False))
