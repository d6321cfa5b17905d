"""Streams the bytes of a file as UTF-8, decompressed and decoded within the limits."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from ..specs import Reading
from . import limits
from .batches import Progress

BLOCK = 1 << 20
"""Bytes read at once."""
HEAD = 1 << 16
"""Bytes of a stream that are looked at before it is read."""

_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"
_OTHERS = (
    (b"PK\x03\x04", "a zip file (as .xlsx and .npz are)", "Unpack it, or save the table as csv"),
    (b"BZh91AY&SY", "packed with bzip2", "Unpack it"),
    (b"\xfd7zXZ", "packed with xz", "Unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip file", "Unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save the table as csv"),
    (b"SQLite format 3", "an SQLite database", "Export a table as csv"),
    (b"\x89HDF", "an HDF5 file", "Write the table as csv or Parquet"),
    (b"%PDF", "a PDF", "Give a table of texts instead"),
    (b"version https://git-lfs", "a pointer to a file that Git LFS has not fetched", "Fetch it with: git lfs pull"),
    (b"<!DOCTYPE html", "a web page", "Fetch the file itself"),
    (b"<!doctype html", "a web page", "Fetch the file itself"),
    (b"<html", "a web page", "Fetch the file itself"),
    (b"Obj\x01", "an Avro file", "Write the table as Parquet"),
    (b"\x80\x04\x95", "a Python pickle, which can run code and is not read", "Write the table as csv or Parquet"),
    (b"\x80\x05\x95", "a Python pickle, which can run code and is not read", "Write the table as csv or Parquet"),
)


@dataclass(slots=True)
class Source:
    """A file, or a stream such as stdin that can be read only once."""

    name: str
    """For messages."""
    path: Path | None
    stream: Any = None
    """Of bytes, where there is no path."""
    head: bytes = b""
    """What was read of the stream to look at it."""
    size: int | None = None
    encoding: str = "utf-8"
    """Set by the reader, as `asked` is."""
    asked: Reading = field(default_factory=Reading)
    _opened: bool = field(default=False)
    _beginning: bytes | None = field(default=None)
    """The first block, unpacked: every look at a file asks for it."""

    @classmethod
    def of(cls, place: Path | BinaryIO, name: str = "") -> Source:
        """Return the source at a path, or of a stream. Raises UserError where the path is no plain file, and OSError."""
        if not isinstance(place, Path):
            head = _read_up_to(place, HEAD)
            return cls(name or "stdin", None, place, head)
        with open_plain(place, follow=True) as file:
            return cls(name or place.name, place, None, file.read(HEAD), os.fstat(file.fileno()).st_size)

    @property
    def is_stream(self) -> bool:
        return self.path is None

    @property
    def packing(self) -> str:
        """'gzip', 'zstd' or nothing, by its first bytes. Raises UserError for other packings."""
        if self.head.startswith(_GZIP):
            return "gzip"
        if self.head.startswith(_ZSTD):
            return "zstd"
        for magic, what, remedy in _OTHERS:
            if self.head.startswith(magic):
                raise UserError(f"{safe_line(self.name, 80)} is {what}", remedy)
        return ""

    def peek(self, size: int) -> bytes:
        """Return its first bytes, unpacked: `size` of a file, fewer of a stream."""
        if self.path is not None and size <= BLOCK:
            if self._beginning is None:
                self._beginning = self._first(BLOCK)
            return self._beginning[:size]
        return self._first(size)

    def _first(self, size: int) -> bytes:
        parts: list[bytes] = []
        if self.path is None:
            unpacked = Unpacked(self, _Replayed(self.head, io.BytesIO()))
            try:
                while block := unpacked.read():
                    parts.append(block)
            except EOFError:
                pass
            return b"".join(parts)
        with self.open() as unpacked:
            try:
                while size > 0 and (block := unpacked.read(min(size, BLOCK))):
                    parts.append(block)
                    size -= len(block)
            except EOFError:
                if not parts:
                    raise
        return b"".join(parts)

    @contextmanager
    def open(self) -> Generator[Unpacked]:
        """Open its bytes, unpacked. Raises UserError for what is no plain file, for a bomb, and for a stream that was read before."""
        if self.path is not None:
            with open_plain(self.path, follow=True) as file:
                yield Unpacked(self, _Plain(file, self.name))
            return
        if self._opened:
            raise UserError(f"{safe_line(self.name, 80)} can be read only once", "Save it to a file first")
        self._opened = True
        yield Unpacked(self, _Replayed(self.head, self.stream))


def _read_up_to(stream: Any, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := stream.read1(size) if hasattr(stream, "read1") else stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Replayed(io.RawIOBase):
    """A stream with the bytes that were looked at put back."""

    size = None

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head, self._stream = head, stream
        self.done = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            part, self._head = (self._head[:size], self._head[size:]) if size >= 0 else (self._head, b"")
        else:
            part = self._stream.read1(size) if hasattr(self._stream, "read1") else self._stream.read(size)
        self.done += len(part)
        return part

    def finish(self) -> None:
        """A stream ends where it ends."""


class _Plain(io.RawIOBase):
    """A plain file up to the size that it had when it was opened."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.size = os.fstat(file.fileno()).st_size
        self.done = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self.size - self.done
        part = self._file.read(left if size < 0 else min(size, left)) if left > 0 else b""
        self.done += len(part)
        return part

    def finish(self) -> None:
        """Raise UserError where the file is not as long as it was."""
        if self.done < self.size or os.fstat(self._file.fileno()).st_size != self.size:
            raise UserError(f"{safe_line(self._name, 80)} changed while it was being read", "Wait until it is complete")


