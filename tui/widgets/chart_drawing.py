"""Draws a chart as lines of text: plotext renders the curves in braille, and axes, names and the cross-hair are added."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.text import Text

from ...core.figures.curves import Values, smoothed
from ...core.safe_text import cell_width, cut, safe_line
from .chart import (
    Chart,
    Scale,
    Series,
    View,
    bucketed,
    log_ticks,
    nearest,
    number,
    seen_values,
    tick_labels,
    ticks,
    within,
    x_range,
    y_range,
)

_PIECE = re.compile(r"\x1b\[([\d;]*)m|(.)", re.DOTALL)
_GUTTER_FROM = 46
"""Width in cells from which on a chart has room for names beside the lines."""
_LEGEND_FROM = 12
"""Height in cells from which on the names of a chart may take more than one line."""


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of everything but the curves."""

    text: str = "#e0e0e0"
    faint: str = "#808080"
    cursor: str = "#ffffff"
    error: str = "#ff5555"


Cell = tuple[str, str]
"""A character and its style."""


@dataclass(slots=True)
class Drawing:
    """A drawn chart: its lines, and the scale from columns of the screen to values."""

    lines: list[Text]
    x: Scale | None
    left: int
    """Cells before the first column of the curves."""


def draw(chart: Chart, view: View, width: int, height: int, inks: Inks) -> Drawing:
    """Return `chart` in `height` lines of `width` cells.

    The first line, or up to three in a tall chart, names the curves with their newest values, or with those at the cross-hair;
    the last line is the x axis.
    """
    whole = x_range(chart)
    if whole is None or width < 12 or height < 4:
        return Drawing(_message(chart.empty, width, height, inks), None, 0)
    low, high = view.window or whole
    values = {id(series): smoothed(series.y, view.smoothing) if series.smooth else series.y for series in chart.series}
    legend = _legend(chart, view, values, width, inks, most=3 if height >= _LEGEND_FROM else 1)
    rows = height - 1 - len(legend)
    y = _y_scale(chart, view, values, rows, low, high)
    y_names = {row: name for name, row in _y_ticks(y, rows)}
    left = max((len(name) for name in y_names.values()), default=1) + 1
    gutter = max((cell_width(safe_line(level.name)) for level in chart.levels), default=-3) + 3 if width >= _GUTTER_FROM else 0
    gutter = min(gutter, max(width // 3, 18))
    x = Scale(low, high, max(1, width - left - gutter))

    grid: list[list[Cell]] = [[(" ", "")] * x.cells for _ in range(rows)]
    names = _draw_levels(grid, chart, y)
    _draw_attempts(grid, chart, x, inks)
    _draw_curves(grid, chart, view, values, x, y)
    _draw_missing(grid, chart, x, inks)
    if view.cursor is not None:
        _draw_cursor(grid, chart, values, view.cursor, x, y, inks)
    if not gutter:
        _name_inside(grid, names)

    lines = legend
    for row in range(rows):
        line = Text(no_wrap=True)
        line.append(y_names.get(row, "").rjust(left - 1), inks.faint)
        line.append("┤" if row in y_names else "│", inks.faint)
        _append_cells(line, grid[row])
        if gutter and row in names:
            name, style = names[row]
            line.append(f" {cut(name, gutter - 1)}", style)
        lines.append(line)
    lines.append(_x_axis(chart, x, left, inks))
    return Drawing(lines, x, left)


def _message(words: str, width: int, height: int, inks: Inks) -> list[Text]:
    lines = [Text("", no_wrap=True) for _ in range(height)]
    if height and width > 2:
        shown = cut(words, width)
        lines[height // 2] = Text(" " * ((width - cell_width(shown)) // 2) + shown, inks.faint, no_wrap=True)
    return lines


def _y_scale(chart: Chart, view: View, values: dict[int, Values], rows: int, low: float, high: float) -> Scale:
    shown = [y for series in chart.series for y in seen_values(series.x, values[id(series)], low, high)]
    if view.window is None:
        shown += [level.y for level in chart.levels]
    log = view.log and any(value > 0 for value in shown)
    return Scale(*y_range(shown, log=log, bounds=chart.bounds), rows, log)


def _y_ticks(y: Scale, rows: int) -> list[tuple[str, int]]:
    found = (log_ticks if y.log else ticks)(y.low, y.high, max(2, rows // 2))
    placed = [(name, y.cell(value)) for name, value in zip(tick_labels(found), found, strict=True)]
    return [(name, rows - 1 - cell) for name, cell in placed if cell is not None]


def _draw_levels(grid: list[list[Cell]], chart: Chart, y: Scale) -> dict[int, tuple[str, str]]:
    """Draw the horizontal lines and return the names by row, one per row."""
    rows = len(grid)
    placed: list[tuple[int, str, str]] = []
    for level in sorted(chart.levels, key=lambda level: -level.y):
        name, cell = safe_line(level.name), y.cell(level.y)
        if cell is None:
            is_below = level.y < y.low
            placed.append((rows - 1 if is_below else 0, f"{'↓' if is_below else '↑'} {name}", level.color))
            continue
        row = rows - 1 - cell
        placed.append((row, name, level.color))
        for column, (character, _) in enumerate(grid[row]):
            if character == " ":
                grid[row][column] = ("┄", level.color)
    names: dict[int, tuple[str, str]] = {}
    before = -1
    for index, (row, name, color) in enumerate(placed):
        # As near as the names above and below allow; a name without a row of its own is left out.
        before = min(max(row, before + 1), rows - len(placed) + index)
        if before >= 0:
            names[before] = (name, color)
    return names


def _name_inside(grid: list[list[Cell]], names: dict[int, tuple[str, str]]) -> None:
    """Write each name into its line, at the end where it covers less of the curves."""
    for row, (name, style) in names.items():
        shown = cut(name, max(1, len(grid[row]) - 1))
        ends = (len(grid[row]) - cell_width(shown), 1)
        hidden = [sum(character not in " ┄" for character, _ in grid[row][start : start + cell_width(shown)]) for start in ends]
        _put(grid[row], ends[hidden[1] < hidden[0]], shown, style)


def _put(cells: list[Cell], column: int, words: str, style: str) -> None:
    """Write safe `words` from `column` on, as far as they fit; the second cell of a wide character is empty."""
    for character in words:
        width = cell_width(character)
        if column + width > len(cells):
            return
        if width == 0:
            if column:
                cells[column - 1] = (cells[column - 1][0] + character, style)
            continue
        cells[column : column + width] = [(character, style), *[("", style)] * (width - 1)]
        column += width


def _draw_attempts(grid: list[list[Cell]], chart: Chart, x: Scale, inks: Inks) -> None:
    for mark in chart.marks:
        column = x.cell(mark.x)
        if mark.glyph or column is None:
            continue
        for row in grid:
            row[column] = ("┊", inks.faint)
        _put(grid[0], column + 1, safe_line(mark.name, max(0, x.cells - column - 1)), inks.faint)


def _draw_curves(grid: list[list[Cell]], chart: Chart, view: View, values: dict[int, Values], x: Scale, y: Scale) -> None:
    curves: list[tuple[list[float], list[float]]] = []
    styles: list[str] = []
    # The first curve is drawn last, so that it is on top.
    for series in reversed(chart.series):
        layers = [(series.y, f"dim {series.color}")] if view.smoothing and series.smooth and len(series.x) > 2 else []
        for layer, style in [*layers, (values[id(series)], series.color)]:
            for piece in bucketed(series.x, layer, x.cells, x.low, x.high):
                placed = [(x.position(px), y.position(py)) for px, py in piece]
                kept = within([(px, py) for px, py in placed if px is not None and py is not None], float(x.cells))
                if kept:
                    curves.append(([px for px, _ in kept], [py for _, py in kept]))
                    styles.append(style)
    for row, cells in enumerate(raster(curves, x.cells, y.cells)):
        for column, character, curve in cells:
            grid[row][column] = (character, styles[curve])
    for series in reversed(chart.series):
        points = [(x.cell(px), y.cell(py)) for px, py in zip(series.x, values[id(series)], strict=True) if py is not None]
        seen = [(column, cell) for column, cell in points if column is not None and cell is not None]
        if series.glyph and (len(seen) * 4 <= x.cells or len(seen) < 3):
            for column, cell in seen:
                grid[y.cells - 1 - cell][column] = (series.glyph, f"bold {series.color}")


def raster(curves: list[tuple[list[float], list[float]]], width: int, height: int) -> list[list[tuple[int, str, int]]]:
    """Return for each row, top first, the cells that curves pass through: (column, braille character, index of the topmost curve).

    Curves are given in cells from the lower left corner. plotext has one global figure, so do not call this from two threads at once.
    """
    import plotext

    figure = plotext.figure
    figure.clear.all()
    plotext.terminal.limit(False, False)
    figure.plot_size(width, height)
    figure.canvas("default")
    figure.axes(False)
    figure.legend(False)
    # plotext places the limits in the middle of the first and the last cell.
    for axis, length in (("x", width), ("y", height)):
        figure.ruler(axis).frequency(0).lim(0.5, length - 0.5 if length > 1 else 1.5)
    for index, (xs, ys) in enumerate(curves):
        marker = plotext.marker("braille", pixel=plotext.pixel(foreground=(index >> 8, index & 0xFF, 1)))
        figure.draw(figure.signal(xs, ys, marker=marker).lines())
    rows: list[list[tuple[int, str, int]]] = []
    curve = 0
    for line in str(figure.build()).split("\n")[:height]:
        cells: list[tuple[int, str, int]] = []
        column = 0
        for codes, character in _PIECE.findall(line):
            if character:
                if character != " ":
                    cells.append((column, character, curve))
                column += 1
            elif codes.startswith("38;2;"):
                high, low = codes.split(";")[2:4]
                curve = int(high) << 8 | int(low)
        rows.append(cells)
    return rows


def _draw_missing(grid: list[list[Cell]], chart: Chart, x: Scale, inks: Inks) -> None:
    for series in chart.series:
        for px, value in zip(series.x, series.y, strict=True):
            if value is None and (column := x.cell(px)) is not None:
                grid[0][column] = ("✗", f"bold {inks.error}")


def _draw_cursor(grid: list[list[Cell]], chart: Chart, values: dict[int, Values], at: float, x: Scale, y: Scale, inks: Inks) -> None:
    column = x.cell(at)
    if column is None:
        return
    for row in grid:
        if row[column][0] in " ┄┊":
            row[column] = ("│", inks.cursor)
    for series in chart.series:
        point = nearest(series, at, values[id(series)])
        if point is None or point[1] is None:
            continue
        # At the measured point, which may be beside the cross-hair.
        column, cell = x.cell(point[0]), y.cell(point[1])
        if column is not None and cell is not None:
            grid[y.cells - 1 - cell][column] = ("┼", f"bold {series.color}")


def _legend(chart: Chart, view: View, values: dict[int, Values], width: int, inks: Inks, *, most: int) -> list[Text]:
    """Return at most `most` lines that name the curves; names that do not fit into the last line are left out."""
    lines = [Text(no_wrap=True)]
    if view.cursor is not None:
        lines[0].append(f"{safe_line(chart.x_name, 12)} {view.cursor:,.6g}", f"bold {inks.cursor}")
    for series in chart.series:
        sign, value = (
            (f"{series.glyph or '━'} ", f"bold {series.color}"),
            (_read(series, values[id(series)], view.cursor), f"bold {inks.text}"),
        )
        entry = Text.assemble(sign, (safe_line(series.name, 28), series.color), " ", value)
        if entry.cell_len > width - lines[-1].cell_len - 2 and lines[-1] and len(lines) < most:
            lines.append(Text(no_wrap=True))
        room = width - lines[-1].cell_len - 2
        if entry.cell_len > room:
            entry = Text.assemble(sign, value)
        if entry.cell_len > room:
            if lines[-1].cell_len < width:
                lines[-1].append("…", inks.faint)
            break
        lines[-1].append("  " if lines[-1] else "").append_text(entry)
    return lines


def _read(series: Series, values: Values, at: float | None) -> str:
    if at is not None:
        point = nearest(series, at, values)
        if point is None:
            return ""
        return number(point[1]) + (f" at {point[0]:,.6g}" if point[0] != at else "")
    return number(values[-1]) if values else ""


def _append_cells(line: Text, cells: list[Cell]) -> None:
    run, style = "", ""
    for character, its in cells:
        if its != style:
            if run:
                line.append(run, style)
            run, style = "", its
        run += character
    if run:
        line.append(run, style)


def _x_axis(chart: Chart, x: Scale, left: int, inks: Inks) -> Text:
    """Return the line of x values, with the glyphs of checkpoints where they do not cover a value."""
    cells: list[Cell] = [(" ", "")] * x.cells
    unit = safe_line(chart.x_name, 12)
    room = max(0, x.cells - cell_width(unit) - 1)
    end = -1
    values = ticks(x.low, x.high, max(2, x.cells // 9))
    for name, value in zip(tick_labels(values), values, strict=True):
        column = x.cell(value)
        if column is None:
            continue
        start = max(0, min(column - len(name) // 2, x.cells - len(name)))
        if start <= end or start + len(name) > room:
            continue
        for offset, character in enumerate(name):
            cells[start + offset] = (character, inks.faint)
        end = start + len(name)
    _put(cells, max(0, x.cells - cell_width(unit)), unit, f"italic {inks.faint}")
    for mark in chart.marks:
        column = x.cell(mark.x)
        if mark.glyph and column is not None and (cells[column][0] == " " or mark.name):
            cells[column] = (mark.glyph, f"bold {inks.text}")
    line = Text.assemble((" " * (left - 1) + "└", inks.faint), no_wrap=True)
    _append_cells(line, cells)
    return line
