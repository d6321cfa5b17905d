"""What keys do at the moment, as a paragraph."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget

from .redraw import are_same

_GAP = 2
"""Cells between two keys."""


class KeyLegend(Widget):
    """Shows keys and what each does; lines break only between keys."""

    DEFAULT_CSS = "KeyLegend { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._keys: Sequence[Text] = ()

    def show(self, keys: Sequence[Text]) -> None:
        """Show keys, each with what it does."""
        if len(keys) == len(self._keys) and all(map(are_same, keys, self._keys)):
            return
        before, self._keys = self._keys, keys
        width = self.content_size.width
        self.refresh(layout=not width or len(lines_of(before, width)) != len(lines_of(keys, width)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own signature
        return len(lines_of(self._keys, width))

    def render(self) -> Text:
        return Text("\n", no_wrap=True).join(lines_of(self._keys, self.content_size.width))


def lines_of(keys: Sequence[Text], width: int) -> list[Text]:
    """Return the keys in lines of at most `width` cells, with at least one per line."""
    lines: list[Text] = []
    for key in keys:
        if lines and lines[-1].cell_len + _GAP + key.cell_len <= width:
            lines[-1].append(" " * _GAP).append_text(key)
        else:
            lines.append(key.copy())
    return lines
