"""The content of a report as plain values: sections of sentences, tables and charts. Texts are raw; the writers escape them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "number", "text"]
"""What a column contains: names of emotui or of classes, numbers, or texts from outside, which may be long and in any script."""
Level = Literal["note", "warning", "missing"]
"""What a sentence is: a remark, a reason for distrust, or something that is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Shaded:
    """A cell whose background is shaded by `share`, in [0, 1]."""

    text: str
    share: float


Cell = str | Shaded


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """One or more sentences in a paragraph of their own."""

    text: str
    level: Level = "note"


@dataclass(frozen=True, slots=True)
class Series:
    """Points in ascending order of x, joined by a line if `is_line`."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_line: bool = True


@dataclass(frozen=True, slots=True)
class Lines:
    """A line chart."""

    title: str
    text: str
    """A description of what the chart shows, for screen readers."""
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    y_range: tuple[float, float] | None = None
    x_range: tuple[float, float] | None = None
    has_diagonal: bool = False
    """Whether a diagonal marks where x and y are equal."""


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    value_text: str
    """The value as it is printed."""
    span: tuple[float, float] | None = None
    """Its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of one value per name: bars from 0, or points with their intervals."""

    title: str
    text: str
    bars: tuple[Bar, ...]
    top: float
    """The upper end of the axis, which begins at 0."""


Block = Words | Table | Lines | Bars


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    """A fixed word, unique within the report, for links."""
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the few figures at the top."""

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
    """Return a table; a column given by its head alone contains numbers, the first one names."""
    columns = [Column(head, "number" if at else "name") if isinstance(head, str) else head for at, head in enumerate(heads)]
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
