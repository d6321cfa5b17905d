"""What every reader yields: rows by column with their numbers, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..safe_text import safe_line
from ..sentences import Words
from ..units import count

Progress = Callable[[str, int, int | None], None]
"""Called with a phase, how much is done and how much it is in all, in bytes or rows."""

SAMPLE = 200
"""Rows from which the columns are chosen, at most."""
SAMPLE_BYTES = 1 << 22
"""Bytes of these rows, at most."""
ROWS = 10_000
"""Rows of a batch, at most."""
BYTES = 1 << 22
"""Bytes of a batch, about: it ends after the row that reaches them."""


class Missing:
    """Stands for the value of a column that a row lacks."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(slots=True)
class BadRow:
    """A row that could not be read."""

    number: int
    line: int
    """On which it begins; 0 where that is its number, or there are no lines."""
    fault: str
    """What is wrong, as part of a sentence."""


@dataclass(slots=True)
class Batch:
    """Some rows in order: for each column asked for its values, the same number for each."""

    columns: list[list[Any]]
    numbers: Sequence[int]
    """1-based."""
    lines: Sequence[int] = ()
    """On which each row begins, where that is not its number."""
    bad: list[BadRow] = field(default_factory=list)
    """Rows that belong between the others, by number."""

    @property
    def size(self) -> int:
        """How many rows it has, those that could not be read too."""
        return len(self.numbers) + len(self.bad)

    @property
    def last(self) -> int:
        """The number of its last row; 0 where it has none."""
        return max([*self.numbers[-1:], *(row.number for row in self.bad[-1:])], default=0)


class TableFile(Protocol):
    """One file of rows, opened but not yet read."""

    name: str
    """For messages."""
    columns: Sequence[str]
    """Each once: a name that comes again has its place added."""
    types: dict[str, str]
    """Each column's type in words."""
    typed: bool
    """False where 3 may be an integer or a text, as in csv."""
    repeated: frozenset[str]
    """Names that the file gives to several columns."""
    rows: int | None
    """How many it says it has."""

    def head(self) -> dict[str, list[object]]:
        """Return the values of each column in the first rows, at most SAMPLE. Raises UserError where there are none."""
        ...

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        """Yield all rows, with the columns `wanted`. Raises UserError where reading cannot go on."""
        ...

    def notes(self) -> list[Words]:
        """Return what was guessed, and after reading what was found, in sentences."""
        ...


def unique_names(header: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Return a name for every column, and the names that stood there twice: an empty one is called by its place, a repeated one too."""
    taken: set[str] = set(header)
    seen: set[str] = set()
    names: list[str] = []
    repeated: set[str] = set()
    for place, name in enumerate(header, 1):
        unique = name
        if not name.strip():
            unique = f"column {place}"
        elif name in seen:
            repeated.add(name)
            unique = f"{name} (column {place})"
        while unique in seen or (unique != name and unique in taken):
            unique += "'"
        seen.add(unique)
        names.append(unique)
    return names, frozenset(repeated)


_IN_WORDS: dict[type, str] = {str: "string", int: "int64", float: "float64", bool: "bool", list: "list", dict: "object"}


def type_in_words(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) != 1:
        return "mixed" if kinds else "null"
    return _IN_WORDS.get(kinds.pop(), "object")


def empty_lines_note(name: str, lines: int) -> list[Words]:
    """Return a note on the empty lines between the rows of a file, if there are any."""
    return [f"skipped {count(lines, 'empty line')} of {safe_line(name, 80)}"] if lines else []
