"""Small labelled data sets in every format, written by the tests."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Rows = Sequence[dict[str, Any]]


def write_rows(path: Path, rows: Rows) -> Path:
    """Write rows in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    if name.endswith((".jsonl", ".jsonl.gz")):
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if name.endswith(".tsv") else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.fixture
def write() -> Callable[[Path, Rows], Path]:
    return write_rows


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """40 different rows of two classes, in turn."""
    return [{"text": f"this is text number {number}", "label": ("good", "bad")[number % 2]} for number in range(40)]
