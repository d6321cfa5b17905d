"""The lock of a run: the process that writes its events holds it as long as it lives, and others can see who holds it."""

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
    """Acquire the lock and return its file descriptor, which must stay open; None if another process holds it.

    Closing any descriptor of this file releases the lock. Raises OSError if the file cannot be created, or is not a plain file.
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
    """Return the number of the process that holds the lock (0 if it cannot be seen from here); None if nobody does.

    It acquires no lock itself, so that a viewer is never in the way. Raises UserError if the file cannot be queried.
    """
    try:
        with open_plain(path) as file:
            # Query with a read lock, which is allowed on a descriptor that is open for reading.
            question = (fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0) if sys.platform == "linux" else (0, 0, 0, fcntl.F_RDLCK, os.SEEK_SET)
            answer = struct.unpack(_LAYOUT, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_LAYOUT, *question)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{safe_line(str(path), 160)} cannot be read: {error.strerror or error}") from error
    return None if answer[_TYPE] == fcntl.F_UNLCK else answer[_PID]
