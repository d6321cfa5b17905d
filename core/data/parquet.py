"""Reads Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from .rows import SAMPLE, Progress, Rows, Sample


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = safe_line(path.name, 80)
    if not path.stat().st_size:
        raise UserError(f"{name} is empty. Give a file with at least one row")
    try:
        with pq.ParquetFile(path) as file:
            if not file.metadata.num_rows:
                raise UserError(f"{name} is empty: it has columns but no rows. Give a file with at least one row")
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is no whole Parquet file: {safe_line(str(error), 120).rstrip('.')}. Fetch or write it again") from error


def sample(path: Path) -> Sample:
    with _parquet(path) as file:
        schema = file.schema_arrow
        first = next(file.iter_batches(batch_size=SAMPLE))
        columns = {name: values(first.column(at)) for at, name in enumerate(schema.names)}
        return Sample(columns, {name: str(schema.field(at).type) for at, name in enumerate(schema.names)})


def read(path: Path, text_column: str, label_column: str, rows: Rows, progress: Progress | None) -> None:
    with _parquet(path) as file:
        number, total = 0, file.metadata.num_rows
        for batch in file.iter_batches(batch_size=10_000, columns=[text_column, label_column]):
            numbers = range(number + 1, number + batch.num_rows + 1)
            rows.add(values(batch.column(text_column)), _whole(values(batch.column(label_column))), numbers)
            number += batch.num_rows
            if progress:
                progress(f"read {path.name}", number, total)


def values(column: Any) -> list[Any]:
    """Return a column as Python values: bytes as the text that they hold, as some programs write it; what is no UTF-8 stays bytes."""
    import pyarrow as pa

    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [_decoded(value) for value in column.to_pylist()]
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        return [_decoded(value) for value in column.cast(pa.binary()).to_pylist()]


def _whole(labels: list[Any]) -> list[Any]:
    """Return labels with 2.0 as 2: pandas turns a column of integers with a gap into floats."""
    return [int(label) if isinstance(label, float) and label.is_integer() else label for label in labels]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value
