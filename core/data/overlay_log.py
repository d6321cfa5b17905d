"""The log of decisions about the rows of a data set: a JSON Lines file in emotui's home, appended to and never rewritten."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from .. import json_log, paths
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import Moment

_LARGEST = 1 << 29
"""Bytes of a log that is read: a million decisions."""
_EXCERPT = 120
"""Characters of a text that are kept, to tell a row that is not found any more."""
By = Literal["typed", "accepted"]
Hash = Annotated[str, msgspec.Meta(max_length=64)]


class Decision(msgspec.Struct, frozen=True, tag_field="kind", tag="decision", omit_defaults=True):
    """What was decided about one row: another label, or that it is left out."""

    id: Hash
    row: Hash
    """Of the text, its label in the source, and which of several equal rows it is."""
    text: Hash
    """Of the text alone."""
    split: str
    """The source's split, '' where splits are drawn from all rows."""
    number: int
    """1-based row number in the source file."""
    column: str
    """The column of the labels."""
    old: str
    """The label in the source; '' for a text without one."""
    new: str | None
    """The label that it gets; None where the row is left out."""
    when: Moment
    by: By = "typed"
    """Whether the label was typed, or a suggestion accepted."""
    run: str = ""
    """The run that suggested it, or the name of another way."""
    value: int | None = None
    """The integer that stands for the new label in the source, where there is one."""
    excerpt: str = ""
    """The text's beginning, for people."""


class Undone(msgspec.Struct, frozen=True, tag_field="kind", tag="undone"):
    """A decision was undone."""

    decision: Hash
    when: Moment


class Classes(msgspec.Struct, frozen=True, tag_field="kind", tag="classes"):
    """The classes that rows without a label are given, and where the source has its texts: the last such line stands."""

    labels: tuple[str, ...]
    text_column: str
    label_column: str
    """Of rows that have a label in the source; a column that it lacks where none has."""
    when: Moment


class Head(msgspec.Struct, frozen=True, tag_field="kind", tag="overlay"):
    """The first line: whose log it is."""

    source: str
    files: tuple[tuple[str, str], ...] = ()
    version: int = 1


Entry = Decision | Undone | Classes | Head
_decoder = msgspec.json.Decoder(Entry)


@dataclass(frozen=True, slots=True)
class Log:
    """What a log held when it was read."""

    entries: tuple[Entry, ...] = ()
    lines: int = 0
    """Whole lines, those that are not understood too: the first N lines of a log never change."""
    size: int = 0
    """Bytes of these lines."""
    damaged: int = 0
    """Lines that could not be decoded and were skipped."""
    torn: bool = False
    """Whether a last line without an end was left by a process that was killed; the next one to write ends it."""

    @property
    def live(self) -> list[Decision]:
        """The decisions that were not undone, in order."""
        undone = {entry.decision for entry in self.entries if isinstance(entry, Undone)}
        return [entry for entry in self.entries if isinstance(entry, Decision) and entry.id not in undone]

    @property
    def head(self) -> Head | None:
        return next((entry for entry in self.entries if isinstance(entry, Head)), None)

    @property
    def classes(self) -> Classes | None:
        """What rows without a label are given; None where none of them was to get one."""
        return next((entry for entry in reversed(self.entries) if isinstance(entry, Classes)), None)


def folder() -> Path:
    return paths.home() / "overlays"


def file_of(source: str, files: Sequence[tuple[str, str]] = ()) -> Path:
    """Return where the log of a data set lies: its source, as specs keep it, and the files that are named one by one."""
    digest = hashlib.sha256(msgspec.json.encode([as_text(source), [[split, as_text(file)] for split, file in files]])).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", as_text(source).rstrip("/").rpartition("/")[2]).strip("-.")[:40]
    return folder() / f"{name or 'data'}-{digest[:16]}.jsonl"


def as_text(name: str) -> str:
    """Return a path as text that JSON can hold: file names need not be Unicode."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def text_hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def row_hash(text: str, split: str, label: str, nth: int) -> str:
    """Return what tells a row from all others of its data set: `nth` counts, from 0, rows of equal text and label in the split."""
    fields = f"{split}\0{label}\0{nth}\0{text}"
    return hashlib.blake2b(fields.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def new_id() -> str:
    return secrets.token_hex(8)


def excerpt(text: str) -> str:
    return safe_line(text[: 2 * _EXCERPT], _EXCERPT)


def read(path: Path, *, first: int | None = None, after: Log | None = None) -> Log:
    """Return what a log holds, or its `first` lines; empty where there is none. With `after`, only what came since then is decoded.

    Raises UserError where it cannot be read, and where others may write in its folder.
    """
    if path.parent.is_dir():
        paths.check_private(path.parent)
        paths.check_private(paths.home())  # whoever may write there could put labels of their own into its place
    try:
        content = read_plain(path, _LARGEST)
    except FileNotFoundError:
        return Log()
    except OSError as error:
        remedy = phrase("Repair it, or ignore it with ", Setting("overlay", False))
        raise UserError(f"cannot read {path}: {error.strerror or error}", remedy) from error
    before = after if after is not None and after.size <= len(content) else Log()
    end = content.rfind(b"\n") + 1
    lines = content[before.size : end].split(b"\n")[:-1] if end > before.size else []
    if first is not None:
        lines = lines[: max(0, first - before.lines)]
    entries, damaged = list(before.entries), before.damaged
    for line in lines:
        try:
            entries.append(_decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
    size = before.size + sum(len(line) + 1 for line in lines)
    return Log(tuple(entries), before.lines + len(lines), size, damaged, torn=end < len(content))


def append(path: Path, head: Head, entries: Sequence[Decision | Undone | Classes], after: Log | None = None) -> Log:
    """Add entries to a log, wait until they are on the disk, and return what it then holds.

    Several processes may do so at once: they wait for each other. A torn last line is ended first, so that it does not spoil the next.
    Blocks on the disk, so not for the event loop. Raises UserError where the log cannot be written; it is then unchanged.
    """
    json_log.append(path, lambda is_new: [head, *entries] if is_new else entries)
    return read(path, after=after)
