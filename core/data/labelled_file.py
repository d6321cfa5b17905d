"""Writes rows of a data set, such as those that a filter found, to a file that emotui reads again as a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import UserError
from ..safe_text import safe_line
from .filters import Verdicts
from .table import Dataset
from .table_file import TableWriter

PART = 10_000
"""Rows in memory at once."""
COLUMNS = ("split", "text", "label")
JUDGED = {"prediction": pa.string(), "probability": pa.float64(), "loss": pa.float64()}
"""Columns of a run's prediction: the label, its probability, and the cross entropy of the true label in nats."""


def write(dataset: Dataset, found: Mapping[str, Any] | None, target: Path, verdicts: Mapping[str, Verdicts] | None = None) -> int:
    """Write the rows at the indices in `found` (by split, int64, shape [n]; None: all rows) and return how many there are.

    With the `verdicts` of a run on each row of each split, the columns of JUDGED follow. The format is the one that the file's name
    ends in. Raises UserError where the file is there already or cannot be written.
    """
    if target.exists():
        raise UserError(f"{safe_line(str(target))} already exists", "Give another name, or move it away")
    schema = pa.schema([*((name, pa.string()) for name in COLUMNS), *(JUDGED.items() if verdicts is not None else ())])
    written = 0
    with TableWriter(target, schema) as file:
        for name, split in dataset.splits.items():
            part = split if found is None else split.take(found[name])
            for start in range(0, len(part), PART):
                rows = part.rows(start, start + PART)
                places = range(start, start + len(rows)) if found is None else found[name][start : start + len(rows)]
                judged: list[dict[str, Any]] = (
                    [{} for _ in rows] if verdicts is None else [_judged(verdicts[name], int(at)) for at in places]
                )
                file.write({"split": name, "text": row.text, "label": row.name} | more for row, more in zip(rows, judged, strict=True))
                written += len(rows)
    return written


def _judged(verdicts: Verdicts, row: int) -> dict[str, Any]:
    return {
        "prediction": verdicts.labels[int(verdicts.predicted[row])],
        "probability": float(verdicts.confidence[row]),
        "loss": float(verdicts.loss[row]),
    }
