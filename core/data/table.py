"""Rows of labelled text over Arrow: sliced, searched and sorted without being copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from ..sentences import Words
from ..specs import DataSpec
from .arrays import numbers, texts_of, to_numpy

UNLABELLED = -1
"""In the place of a label: the row has none. Only the source of an overlay has such rows."""

if TYPE_CHECKING:
    from .overlay import Overlay


class Row(msgspec.Struct, frozen=True):
    """One labelled text."""

    split: str
    index: int
    """0-based position in the split as it was read."""
    number: int
    """1-based row number in the source file, for messages."""
    text: str
    label: int
    name: str
    """The label's name; '' where the source has none."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split: an Arrow table with the columns text (string), label (int32) and number (int64)."""

    name: str
    table: pa.Table
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return self.table.num_rows

    def row(self, index: int) -> Row:
        """Return row `index` (0-based). Raises IndexError where there is none."""
        return self.rows(index, index + 1)[0]

    def rows(self, start: int, stop: int) -> list[Row]:
        """Return the rows start..stop-1, fewer at the end."""
        part = self.table.slice(start, max(0, stop - start))
        texts = texts_of(part.column("text"))
        labels, places = to_numpy(part.column("label")), to_numpy(part.column("number"))
        return [
            Row(self.name, start + offset, int(places[offset]), text, int(labels[offset]), self.name_of(int(labels[offset])))
            for offset, text in enumerate(texts)
        ]

    def name_of(self, label: int) -> str:
        """Return the name of a label, '' of UNLABELLED."""
        return "" if label == UNLABELLED else self.labels[label]

    def texts(self) -> list[str]:
        return texts_of(self.table.column("text"))

    def label_ids(self) -> Any:
        """Return the labels as an int64 NumPy array, shape [rows]."""
        return to_numpy(self.table.column("label")).astype("int64")

    def counts(self) -> list[int]:
        """Return the rows of each label, in the order of the labels."""
        import numpy as np

        return np.bincount(self.label_ids(), minlength=len(self.labels)).tolist()

    def take(self, indices: Any) -> Split:
        """Return the rows at `indices` (int64, shape [n]) in that order."""
        return Split(self.name, self.table.take(numbers(indices, "int64")), self.labels)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Checked splits of one labelled data set."""

    name: str
    """A short name for people: 'starter', 'emotion', 'ms:OWNER/NAME'."""
    source: str
    splits: dict[str, Split]
    """In the order train, validation, test."""
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    """All columns of the source, of which two are used."""
    text_column: str
    label_column: str
    features: dict[str, str]
    """Each column's type in words, e.g. {'text': 'string', 'label': 'ClassLabel(6)'}."""
    skipped: dict[str, int]
    """Rows left out by skip_bad_rows, by split; all of a single file's under train, as they have no other."""
    notes: tuple[Words, ...] = ()
    """Notes on what was decided while reading: guessed columns, a split that was drawn."""
    spec: DataSpec | None = None
    """What it was read by, with what was guessed and told of its files, so that it is read in the same way again."""

    values: tuple[int, ...] = ()
    """The integer that stands for each label in the source; empty where texts do."""
    drawn: tuple[str, ...] = ()
    """The splits that were drawn at random by us: other rows than before where the source has changed."""
    unlabelled: dict[str, int] = field(default_factory=dict)
    """Rows of each split of the source in which no row has a label; such a split is not among `splits`."""
    overlay: Overlay | None = None
    """Labels that were changed and rows that were left out by hand; None where nothing was."""

    def split(self, name: str) -> Split:
        """Return a split. Raises KeyError where there is none."""
        return self.splits[name]

    @property
    def names(self) -> Sequence[str]:
        return list(self.splits)
