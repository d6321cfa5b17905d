"""A small JSON file in emotui's home that several processes read and change: under a lock, and always replaced whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from . import paths, writing
from .errors import UserError
from .json_kinds import is_object
from .plain_files import read_plain

_LARGEST = 4 << 20
"""The largest file that is read, in bytes; emotui writes none larger."""
_writing = threading.Lock()


def read(file: Path) -> dict[str, Any]:
    """Return the object in a file; an empty one where the file is missing or not emotui's."""
    try:
        found = msgspec.json.decode(read_plain(file, _LARGEST, follow=True))
    except (OSError, ValueError, RecursionError, UserError):  # msgspec's errors are ValueErrors
        return {}
    return found if is_object(found) else {}


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a file in emotui's home. Raises UserError where it cannot be written."""
    try:
        writing.write_private(file, msgspec.json.format(msgspec.json.encode(content), indent=1))
    except OSError as error:
        raise _unwritable(file, error) from error


@contextlib.contextmanager
def locked(file: Path) -> Generator[None]:
    """Hold the lock of a file in emotui's home against other threads and processes. Raises UserError where it cannot be locked."""
    with _writing:
        paths.make_private(paths.home())
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(file.with_suffix(".lock"), flags, paths.PRIVATE_FILE)
        except OSError as error:
            raise _unwritable(file, error) from error
        try:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                raise _unwritable(file, error) from error
            yield
        finally:
            os.close(descriptor)


def _unwritable(file: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {file}: {error.strerror or error}", "Free some space or set EMOTUI_HOME")
