"""Opens files that others may have placed: only regular ones, without blocking, and through links only where asked."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import cache
from io import BufferedReader
from pathlib import Path

from .errors import UserError
from .safe_text import safe_line

_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_plain(path: Path, *, follow: bool = False) -> BufferedReader:
    """Return `path` opened for reading in binary. A named pipe, a device or a socket is refused without waiting for it.

    With `follow` the path itself may be a symbolic link, for a file that the user names; files inside a run, a
    checkpoint or a download are opened without. Raises OSError where there is no such file or it cannot be read
    (FileNotFoundError among them), and UserError that says what is there where it is no plain file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise not_plain(path, "a symbolic link") from error
        if error.errno == errno.ENXIO:  # a socket
            raise not_plain(path, "a socket") from error
        raise
    except ValueError as error:  # a NUL in the name
        raise UserError(f"{safe_line(str(path), 120)} is not a file name") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise not_plain(path, kind_of(status.st_mode))
    if status.st_dev in _kernel():
        os.close(descriptor)
        raise not_plain(path, "a file that the kernel generates")
    return os.fdopen(descriptor, "rb")


@cache
def _kernel() -> frozenset[int]:
    """Return the devices of the kernel's file systems, such as /proc, whose files may block or never end."""
    found: set[int] = set()
    for place in ("/proc", "/sys"):
        with contextlib.suppress(OSError):
            found.add(os.stat(place).st_dev)
    return frozenset(found - {os.stat("/").st_dev})


def read_plain(path: Path, limit: int, *, follow: bool = False) -> bytes:
    """Return the content of a plain file of at most `limit` bytes.

    Raises what open_plain raises, and UserError where the file is larger, whatever size it says it has.
    """
    with open_plain(path, follow=follow) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UserError(f"{safe_line(str(path), 120)} is larger than {limit:,} bytes, more than such a file needs")
    return content


def kind_of(mode: int) -> str:
    """Return in words what kind of file a mode describes."""
    return next((words for fits, words in _KINDS if fits(mode)), "something else")


def not_plain(path: Path, what: str) -> UserError:
    return UserError(f"{safe_line(str(path), 120)} is {what}, not a regular file")
