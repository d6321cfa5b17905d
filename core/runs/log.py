"""events.jsonl: one writer appends complete lines, any number of readers follow; an incomplete last line is read later."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..paths import PRIVATE_FILE
from ..plain_files import open_plain

if TYPE_CHECKING:
    from ..events import Line

CHUNK = 1 << 22
"""Bytes read at once."""
LONGEST = 1 << 24
"""Bytes of a line; longer ones are skipped."""
LARGEST = 1 << 28
"""Bytes of a file that are read; the steps in more of them would not fit into memory."""


class Writer:
    """Adds number and time to events and appends them. Lines that cannot be written are kept in memory and written later.

    There may be only one writer per file: the process that holds the run's lock.
    """

    def __init__(self, path: Path, *, seq: int, clock: Callable[[], float]) -> None:
        """Continue after line `seq` of a file that need not exist; `clock` returns seconds since the epoch."""
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
        """Write the waiting lines; return whether all are written."""
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
        """Wait until everything written is on the disk."""
        if self._descriptor is not None:
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self.problem = error

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, PRIVATE_FILE)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is not a regular file", str(self._path))
        self._descriptor = descriptor
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            self._pending[:0] = b"\n"  # the previous writer was killed within a line


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that the disk or the user's quota is full, or that a file may not grow (ulimit -f)."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def cannot_write(folder: Path, size: int = 1 << 12) -> bool:
    """Whether `size` bytes cannot be written to a folder; only trying reveals a quota. Nothing is left there."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            return file.write(bytes(size)) < size
    except OSError as error:
        return is_disk_full(error)


def is_temporary(error: OSError) -> bool:
    """Whether a failed write may succeed later; a limit on file size lasts as long as the process."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EINTR, errno.EAGAIN, errno.EMFILE, errno.ENFILE)


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the complete lines of a file as decoded objects, without invalid ones; standard library only.

    Raises OSError and UserError if there is a file that cannot be read.
    """
    try:
        file = open_plain(path)
    except FileNotFoundError:
        return
    with file:
        for line in _bounded(file):
            try:
                value = json.loads(line, parse_constant=_refuse, parse_float=_finite)
            except (ValueError, RecursionError):
                continue
            match value:
                case {"attempt": int(attempt), "seq": int(seq), "event": {"kind": str()}}:
                    sent = value.get("sent", 0)
                    if isinstance(sent, int) and all(0 <= number < _MOST for number in (attempt, seq, sent)):
                        yield value
                case _:
                    pass


_MOST = 2**53


def _bounded(file: BinaryIO) -> Iterator[bytes]:
    """Yield the complete lines of a file that are not too long."""
    while line := file.readline(LONGEST):
        if line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(CHUNK)


def _refuse(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


class Reader:
    """Follows a file of events from its beginning."""

    def __init__(self, path: Path, labels: tuple[str, ...] = ()) -> None:
        """Prepare to read a file, which need not exist yet, of a run with these labels; () if they are unknown."""
        import msgspec

        from ..events import Line

        self._path = path
        self._given = labels
        self._decoder = msgspec.json.Decoder(Line)
        self._error = msgspec.MsgspecError
        self._file: tuple[int, int] | None = None
        self.began_anew = False
        """Whether the last `read` found a different or a shorter file, and started over."""
        self._begin()

    def _begin(self) -> None:
        self._offset = 0
        self._labels = self._given
        self._is_cut = self._is_within = False
        """Whether the file is longer than LARGEST; whether the next line is the end of one that was too long."""
        self._left_out = self._unknown = 0
        self._why = ""

    @property
    def fault(self) -> str:
        """A sentence on what was skipped; '' for nothing."""
        from . import records

        sentences = [records.describe_skipped(self._left_out, self._unknown, self._why)]
        if self._is_cut:
            sentences.append(f"events.jsonl is longer than {LARGEST >> 20} MiB, of which no more are read")
        return "; ".join(filter(None, sentences))

    def read(self) -> list[Line]:
        """Return the lines completed since the last call, in the order of the file.

        Lines that are damaged, contradict the run or are of an unknown type are skipped; `fault` reports them.
        Raises OSError if an existing file cannot be read, and UserError if it is not a plain file.
        """
        self.began_anew = False
        lines: list[Line] = []
        try:
            file = open_plain(self._path)
        except FileNotFoundError:
            return lines
        with file:
            status = os.fstat(file.fileno())
            here = (status.st_dev, status.st_ino)
            if self._file not in (None, here) or status.st_size < self._offset:
                self._begin()
                self.began_anew = True
            self._file = here
            end = min(status.st_size, LARGEST)
            while self._offset < end and (chunk := self._next(file, end)) is not None:
                lines += self._decode(chunk)
            self._is_cut = end < status.st_size
        return lines

    def _next(self, file: BinaryIO, end: int) -> bytes | None:
        """Return the next complete lines, b'' after skipping part of a line that is too long; None if there are no more."""
        file.seek(self._offset)
        chunk = bytearray()
        while self._offset + len(chunk) < end:
            more = file.read(min(CHUNK, end - self._offset - len(chunk)))
            if not more:
                return None
            last = more.rfind(b"\n") + 1
            chunk += more[:last] if last else more
            if last or len(chunk) > LONGEST:
                self._offset += len(chunk)
                return self._of_length(bytes(chunk)) if last else self._pass_over()
        return None

    def _of_length(self, chunk: bytes) -> bytes:
        if self._is_within:
            self._is_within = False
            return chunk[chunk.index(b"\n") + 1 :]
        return chunk

    def _pass_over(self) -> bytes:
        if not self._is_within:
            self._is_within = True
            self._leave_out(f"it is longer than {LONGEST >> 20} MiB")
        return b""

    def _leave_out(self, why: str) -> None:
        self._left_out += 1
        self._why = self._why or why

    def _decode(self, chunk: bytes) -> list[Line]:
        try:
            lines = self._decoder.decode_lines(chunk)
        except (self._error, ValueError, RecursionError):
            lines = list(self._decode_each(chunk))
        return [line for line in lines if self._is_sound(line)]

    def _is_sound(self, line: Line) -> bool:
        from ..events import Started
        from . import records

        if fault := records.event_fault(line.event, self._labels):
            self._leave_out(fault)
            return False
        if isinstance(line.event, Started):
            self._labels = line.event.labels
        return True

    def _decode_each(self, chunk: bytes) -> Iterator[Line]:
        from . import records

        for line in chunk.split(b"\n"):
            if line:
                try:
                    yield self._decoder.decode(line)
                except (self._error, ValueError, RecursionError) as error:
                    if records.newer(error):
                        self._unknown += 1
                    else:
                        self._leave_out(records.why(error))
