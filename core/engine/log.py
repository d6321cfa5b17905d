"""The engine's log: private, and at most two files of limited size."""

from __future__ import annotations

import os
from pathlib import Path

from .. import paths
from ..errors import UserError

LIMIT = 1 << 20
"""Bytes after which a new file is begun; only the previous one is kept."""


def log_file() -> Path:
    """Return the path of the engine's log, which may not exist."""
    return paths.home() / "logs" / "engine.log"


def open_log() -> int:
    """Return a file descriptor that appends to the log; a full log is replaced by a new one.

    Raises UserError if the folder or the file cannot be written.
    """
    path = log_file()
    paths.make_private(path.parent)
    try:
        if path.exists() and path.stat().st_size > LIMIT:
            path.replace(path.with_name(path.name + ".1"))
        # Links are not followed, so that a planted one cannot make us write elsewhere.
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, paths.PRIVATE_FILE)
    except OSError as error:
        raise UserError(f"cannot write the engine's log {path}: {error.strerror or error}", "Free some space or set EMOTUI_HOME") from error


def point_at_log(*descriptors: int) -> None:
    """Make each of `descriptors`, such as 1 and 2, write to the log. Raises UserError if it cannot be written."""
    log = open_log()
    try:
        for each in descriptors:
            os.dup2(log, each)
    finally:
        os.close(log)


def is_full(descriptor: int) -> bool:
    """Whether the log that `descriptor` writes to has reached its limit."""
    return os.fstat(descriptor).st_size > LIMIT
