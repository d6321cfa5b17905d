"""Opens a data file by its content and reads its columns, for every command and the application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Words
from ..specs import Reading
from . import encodings, formats
from .batches import MISSING, Progress, TableFile
from .class_folders import ClassFolder
from .columns import ANSWER, REFUSED, is_verdict
from .delimited import Delimited
from .faults import Faults
from .rows import Rows, Sample
from .streams import Source, sentences

ENDINGS = formats.ENDINGS
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a]")


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """An opened data file, and what was guessed about it."""

    table: TableFile
    format: formats.Format
    encoding: str
    guessed: tuple[Words, ...]
    """Sentences about its format and its encoding."""

    @property
    def reading(self) -> Reading | None:
        """What was guessed otherwise than is usual, and told; None where nothing is guessed of such files."""
        if not self.format.text or isinstance(self.table, ClassFolder):
            return None
        dialect = self.table.unusual() if isinstance(self.table, Delimited) else Reading()
        encoding = None if self.encoding in ("utf-8", "utf-16", "utf-32") else self.encoding
        return msgspec.structs.replace(dialect, encoding=encoding)

    def notes(self) -> list[Words]:
        return [*self.guessed, *self.table.notes()]


def open_file(place: Path | BinaryIO, asked: Reading | None = None, *, name: str = "") -> OpenedFile:
    """Return a file, or a stream such as stdin, of any format.

    A stream is called `name` in messages and can be read only once. Raises UserError where the file is no plain one, is in no
    format that is read, or is empty.
    """
    asked = asked or Reading()
    if isinstance(place, Path) and place.is_dir():
        with sentences(place.name):
            return OpenedFile(ClassFolder(place, asked), formats.TEXT, "utf-8", ())
    shown = safe_line(name or (place.name if isinstance(place, Path) else "stdin"), 80)
    with sentences(shown):
        source = Source.of(place, name)
        source.asked = asked
        known = formats.by_suffix(source.name)
        found = formats.by_magic(source.head)
        if found is None and known is not None and not known.text:
            if not source.head:
                raise UserError(f"{shown} is empty", "Give a file with at least one row")
            # Its own reader says what is wrong with it.
            return OpenedFile(known.open(source), known, "", ())
        if found is not None:
            return OpenedFile(found.open(source), found, "", _format_note(shown, known, found))
        packing = source.packing
        if not packing and source.name.lower().endswith(formats.PACKED) and source.head:
            raise UserError(f"{shown} ends in .gz or .zst but is neither a gzip nor a zstd file", "Compress it again, or rename it")
        source.encoding, note = encodings.find(source, asked.encoding)
        found = _text_format(source, known)
        table = found.open(source)
        return OpenedFile(table, found, source.encoding, (*([note] if note else []), *_format_note(shown, known, found)))


def _format_note(name: str, known: formats.Format | None, found: formats.Format) -> tuple[str, ...]:
    if known is found or {known, found} <= {formats.CSV, formats.TSV} or (known is formats.JSON and found is formats.JSON_LINES):
        return ()
    return (f"{name} contains {found.name}",)


def _text_format(source: Source, known: formats.Format | None) -> formats.Format:
    """Return the format of a file of text by its first lines; its name decides only where they fit several."""
    from .streams import Utf8

    head = Utf8.all(source.peek(1 << 20), source.encoding).lstrip()
    if known is None and (not head or _BINARY.search(head)):
        endings = ", ".join(formats.SUFFIXES)
        raise UserError(f"{safe_line(source.name, 80)} is in an unknown format", f"Convert it to one of {endings}")
    if source.asked.delimiter is None and head[:1] in (b"{", b"["):
        first, _, rest = head.partition(b"\n")
        if head[:1] == b"{" and _is_object(first) and (not rest.strip() or rest.lstrip()[:1] == b"{"):
            return formats.JSON_LINES if rest.strip() or not _holds_rows(first) else formats.JSON
        if known is formats.JSON_LINES:
            return formats.JSON_LINES
        if known is formats.JSON or _looks_like_json(head):
            return formats.JSON
    if known is formats.JSON_LINES or (known is formats.JSON and head):
        return formats.JSON_LINES
    if (found := formats.by_opening(head)) is not None:
        return found
    if (known is None or known in (formats.FASTTEXT, formats.TEXT)) and _END_LABEL.match(head):
        return formats.FASTTEXT
    return known or formats.CSV


_END_LABEL = re.compile(rb"(?:[^\n]*[^\s] __label__\S+[ \r]*\n){2}")
"""Two lines that end with a label."""


def _is_object(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        return True
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        try:
            return isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            return False


def _holds_rows(line: bytes) -> bool:
    """Return whether an object has a list of objects in it, or nothing but containers, so that it is a document rather than a row."""
    try:
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    begin = [bytes(value)[:1_000].split() for value in fields.values()]
    first = [b"".join(each)[:2] for each in begin]
    return b"[{" in first or (bool(first) and all(each[:1] in (b"{", b"[") for each in first))


def _looks_like_json(head: bytes) -> bool:
    """Return whether what begins with a bracket goes on as JSON: a csv file's header could begin so as well."""
    rest = head[1:].lstrip()
    return rest[:1] in ((b'"', b"}") if head[:1] == b"{" else (b"{", b"]", b"["))