class Unpacked:
    """The bytes of a source, unpacked, a block at a time."""

    def __init__(self, source: Source, raw: _Plain | _Replayed) -> None:
        self._source, self._raw = source, raw
        self._out = 0
        self._packing = source.packing
        self._file: Any = raw
        if self._packing == "gzip":
            self._file = gzip.GzipFile(fileobj=raw)
        elif self._packing == "zstd":
            import pyarrow as pa

            self._file = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")

    def read(self, size: int = BLOCK) -> bytes:
        """Return up to `size` bytes, none at the end. Raises EOFError where packed data is cut off, and UserError."""
        if self._packing == "gzip":
            block = self._file.read1(size)
        else:
            try:
                block = self._file.read(size)
            except OSError as error:
                if self._packing == "zstd" and "Truncated" in str(error):
                    raise EOFError from error
                raise
        if not block:
            self._raw.finish()
        self._out += len(block)
        if self._packing:
            size_of_it = self._raw.size if self._raw.size is not None else self._raw.done
            limits.check_unpacked(self._source.name, self._out, size_of_it)
        return block

    def report(self, progress: Progress | None) -> None:
        if progress:
            progress(f"read {self._source.name}", self._raw.done, self._raw.size)


@contextmanager
def sentences(name: str) -> Generator[None]:
    """Turn what is raised for a file that cannot be read into a UserError."""
    name = safe_line(name, 80)
    try:
        yield
    except gzip.BadGzipFile as error:
        raise UserError(f"{name} is not a complete gzip file: {error}", "Fetch or compress it again") from error
    except zlib.error as error:
        raise UserError(f"{name} contains damaged compressed data: {error}", "Fetch or compress it again") from error
    except EOFError as error:
        raise UserError(f"{name} is cut off: the compressed data ends too early", "Fetch or compress it again") from error
    except OSError as error:
        cause = error.strerror or str(error)
        if "ZSTD" in cause:
            raise UserError(f"{name} contains damaged compressed data: {safe_line(cause, 120)}", "Fetch or compress it again") from error
        raise UserError(f"cannot read {name}: {safe_line(cause, 200)}") from error
    except MemoryError as error:
        raise UserError(f"{name} needs more memory than is available", "Split it into smaller files") from error


_BROKEN = "emotui-broken"


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    """Put what becomes an invalid byte of UTF-8 in the place of bytes that the encoding does not have."""
    return "\udcff", getattr(error, "end", 1)


class Utf8:
    """The bytes of a source in UTF-8 whatever its encoding, without a byte order mark.

    What its encoding does not have stays invalid in UTF-8 too, so that the checks of rows find it.
    """

    def __init__(self, unpacked: Unpacked, encoding: str) -> None:
        self._unpacked = unpacked
        self._first = True
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding != "utf-8":
            codecs.register_error(_BROKEN, _mark_broken)
            self._decoder = codecs.getincrementaldecoder(encoding)(_BROKEN)

    @staticmethod
    def all(raw: bytes, encoding: str) -> bytes:
        """Return the beginning of a file in UTF-8."""
        if encoding != "utf-8":
            codecs.register_error(_BROKEN, _mark_broken)
            raw = codecs.getincrementaldecoder(encoding)(_BROKEN).decode(raw).encode("utf-8", "surrogateescape")
        return raw.removeprefix(b"\xef\xbb\xbf")

    def read(self) -> bytes:
        """Return the next block, none at the end."""
        while True:
            block = self._unpacked.read()
            ended = not block
            if self._decoder is not None:
                block = self._decoder.decode(block, ended).encode("utf-8", "surrogateescape")
            if self._first and block:
                block, self._first = block.removeprefix(b"\xef\xbb\xbf"), False
            if block or ended:
                return block


def line_blocks(source: Source, progress: Progress | None = None, *, returns: bool = False) -> Iterator[bytes]:
    """Yield a file's bytes in UTF-8, each block ending with a line's end but for the last.

    With `returns` a carriage return ends a line, as on the Macintosh before 2001.
    Raises UserError for a line that is too long and for too many empty ones, and EOFError after the last whole line of packed
    data that is cut off.
    """
    limit = limits.longest_line()
    rest: list[bytes] = []
    waiting, number, blank = 0, 1, 0
    with source.open() as unpacked:
        text = Utf8(unpacked, source.encoding)
        while block := text.read():
            block = block.replace(b"\r", b"\n") if returns else block
            end = block.rfind(b"\n") + 1
            if end:
                whole = b"".join(rest) + block[:end]
                blank = 0 if whole.strip() else blank + len(whole)
                if blank > limits.BLANK:
                    what = f"more than {limits.BLANK >> 20} MiB of empty lines follow. Remove them"
                    raise UserError(f"{safe_line(source.name, 80)}, line {number:,}: {what}")
                longest = end if len(whole) <= limit else max(map(len, io.BytesIO(whole)))
                if longest > limit:
                    raise limits.line_too_long(source.name, number, limit)
                yield whole
                number += whole.count(b"\n")
                rest, waiting = [], 0
            rest.append(block[end:])
            waiting += len(block) - end
            if waiting > limit:
                raise limits.line_too_long(source.name, number, limit)
            unpacked.report(progress)
        last = b"".join(rest)
        if last:
            yield last
        unpacked.report(progress)
