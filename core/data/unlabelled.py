"""Finds splits without labels, such as the test splits of competitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import UserError
from ..safe_text import safe_line
from . import columns, readers, schema
from .faults import shown
from .readers import MISSING, OpenedFile


class Unlabelled(NamedTuple):
    """A split without labels."""

    rows: int
    placeholder: int | str | None
    """What stands in the place of the labels, such as -1 or '?'; None for nothing."""

    def note(self, split: str) -> str:
        """Return the sentence about it."""
        stands = "" if self.placeholder is None else f" but {shown(self.placeholder)}, which no row of training has"
        rows = "1 row is" if self.rows == 1 else f"{self.rows:,} rows are"
        return f"{split} has no labels{stands}: its {rows} not used (emotui predict RUN --file FILE --out OUT classifies them)"


def find(opened: dict[str, list[OpenedFile]], text_column: str, label_column: str) -> dict[str, Unlabelled]:
    """Return the splits, other than the first, that have no column of labels, or whose labels are all null, empty or one placeholder.

    A placeholder is a label that all of the split's rows have and none of the first split's, the training rows: -1, as `datasets`
    writes it, or '?', or whatever else. Raises UserError where a file seems to have its labels in a column of another name.
    """
    first, *others = opened
    candidates: dict[str, Unlabelled] = {}
    for split in others:
        rows: Counter[int | str | None] = Counter()
        for label in _labels(opened[first], opened[split], text_column, label_column):
            rows[label] += 1
            if len(rows.keys() - {None}) > 1:
                break
        borne = rows.keys() - {None}
        if rows and len(borne) <= 1:
            candidates[split] = Unlabelled(rows.total(), next(iter(borne), None))
    unborne = {_folded(each.placeholder) for each in candidates.values()} - {None}
    if unborne:
        for label in _labels(opened[first], opened[first], text_column, label_column):
            unborne.discard(_folded(label))
            if not unborne:
                break
    return {split: each for split, each in candidates.items() if each.placeholder is None or _folded(each.placeholder) in unborne}


def _labels(train: Sequence[OpenedFile], files: Sequence[OpenedFile], text_column: str, label_column: str) -> Iterator[int | str | None]:
    """Yield the label of each row, None for a row without one."""
    for each in files:
        table = each.table
        sample = readers.sample(each)
        columns.check_shared(sample, table.name, text_column, "texts")
        has_labels = label_column in table.columns
        if not has_labels:
            _check_other_name(train, each, sample, label_column)
        for row in readers.rows(each, [label_column if has_labels else text_column]):
            if row.fault:
                continue
            value = row.values[0] if has_labels else None
            empty = value is None or value is MISSING or value != value or (isinstance(value, str) and not value.strip())
            yield None if empty else _label(value, typed=table.typed)


def _folded(label: int | str | None) -> int | str | None:
    return label.casefold() if isinstance(label, str) else label


def _label(value: object, *, typed: bool) -> int | str:
    """Return a label; a text for what cannot be one, so that its row is told as a fault where the rows are read."""
    label = schema.label_of(value, typed=typed)
    return "" if label is None else label


def _check_other_name(train: Sequence[OpenedFile], file: OpenedFile, sample: readers.Sample, label_column: str) -> None:
    known = {column for each in train for column in each.table.columns}
    others = [column for column in sample.columns if column not in known and column.strip().lower() in columns.LABEL_NAMES]
    if others:
        raise UserError(
            f"{safe_line(file.table.name, 80)} has no column {shown(label_column)}: its columns are {columns.listed(sample)}",
            f"Give the labels the same name in every file, or remove the column {shown(others[0])} if it holds none",
        )
