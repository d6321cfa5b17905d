"""Writes rows of a data set, such as those that a filter found, to a file that emotui reads again as a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import UserError
from ..safe_text import safe_line
from .table import Dataset
from .table_file import TableWriter

PART = 10_000
"""Rows in memory at once."""
COLUMNS = ("split", "text", "label")


def write(dataset: Dataset, found: Mapping[str, Any] | None, target: Path) -> int:
    """Write the rows at the indices in `found` (by split, int64, shape [n]; None: all rows) and return how many there are.

    The format is the one that the file's name ends in. Raises UserError where the file is there already or cannot be written.
    """
    if target.exists():
        raise UserError(f"{safe_line(str(target))} is there already. Give another name, or move it away")
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    written = 0
    with TableWriter(target, schema) as file:
        for name, split in dataset.splits.items():
            part = split if found is None else split.take(found[name])
            for start in range(0, len(part), PART):
                rows = part.rows(start, start + PART)
                file.write({"split": name, "text": row.text, "label": row.name} for row in rows)
                written += len(rows)
    return written
