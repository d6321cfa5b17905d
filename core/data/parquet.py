"""Reads Parquet files, a few rows at a time and no more than their size can honestly hold."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from ..sentences import Words
from . import limits, parquet_footer
from .arrays import fields_of
from .batches import BYTES, ROWS, SAMPLE, Batch, Progress, unique_names
from .streams import Source

_FOOTER = 1 << 26
"""Bytes of a text in the footer, at most."""
_ENTRIES = 2_000_000
"""Items of a list in the footer, at most: columns times row groups."""


class ParquetTable:
    """A Parquet file."""

    typed = True

    def __init__(self, source: Source) -> None:
        if source.path is None:
            raise UserError(f"{safe_line(source.name, 80)} is a Parquet file, which cannot be read as a stream", "Save it to a file first")
        self.name, self._source = source.name, source
        with self._open() as (_, file):
            schema = file.schema_arrow
            limits.check_columns(self.name, len(schema.names))
            self.columns: Sequence[str]
            self.columns, self.repeated = unique_names(schema.names)
            self.types = {name: str(schema.field(at).type) for at, name in enumerate(self.columns)}
            self.rows: int | None = file.metadata.num_rows
            self.metadata: dict[bytes, bytes] = schema.metadata or {}

    @contextmanager
    def _open(self) -> Generator[tuple[BinaryIO, Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = safe_line(self.name, 80)
        path = self._source.path or Path()
        with open_plain(path, follow=True) as raw, _sentences(name):
            if not self._source.size:
                raise UserError(f"{name} is empty", "Give a file with at least one row")
            with pq.ParquetFile(
                raw,
                thrift_string_size_limit=_FOOTER,
                thrift_container_size_limit=_ENTRIES,
            ) as file:
                metadata = file.metadata
                if not file.metadata.num_rows:
                    raise UserError(f"{name} is empty: it has columns but no rows", "Give a file with at least one row")
                texts = [field.name for field in fields_of(file.schema_arrow) if _is_text(pa, field.type)]
            # Texts stay indices into their dictionary, so that a text that stands there once is held once.
            with pq.ParquetFile(raw, metadata=metadata, read_dictionary=texts) as file:
                yield raw, file

    def head(self) -> dict[str, list[object]]:
        wanted = [name for name in self.columns if name not in self.repeated]
        columns: dict[str, list[object]] = {name: [] for name in self.columns}
        for batch in self._batches(self.columns if len(wanted) < len(self.columns) else wanted, SAMPLE, None):
            for name, values in zip(columns, batch.columns, strict=True):
                columns[name] = values[:SAMPLE]
            break
        return columns

    def notes(self) -> list[Words]:
        return []

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        return self._batches(wanted, ROWS, progress)

    def _batches(self, wanted: Sequence[str], rows: int, progress: Progress | None) -> Iterator[Batch]:
        with self._open() as (raw, file):
            schema = file.schema_arrow
            places = [list(self.columns).index(name) for name in wanted]
            chosen = sorted({schema.names[at] for at in places})
            number, unpacked, total = 0, 0, file.metadata.num_rows
            rows = _check_claims(self.name, parquet_footer.read(raw), chosen, self._source.size or 0, rows)
            for record in file.iter_batches(batch_size=rows, columns=chosen):
                arrays = [record.column(_place_in(record.schema, schema, at)) for at in places]
                for start, stop in pieces(arrays, record.num_rows):
                    columns = [values(array.slice(start, stop - start)) for array in arrays]
                    unpacked += sum(map(weight, (array.slice(start, stop - start) for array in arrays)))
                    limits.check_unpacked(self.name, unpacked, self._source.size or 0)
                    yield Batch(columns, range(number + 1, number + stop - start + 1))
                    number += stop - start
                if progress:
                    progress(f"read {self.name}", number, total)


def _place_in(read: Any, whole: Any, at: int) -> int:
    """Return where the column `at` of the file stands among those that were read, of which some may have the same name."""
    name = whole.names[at]
    return read.get_all_field_indices(name)[whole.names[:at].count(name)]


@contextmanager
def _sentences(name: str) -> Generator[None]:
    import pyarrow as pa

    try:
        yield
    except MemoryError as error:
        raise UserError(f"{name} needs more memory than is available", "Split it into smaller files") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise UserError(
            f"{name} is not a complete Parquet file: {safe_line(str(error), 120).rstrip('.')}", "Fetch or write it again"
        ) from error


def _is_text(pa: Any, kind: Any) -> bool:
    types = pa.types
    return types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind)


def _check_claims(name: str, groups: Sequence[parquet_footer.GroupClaim], chosen: Sequence[str], size: int, rows: int) -> int:
    """Return how many rows to decode at once. Raises UserError where the columns claim more bytes or values than the file can hold."""
    most = 1
    for group in groups:
        unpacked = 0
        for column in group.columns:
            if not column.path or (column.path[0] not in chosen and ".".join(column.path) not in chosen):
                continue
            unpacked += max(0, column.unpacked)
            if len(column.path) > 1 and group.rows > 0:
                # A list in a row is decoded whole, however many values run-length encoding makes of a few bytes.
                limits.check_unpacked(name, column.values * 8, size)
                most = max(most, column.values // group.rows)
        limits.check_unpacked(name, unpacked, size)
    return max(1, rows // most)


def weight(array: Any) -> int:
    """Return the bytes of an array's values in memory, those of a dictionary as often as they occur."""
    import pyarrow as pa
    import pyarrow.compute as pc

    count = len(array)
    if pa.types.is_dictionary(array.type):
        lengths = pc.call_function("binary_length", [array.dictionary]) if _is_text(pa, array.type.value_type) else None
        if lengths is None or not len(lengths):
            return count * limits.CELL
        taken = pc.call_function("sum", [pc.call_function("take", [lengths, array.indices])]).as_py()
        return count * limits.CELL + (taken or 0)
    return count * limits.CELL + array.nbytes


def pieces(arrays: Sequence[Any], rows: int) -> Iterator[tuple[int, int]]:
    """Yield the borders of slices of about BYTES bytes."""
    parts = min(rows, sum(map(weight, arrays)) // BYTES + 1)
    step = -(-rows // parts) if parts else rows
    for start in range(0, rows, step or 1):
        yield start, min(rows, start + step)


def values(column: Any) -> list[Any]:
    """Return a column as Python values: bytes as the text that they hold, as some programs write it; what is no UTF-8 stays bytes."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        _check_indices(column)
        kept = values(column.dictionary) if len(column.dictionary) <= 4 * len(column) else None
        if kept is None:
            return values(column.dictionary_decode() if len(column) else column.dictionary.slice(0, 0))
        return [None if index is None else kept[index] for index in column.indices.to_pylist()]
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [_decoded(value) for value in column.to_pylist()]
    try:
        return column.to_pylist()
    except (UnicodeDecodeError, ValueError, OverflowError):
        return [_scalar(value) for value in column]


def _check_indices(column: Any) -> None:
    """Raise ArrowInvalid where a dictionary's values are counted beyond its ends: a damaged file would get others' values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pc.call_function("min_max", [column.indices]).as_py()
    if ends["min"] is not None and not 0 <= ends["min"] <= ends["max"] < len(column.dictionary):
        raise pa.ArrowInvalid(f"it refers to {max(ends['max'], -ends['min']) + 1:,} values in a dictionary of {len(column.dictionary):,}")


def _scalar(value: Any) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else b""
    except (ValueError, OverflowError):
        return str(value)  # a time that Python's own types do not reach


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value
