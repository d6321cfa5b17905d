"""The rows of the label queue around the current one: decided ones above it, coming ones below."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ...core.safe_text import cut, pad, safe_line
from .label_look import LabelLook

_NAME = 14
"""Cells of a label, at most."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One row of the queue."""

    text: str
    look: LabelLook | None = None
    """The look of its label; None if it has none."""
    dropped: bool = False


class QueueList(Widget):
    """Draws the lines around line `at`, a third of them above it."""

    DEFAULT_CSS = """
    QueueList { height: 1fr; }
    QueueList > .queue-list--here { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    QueueList > .queue-list--done { color: $foreground 60%; }
    """
    COMPONENT_CLASSES = {"queue-list--here", "queue-list--done"}
    lines: reactive[tuple[QueueLine, ...]] = reactive(())
    """The lines that may be visible."""
    at: reactive[int] = reactive(0)
    """The index of the current line."""

    def render(self) -> Text:
        width, height = self.size
        start = max(0, min(self.at - height // 3, len(self.lines) - height))
        text = Text(no_wrap=True)
        for place in range(start, min(len(self.lines), start + height)):
            text.append_text(self._line(place, width)).append("\n")
        text.rstrip()
        return text

    def _line(self, place: int, width: int) -> Text:
        line = self.lines[place]
        style = self.get_component_rich_style("queue-list--here") if place == self.at else ""
        if place < self.at and line.look is None:
            style = self.get_component_rich_style("queue-list--done")
        found = Text("▶ " if place == self.at else "  ", style)
        cells = min(_NAME, max(4, width // 4))
        if line.look is not None:
            found.append_text(line.look.text(cells, style="bold"))
        else:
            found.append(pad("✗ left out" if line.dropped else "", cells), style)
        shown = safe_line(line.text[: 4 * max(1, width)], width)
        return found.append(" ").append(pad(cut(shown, max(1, width - cells - 3)), max(1, width - cells - 3)), style)
