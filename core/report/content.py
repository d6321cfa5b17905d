"""What a report consists of, as plain values: sections of sentences, tables and charts. Texts are as they came; writers make them safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "number", "text"]
"""Of a column: a name of ours or of a class, a number, or a text from outside, which may be long and in any script."""
Level = Literal["note", "warning", "missing"]
"""Of a sentence: a remark, a reason for distrust, or what is not there and how it would be had."""


@dataclass(frozen=True, slots=True)
class Shaded:
    """A cell with a background by its share, in [0, 1]."""

    text: str
    share: float


Cell = str | Shaded


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """The first column names the rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence, or some, on a line of their own."""

    text: str
    level: Level = "note"


@dataclass(frozen=True, slots=True)
class Series:
    """A line through points, or the points alone, in ascending order of x."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_line: bool = True


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines over a common axis."""

    title: str
    text: str
    """What it shows, for who does not see it."""
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    y_range: tuple[float, float] | None = None
    x_range: tuple[float, float] | None = None
    has_diagonal: bool = False
    """Whether a line from corner to corner marks where both are equal."""


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    told: str
    """The value as it is written."""
    span: tuple[float, float] | None = None
    """Its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of one figure for each name: bars from 0, or points with their intervals."""

    title: str
    text: str
    bars: tuple[Bar, ...]
    top: float
    """The end of the axis, which begins at 0."""


Block = Words | Table | Lines | Bars


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    """A word of ours, for links within the report."""
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the few figures on top."""

    name: str
    value: str
    span: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    lead: tuple[str, ...]
    """Sentences below the title."""
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]


def table(caption: str, heads: Sequence[str | Column], rows: Sequence[Sequence[Cell]]) -> Table:
    """Return a table whose columns are of numbers where nothing else is said of them, but for the first, which is of names."""
    columns = [Column(head, "number" if at else "name") if isinstance(head, str) else head for at, head in enumerate(heads)]
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
