"""JSON Lines files in emotui's home that several processes append to and none rewrites."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from . import paths, writing
from .errors import UserError
from .plain_files import kind_of, not_plain


def append(path: Path, entries: Callable[[bool], Sequence[msgspec.Struct]]) -> None:
    """Append what `entries(is_new)` returns to a file, and wait until it is on the disk.

    Several processes may do so at once: they wait for each other, and `entries` is called under the lock. A torn last line is
    ended first, so that it does not spoil the next one. Blocks on the disk, so not for the event loop. Raises UserError where the
    file cannot be written; it is then unchanged.
    """
    paths.make_private(path.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, paths.PRIVATE_FILE)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise not_plain(path, kind_of(status.st_mode))
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # of this open file, so that threads wait for each other, too
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        content = (b"\n" if torn else b"") + b"".join(msgspec.json.encode(each) + b"\n" for each in entries(not size))
        try:
            _write(descriptor, content)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        if not size:
            writing.flush_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {path}: {error.strerror or error}", "Free some space or set EMOTUI_HOME")
