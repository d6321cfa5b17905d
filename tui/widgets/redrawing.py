"""Redraws only what changed: a terminal behind a slow line is sent each cell that is drawn, whether it looks as before or not."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.widget import Widget

_borders: WeakKeyDictionary[Widget, tuple[Text | None, Text | None]] = WeakKeyDictionary()


def entitle(widget: Widget, title: Text | None = None, subtitle: Text | None = None) -> None:
    """Write the words on a widget's border where they are others than before: to set them draws all of the widget anew."""
    before = _borders.get(widget, (None, None))
    if title is not None and title != before[0]:
        widget.border_title = title
    if subtitle is not None and subtitle != before[1]:
        widget.border_subtitle = subtitle
    _borders[widget] = (title if title is not None else before[0], subtitle if subtitle is not None else before[1])


def changed(old: Sequence[Text], new: Sequence[Text], width: int) -> list[Region]:
    """Return the part of each line that differs, in cells of a widget that is `width` wide; whole lines where characters are wide."""
    regions = []
    for y in range(max(len(old), len(new))):
        before, now = (lines[y] if y < len(lines) else Text() for lines in (old, new))
        if before == now:
            continue
        if any(line.cell_len != len(line.plain) for line in (before, now)):
            regions.append(Region(0, y, width, 1))
            continue
        pairs = [a != b for a, b in zip(_cells(before, width), _cells(now, width), strict=True)]
        if True in pairs:
            first, last = pairs.index(True), len(pairs) - pairs[::-1].index(True)
            regions.append(Region(first, y, last - first, 1))
    return regions


class Lines(Widget):
    """A few lines of which only the changed parts are drawn."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: list[Text] = []

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines, of the width that there is."""
        regions = changed(self._lines, lines, self.content_size.width)
        self._lines = list(lines)
        if regions:
            self.refresh(*regions)

    def render(self) -> Text:
        return Text("\n").join(self._lines)


def _cells(line: Text, width: int) -> list[tuple[str, tuple[str | Style, ...]]]:
    """Return each cell's character and styles, in order."""
    plain = line.plain[:width].ljust(width)
    styles: list[list[str | Style]] = [[line.style] if index < len(line.plain) else [] for index in range(width)]
    for span in line.spans:
        for index in range(span.start, min(span.end, width)):
            styles[index].append(span.style)
    return [(character, tuple(styles[index])) for index, character in enumerate(plain)]
