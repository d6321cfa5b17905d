"""Reads delimited files: values with commas, tabs, semicolons or bars between them, or one text a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..specs import Reading
from ..units import count
from . import dialect, headers, limits, quoting
from .batches import BYTES, ROWS, SAMPLE, SAMPLE_BYTES, BadRow, Batch, Progress, empty_lines_note, unique_names
from .faults import shown
from .rows import is_unicode
from .streams import Source, Utf8, line_blocks

WINDOW = 1 << 22
"""Bytes from which the dialect of a file is guessed."""
_UNCLOSED = "unexpected end of data"
"""What csv reports of a quoted field that the end of the file cuts off."""
_TOO_LONG = "field larger than field limit"
_NO_QUOTES = Setting("quotes", False)
_RETURN = "new-line character seen in unquoted field"


class Delimited:
    """A delimited file."""

    typed = False
    rows: int | None = None

    _is_table = True

    def __init__(self, source: Source) -> None:
        self.name, self._source, self._asked = source.name, source, source.asked
        text, whole = self._window()
        self._returns = "\r" in text and "\n" not in text
        text = text.replace("\r", "\n") if self._returns else text
        if not whole:
            text = text[: text.rfind("\n") + 1] or text
        if not text.strip():
            raise UserError(f"{safe_line(self.name, 80)} is empty", "Give a file with at least one row")
        self.dialect = dialect.guess(text, source.asked, table=self._is_table)
        self._above = text.partition("\n")[0].strip()
        self._header: list[str] = []
        """As written in the file."""
        self._several = 0
        """Rows that span several lines, once it was read."""
        self._blank = 0
        first, first_rows = self._first_rows(text)
        limits.check_columns(self.name, len(first))
        self.columns: Sequence[str]
        if self.dialect.header:
            self.columns, self.repeated = unique_names([name.strip(" ") for name in first])
        else:
            self.columns, self.repeated = [str(place) for place in range(1, len(first) + 1)], frozenset()
        self.types = dict.fromkeys(self.columns, "string")
        nothing: list[object] = [None] * len(first)
        self._head = dict(zip(self.columns, map(list, zip(*(first_rows or [nothing]), strict=True)), strict=True))

    def head(self) -> dict[str, list[object]]:
        return self._head

    def _window(self) -> tuple[str, bool]:
        """Return the beginning of the file, and whether it is all of it."""
        raw = self._source.peek(WINDOW)
        size = WINDOW if not self._source.is_stream else len(self._source.head)
        text = Utf8.all(raw, self._source.encoding).decode("utf-8", "surrogateescape")
        return text, len(raw) < size or (self._source.is_stream and len(self._source.head) < (1 << 16))

    def _first_rows(self, text: str) -> tuple[list[str], list[list[str]]]:
        """Return the first row, and the first ones that are as long as it."""
        found: list[list[str]] = []
        first: list[str] | None = None
        size = 0
        lines = io.StringIO(text, newline="\n")
        for _ in range(self.dialect.skip):
            next(lines, "")
        reader = self._reader(lines)
        while len(found) < SAMPLE and size < SAMPLE_BYTES:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                if first is None:
                    if self.dialect.header:  # an unclosed quote in it, for example
                        cause = safe_line(str(error), 80)
                        raise UserError(f"{safe_line(self.name, 80)}, line {reader.line_num}: the header is broken ({cause})") from error
                    first = []
                continue
            if not row:
                continue
            if first is None:
                first = headers.named(row, self.dialect.unnamed)
                if self.dialect.header:
                    self._header = row
                    continue
            if len(row) == len(first or ()):
                found.append(row)
                size += sum(map(len, row))
        if first is None:  # nothing but empty lines
            after = f" after its first {count(self._asked.skip, 'line')}" if self._asked.skip else ""
            raise UserError(f"{safe_line(self.name, 80)} is empty{after}", "Give a file with a header and at least one row")
        if self.dialect.header and not all(map(is_unicode, first)):
            raise UserError(
                f"{safe_line(self.name, 80)}, line 1: the header is not valid UTF-8", phrase("Name its encoding with ", Setting("encoding"))
            )
        return first, found

    def blocks(self, progress: Progress | None) -> Iterator[bytes]:
        """Yield the lines of the file, many at a time."""
        return line_blocks(self._source, progress, returns=self._returns)

    def _reader(self, lines: Any) -> Any:
        return quoting.reader(lines, self.dialect.delimiter, self.dialect.quoting)

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        feed = _Feed(self, progress)
        reader = self._reader(iter(feed))
        places = [list(self.columns).index(name) for name in wanted]
        found: list[list[str]] = []
        numbers: list[int] = []
        lines: list[int] = []
        bad: list[BadRow] = []
        number = 0
        self._several = self._blank = 0
        for line, row in self._rows(reader, feed):
            number += 1
            if isinstance(row, str):
                bad.append(BadRow(number, line, row))
            else:
                found.append(row)
                numbers.append(number)
                lines.append(line)
            if len(found) + len(bad) >= ROWS or feed.since_batch >= BYTES:
                feed.since_batch = 0
                yield Batch(_transposed(found, places), numbers, lines, bad)
                found, numbers, lines, bad = [], [], [], []
        if not number:
            raise UserError(f"{safe_line(self.name, 80)} is empty but for its header", "Give a file with at least one row")
        yield Batch(_transposed(found, places), numbers, lines, bad)

    def _rows(self, reader: Any, feed: _Feed) -> Iterator[tuple[int, list[str] | str]]:
        """Yield the line on which each row begins, and the row or what is wrong with it.

        Raises UserError for a quote that is never closed, since it may contain any number of rows.
        """
        columns, lone = len(self.columns), not self.dialect.delimiter
        waiting = self.dialect.header
        number = blank = 0
        try:
            while True:
                begins = reader.line_num + 1 + self.dialect.skip
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    if waiting:
                        waiting = False
                        continue
                    number += 1
                    yield begins, self._fault(error, number, begins)
                    continue
                feed.since_row = 0
                if not row:
                    blank += 1
                    continue
                if waiting:
                    waiting, blank = False, 0
                    continue
                if blank:
                    # In a table of one column an empty line is an empty text, but for those at the end.
                    if lone:
                        for earlier in range(blank):
                            number += 1
                            yield begins - blank + earlier, [""]
                    else:
                        self._blank += blank
                    blank = 0
                number += 1
                self._several += reader.line_num - begins + self.dialect.skip > 0
                if row == self._header and columns > 1:
                    yield begins, "the line repeats the header"
                elif number == 1 and _is_rule(row):
                    yield begins, "the line is a rule below the header, not a row"
                elif len(row) == columns:
                    yield begins, row
                else:
                    what = "the header names" if self.dialect.header else "the first row has"
                    yield begins, f"{len(row):,} field{'s' if len(row) != 1 else ''} where {what} {columns}"
        except EOFError as error:
            raise UserError(
                f"{safe_line(self.name, 80)} is cut off after row {number}: the compressed data ends too early",
                "Fetch or compress it again",
            ) from error

    def _fault(self, error: csv.Error, number: int, line: int) -> str:
        message = str(error)
        if message == _UNCLOSED or message.startswith(_TOO_LONG):
            raise UserError(
                f"{safe_line(self.name, 80)}, row {number} (line {line}): a quote opens here and is never closed, "
                "so that everything after it is one field",
                phrase("Close it, double it if it belongs to the text, or read quotes as characters with ", _NO_QUOTES),
            ) from error
        if message.startswith(_RETURN):
            return "a carriage return within a field that is not quoted"
        return f"broken quoting or an unfinished field ({safe_line(message, 80)})"

    def unusual(self) -> Reading:
        """Return what was guessed of its dialect, where it is not what such a file usually has; all of it is told."""
        found = self.dialect
        usual = "" if not self._is_table else "\t" if ".tsv" in self.name.lower() else ","
        quoted = bool(found.quoting.mark)
        return Reading(
            delimiter=found.delimiter if found.delimiter not in (usual, "") and len(self.columns) > 1 else None,
            header=None if found.header else False,
            quotes=quoted if found.quoting.matters and (quoted == (found.delimiter == "\t") or found.quoting.mark == "'") else None,
            skip=found.titles or None,
        )

    def notes(self) -> list[Words]:
        """Return what was guessed of its dialect, and which rows span several lines."""
        name, asked, guessed = safe_line(self.name, 80), self._asked, self.unusual()
        notes: list[Words] = []
        if self.dialect.titles:
            notes.append(self._titles())
        if asked.delimiter is None and self.dialect.skip and asked.skip is None and not self.dialect.titles:
            notes.append(f"{name} begins with a line sep={safe_line(self.dialect.delimiter)}, which is not a row")
        elif asked.delimiter is None and guessed.delimiter is not None:
            kind = dialect.DELIMITERS[guessed.delimiter]
            notes.append(phrase(f"{name} has {kind} between its fields (", Setting("delimiter"), " chooses another)"))
        if asked.quotes is None and guessed.quotes is not None:
            kind = "single quotes" if self.dialect.quoting.mark == "'" else "quotes"
            notes.append(
                phrase(f"{kind} enclose the fields of {name} (", _NO_QUOTES, " makes them part of the texts)")
                if guessed.quotes
                else phrase(f"quotes in {name} are part of its texts (", Setting("quotes", True), " reads them as enclosing fields)")
            )
        if self.dialect.quoting.escaped:
            notes.append(phrase(f"a backslash before a quote in {name} is read as an escape (", _NO_QUOTES, " keeps it)"))
        if self.dialect.unnamed is not None:
            place = "first" if self.dialect.unnamed == 0 else "last"
            notes.append(f"the header of {name} has one name too few: the {place} column is called '{self.columns[self.dialect.unnamed]}'")
        if asked.header is None and guessed.header is False and (self._is_table or len(self.columns) > 1):
            called = f"its columns are called 1 to {len(self.columns)}" if len(self.columns) > 1 else "its only column is called 1"
            header = Setting("header", True)
            notes.append(phrase(f"{name} has no header: its first line is a row, and {called} (", header, " reads it as a header)"))
        elif asked.header is None and self.dialect.header and not self.dialect.certain:
            notes.append(phrase(f"using the first line of {name} as its header (", Setting("header", False), " makes it a row)"))
        if self._several:
            notes.append(f"{self._several:,} row{'s' if self._several > 1 else ''} of {name} span several lines within quotes")
        return [*notes, *empty_lines_note(self.name, self._blank)]

    def _titles(self) -> Words:
        """Return the sentence about the lines above the table."""
        number = self.dialect.titles
        which = "the first line" if number == 1 else f"the first {number} lines"
        what = "its header" if self.dialect.header else "its first row"
        skipped = f"skipped {which} of {safe_line(self.name, 80)}, above {what}: {shown(self._above)}"
        return phrase(f"{skipped} (", Setting("skip", 0), " reads them)")


class TextLines(Delimited):
    """A file of one text a line, unless every line has as many fields."""

    _is_table = False


class _Feed:
    """Feeds decoded lines to csv, and counts what it has consumed since the last row and since the last batch."""

    def __init__(self, table: Delimited, progress: Progress | None) -> None:
        self._table, self._progress = table, progress
        self.since_row = self.since_batch = 0

    def __iter__(self) -> Iterator[str]:
        table = self._table
        longest = limits.longest_line()
        delimiter = (table.dialect.delimiter or quoting.ONE_FIELD).encode()
        skip, delimiters = table.dialect.skip, 0
        blocks = table.blocks(self._progress)
        for block in blocks:
            if self.since_row == 0:
                delimiters = 0
            self.since_row += len(block)
            self.since_batch += len(block)
            if self.since_row > 2 * BYTES:
                delimiters += block.count(delimiter)
            if delimiters > limits.VALUES or self.since_row > longest + BYTES:
                raise UserError(
                    f"{safe_line(table.name, 80)} has a row of more than {longest >> 20} MiB or {limits.VALUES:,} fields: "
                    "a quote is probably not closed",
                    phrase("Close it, or read quotes as characters with ", _NO_QUOTES),
                )
            lines = io.StringIO(block.decode("utf-8", "surrogateescape"), newline="\n")
            while skip and next(lines, ""):
                skip -= 1
            yield from lines


def _is_rule(row: Sequence[str]) -> bool:
    """Return whether a row is a line of dashes, as in tables of Markdown and of databases."""
    return len(row) > 1 and any(row) and all(re.fullmatch(r"\s*(:?-{2,}[-+]*:?)?\s*", cell) for cell in row)


def _transposed(rows: list[list[str]], places: list[int]) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in places]
