"""Lines of figures under a heading, with a cursor that can ask for the rows behind a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class FigureLines(OptionList):
    """The lines; j and k also move the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, id="figures.down"),
        Binding("k", "cursor_up", "up", show=False, id="figures.up"),
        Binding("enter", "select", "rows", tooltip="the rows behind this line", id="figures.choose"),
    ]


class FigureTable(Vertical):
    """Shows lines; posts Looked when the cursor moves to one, and Chosen when Enter asks for its rows."""

    DEFAULT_CSS = """
    FigureTable {
        height: 1fr;
        FigureLines { height: 1fr; border: none; padding: 0; background: transparent; text-wrap: nowrap; text-overflow: ellipsis; }
        FigureLines:focus { border: none; }
        .head { height: auto; color: $text-muted; }
        .foot { height: auto; color: $text-muted; }
    }
    """

    LINES: ClassVar[type[FigureLines]] = FigureLines

    @dataclass
    class Looked(Message):
        """The cursor moved to a line."""

        table: FigureTable
        index: int

    @dataclass
    class Chosen(Message):
        """The rows behind a line were asked for."""

        table: FigureTable
        index: int

    def compose(self) -> ComposeResult:
        yield Static(classes="head", markup=False)
        yield self.LINES(markup=False)
        yield Static(classes="foot", markup=False)

    @property
    def index(self) -> int | None:
        """The index of the line under the cursor; None if there is none."""
        return self.query_one(FigureLines).highlighted

    def show(self, head: Text, lines: Sequence[Text], foot: Text | None = None) -> None:
        """Show lines between `head` and `foot`; the cursor keeps its position."""
        options = self.query_one(FigureLines)
        at = options.highlighted
        self.query_one(".head", Static).update(head)
        self.query_one(".foot", Static).update(foot or Text())
        self.query_one(".foot", Static).display = bool(foot)
        with self.prevent(OptionList.OptionHighlighted):
            options.clear_options()
            options.add_options([Option(line) for line in lines])
            options.highlighted = at if at is not None and at < len(lines) else None

    def forget(self) -> None:
        """Remove the cursor."""
        with self.prevent(OptionList.OptionHighlighted):
            self.query_one(FigureLines).highlighted = None

    def focus_lines(self) -> None:
        """Focus the lines."""
        self.query_one(FigureLines).focus()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_list.has_focus:
            self.post_message(self.Looked(self, event.option_index))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self, event.option_index))
