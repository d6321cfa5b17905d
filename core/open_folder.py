"""Works in a folder by its descriptor: others who may write beside it can rename it, but cannot redirect what is done in it."""

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
"""For the folders above it, which are not read."""


def opened(path: Path) -> int:
    """Return the descriptor of a folder, given its absolute path; no part of it may be a link. Raises OSError."""
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
    """Return the descriptor of a new folder `name` in an open one. Raises OSError, and UserError where another stands in its place."""
    os.mkdir(name, mode, dir_fd=folder)
    descriptor = within(folder, name)
    if os.fstat(descriptor).st_uid != os.geteuid() or os.listdir(descriptor):
        os.close(descriptor)
        raise moved(name)
    return descriptor


def path_of(descriptor: int, name: Path) -> Path:
    """Return a path to an open folder that stays valid when the folder is renamed; where the system has none, `name`."""
    path = Path(f"/proc/self/fd/{descriptor}")
    return path if path.is_dir() else name


def check_is(descriptor: int, name: str, folder: int) -> None:
    """Raise UserError unless `name` in an open folder is still what `descriptor` has open."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        raise moved(name) from None
    if not os.path.samestat(os.fstat(descriptor), there):
        raise moved(name)


def moved(name: str) -> UserError:
    remedy = "Choose a folder that only you can write to"
    return UserError(f"another user moved {safe_line(name, 80)} away while it was being written", remedy, exit_code=1)


def empty(descriptor: int) -> None:
    """Remove what is in an open folder, as far as that is possible."""
    for name in os.listdir(descriptor):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                shutil.rmtree(name, ignore_errors=True, dir_fd=descriptor)
            else:
                os.unlink(name, dir_fd=descriptor)


def keeps_names(folder: Path) -> bool:
    """Return whether only the owner of an entry and root can rename it in this folder. Raises OSError."""
    status = folder.stat()
    is_open = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid in (0, os.geteuid()) and not is_open
