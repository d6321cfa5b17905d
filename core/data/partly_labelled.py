"""Reads a file in which some or all rows have no label yet; they are labelled by hand, in its overlay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import DataSpec
from . import columns as column_names
from . import overlay_log, readers
from .arrays import numbers
from .batches import MISSING, Progress
from .faults import Faults, shown
from .overlay_log import Classes
from .rows import Rows, Sample
from .streams import sentences
from .table import UNLABELLED

if TYPE_CHECKING:
    import pyarrow as pa

LABEL_COLUMN = "label"
"""The name of the label column where the source has none."""
_MOST = 100
"""Distinct values, from which on a column is not guessed to be the label."""
_MARK = "label"
"""Stands for the label of a row without one while its text is checked."""


def classes_of(source: str, spec: DataSpec) -> Classes | None:
    """Return the classes that rows of a source without a label are given; None where none of them was to get one, or for no overlay."""
    if spec.overlay == 0 or spec.files:
        return None
    return overlay_log.read(overlay_log.file_of(source), first=spec.overlay).classes


def choose(sample: Sample, file: str, spec: DataSpec, before: Classes | None) -> tuple[str, str]:
    """Return the columns of texts and of labels of a file to be labelled; the latter need not be among its columns.

    They are those that are named, else those of `before`, else guessed. Raises UserError where it is not clear which holds the texts.
    """
    label = spec.label_column
    if label is not None and label in sample.columns:
        label = column_names.named(sample, file, label, column_names.LABEL_COLUMN)
    if spec.text_column is not None:
        text: str | None = column_names.named(sample, file, spec.text_column, column_names.TEXT_COLUMN)
    elif before is not None and before.text_column in sample.columns:
        text = before.text_column
    else:
        text = next(iter(sample.columns)) if len(sample.columns) == 1 else column_names.text_column(sample)
    if text is None:
        raise UserError(
            f"it is not clear which column of {safe_line(file, 80)} holds the texts: its columns are {column_names.listed(sample)}",
            phrase("Name it with ", column_names.TEXT_COLUMN),
        )
    if label is None and before is not None:
        label = before.label_column
    if label is None:
        named = [each for each in column_names.LABEL_NAMES if each in sample.columns and each != text]
        label = named[0] if named else LABEL_COLUMN
    if label == text:
        raise UserError(
            f"the column {shown(text)} cannot be both text and label",
            phrase("Name two columns with ", column_names.TEXT_COLUMN, " and ", column_names.LABEL_COLUMN),
        )
    return text, label


def read(
    opened: readers.OpenedFile, text_column: str, label_column: str, faults: Faults, progress: Progress | None = None
) -> tuple[Rows, Rows]:
    """Return the sound rows of a file that have a label, and those that have none; the others go to `faults`.

    A row has no label where its cell is null, empty, blank or not a number (NaN), or where it has no such cell.
    """
    table = opened.table
    has_labels = label_column in table.columns
    labelled = Rows(table.name, (text_column, label_column), typed=table.typed, faults=faults)
    bare = Rows(table.name, (text_column, label_column), typed=table.typed, faults=faults)
    with sentences(table.name):
        for batch in table.batches((text_column, label_column) if has_labels else (text_column,), progress):
            for row in batch.bad:
                faults.bad(table.name, readers.place(row.number, row.line), row.fault)
            labels: list[Any] = batch.columns[1] if has_labels else [None] * len(batch.numbers)
            for rows, kept in (
                (labelled, [at for at, label in enumerate(labels) if not _is_empty(label)]),
                (bare, [at for at, label in enumerate(labels) if _is_empty(label)]),
            ):
                texts = [batch.columns[0][at] for at in kept]
                given = [_MARK if rows is bare else labels[at] for at in kept]
                rows.add(texts, given, [batch.numbers[at] for at in kept], [batch.lines[at] for at in kept] if batch.lines else ())
    return labelled, bare


def _is_empty(label: Any) -> bool:
    return label is None or label is MISSING or label != label or (isinstance(label, str) and not label.strip())


def table(parts: Sequence[Rows], ids: Sequence[int | None]) -> pa.Table:
    """Return the rows of a file as a table with the columns text, label, number and words, in the order of the file.

    `parts` are the rows with a label and, where some are to get one, those without, which have UNLABELLED. `ids` are the classes of the
    former, None for a row that is left out.
    """
    import numpy as np
    import pyarrow as pa

    labels = [*(UNLABELLED if label is None else label for label in ids), *[UNLABELLED] * sum(map(len, parts[1:]))]
    columns: dict[str, Any] = {
        "text": pa.chunked_array([chunk for part in parts for chunk in part.texts], pa.string()),
        "label": numbers(labels, "int32"),
        "number": numbers([number for part in parts for number in part.numbers], "int64"),
        "words": numbers([words for part in parts for words in part.words], "int32"),
    }
    whole = pa.table(columns)
    left_out = [at for at, label in enumerate(ids) if label is None]
    if left_out:
        whole = whole.take(numbers(np.delete(np.arange(len(labels)), left_out), "int64"))
    return whole.sort_by("number") if len(parts) > 1 else whole


def labels_in(opened: readers.OpenedFile, column: str) -> tuple[str, ...]:
    """Return the different labels of a file, sorted; none where no row has one, and where they are integers or too many to be classes."""
    if column not in opened.table.columns:
        return ()
    found: set[str] = set()
    for row in readers.rows(opened, [column]):
        label = None if row.fault else row.values[0]
        if _is_empty(label):
            continue
        if not isinstance(label, str) or len(found) > _MOST:
            return ()
        found.add(label.strip())
    return tuple(sorted(found))


def check_labels(opened: readers.OpenedFile, classes: Classes) -> None:
    """Raise UserError where every row has a label, and where one has a label as text that is none of the classes."""
    if classes.label_column not in opened.table.columns:
        return
    names, bare = set(classes.labels), 0
    for row in readers.rows(opened, [classes.label_column]):
        label = None if row.fault else row.values[0]
        if not row.fault and _is_empty(label):
            bare += 1
        elif isinstance(label, str) and opened.table.typed and label.strip() not in names:
            raise UserError(
                f"{safe_line(opened.table.name, 80)}, {row.place}: the label {shown(label)} is not among "
                f"{safe_line(', '.join(classes.labels), 120)}",
                phrase("Add it to ", Setting("labels")),
            )
    if not bare:
        raise UserError(
            f"every row of {safe_line(opened.table.name, 80)} has a label in its column {shown(classes.label_column)}",
            phrase("To change labels, open it and press L; ", column_names.LABEL_COLUMN, " chooses another column"),
        )


def check_file(source: str) -> Path:
    """Return the path of a file that can be labelled. Raises UserError for anything else."""
    path = Path(source)
    if source == "starter" or source.startswith(("ms:", "hf:")) or path.is_dir():
        raise UserError(
            f"only single files can be labelled, and {safe_line(source, 80)} is not one",
            "Name the file with the texts: emotui label FILE --labels a,b,c",
        )
    return path
