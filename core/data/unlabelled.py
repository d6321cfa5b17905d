"""Finds the splits in which no row has a label, as the tests of competitions come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..errors import UserError
from ..safe_text import safe_line
from . import columns, readers, schema
from .faults import shown
from .readers import MISSING, OpenedFile

NO_LABEL = -1
"""What `datasets` writes where a label is kept back."""


def find(opened: dict[str, list[OpenedFile]], text_column: str, label_column: str) -> dict[str, int]:
    """Return the rows of each split, other than the first, whose labels are all null, empty or -1, or that has no column of labels.

    -1 counts as no label only where the first split, the training rows, does not have it. Raises UserError where a file seems to
    have its labels in a column of another name.
    """
    first, *others = opened
    found: dict[str, int] = {}
    trained = None
    for split in others:
        rows: Counter[int | str | None] = Counter()
        for label in _labels(opened[first], opened[split], text_column, label_column):
            rows[label] += 1
            if label not in (None, NO_LABEL):
                break
        if not rows or not rows.keys() <= {None, NO_LABEL}:
            continue
        if NO_LABEL in rows and trained is None:
            trained = NO_LABEL in _labels(opened[first], opened[first], text_column, label_column)
        if NO_LABEL not in rows or not trained:
            found[split] = rows.total()
    return found


def note(split: str, rows: int) -> str:
    """Return the sentence about such a split."""
    return f"{split} has no labels: its {rows:,} rows are not used (emotui predict RUN --file FILE --out OUT classifies them)"


def _labels(train: Sequence[OpenedFile], files: Sequence[OpenedFile], text_column: str, label_column: str) -> Iterator[int | str | None]:
    """Yield the label of each row, None for a row without one."""
    for each in files:
        table = each.table
        sample = readers.sample(each)
        columns.named(sample, table.name, text_column, "--text-column")
        has_labels = label_column in table.columns
        if not has_labels:
            _check_other_name(train, each, sample, label_column)
        for row in readers.rows(each, [label_column if has_labels else text_column]):
            if row.fault:
                continue
            value = row.values[0] if has_labels else None
            empty = value is None or value is MISSING or value != value or (isinstance(value, str) and not value.strip())
            yield None if empty else _label(value, typed=table.typed)


def _label(value: object, *, typed: bool) -> int | str:
    """Return a label; a text for what cannot be one, so that its row is told as a fault where the rows are read."""
    label = schema.label_of(value, typed=typed)
    return "" if label is None else label


def _check_other_name(train: Sequence[OpenedFile], file: OpenedFile, sample: readers.Sample, label_column: str) -> None:
    known = {column for each in train for column in each.table.columns}
    others = [column for column in sample.columns if column not in known and column.strip().lower() in columns.LABEL_NAMES]
    if others:
        raise UserError(
            f"{safe_line(file.table.name, 80)} has no column {shown(label_column)}: its columns are {columns.listed(sample)}. "
            f"Give the labels the same name in every file, or remove the column {shown(others[0])} if it holds none"
        )
