"""The splits side by side: the rows of each, and the share of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import cell_width, cut, pad, safe_line
from .class_bars import name_width
from .label_look import LabelLook

_DRIFT = 0.02
"""The smallest difference of two shares that is marked."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """A split's name and its rows by class, in the order of the classes."""

    name: str
    counts: tuple[int, ...]
    drift: tuple[tuple[float, bool], tuple[float, bool]] | None = None
    """Distances from the first split, in [0, 1], each with whether it is marked: of the class shares, and of the lengths.
    None if unknown, or for the first split."""

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def share(self, label: int) -> float:
        return self.counts[label] / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Splits:
    looks: tuple[LabelLook, ...] = ()
    splits: tuple[SplitCounts, ...] = ()
    unlabelled: tuple[tuple[str, int], ...] = ()
    """Splits without labels, with their number of rows."""


class SplitTable(Static):
    """Shows the rows, one line per class, ordered by the first split, and the distance of each split from the first."""

    DEFAULT_CSS = """
    SplitTable { height: auto; }
    """
    shown: reactive[Splits] = reactive(Splits(), layout=True)

    def render(self) -> Text:
        return split_lines(self.shown, self.size.width, self.app.theme_variables)


def split_lines(shown: Splits, width: int, colors: dict[str, str]) -> Text:
    """Return the table in lines of at most `width` cells; shares that differ from the first split's beyond chance are marked."""
    if not shown.splits:
        return Text()
    names = max(4, name_width(shown.looks, width, numbered=True))
    columns = [_column(split, shown.splits[0]) for split in shown.splits]
    widths = [
        max(map(cell_width, (*column, *(_drift(split, index) for index in (0, 1)))))
        for column, split in zip(columns, shown.splits, strict=True)
    ]
    while sum(widths) + 2 * len(widths) + names > width and len(widths) > 1:
        widths.pop()
    order = sorted(range(len(shown.looks)), key=lambda label: -shown.splits[0].counts[label])
    text = Text(no_wrap=True, overflow="ellipsis")

    def line(head: Text, cells: Sequence[str], style: str) -> None:
        text.append_text(head)
        for cell, room in zip(cells, widths, strict=False):
            text.append("  " + " " * (room - cell_width(cell)))
            text.append(cell, f"bold {colors.get('warning', '')}" if cell.startswith("!") else style)
        text.append("\n")

    line(Text(" " * names), [column[0] for column in columns], "dim")
    line(Text(pad("rows", names), "dim"), [column[1] for column in columns], "")
    for label in order:
        line(shown.looks[label].text(names, numbered=True), [column[2 + label] for column in columns], "")
    if any(split.drift is not None for split in shown.splits):
        for index, name in enumerate(("drift", "lengths")):
            line(Text(pad(name, names), "dim"), [_drift(split, index) for split in shown.splits], "")
    for name, rows in shown.unlabelled:
        text.append(cut(f"{safe_line(name, 10)}  {rows:,}  unlabelled: not measured", width), f"bold {colors.get('warning', '')}")
        text.append("\n")
    text.rstrip()
    return text


def _drift(split: SplitCounts, index: int) -> str:
    if split.drift is None:
        return ""
    distance, is_marked = split.drift[index]
    return f"{'! ' if is_marked else ''}{100 * distance:.0f} %"


def _column(split: SplitCounts, first: SplitCounts) -> list[str]:
    shares = [f"{'! ' if drifts(split, first, label) else ''}{100 * split.share(label):.0f} %" for label in range(len(split.counts))]
    return [safe_line(split.name, 10), f"{split.rows:,}", *shares]


def drifts(split: SplitCounts, first: SplitCounts, label: int) -> bool:
    """Whether a class's share differs from its share in the first split by more than three standard errors and two points."""
    expected, found = first.share(label), split.share(label)
    if not split.rows or not first.rows:
        return False
    error = (expected * (1 - expected) * (1 / split.rows + 1 / first.rows)) ** 0.5
    return abs(found - expected) > max(_DRIFT, 3 * error)
