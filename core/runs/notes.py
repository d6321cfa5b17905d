"""What the user notes of runs: tags, and pins that keep a run on top; in one file of the home, apart from the facts of the runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .. import paths, writing
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line

LONGEST = 24
"""Characters of a tag."""
MOST = 8
"""Tags of a run."""
_LARGEST = 4 << 20
"""Bytes of a file that is read; a larger one is none of ours."""
_writing = threading.Lock()


class RunNote(msgspec.Struct, frozen=True):
    """What the user noted of one run."""

    tags: tuple[str, ...] = ()
    pinned: bool = False


NOTHING = RunNote()


def notes_file() -> Path:
    return paths.home() / "run-notes.json"


def parse_tags(line: str) -> tuple[str, ...]:
    """Return the tags of a line of words; commas and a leading # are left away. Raises UserError for too many or too long ones."""
    words = [safe_line(word).lstrip("#") for word in line.replace(",", " ").split()]
    tags = tuple(dict.fromkeys(word for word in words if word))
    if long := next((tag for tag in tags if len(tag) > LONGEST), None):
        raise UserError(f"the tag {safe_line(long, 40)} is longer than {LONGEST} characters. Shorten it")
    if len(tags) > MOST:
        raise UserError(f"these are {len(tags)} tags, and a run has at most {MOST}. Leave some out")
    return tags


class Notes:
    """Reads the notes of every run, anew only where the file changed. What in it is not understood is passed over."""

    def __init__(self) -> None:
        self._mark: object = ()
        self._notes: dict[str, RunNote] = {}

    def poll(self) -> bool:
        """Read the file if it changed since the last call; return whether it did."""
        try:
            status = notes_file().stat()
            mark = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            mark = None
        if mark == self._mark:
            return False
        self._mark, self._notes = mark, read()
        return True

    def of(self, run: str) -> RunNote:
        """Return what was noted of the run with this id at the last poll."""
        return self._notes.get(run, NOTHING)


def read() -> dict[str, RunNote]:
    """Return the notes by run id; nothing where there is no file, or one that is none of ours."""
    return {run: note for run, value in _raw().items() if (note := _note(value)) is not None}


def _raw() -> dict[str, Any]:
    try:
        found = msgspec.json.decode(read_plain(notes_file(), _LARGEST, follow=True))
    except (OSError, ValueError, RecursionError, UserError):  # msgspec's errors are ValueErrors
        return {}
    return found if isinstance(found, dict) else {}


def _note(value: object) -> RunNote | None:
    try:
        note = msgspec.convert(value, RunNote)
        return msgspec.structs.replace(note, tags=parse_tags(" ".join(note.tags)))
    except (msgspec.ValidationError, UserError):
        return None


def change(run: str, *, tags: tuple[str, ...] | None = None, pinned: bool | None = None) -> RunNote:
    """Write the tags or the pin of the run with this id, None leaving it as it is, and return its note.

    The file is read first, so that what other applications wrote before stays. It writes to the disk: not for the event loop.
    Raises UserError where it cannot be written.
    """
    with _writing, _locked():
        notes = read()
        before = notes.get(run, NOTHING)
        after = RunNote(before.tags if tags is None else tags, before.pinned if pinned is None else pinned)
        notes[run] = after
        kept = {each: note for each, note in notes.items() if note != NOTHING and (paths.runs_folder() / each).is_dir()}
        try:
            writing.write_private(notes_file(), msgspec.json.format(msgspec.json.encode(kept), indent=1))
        except OSError as error:
            raise _unwritable(error) from error
    return after


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Keep other processes from changing the notes meanwhile."""
    paths.make_private(paths.home())
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(notes_file().with_suffix(".lock"), flags, paths.PRIVATE_FILE)
    except OSError as error:
        raise _unwritable(error) from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        os.close(descriptor)


def _unwritable(error: OSError) -> UserError:
    return UserError(f"cannot write {notes_file()}: {error.strerror or error}. Free some space or set EMOTUI_HOME")
