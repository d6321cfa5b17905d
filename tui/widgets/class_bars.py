"""The number of rows of each class as bars."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from .bars import bar
from .label_look import LabelLook


class ClassBars(Static):
    """Shows one line per class, the largest first."""

    DEFAULT_CSS = """
    ClassBars { height: auto; }
    """
    counts: reactive[tuple[tuple[LabelLook, int], ...]] = reactive((), layout=True)

    def render(self) -> Text:
        return class_lines(self.counts, self.size.width)


def class_lines(counts: Sequence[tuple[LabelLook, int]], width: int) -> Text:
    """Return one line of at most `width` cells per class: id, name, bar, rows and share of all rows in %."""
    total = sum(count for _, count in counts) or 1
    largest = max((count for _, count in counts), default=0) or 1
    figures = max((len(f"{count:,}") for _, count in counts), default=1)
    names = name_width([look for look, _ in counts], width, numbered=True)
    cells = max(0, width - names - figures - 8)
    text = Text(no_wrap=True)
    for look, count in sorted(counts, key=lambda each: -each[1]):
        text.append_text(look.text(names, numbered=True)).append(" ")
        text.append(bar(count / largest, cells), look.color)
        text.append(f" {count:>{figures},}").append(f" {100 * count / total:>3.0f} %\n", "dim")
    text.rstrip()
    return text


def name_width(looks: Sequence[LabelLook], width: int, *, numbered: bool = False) -> int:
    """Return the cells for glyph and name of the longest label, at most 2/5 of `width`, plus its id if `numbered`."""
    ids = max((look.id_cells for look in looks), default=0) if numbered else 0
    longest = max((Text(look.name).cell_len + 2 + (look.id_cells if numbered else 0) for look in looks), default=2)
    return max(3, min(longest, width * 2 // 5 + ids))