def sample(opened: OpenedFile) -> Sample:
    """Return the columns of a file and its first rows. Raises UserError where it cannot be read or has no rows."""
    with sentences(opened.table.name):
        return Sample(opened.table.head(), opened.table.types, opened.table.repeated, opened.table.typed)


def read(opened: OpenedFile, text_column: str, label_column: str, faults: Faults, progress: Progress | None = None) -> Rows:
    """Return the sound rows of a file; the others go to `faults`, which may raise UserError for the first.

    Rows that Prodigy's column answer does not accept are left out and counted.
    """
    table = opened.table
    is_answered = ANSWER in table.columns and ANSWER not in (text_column, label_column) and is_verdict(ANSWER, table.head()[ANSWER])
    wanted = (text_column, label_column, *([ANSWER] if is_answered else []))
    rows = Rows(table.name, (text_column, label_column), typed=table.typed, faults=faults)
    with sentences(table.name):
        for batch in table.batches(wanted, progress):
            for row in batch.bad:
                faults.bad(table.name, place(row.number, row.line), row.fault)
            parts = [batch.columns[0], batch.columns[1], batch.numbers, batch.lines]
            if is_answered:
                rows.refused.update(answer for answer in batch.columns[2] if answer in REFUSED)
                kept = [at for at, answer in enumerate(batch.columns[2]) if answer not in REFUSED]
                parts = [[part[at] for at in kept] if part else part for part in parts]
            rows.add(*parts)
    return rows


def place(number: int, line: int) -> str:
    """Return where a row is, for messages: 'row 3', and its line (0: none) where that is another number."""
    return f"row {number}" + (f" (line {line})" if line and line != number else "")


def every_column(opened: OpenedFile) -> Sequence[str]:
    """Return the names of all columns; a file whose rows name their columns themselves is read to its end for them."""
    find = getattr(opened.table, "every_column", None)
    if find is None:
        return opened.table.columns
    with sentences(opened.table.name):
        return find()


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a file: its values, or what is wrong with it."""

    number: int
    """1-based."""
    line: int
    """On which it begins; 0 where that is its number, or there are no lines."""
    values: tuple[Any, ...]
    """One for each column asked for; MISSING where the row lacks it; none where there is a fault."""
    fault: str = ""
    """What is wrong, as a part of a sentence."""

    @property
    def place(self) -> str:
        return place(self.number, self.line)


def rows(opened: OpenedFile, wanted: Sequence[str] | None = None, progress: Progress | None = None) -> Iterator[FileRow]:
    """Yield every row of a file in order, those that cannot be read too, with the columns `wanted` (all by default).

    A few megabytes are in memory at once. Raises UserError where reading cannot go on: what came before it was right.
    """
    table = opened.table
    nothing = ()
    with sentences(table.name):
        for batch in table.batches(table.columns if wanted is None else wanted, progress):
            lines = batch.lines or [0] * len(batch.numbers)
            values_of = zip(*batch.columns, strict=True) if batch.columns else [()] * len(batch.numbers)
            sound = zip(batch.numbers, lines, values_of, strict=True)
            if not batch.bad:
                for number, line, values in sound:
                    yield FileRow(number, line, values)
                continue
            found = [FileRow(number, line, values) for number, line, values in sound]
            found += [FileRow(row.number, row.line, nothing, row.fault) for row in batch.bad]
            yield from sorted(found, key=lambda row: row.number)


__all__ = ["ENDINGS", "MISSING", "FileRow", "OpenedFile", "every_column", "open_file", "read", "rows", "sample"]
