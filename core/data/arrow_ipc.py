"""Reads Arrow's own files, as `datasets` writes them with save_to_disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from . import limits
from .batches import SAMPLE, Batch, Progress, unique_names
from .parquet import pieces, values, weight
from .streams import Source

STREAM = b"\xff\xff\xff\xff"
"""How a stream of record batches begins; a file that can be read at any place begins with FILE."""
FILE = b"ARROW1"


class ArrowTable:
    """A stream or a file of record batches, not compressed."""

    typed = True

    def __init__(self, source: Source) -> None:
        if source.path is None:
            raise UserError(f"{safe_line(source.name, 80)} is an Arrow file, which cannot be read from a stream. Save it to a file first")
        self.name, self._source = source.name, source
        self.rows: int | None = None
        with self._open() as (schema, _):
            limits.check_columns(self.name, len(schema.names))
            self.columns: Sequence[str]
            self.columns, self.repeated = unique_names(schema.names)
            self.types = {name: str(schema.field(at).type) for at, name in enumerate(self.columns)}
            self.metadata: dict[bytes, bytes] = schema.metadata or {}

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Iterator[Any]]]:
        import pyarrow as pa

        name = safe_line(self.name, 80)
        path = self._source.path or Path()
        with open_plain(path, follow=True) as raw:
            try:
                if self._source.head.startswith(FILE):
                    file = pa.ipc.open_file(raw)
                    _refuse_compressed(self.name, raw)
                    yield file.schema, (file.get_batch(at) for at in range(file.num_record_batches))
                else:
                    _refuse_compressed(self.name, raw)
                    stream = pa.ipc.open_stream(raw)
                    yield stream.schema, iter(stream)
            except MemoryError as error:
                raise UserError(f"{name} takes more memory than there is. Divide it into smaller files") from error
            except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, EOFError) as error:
                said = safe_line(str(error), 120).rstrip(".")
                raise UserError(f"{name} is no whole Arrow file: {said}. Fetch or write it again") from error

    def head(self) -> dict[str, list[object]]:
        columns: dict[str, list[object]] = {name: [] for name in self.columns}
        for batch in self.batches(self.columns):
            for name, found in zip(columns, batch.columns, strict=True):
                columns[name] = found[:SAMPLE]
            return columns
        raise UserError(f"{safe_line(self.name, 80)} is empty: it has columns but no rows. Give a file with at least one row")

    def notes(self) -> list[str]:
        return []

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        places = [list(self.columns).index(name) for name in wanted]
        number, unpacked = 0, 0
        with self._open() as (_, records):
            for record in records:
                record.validate(full=True)  # offsets that point outside of the buffers are the file's, not Arrow's
                arrays = [record.column(at) for at in places]
                for start, stop in pieces(arrays, record.num_rows):
                    cut = [array.slice(start, stop - start) for array in arrays]
                    unpacked += sum(map(weight, cut))
                    limits.check_unpacked(self.name, unpacked, self._source.size or 0)
                    yield Batch([values(array) for array in cut], range(number + 1, number + stop - start + 1))
                    number += stop - start
                if progress:
                    progress(f"read {self.name}", number, None)


def _refuse_compressed(name: str, raw: Any) -> None:
    """Raise UserError where a record batch says that its buffers are compressed: how large they become is not known before they are.

    Follows the encapsulated messages of the format, https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format.
    """
    raw.seek(0)
    raw.seek(8 if raw.read(len(FILE)) == FILE else 0)
    try:
        while (prefix := raw.read(8))[:4] == STREAM:
            size = int.from_bytes(prefix[4:8], "little")
            if not 0 < size <= 1 << 28:
                break
            message = raw.read(size)
            root = _Table(message, int.from_bytes(message[:4], "little"))
            batch = root.table(2)
            if root.byte(1) == _DICTIONARY_BATCH and batch:
                batch = batch.table(1)
            if root.byte(1) in (_DICTIONARY_BATCH, _RECORD_BATCH) and batch and batch.table(3):
                raise UserError(f"{safe_line(name, 80)} holds compressed Arrow data. Write it without compression, or as Parquet")
            body = root.number(3)
            if body < 0:
                break
            raw.seek(body, 1)
    except (IndexError, OverflowError):
        pass  # what is no message is said by Arrow
    raw.seek(0)


_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3


class _Table:
    """A table of a flatbuffer. Raises IndexError for what lies outside of it."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw, self._at = raw, at
        self._fields = at - self._int(at, 4, signed=True)

    def _int(self, at: int, size: int, *, signed: bool = False) -> int:
        if not 0 <= at <= len(self._raw) - size:
            raise IndexError(at)
        return int.from_bytes(self._raw[at : at + size], "little", signed=signed)

    def _place(self, field: int) -> int:
        """Return where a field's value lies; 0 where it is absent."""
        slot = 4 + 2 * field
        if slot >= self._int(self._fields, 2):
            return 0
        offset = self._int(self._fields + slot, 2)
        return self._at + offset if offset else 0

    def byte(self, field: int) -> int:
        at = self._place(field)
        return self._int(at, 1) if at else 0

    def number(self, field: int) -> int:
        at = self._place(field)
        return self._int(at, 8, signed=True) if at else 0

    def table(self, field: int) -> _Table | None:
        at = self._place(field)
        return _Table(self._raw, at + self._int(at, 4)) if at else None
