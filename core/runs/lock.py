"""The lock of a run: held by the process that writes its events for as long as it lives, and visible to all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import sys
from pathlib import Path

from ..errors import UserError
from ..paths import PRIVATE_FILE
from ..plain_files import open_plain
from ..safe_text import safe_line

# struct flock of the C library; lockf (and not flock) is used because a killed holder's children do not keep it.
_LAYOUT, _TYPE, _PID = ("@hhqqi4x", 0, 4) if sys.platform == "linux" else ("@qqihh", 3, 2)


def hold(path: Path) -> int | None:
    """Take the lock and return its file descriptor, to be kept open; None where another process holds it.

    To close any descriptor of this file gives the lock up. Raises OSError where the file cannot be made, or is no plain one.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, PRIVATE_FILE)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def holder(path: Path) -> int | None:
    """Return the process that holds the lock (0: one that cannot be seen from here), None where nobody does.

    It takes no lock itself, so that a viewer never stands in the way. Raises UserError where what lies there cannot be asked.
    """
    try:
        with open_plain(path) as file:
            # Asked with a read lock, which a descriptor that is open for reading may ask for.
            question = (fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0) if sys.platform == "linux" else (0, 0, 0, fcntl.F_RDLCK, os.SEEK_SET)
            answer = struct.unpack(_LAYOUT, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_LAYOUT, *question)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{safe_line(str(path), 160)} cannot be read: {error.strerror or error}") from error
    return None if answer[_TYPE] == fcntl.F_UNLCK else answer[_PID]
