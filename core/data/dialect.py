"""Guesses from its content how a delimited file is written: what divides its fields, whether they are quoted, whether it has a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from ..specs import Reading
from . import limits
from .columns import LABEL_NAMES, TEXT_NAMES

DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
ONE_FIELD = "\uffff"
"""Given to csv as the delimiter of a file whose lines are one field each: Unicode keeps it free, so that no text has it."""
_LINES = 2_000
"""Lines on which the delimiter and the header are judged."""
_CHARACTERS = 1 << 20
"""Characters on which they are judged, at most."""
_CELLS = 200_000
"""Cells on which the header is judged."""
_KNOWN = {*TEXT_NAMES, *LABEL_NAMES, "id", "idx", "index", "label_text", "label_name", "text_label"}
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?")
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_CONSISTENT = 0.8
"""Share of rows that must have as many fields as the first for its delimiter to be believed."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    """'' where a line is one field."""
    quotes: bool
    header: bool
    skip: int = 0
    """Lines before the header."""
    quotes_matter: bool = False
    """Whether fields begin with a quote, so that the file would be read otherwise if quotes were taken otherwise."""
    certain: bool = True
    """Whether the first row is plainly a header, or plainly none."""
    spaced: bool = False
    """Whether a space stands between a delimiter and the quote after it, which is then no part of the field."""


def guess(text: str, asked: Reading, *, table: bool) -> Dialect:
    """Return how the beginning of a file, whole lines of it, is written; what is `asked` is not guessed.

    With `table` the file is one of fields by all that is known; without, fields are seen only where every line has as many.
    """
    skip = 0
    delimiter = asked.delimiter
    if match := _SEP_LINE.match(text):
        skip, text = 1, text[match.end() :]
        delimiter = match[1] if delimiter is None else delimiter
    lines = text[:_CHARACTERS].split("\n", _LINES)[:_LINES]
    sample = [line.removesuffix("\r") + "\n" for line in lines if line.strip()]
    if delimiter is None:
        delimiter = _delimiter(sample, table=table)
    quotes = asked.quotes
    matters = bool(re.search(rf'(?:^|\n|{re.escape(delimiter or ONE_FIELD)})"', text))
    if quotes is None:
        quotes = _are_quoted(text, delimiter) if matters else delimiter != "\t"
    spaced = quotes and delimiter != "" and 2 * sum(f'{delimiter} "' in line for line in sample) > len(sample)
    rows = _parse(sample, delimiter, quotes=quotes, spaced=spaced)[0]
    header, certain = (asked.header, True) if asked.header is not None else _has_header(rows)
    return Dialect(delimiter, quotes, header, skip, matters, certain, spaced)


def reader_options(delimiter: str, *, quotes: bool, spaced: bool = False) -> dict:
    """Return the arguments of csv.reader for a dialect."""
    return {
        "delimiter": delimiter or ONE_FIELD,
        "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        "quotechar": '"' if quotes else None,
        "strict": True,
        "skipinitialspace": spaced,
    }


def _parse(lines: Sequence[str], delimiter: str, *, quotes: bool, spaced: bool = False) -> tuple[list[list[str]], int, int]:
    """Return the rows that can be parsed, how many cannot, and how many span several lines."""
    csv.field_size_limit(limits.FIELD)
    reader = csv.reader(lines, **reader_options(delimiter, quotes=quotes, spaced=spaced))
    rows: list[list[str]] = []
    broken = several = 0
    before = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return rows, broken, several
        except csv.Error:
            broken += 1
            before = reader.line_num
            continue
        several += reader.line_num - before > 1
        before = reader.line_num
        if row:
            rows.append(row)


def _delimiter(lines: Sequence[str], *, table: bool) -> str:
    """Return the delimiter by which the lines have the same number of fields, two or more; '' where there is none."""
    best: tuple[tuple[float, float, float], str] | None = None
    for order, delimiter in enumerate(DELIMITERS):
        share, known, labels = 0.0, False, False
        for quotes in (True, False):
            rows, broken, _ = _parse(lines, delimiter, quotes=quotes)
            if not rows or len(rows[0]) < 2:
                continue
            same = sum(len(row) == len(rows[0]) for row in rows) / (len(rows) + broken)
            if same > share:
                share = same
                alike = [row for row in rows if len(row) == len(rows[0])]
                labels = len(rows[0]) <= limits.COLUMNS and any(map(_is_label_column, zip(*alike, strict=True)))
            known = known or any(cell.strip().lower() in _KNOWN for cell in rows[0])
        spaced = sum(line.count(delimiter + " ") for line in lines) / max(1, sum(line.count(delimiter) for line in lines))
        prose = spaced > 0.9 and delimiter != "\t"
        fits = share >= (_CONSISTENT if table else 0.99) and not prose
        if not table:
            fits = fits and (known or labels)
        if delimiter == "," and not table and not _is_known_header(lines[:1]):
            continue  # prose has commas
        if fits or (known and share):
            score = (share + known, -spaced, -order)
            if best is None or score > best[0]:
                best = score, delimiter
    return best[1] if best else ""


def _is_known_header(lines: Sequence[str]) -> bool:
    """Whether a line is nothing but usual names of columns with commas between them."""
    cells = [cell.strip(' "\n').lower() for line in lines for cell in line.split(",")]
    return len(cells) > 1 and all(cell in _KNOWN for cell in cells)


@dataclass(slots=True)
class _Tally:
    """What a parse of many lines comes to."""

    rows: int = 0
    broken: int = 0
    several: int = 0
    """Rows of several lines."""
    inner: int = 0
    """Rows with a quote within a field."""
    widths: Counter[int] = field(default_factory=Counter)
    begin: Counter[int] = field(default_factory=Counter)
    """Rows of which the field at a place begins with a quote, by place."""


def _tally(text: str, delimiter: str, *, quotes: bool) -> _Tally:
    csv.field_size_limit(limits.FIELD)
    reader = csv.reader(io.StringIO(text, newline="\n"), **reader_options(delimiter, quotes=quotes))
    tally = _Tally()
    while True:
        before = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return tally
        except csv.Error:
            tally.broken += 1
            continue
        if not row:
            continue
        tally.rows += 1
        tally.several += reader.line_num - before > 1
        tally.widths[len(row)] += 1
        marked = [at for at, cell in enumerate(row) if '"' in cell]
        tally.inner += bool(marked)
        tally.begin.update(at for at in marked if row[at].startswith('"'))


def _are_quoted(text: str, delimiter: str) -> bool:
    """Return whether the quotes of a file stand around its fields, rather than being characters of its texts."""
    quoted, plain = _tally(text, delimiter, quotes=True), _tally(text, delimiter, quotes=False)
    if not plain.rows:
        return True
    width, same = plain.widths.most_common(1)[0]
    if width == 1 and same == plain.rows:
        return not quoted.broken and not quoted.several
    if same < plain.rows:
        # Without quotes not every line is a row: whichever way leaves fewer of them over is the right one.
        lost = quoted.broken + quoted.rows - max(quoted.widths.values(), default=0)
        return lost < plain.rows - same or (lost == plain.rows - same and delimiter != "\t")
    # Each line is a row already. A quoted field that takes in several lines, or breaks, is none.
    if quoted.several or quoted.broken:
        return False
    if quoted.inner:
        return True  # doubled quotes, which nobody writes in a text
    if any(count >= 0.9 * (plain.rows - 1) for count in plain.begin.values()):
        return True  # a program that puts quotes around every field of a column
    return delimiter != "\t"


def _is_label_column(values: Sequence[str]) -> bool:
    """Few different short values, each of them several times on average; the first, which may be a header, does not count."""
    counted = Counter(value.strip() for value in values[1:] if value.strip())
    total = sum(counted.values())
    return total >= 6 and len(counted) <= max(2, total // 4) and all(len(value) <= 40 for value in counted)


def _has_header(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Return whether the first row names the columns, and whether that is certain."""
    if not rows:
        return True, True
    first = rows[0]
    if len(first) > limits.COLUMNS:
        return True, True
    rest = [row for row in rows[1:] if len(row) == len(first)][: max(20, _CELLS // len(first))]
    if len(first) > 1 and all(cell.strip().lower() in _KNOWN for cell in first if cell.strip()) and any(map(str.strip, first)):
        return True, True
    if not rest:
        known = any(cell.strip().lower() in _KNOWN for cell in first)
        return known or len(first) > 1, known
    votes = sum(_vote(cell.strip(), [row[at].strip() for row in rest], lone=len(first) == 1) for at, cell in enumerate(first))
    if len(first) == 1:
        return votes > 0, votes >= 3
    return votes >= 0, abs(votes) >= 3


def _vote(cell: str, values: list[str], *, lone: bool) -> int:
    """Return how much speaks for `cell` being the name of a column with these values; below 0 where it is one of them."""
    filled = [value for value in values if value]
    if not cell or not filled:
        return 0
    if _is_label_column([cell, *filled]):
        if cell in filled:
            return -4
        if not (_NUMBER.fullmatch(cell) and any(map(_NUMBER.fullmatch, filled))):
            return 3
    if cell.lower() in _KNOWN:
        return 3
    if all(map(_NUMBER.fullmatch, filled)):
        return -2 if _NUMBER.fullmatch(cell) else 3
    words, usual = len(cell.split()), median(len(value.split()) for value in filled)
    if usual < 2:
        return -1 if lone else 0
    if words <= 3 and 2 * words < usual:
        return 1
    return -1 if 3 * words >= usual else 0
