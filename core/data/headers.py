"""Guesses from the content whether the first row of a delimited file names its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from . import limits
from .columns import LABEL_NAMES, TEXT_NAMES

KNOWN = {*TEXT_NAMES, *LABEL_NAMES, "id", "idx", "index", "label_text", "label_name", "text_label"}
_CELLS = 200_000
"""Cells from which the header is guessed."""
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?")
_WIDER = 0.9
"""Share of rows with one field more than the header from which on it is the header that lacks one."""


def usual_names(row: Sequence[str]) -> int:
    """Return how many of a row's cells are usual names of columns."""
    return sum(cell.strip().lower() in KNOWN for cell in row)


def unnamed(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the place, 0 or -1, of the one column that the first row does not name; None where it names as many as there are.

    It is the first, where it numbers the rows, as R's write.table does, or the last, where each line ends with a delimiter.
    """
    width = len(rows[0]) + 1 if rows else 0
    wider = [row for row in rows[1:] if len(row) == width]
    if len(wider) < 2 or len(wider) < _WIDER * (len(rows) - 1):
        return None
    if not any(row[-1].strip() for row in wider):
        return -1
    first = [row[0].strip() for row in wider]
    numbered = [str(int(first[0]) + at) for at in range(len(first))] if first[0].isascii() and first[0].isdigit() else []
    return 0 if first == numbered else None


def named(row: Sequence[str], place: int | None) -> list[str]:
    """Return a header with an empty name for the column that it lacks."""
    return list(row) if place is None else ["", *row] if place == 0 else [*row, ""]


def is_label_column(values: Sequence[str]) -> bool:
    """Few different short values, each of them several times on average; the first, which may be a header, does not count."""
    counted = Counter(value.strip() for value in values[1:] if value.strip())
    total = sum(counted.values())
    return total >= 6 and len(counted) <= max(2, total // 4) and all(len(value) <= 40 for value in counted)


def is_header(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Return whether the first row names the columns, and whether that is certain."""
    if not rows:
        return True, True
    first = rows[0]
    if len(first) > limits.COLUMNS:
        return True, True
    rest = [row for row in rows[1:] if len(row) == len(first)][: max(20, _CELLS // len(first))]
    if len(first) > 1 and all(cell.strip().lower() in KNOWN for cell in first if cell.strip()) and any(map(str.strip, first)):
        return True, True
    if not rest:
        known = any(cell.strip().lower() in KNOWN for cell in first)
        return known or len(first) > 1, known
    votes = sum(_vote(cell.strip(), [row[at].strip() for row in rest], lone=len(first) == 1) for at, cell in enumerate(first))
    if len(first) == 1:
        return votes > 0, votes >= 3
    return votes >= 0, abs(votes) >= 3


def _vote(cell: str, values: list[str], *, lone: bool) -> int:
    """Return a vote on whether `cell` names a column with these values: above 0 for a name, below 0 for a value."""
    filled = [value for value in values if value]
    if not cell or not filled:
        return 0
    if is_label_column([cell, *filled]):
        if cell in filled:
            return -4
        if not (_NUMBER.fullmatch(cell) and any(map(_NUMBER.fullmatch, filled))):
            return 3
    if cell.lower() in KNOWN:
        return 3
    if all(map(_NUMBER.fullmatch, filled)):
        return -2 if _NUMBER.fullmatch(cell) else 3
    words, usual = len(cell.split()), median(len(value.split()) for value in filled)
    if usual < 2:
        return -1 if lone else 0
    if words <= 3 and 2 * words < usual:
        return 1
    return -1 if 3 * words >= usual else 0
