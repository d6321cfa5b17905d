"""Finds the titles and comments above a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from . import headers, quoting
from .quoting import Quoting

_MOST = 20
"""Lines of titles, at most."""
_LINES = 200
"""Lines on which the table below is judged."""
_CONSISTENT = 0.8
"""Share of rows that must be as wide as the first for them to be a table."""
_COMMENT = re.compile(r"#[\s#!]")


def count(lines: Sequence[str], delimiter: str) -> int:
    """Return how many of the first lines, none of which is empty, stand above a table's header or its first row; 0 in doubt.

    They are above a row of usual names of columns, such as text,label; or they have another number of fields than the table, and
    below them is plainly a header, or each is a comment that begins with a # and a space.
    """
    lines = lines[:_LINES]
    how = Quoting("'" if quoting.around(lines, delimiter, "'") else '"')
    first = [_cells(line, delimiter, how) for line in lines[: _MOST + 1]]
    usual = next((at for at, row in enumerate(first) if len(row) > 1 and headers.usual_names(row) == len(row)), None)
    if usual is not None:
        return 0 if any(headers.usual_names(row) > 1 for row in first[:usual]) else usual
    rows, broken = quoting.parse(lines, delimiter, how)
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    above = next((at for at, row in enumerate(first) if len(row) == width and len(list(filter(str.strip, row))) > 1), 0)
    while above + 1 < len(first) and lines[above].startswith("#") and _is_plain_header(lines[above + 1 :], delimiter, how, width):
        above += 1
    if not above or any(headers.usual_names(row) > 1 for row in first[:above]):
        return 0
    rows, broken = quoting.parse(lines[above:], delimiter, how)
    if sum(len(row) == width for row in rows) < _CONSISTENT * (len(rows) + broken):
        return 0
    comments = all(_COMMENT.match(line) and len(row) != width for line, row in zip(lines, first[:above], strict=False))
    return above if comments or _is_plain_header(lines[above:], delimiter, how, width) else 0


def _is_plain_header(lines: Sequence[str], delimiter: str, how: Quoting, width: int) -> bool:
    rows = quoting.parse(lines, delimiter, how)[0]
    return bool(rows) and len(rows[0]) == width and headers.is_header(rows) == (True, True)


def _cells(line: str, delimiter: str, how: Quoting) -> list[str]:
    rows, broken = quoting.parse([line], delimiter, how)
    return rows[0] if rows and not broken else line.split(delimiter)
