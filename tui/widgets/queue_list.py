"""The rows of the label queue around the current one: decided ones above it, coming ones below."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from ...core.safe_text import cut, pad, safe_line
from .label_look import LabelLook

_NAME = 14
"""Cells of a label, at most."""
_STRIPS = 500
"""Drawn lines that are cached: at each decision all of them move up by one."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One row of the queue."""

    text: str
    look: LabelLook | None = None
    """The look of its label; None if it has none."""
    dropped: bool = False


class QueueList(Widget):
    """Draws the lines around the current one, a third of them above it."""

    DEFAULT_CSS = """
    QueueList { height: 1fr; }
    QueueList > .queue-list--here { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    QueueList > .queue-list--done { color: $foreground 60%; }
    """
    COMPONENT_CLASSES = {"queue-list--here", "queue-list--done"}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: tuple[QueueLine, ...] = ()
        self.at = 0
        """The index of the current line."""
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(_STRIPS)

    def show(self, lines: tuple[QueueLine, ...], at: int) -> None:
        """Show lines that may be visible; `at` is the index of the current one."""
        if (lines, at) != (self.lines, self.at):
            self.lines, self.at = lines, at
            self.refresh()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        place = y + max(0, min(self.at - height // 3, len(self.lines) - height))
        if place >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        key = (self.lines[place], (place > self.at) - (place < self.at), width)
        strip = self._strips.get(key)
        if strip is None:
            line = self._line(place, width)
            strip = Strip(line.render(self.app.console, ""), line.cell_len).apply_style(self.rich_style)
            self._strips[key] = strip = strip.adjust_cell_length(width, self.rich_style)
        return strip

    def _line(self, place: int, width: int) -> Text:
        line = self.lines[place]
        style = self.get_component_rich_style("queue-list--here") if place == self.at else ""
        if place < self.at and line.look is None:
            style = self.get_component_rich_style("queue-list--done")
        found = Text("▶ " if place == self.at else "  ", style, no_wrap=True, end="")
        cells = min(_NAME, max(4, width // 4))
        if line.look is not None:
            found.append_text(line.look.text(cells, style="bold"))
        else:
            found.append(pad("✗ left out" if line.dropped else "", cells), style)
        shown = safe_line(line.text[: 4 * max(1, width)], width)
        return found.append(" ").append(pad(cut(shown, max(1, width - cells - 3)), max(1, width - cells - 3)), style)
