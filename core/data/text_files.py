"""Reads files of texts part by part, in any data format, so that they need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Words, phrase
from ..specs import Reading
from . import columns, readers
from .batches import MISSING
from .faults import shown
from .rows import text_fault

PART_CHARACTERS = 1 << 24
"""Characters of a part, from which on it ends before it has all its rows."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of a file."""

    number: int
    """1-based."""
    text: str | None
    """None where the row has no text that can be used."""
    problem: str
    """Why, in a sentence without a full stop; empty where it has one."""
    values: tuple[Any, ...]
    """Of the columns asked for, MISSING where the row lacks one; () where the row cannot be read."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a file, in order."""

    rows: list[TextRow]
    skipped: int = 0
    """Rows left out of this part."""

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows if row.text is not None]


class TextFile:
    """A file of which one column holds texts."""

    def __init__(self, path: Path, asked: str | None = None, *, own: str = "", reading: Reading | None = None) -> None:
        """Look at a file and choose its text column: `asked`, else `own`, the run's, else the only one, else as for training.

        Raises UserError where it cannot be read, or where it is not clear which column is meant.
        """
        self.path = path
        self._opened = readers.open_file(path, reading)
        sample = readers.sample(self._opened)
        self.columns = tuple(sample.columns)
        self.column, guessed = _choose(sample, path, asked, own)
        self.total = self._opened.table.rows
        """Rows of the whole file where the format tells."""
        self.is_typed = self._opened.table.typed
        """False where every value is a text, as in csv."""
        self._guessed = guessed

    def notes(self) -> list[Words]:
        """Return what was guessed, in sentences; after reading, what was found as well."""
        return [*self._opened.notes(), *self._guessed]

    def every_column(self) -> tuple[str, ...]:
        """Return the names of all columns, those too that come up late in a file of JSON lines, which is read for them."""
        return tuple(readers.every_column(self._opened))

    def rows(self, wanted: tuple[str, ...] = ()) -> Iterator[TextRow]:
        """Yield every row in order, with the values of the columns `wanted`. Raises UserError where reading cannot go on."""
        for row in readers.rows(self._opened, [self.column, *wanted]):
            text: Any = None if row.fault else row.values[0]
            fault = row.fault or (f"there is no {shown(self.column)}" if text is MISSING else text_fault(text))
            problem = f"{row.place}: {fault}" if fault else ""
            yield TextRow(row.number, None if fault else text, problem, row.values[1:])

    def parts(self, size: int, wanted: tuple[str, ...] = (), *, skip_bad_rows: bool = False) -> Iterator[Part]:
        """Yield the rows, `size` at a time or fewer where they are long; the same ones each time, whatever is `wanted`."""
        rows: list[TextRow] = []
        skipped, characters = 0, 0
        for row in self.rows(wanted):
            if row.text is None and skip_bad_rows:
                skipped += 1
            else:
                rows.append(row)
                characters += len(row.text or "")
            if len(rows) + skipped >= size or characters > PART_CHARACTERS:
                yield Part(rows, skipped)
                rows, skipped, characters = [], 0, 0
        if rows or skipped:
            yield Part(rows, skipped)


def _choose(sample: readers.Sample, path: Path, asked: str | None, own: str) -> tuple[str, list[Words]]:
    if asked is not None:
        return columns.named(sample, path.name, asked, columns.TEXT_COLUMN), []
    if own in sample.columns and own not in sample.repeated:
        return own, []
    if len(sample.columns) == 1:
        return next(iter(sample.columns)), []
    chosen = columns.text_column(sample)
    if chosen is None:
        raise UserError(
            f"it is not clear which column of {safe_line(path.name, 80)} holds the texts: its columns are {columns.listed(sample)}",
            phrase("Name it with ", columns.TEXT_COLUMN),
        )
    note = phrase(f"using the column {shown(chosen)} as text (", columns.TEXT_COLUMN, " chooses another)")
    return columns.named(sample, path.name, chosen, columns.TEXT_COLUMN), [] if chosen == "text" else [note]
