"""The user's tags and pins of runs, in one file of emotui's home, apart from the runs themselves."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .. import home_file, paths
from ..errors import UserError
from ..safe_text import safe_line

LONGEST = 24
"""Characters of a tag."""
MOST = 8
"""Tags of a run."""


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
        raise UserError(f"the tag {safe_line(long, 40)} is longer than {LONGEST} characters", "Shorten it")
    if len(tags) > MOST:
        raise UserError(f"{len(tags)} tags are too many: a run may have at most {MOST}", "Leave some out")
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
    return {run: note for run, value in home_file.read(notes_file()).items() if (note := _note(value)) is not None}


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
    with home_file.locked(notes_file()):
        notes = read()
        before = notes.get(run, NOTHING)
        after = RunNote(before.tags if tags is None else tags, before.pinned if pinned is None else pinned)
        notes[run] = after
        kept = {each: note for each, note in notes.items() if note != NOTHING and (paths.runs_folder() / each).is_dir()}
        home_file.write(notes_file(), msgspec.to_builtins(kept))
    return after
