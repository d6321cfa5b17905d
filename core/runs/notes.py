"""The user's tags and pins of runs, in one file of emotui's home, separate from the runs themselves."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .. import home_file, paths
from ..errors import UserError
from ..safe_text import safe_line

LONGEST = 24
"""Characters of a tag, at most."""
MOST = 8
"""Tags of a run, at most."""


class RunNote(msgspec.Struct, frozen=True):
    """The user's tags and pin of one run."""

    tags: tuple[str, ...] = ()
    pinned: bool = False


NOTHING = RunNote()


def notes_file() -> Path:
    return paths.home() / "run-notes.json"


def parse_tags(line: str) -> tuple[str, ...]:
    """Return the tags in a line of words, without commas and leading #. Raises UserError for too many or too long tags."""
    words = [safe_line(word).lstrip("#") for word in line.replace(",", " ").split()]
    tags = tuple(dict.fromkeys(word for word in words if word))
    if long := next((tag for tag in tags if len(tag) > LONGEST), None):
        raise UserError(f"the tag {safe_line(long, 40)} is longer than {LONGEST} characters", "Shorten it")
    if len(tags) > MOST:
        raise UserError(f"{len(tags)} tags are too many: a run may have at most {MOST}", "Leave some out")
    return tags


class Notes:
    """Reads the notes of all runs, again only if the file has changed. Entries that cannot be decoded are skipped."""

    def __init__(self) -> None:
        self._mark: object = ()
        self._notes: dict[str, RunNote] = {}

    def poll(self) -> bool:
        """Read the file if it has changed since the last call; return whether it has."""
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
        """Return the note of the run with this id, as of the last poll."""
        return self._notes.get(run, NOTHING)


def read() -> dict[str, RunNote]:
    """Return the notes by run id; empty if there is no valid file."""
    return {run: note for run, value in home_file.read(notes_file()).items() if (note := _note(value)) is not None}


def _note(value: object) -> RunNote | None:
    try:
        note = msgspec.convert(value, RunNote)
        return msgspec.structs.replace(note, tags=parse_tags(" ".join(note.tags)))
    except (msgspec.ValidationError, UserError):
        return None


def change(run: str, *, tags: tuple[str, ...] | None = None, pinned: bool | None = None) -> RunNote:
    """Set the tags or the pin of the run with this id, where None means no change, and return its note.

    The file is read again first, so that changes by other processes stay. It writes to the disk, so do not call it on the event loop.
    Raises UserError if it cannot be written.
    """
    with home_file.locked(notes_file()):
        notes = read()
        before = notes.get(run, NOTHING)
        after = RunNote(before.tags if tags is None else tags, before.pinned if pinned is None else pinned)
        notes[run] = after
        kept = {each: note for each, note in notes.items() if note != NOTHING and (paths.runs_folder() / each).is_dir()}
        home_file.write(notes_file(), msgspec.to_builtins(kept))
    return after
