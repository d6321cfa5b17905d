"""The lengths of each class's texts as box plots without outliers."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from .class_bars import name_width
from .label_look import LabelLook


@dataclass(frozen=True, slots=True)
class Box:
    """One class: quartiles, whiskers and the longest text, in the unit of the plot."""

    look: LabelLook
    low: float
    q1: float
    median: float
    q3: float
    high: float
    longest: float
    cut: float | None = None
    """Share of its texts, in [0, 1], that exceed the model's limit; None if not known yet."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """A plot; `limit` is the position, in the same unit, and name of a line across it."""

    boxes: tuple[Box, ...] = ()
    limit: float | None = None
    limit_name: str = ""
    empty: str = ""
    """Shown instead of boxes while there are none."""


class BoxPlots(Static):
    """Shows one line per class in the given order, and an axis from 0."""

    DEFAULT_CSS = """
    BoxPlots { height: auto; }
    """
    plot: reactive[Boxes] = reactive(Boxes(), layout=True)

    def render(self) -> Text:
        return box_lines(self.plot, self.size.width)


def box_lines(plot: Boxes, width: int) -> Text:
    """Return the plot in lines of `width` cells: name, box, and if there is room the median, the longest text and the truncated share."""
    if not plot.boxes:
        return Text(plot.empty, style="dim")
    names = name_width([box.look for box in plot.boxes], width)
    columns = _columns(plot, width - names)
    cells = max(6, width - names - 1 - sum(len(head) + 1 for head, _ in columns))
    # Boxes are drawn as large as possible; a limit far beyond them is written on the axis instead of squeezing them.
    top = max(box.high for box in plot.boxes) or 1.0
    if plot.limit is not None and plot.limit <= 1.5 * top:
        top = max(top, plot.limit)
    text = Text(no_wrap=True)
    if columns:
        text.append(" " * (names + 1 + cells))
        for head, _ in columns:
            text.append(f" {head}", "dim")
        text.append("\n")
    for number, box in enumerate(plot.boxes):
        text.append_text(box.look.text(names)).append(" ")
        text.append_text(_line(box, plot.limit, top, cells))
        for head, values in columns:
            text.append(f" {values[number]:>{len(head)}}", "dim")
        text.append("\n")
    text.append(" " * (names + 1)).append_text(_axis(plot, top, cells, width - names - 1))
    return text


def _columns(plot: Boxes, width: int) -> list[tuple[str, list[str]]]:
    found = [("  median", [f"{box.median:,.0f}" for box in plot.boxes]), ("longest", [f"{box.longest:,.0f}" for box in plot.boxes])]
    if all(box.cut is not None for box in plot.boxes):
        found.append(("   cut", [f"{100 * (box.cut or 0):.1f} %" for box in plot.boxes]))
    while found and width - sum(len(head) + 1 for head, _ in found) < 18:
        found.pop(0)
    return found


def _line(box: Box, limit: float | None, top: float, cells: int) -> Text:
    def at(value: float) -> int:
        return min(cells - 1, max(0, round(value / top * (cells - 1))))

    low, q1, median, q3, high = (at(value) for value in (box.low, box.q1, box.median, box.q3, box.high))
    signs = [" "] * cells
    for cell in range(low, high + 1):
        signs[cell] = "─"
    if low < q1:
        signs[low] = "├"
    if high > q3:
        signs[high] = "┤"
    for cell in range(q1, q3 + 1):
        signs[cell] = "█"
    line = Text("".join(signs), style=box.look.color, no_wrap=True)
    if limit is not None and limit <= top and signs[at(limit)] == " ":
        line = line[: at(limit)] + Text("┊", style="bold") + line[at(limit) + 1 :]
    before, after = line[:median], line[median + 1 :]
    return before + Text("│", style=Style(color=box.look.color, reverse=True, bold=True)) + after


def _axis(plot: Boxes, top: float, cells: int, room: int) -> Text:
    """Return the axis with as many round numbers as fit, and the limit at its position."""
    round_numbers = [each for scale in range(12) for each in (10**scale, 2 * 10**scale, 5 * 10**scale)]
    step = next(each for each in round_numbers if top / each * 7 <= max(7, cells))
    if step > top >= 1:
        step = max(each for each in round_numbers if each <= top)
    axis = [" "] * room
    value = 0
    while value <= top:
        cell = min(cells - 1, round(value / top * (cells - 1)))
        label = f"{value:,}"
        if cell + len(label) <= room:
            axis[cell : cell + len(label)] = label
        value += step
    line = Text("".join(axis), style="dim", no_wrap=True)
    if plot.limit is not None:
        name = f"┊{plot.limit_name}"
        cell = round(plot.limit / top * (cells - 1)) if plot.limit <= top else room - len(name)
        cell = max(0, min(cell, room - len(name)))
        line = line[:cell] + Text(name, style="bold") + line[cell + len(name) :]
    return line
