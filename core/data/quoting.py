"""Guesses from the content whether quotes enclose the fields of a delimited file, and how quotes within fields are written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import limits

ONE_FIELD = "\uffff"
"""Given to csv as the delimiter of a file whose lines are one field each: Unicode keeps it free, so that no text has it."""
_PROGRAM = 0.9
"""Share of rows that have quotes around the field of a column, from which on a program has put them there."""
_FEWEST = 3
"""Rows on which single quotes are judged: an apostrophe is more usual."""


class Quoting(NamedTuple):
    """How the fields of a file are quoted."""

    mark: str
    """A double quote or a single one; '' where quotes are characters of the texts."""
    escaped: bool = False
    """Whether a backslash stands before a quote within a field, where csv writes the quote twice."""
    spaced: bool = False
    """Whether a space stands between a delimiter and the quote after it, which is then no part of the field."""
    matters: bool = False
    """Whether fields begin with a quote, so that the guess makes a difference."""


def reader(lines: Iterable[str], delimiter: str, quoting: Quoting) -> Any:
    """Return csv's reader of lines that are written so."""
    csv.field_size_limit(limits.FIELD)
    return csv.reader(
        unescaped(lines, quoting.mark) if quoting.escaped else lines,
        delimiter=delimiter or ONE_FIELD,
        quoting=csv.QUOTE_MINIMAL if quoting.mark else csv.QUOTE_NONE,
        quotechar=quoting.mark or None,
        strict=True,
        skipinitialspace=quoting.spaced,
    )


def parse(lines: Iterable[str], delimiter: str, quoting: Quoting) -> tuple[list[list[str]], int]:
    """Return the rows that can be parsed, and how many cannot."""
    rows = reader(lines, delimiter, quoting)
    found: list[list[str]] = []
    broken = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return found, broken
        except csv.Error:
            broken += 1
            continue
        if row:
            found.append(row)


def unescaped(lines: Iterable[str], mark: str) -> Iterable[str]:
    r"""Return lines with "" for each \" whose backslash is not itself escaped; other backslashes are left as they are."""
    pattern = re.compile(rf"(?<!\\)((?:\\\\)*)\\{mark}")
    return (pattern.sub(rf"\1{mark}{mark}", line) if "\\" in line else line for line in lines)


def around(lines: Iterable[str], delimiter: str, mark: str) -> bool:
    """Return whether so many lines have a field that begins and one that ends with `mark` that a program must have put them there."""
    at = re.escape(delimiter or ONE_FIELD)
    begins, ends = re.compile(rf"(?:^|{at} ?){mark}"), re.compile(rf"{mark} ?(?:{at}|$)")
    found = [bool(begins.search(line) and ends.search(line.rstrip("\r\n"))) for line in lines if line.strip()]
    return len(found) > _FEWEST and sum(found[1:]) >= _PROGRAM * (len(found) - 1)


def guess(text: str, delimiter: str, asked: bool | None) -> Quoting:
    """Return how a text of whole lines is quoted; `asked` says whether it is."""
    at = re.escape(delimiter or ONE_FIELD)
    matters = bool(re.search(rf'(?:^|\n|{at})"', text))
    if asked is False:
        return Quoting("", matters=matters)
    if not matters:
        single = _single(text, delimiter)
        if single is not None:
            return single
        quoted = asked or delimiter != "\t"
        return Quoting('"' if quoted else "", spaced=quoted and _is_spaced(text, delimiter, '"'))
    if not (asked or _are_quoted(text, delimiter)) and not _is_escaped(text, delimiter):
        return Quoting("", matters=True)
    return Quoting('"', _is_escaped(text, delimiter), _is_spaced(text, delimiter, '"'), matters=True)


def _single(text: str, delimiter: str) -> Quoting | None:
    """Return single quotes where they stand around the fields of a column and make rows of the same width of all lines."""
    if "'" not in text or not delimiter or not around(text.split("\n"), delimiter, "'"):
        return None
    for escaped in (False, True):
        found = Quoting("'", escaped, _is_spaced(text, delimiter, "'"), matters=True)
        tally = _tally(text, delimiter, found)
        if not tally.broken and len(tally.widths) == 1 and 1 not in tally.widths:
            return found
    return None


def _is_spaced(text: str, delimiter: str, mark: str) -> bool:
    return delimiter != "" and 2 * text.count(f"{delimiter} {mark}") > text.count("\n")


def _is_escaped(text: str, delimiter: str) -> bool:
    r"""Return whether \" within fields, rather than "", makes rows of the same width of all lines."""
    if '\\"' not in text:
        return False
    spaced = _is_spaced(text, delimiter, '"')
    plain, escaped = (_tally(text, delimiter, Quoting('"', each, spaced)) for each in (False, True))
    return (plain.broken > 0 or len(plain.widths) > 1) and not escaped.broken and len(escaped.widths) == 1


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


def _tally(text: str, delimiter: str, quoting: Quoting) -> _Tally:
    rows = reader(io.StringIO(text, newline="\n"), delimiter, quoting)
    tally = _Tally()
    while True:
        before = rows.line_num
        try:
            row = next(rows)
        except StopIteration:
            return tally
        except csv.Error:
            tally.broken += 1
            continue
        if not row:
            continue
        tally.rows += 1
        tally.several += rows.line_num - before > 1
        tally.widths[len(row)] += 1
        marked = [at for at, cell in enumerate(row) if '"' in cell]
        tally.inner += bool(marked)
        tally.begin.update(at for at in marked if row[at].startswith('"'))


def _are_quoted(text: str, delimiter: str) -> bool:
    """Return whether the quotes of a file stand around its fields, rather than being characters of its texts."""
    quoted, plain = _tally(text, delimiter, Quoting('"')), _tally(text, delimiter, Quoting(""))
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
    if any(count >= _PROGRAM * (plain.rows - 1) for count in plain.begin.values()):
        return True  # a program that puts quotes around every field of a column
    return delimiter != "\t"
