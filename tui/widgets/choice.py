"""A choice of one of a few values, on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from ...core.safe_text import cell_width, safe_line


class Choice(Widget, can_focus=True):
    """Shows all options with the chosen one marked; arrows and Space choose."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    Choice:focus { background: $panel; }
    Choice > .choice--chosen { color: $primary; text-style: bold; }
    Choice > .choice--other { color: $text-muted; }
    """
    COMPONENT_CLASSES = {"choice--chosen", "choice--other"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "turn(1)", "choose", key_display="←→", id="choice.next"),
        Binding("left,h", "turn(-1)", "choose", show=False, id="choice.before"),
    ]

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: tuple[str, ...], value: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._options = options if value in options else (*options, value)
        self._value = value

    @property
    def value(self) -> str:
        return self._value

    def offer(self, options: tuple[str, ...]) -> None:
        """Replace the options; the chosen one stays even if it is not among them."""
        self._options = options if self._value in options else (*options, self._value)
        self.refresh()

    def render(self) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis", end="")
        for option in self._options[self._first :]:
            is_chosen = option == self._value
            style = self.get_component_rich_style(f"choice--{'chosen' if is_chosen else 'other'}", partial=True)
            line.append(f"{'●' if is_chosen else '○'} {safe_line(option)}   ", style)
        line.rstrip()
        if self.size.width:
            line.truncate(self.size.width, overflow="ellipsis")
        return line

    @property
    def _first(self) -> int:
        """The first option that is drawn, such that the chosen one fits completely into the line."""
        cells = [cell_width(safe_line(option)) + 5 for option in self._options]
        at = self._options.index(self._value)
        return next((first for first in range(at) if sum(cells[first : at + 1]) - 3 <= self.size.width - 1), at)

    def action_turn(self, by: int) -> None:
        self._choose(self._options[(self._options.index(self._value) + by) % len(self._options)])

    def on_click(self, event: events.Click) -> None:
        column = event.get_content_offset_capture(self).x
        for option in self._options[self._first :]:
            column -= cell_width(safe_line(option)) + 5
            if column < 0:
                self._choose(option)
                return

    def _choose(self, option: str) -> None:
        if option != self._value:
            self._value = option
            self.refresh()
            self.post_message(self.Changed(self, option))
