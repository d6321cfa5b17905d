"""One line of tabs."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget


class TabLine(Widget):
    """Shows the names of tabs with the active one marked. A click asks for a tab; keys belong to the screen."""

    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; }
    TabLine > .tab-line--tab { color: $text-muted; }
    TabLine > .tab-line--active { color: $primary; text-style: bold reverse; }
    """
    COMPONENT_CLASSES = {"tab-line--tab", "tab-line--active"}

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        tab: str

    def __init__(self, *, hints: tuple[str, ...] = (), id: str | None = None) -> None:  # noqa: A002
        """Prepare an empty line; the first of `hints` that fits is shown after the tabs."""
        super().__init__(id=id)
        self._tabs: tuple[str, ...] = ()
        self._active = ""
        self._hints = hints

    def show(self, tabs: tuple[str, ...], active: str) -> None:
        if (tabs, active) != (self._tabs, self._active):
            self._tabs, self._active = tabs, active
            self.refresh()

    def render(self) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for tab in self._tabs:
            line.append(f" {tab} ", self.get_component_rich_style(f"tab-line--{'active' if tab == self._active else 'tab'}", partial=True))
            line.append(" ")
        hint = next((hint for hint in self._hints if line.cell_len + len(hint) < self.content_size.width), "")
        return line.append(hint, self.get_component_rich_style("tab-line--tab", partial=True))

    def on_click(self, event: events.Click) -> None:
        column = event.get_content_offset_capture(self).x
        for tab in self._tabs:
            column -= len(tab) + 3
            if column < 0:
                self.post_message(self.Chosen(tab))
                return
