"""Reads Arrow's own files, as `datasets` writes them with save_to_disk."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from ..sentences import Words
from . import limits
from .batches import SAMPLE, Batch, Progress, unique_names
from .parquet import pieces, values, weight
from .streams import Source

STREAM = b"\xff\xff\xff\xff"
"""How a stream of record batches begins; a file that can be read at any place begins with FILE."""
FILE = b"ARROW1"


class ArrowTable:
    """A stream or a file of record batches; compressed ones are read where what they unpack to is said and not too much."""

    typed = True

    def __init__(self, source: Source) -> None:
        if source.path is None:
            raise UserError(f"{safe_line(source.name, 80)} is an Arrow file, which cannot be read as a stream", "Save it to a file first")
        self.name, self._source = source.name, source
        self.rows: int | None = None
        with self._open() as (schema, _):
            limits.check_columns(self.name, len(schema.names))
            self.columns: Sequence[str]
            self.columns, self.repeated = unique_names(schema.names)
            self.types = {name: str(schema.field(at).type) for at, name in enumerate(self.columns)}
            self.metadata: dict[bytes, bytes] = schema.metadata or {}

    @contextmanager
    def _open(self) -> Generator[tuple[Any, Iterator[Any]]]:
        import pyarrow as pa

        name = safe_line(self.name, 80)
        path = self._source.path or Path()
        with open_plain(path, follow=True) as raw:
            try:
                begins = 8 if self._source.head.startswith(FILE) else 0
                _check_compressed(self.name, raw, begins, self._source.size or 0)
                raw.seek(begins)  # a file is a stream between two marks: read so, it has no batches but those that were looked at
                stream = pa.ipc.open_stream(raw)
                yield stream.schema, iter(stream)
            except MemoryError as error:
                raise UserError(f"{name} needs more memory than is available", "Split it into smaller files") from error
            except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, EOFError) as error:
                cause = safe_line(str(error), 120).rstrip(".")
                raise UserError(f"{name} is not a complete Arrow file: {cause}", "Fetch or write it again") from error

    def head(self) -> dict[str, list[object]]:
        columns: dict[str, list[object]] = {name: [] for name in self.columns}
        for batch in self.batches(self.columns):
            for name, found in zip(columns, batch.columns, strict=True):
                columns[name] = found[:SAMPLE]
            return columns
        raise UserError(f"{safe_line(self.name, 80)} is empty: it has columns but no rows", "Give a file with at least one row")

    def notes(self) -> list[Words]:
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


def _check_compressed(name: str, raw: Any, begins: int, size: int) -> None:
    """Raise UserError where the buffers of the record batches, of a file of `size` bytes, say that they unpack to too much, or where
    its messages cannot be followed.

    Each compressed buffer begins with how large it becomes, to which Arrow holds it. Follows the encapsulated messages of the format,
    https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format and #compression.
    """
    broken = UserError(f"{safe_line(name, 80)} is not a complete Arrow file: one of its messages cannot be read", "Fetch or write it again")
    raw.seek(begins)
    unpacked = 0
    try:
        while len(prefix := raw.read(8)) == 8:
            length = int.from_bytes(prefix[4:8], "little")
            if prefix[:4] != STREAM or length > 1 << 28:
                raise broken
            if not length:
                break
            message = raw.read(length)
            root = _Table(message, int.from_bytes(message[:4], "little"))
            batch = root.table(2)
            if root.byte(1) == _DICTIONARY_BATCH and batch:
                batch = batch.table(1)
            body, start = root.number(3), raw.tell()
            if body < 0:
                raise broken
            if root.byte(1) in (_DICTIONARY_BATCH, _RECORD_BATCH) and batch and batch.table(3):
                for place, stored in batch.pairs(2, limits.BUFFERS):
                    if not stored:
                        continue
                    raw.seek(start + place)
                    claimed = int.from_bytes(raw.read(8), "little", signed=True)
                    unpacked += stored if claimed < 0 else claimed
                    limits.check_unpacked(name, unpacked, size)
            raw.seek(start + body)
    except (IndexError, OverflowError, ValueError) as error:
        raise broken from error


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

    def pairs(self, field: int, most: int) -> Iterator[tuple[int, int]]:
        """Yield the structs of two integers of 8 bytes in a vector. Raises UserError for more than `most`."""
        at = self._place(field)
        if not at:
            return
        at += self._int(at, 4)
        count = self._int(at, 4)
        if count > most:
            raise UserError(f"an Arrow file has a batch of {count:,} buffers, more than the {most:,} that are read", "Write it as Parquet")
        for each in range(at + 4, at + 4 + 16 * count, 16):
            yield self._int(each, 8, signed=True), self._int(each + 8, 8, signed=True)
