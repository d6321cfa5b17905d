"""Works in a folder by its descriptor: whoever may write around it can take its name away, but cannot lead what is done there elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

from .errors import UserError
from .safe_text import safe_line

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""For the folders on the way, in which nothing is read."""


def opened(path: Path) -> int:
    """Return the descriptor of a folder whose absolute path is free of links, and was when each of its parts was opened. Raises OSError."""
    here = os.open(path.anchor, _FOLDER if len(path.parts) == 1 else _STEP)
    for number, part in enumerate(path.parts[1:], 2):
        try:
            there = within(here, part, _FOLDER if number == len(path.parts) else _STEP)
        finally:
            os.close(here)
        here = there
    return here


def within(folder: int, name: str, flags: int = _FOLDER) -> int:
    """Return the descriptor of the folder `name` in an open folder; a link is not followed. Raises OSError."""
    return os.open(name, flags, dir_fd=folder)


def made(folder: int, name: str, mode: int) -> int:
    """Return the descriptor of a new folder `name` in an open one. Raises OSError, and UserError where another stands there by now."""
    os.mkdir(name, mode, dir_fd=folder)
    descriptor = within(folder, name)
    if os.fstat(descriptor).st_uid != os.geteuid() or os.listdir(descriptor):
        os.close(descriptor)
        raise moved(name)
    return descriptor


def path_of(descriptor: int, name: Path) -> Path:
    """Return a path into an open folder that holds whatever becomes of its name; where the system has none such, its name."""
    path = Path(f"/proc/self/fd/{descriptor}")
    return path if path.is_dir() else name


def check_is(descriptor: int, name: str, folder: int) -> None:
    """Raise UserError unless `name` in an open folder still is what `descriptor` has open."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        raise moved(name) from None
    if not os.path.samestat(os.fstat(descriptor), there):
        raise moved(name)


def moved(name: str) -> UserError:
    remedy = "Choose a folder that only you may write in"
    return UserError(f"somebody else has moved {safe_line(name, 80)} away while it was written. {remedy}", exit_code=1)


def empty(descriptor: int) -> None:
    """Remove what is in an open folder, as far as that is possible."""
    for name in os.listdir(descriptor):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                shutil.rmtree(name, ignore_errors=True, dir_fd=descriptor)
            else:
                os.unlink(name, dir_fd=descriptor)


def keeps_names(folder: Path) -> bool:
    """Whether nobody but its user and root can give another name to what is theirs in a folder. Raises OSError."""
    status = folder.stat()
    is_open = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid in (0, os.geteuid()) and not is_open
