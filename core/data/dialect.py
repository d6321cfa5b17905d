"""Guesses from its content how a delimited file is written: what divides its fields, whether they are quoted, whether it has a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..specs import Reading
from . import headers, limits, quoting, titles
from .quoting import Quoting

DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
_LINES = 2_000
"""Lines on which the delimiter and the header are judged."""
_CHARACTERS = 1 << 20
"""Characters on which they are judged, at most."""
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_CONSISTENT = 0.8
"""Share of rows that must have as many fields as the first for its delimiter to be believed."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    """'' where a line is one field."""
    quoting: Quoting
    header: bool
    skip: int = 0
    """Lines before the header, or before the first row."""
    titles: int = 0
    """How many of these were guessed to be titles or comments."""
    certain: bool = True
    """Whether the first row is plainly a header, or plainly none."""
    unnamed: int | None = None
    """Where the header names one column fewer than the rows have: the place of the other one, 0 or -1."""


def guess(text: str, asked: Reading, *, table: bool) -> Dialect:
    """Return how the beginning of a file, whole lines of it, is written; what is `asked` is not guessed.

    With `table` the file is one of fields by all that is known; without, fields are seen only where every line has as many.
    """
    delimiter = asked.delimiter
    skip = asked.skip or 0
    if asked.skip != 0 and (match := _SEP_LINE.match(text)):
        skip = max(1, skip)
        delimiter = match[1] if delimiter is None else delimiter
    text = _after(text, skip)
    lines = text[:_CHARACTERS].split("\n", _LINES)[:_LINES]
    sample = [line.removesuffix("\r") + "\n" for line in lines if line.strip()]
    may_have_titles = table and not skip and asked.skip is None and asked.header is None
    if delimiter is None:
        delimiter = _delimiter(sample, table=table, may_have_titles=may_have_titles)
    above = titles.count(sample, delimiter) if may_have_titles and delimiter else 0
    if above:
        first = [at for at, line in enumerate(lines) if line.strip()][above]
        sample, skip, text = sample[above:], first, _after(text, first)
    found = quoting.guess(text, delimiter, asked.quotes)
    rows = quoting.parse(sample, delimiter, found)[0]
    unnamed = headers.unnamed(rows) if asked.header is not False else None
    if unnamed is not None:
        return Dialect(delimiter, found, True, skip, skip if above else 0, True, unnamed)
    header, certain = (asked.header, True) if asked.header is not None else headers.is_header(rows)
    return Dialect(delimiter, found, header, skip, skip if above else 0, certain)


def _after(text: str, lines: int) -> str:
    """Return what follows the first lines of a text."""
    at = 0
    for _ in range(lines):
        at = text.find("\n", at) + 1
        if not at:
            return ""
    return text[at:]


def _delimiter(lines: Sequence[str], *, table: bool, may_have_titles: bool) -> str:
    """Return the delimiter by which the lines have the same number of fields, two or more; '' where there is none."""
    best: tuple[tuple[float, float, float], str] | None = None
    for order, delimiter in enumerate(DELIMITERS):
        if delimiter == "," and not table and not _are_usual_names("".join(lines[:1])):
            continue  # prose has commas
        below = lines[titles.count(lines, delimiter) :] if may_have_titles else lines
        share, known, labels = 0.0, False, False
        for mark in ('"', "", "'") if quoting.around(below, delimiter, "'") else ('"', ""):
            rows, broken = quoting.parse(below, delimiter, Quoting(mark))
            if not rows or len(rows[0]) < 2:
                continue
            rows[0] = headers.named(rows[0], headers.unnamed(rows))
            alike = [row for row in rows if len(row) == len(rows[0])]
            same = len(alike) / (len(rows) + broken)
            if same > share:
                share = same
                labels = len(rows[0]) <= limits.COLUMNS and any(map(headers.is_label_column, zip(*alike, strict=True)))
            known = known or headers.usual_names(rows[0]) > 0
        spaced = sum(line.count(delimiter + " ") for line in below) / max(1, sum(line.count(delimiter) for line in below))
        prose = spaced > 0.9 and delimiter != "\t"
        fits = share >= (_CONSISTENT if table else 0.99) and not prose
        if not table:
            fits = fits and (known or labels)
        if fits or (known and share):
            score = (share + known, -spaced, -order)
            if best is None or score > best[0]:
                best = score, delimiter
    return best[1] if best else ""


def _are_usual_names(line: str) -> bool:
    """Whether a line is nothing but usual names of columns with commas between them."""
    cells = [cell.strip(' "\n') for cell in line.split(",")]
    return len(cells) > 1 and headers.usual_names(cells) == len(cells)
