"""Tables as lines of text, for reports and screens."""

from __future__ import annotations

from collections.abc import Sequence

from .safe_text import cell_width, pad, safe_line


def table(rows: Sequence[Sequence[str]], align: str, widths: Sequence[int | None] = ()) -> list[str]:
    """Return aligned lines, the first row being the heading.

    `align` has l or r for each column; `widths` caps columns in cells, None: as wide as needed.
    """
    columns = len(align)
    cells = [[safe_line(cell) for cell in row] for row in rows]
    wide = [max((cell_width(row[column]) for row in cells), default=0) for column in range(columns)]
    for column, cap in enumerate(widths):
        if cap is not None:
            wide[column] = min(wide[column], cap)
    return ["  ".join(aligned(cell, wide[c], align[c]) for c, cell in enumerate(row)).rstrip() for row in cells]


def aligned(cell: str, width: int, side: str) -> str:
    """Return a cell of `width` cells, cut where it is longer, on its left (l) or right (r) side."""
    cut = pad(cell, width)
    if side == "l":
        return cut
    text = cut.rstrip(" ")
    return " " * (width - cell_width(text)) + text
