"""A confusion matrix as plain data, and its layout for the available room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...core.safe_text import cell_width, safe_line
from .label_look import LabelLook

Mode = Literal["row %", "column %", "counts"]
MODES: tuple[Mode, ...] = ("row %", "column %", "counts")
AXES = ("true \\ predicted", "true\\pred.", "true\\")
_PERCENT = 7
"""Cells of the narrowest column with a decimal: 100.0 and the space around it."""
BRACKETED = 6
"""Cells of the narrowest column with room for brackets around the cell under the cursor."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of one run on one split; a row per true class, a column per predicted class."""

    title: str
    labels: tuple[LabelLook, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The layout of a matrix, in cells."""

    named: int = 1
    """Width of the column of names."""
    column: int = BRACKETED
    """Width of the narrowest column of a class."""
    columns: tuple[int, ...] = ()
    """Widths of the classes' columns, if they differ."""
    total: int = 0
    """Width of the column of row sums; 0 for none."""
    across: int = 1
    """Columns that fit."""
    down: int = 1
    """Rows that fit."""
    above: bool = False
    """Whether the axes are named on a line of their own."""
    heads: int = 1
    """Lines of the names of the columns: on 2 they take turns, where each is whole in the room of two columns."""

    def width(self, index: int) -> int:
        """Return the width of a class's column."""
        return self.columns[index] if self.columns else self.column


def places(matrix: Matrix, mode: Mode, width: int, height: int) -> Places:
    """Return the layout of `matrix` in `width` x `height` cells, with all classes side by side if possible."""
    number = len(matrix.labels)
    longest = max(cell_width(safe_line(each.name)) + each.id_cells for each in matrix.labels) + 2
    above = height > number + 1 and width < len(AXES[0]) + 10 * number
    axes = 0 if above else len(AXES[0]) if width >= 60 else len(AXES[1]) if width >= 40 else len(AXES[2])
    named = max(min(longest, 18, max(12, width // 4)), axes)
    total = 8 if width - named >= 9 * number + 8 else 0
    column = max(BRACKETED, min(12, (width - named - total) // number))
    if named + column * number > width:
        digits = 3 if mode != "counts" else max(len(f"{count:,}") for row in matrix.counts for count in row)
        narrow = max(len(AXES[2]), min(named, width - number * (digits + 1)))
        if narrow + number * (digits + 1) <= width and digits < BRACKETED:
            named, column = narrow, min(BRACKETED, (width - narrow) // number)
    columns = _columns(matrix.labels, column, width - named - total) if column > BRACKETED else ()
    widest = max(cell_width(safe_line(each.name)) for each in matrix.labels) + 3
    heads = 2 if not columns and number > 1 and column < widest <= 2 * column and height >= number + above + 2 else 1
    across, down = max(1, (width - named - total) // column), max(1, height - heads - above)
    return Places(named, min(columns, default=column), columns, total, min(across, number), min(down, number), above, heads)


def _columns(labels: Sequence[LabelLook], column: int, room: int) -> tuple[int, ...]:
    """Return the widths of columns, within `room` cells, in which every name is complete; () if equal widths show as much."""
    wanted = [max(min(column, _PERCENT), cell_width(safe_line(each.name)) + 3) for each in labels]
    if max(wanted) <= column or sum(wanted) > room:
        return ()
    spare = min((room - sum(wanted)) // len(wanted), 12 - min(wanted))
    return tuple(each + max(0, spare) for each in wanted)


def share(counts: tuple[tuple[int, ...], ...], row: int, column: int, mode: Mode) -> float:
    """Return a cell's share in [0, 1] of its row, or of its column, depending on `mode`; 0 for an empty row or column."""
    total = sum(each[column] for each in counts) if mode == "column %" else sum(counts[row])
    return counts[row][column] / total if total else 0.0
