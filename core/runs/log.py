"""events.jsonl: one writer appends whole lines, any number of readers follow; a torn last line is left for later."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..paths import PRIVATE_FILE

if TYPE_CHECKING:
    from ..events import Line

CHUNK = 1 << 22
"""Bytes read at once."""


class Writer:
    """Stamps events and appends them. What the disk does not take is kept in memory and written later.

    There may be only one for a file at any time: its owner holds the run's lock.
    """

    def __init__(self, path: Path, *, seq: int, clock: Callable[[], float]) -> None:
        """Go on after line `seq` of a file that need not exist; `clock` gives seconds since the epoch."""
        self._path = path
        self._clock = clock
        self._seq = seq
        self._descriptor: int | None = None
        self._pending = bytearray()
        self.problem: OSError | None = None
        """Why lines are waiting in memory; None while all are written."""

    def add(self, event: bytes, *, attempt: int, sent: int = 0) -> None:
        """Append `event`, a JSON object without newlines; `sent` is the worker's own count of it."""
        self._seq += 1
        head = f'{{"attempt":{attempt},"seq":{self._seq},"time":{self._clock():.6f},"sent":{sent},"event":'
        self._pending += head.encode() + event + b"}\n"
        self.flush()

    def flush(self) -> bool:
        """Write what waits; return whether all is written."""
        try:
            if self._descriptor is None:
                self._open()
            while self._pending:
                del self._pending[: os.write(self._descriptor, self._pending)]  # type: ignore[arg-type]
        except OSError as error:
            self.problem = error
            return False
        self.problem = None
        return True

    def sync(self) -> None:
        """Wait until what is written is on the disk."""
        if self._descriptor is not None:
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self.problem = error

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, PRIVATE_FILE)
        end = os.fstat(self._descriptor).st_size
        if end and os.pread(self._descriptor, 1, end - 1) != b"\n":
            self._pending[:0] = b"\n"  # the writer before us was killed within a line


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or the user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def past(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a file as they were written, those that are none of ours left out; standard library only."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError:
        return
    with file:
        for line in file:
            try:
                value = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                continue
            match value:
                case {"attempt": int(), "seq": int(), "event": {"kind": str()}}:
                    yield value


class Reader:
    """Follows a file of events from its beginning."""

    def __init__(self, path: Path) -> None:
        """Prepare to read a file, which need not exist yet."""
        import msgspec

        from ..events import Line

        self._path = path
        self._decoder = msgspec.json.Decoder(Line)
        self._error = msgspec.MsgspecError
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self.began_anew = False
        """Whether the last `read` found another file than before, or a shorter one, and started over."""

    def read(self) -> list[Line]:
        """Return the lines that were completed since the last call, in the order of the file.

        Damaged lines and those of an unknown kind are skipped. Raises OSError where the file is there and cannot be read.
        """
        self.began_anew = False
        lines: list[Line] = []
        try:
            file = open(self._path, "rb", buffering=0)  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return lines
        with file:
            status = os.fstat(file.fileno())
            here = (status.st_dev, status.st_ino)
            if self._file not in (None, here) or status.st_size < self._offset:
                self._offset, self.began_anew = 0, True
            self._file = here
            while self._offset < status.st_size:
                file.seek(self._offset)
                chunk = self._whole_lines(file.read, status.st_size)
                if not chunk:
                    break
                self._offset += len(chunk)
                lines += self._decode(chunk)
        return lines

    def _whole_lines(self, read: Callable[[int], bytes | None], end: int) -> bytes:
        chunk = b""
        while self._offset + len(chunk) < end:
            more = read(CHUNK)
            if not more:
                break
            chunk += more
            if b"\n" in more:
                break
        return chunk[: chunk.rfind(b"\n") + 1]

    def _decode(self, chunk: bytes) -> list[Line]:
        try:
            return self._decoder.decode_lines(chunk)
        except (self._error, UnicodeDecodeError):
            return list(self._decode_each(chunk))

    def _decode_each(self, chunk: bytes) -> Iterator[Line]:
        for line in chunk.split(b"\n"):
            if line:
                try:
                    yield self._decoder.decode(line)
                except (self._error, UnicodeDecodeError):
                    continue
