"""The data of a line chart, and functions that read values from it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...core.figures.curves import Values


@dataclass(frozen=True, slots=True)
class Series:
    """One curve. `x` ascends; None in `y` is a value that was not finite, and interrupts the curve."""

    name: str
    x: tuple[float, ...]
    y: Values
    color: str
    """'#rrggbb'."""
    glyph: str = ""
    """A one-cell marker for each point of a curve with few points, so that curves differ without colour; '' for none."""
    smooth: bool = True
    """Whether smoothing applies; it does not to evaluations."""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with a name, such as a baseline's score."""

    name: str
    y: float
    color: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A position on the x axis: a vertical line (an attempt) or a glyph on the axis (a checkpoint)."""

    x: float
    name: str = ""
    glyph: str = ""
    """Drawn on the axis; '' for a dotted line through the chart."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is drawn in one plot."""

    title: str
    series: tuple[Series, ...] = ()
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    x_name: str = "step"
    span: tuple[float, float] | None = None
    """The range of x that is shown at least, so that all charts of a run match."""
    bounds: tuple[float, float] | None = None
    """The range of possible values, beyond which the axis does not go; None for no bounds."""
    empty: str = "no values yet"


@dataclass(frozen=True, slots=True)
class View:
    """The view of a chart: smoothing, scale, zoom and cross-hair."""

    smoothing: float = 0.0
    """Weight of the past in the exponential moving average, in [0, 1)."""
    log: bool = False
    window: tuple[float, float] | None = None
    """The visible part of the x axis; None for all."""
    cursor: float | None = None
    """The x of the cross-hair; None for none."""


@dataclass(slots=True)
class Scale:
    """A linear or logarithmic map from [low, high] to [0, cells]."""

    low: float
    high: float
    cells: int
    log: bool = False
    _low: float = field(init=False)
    _span: float = field(init=False)

    def __post_init__(self) -> None:
        self._low = math.log10(self.low) if self.log else self.low
        self._span = (math.log10(self.high) if self.log else self.high) - self._low

    def position(self, value: float) -> float | None:
        """Return the position of `value` in cells from the low end; None for a value without a logarithm on a logarithmic scale."""
        if self.log:
            if value <= 0:
                return None
            value = math.log10(value)
        return (value - self._low) / self._span * self.cells

    def cell(self, value: float) -> int | None:
        """Return the cell of `value`, counted from the low end; None if it is outside."""
        position = self.position(value)
        if position is None or not -1e-9 <= position <= self.cells + 1e-9:
            return None
        return min(self.cells - 1, max(0, int(position)))

    def value(self, position: float) -> float:
        """Return the value at a position in cells."""
        value = self._low + position / self.cells * self._span
        return 10**value if self.log else value


def x_range(chart: Chart) -> tuple[float, float] | None:
    """Return the smallest and largest x of a chart; None if it has no points."""
    ends = [x for series in chart.series if series.x for x in (series.x[0], series.x[-1])]
    if not ends:
        return None
    ends += chart.span or ()
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 1, high + 1)


def seen_in(chart: Chart, view: View) -> View:
    """Return `view` without a window or a cross-hair outside the chart, such as that of a shorter run."""
    whole = x_range(chart)
    window, cursor = view.window, view.cursor
    if window is not None and (whole is None or window[0] >= whole[1] or window[1] <= whole[0]):
        window = None
    if cursor is not None and (whole is None or not whole[0] <= cursor <= whole[1]):
        cursor = None
    return replace(view, window=window, cursor=cursor)


def y_range(values: Iterable[float], *, log: bool, bounds: tuple[float, float] | None) -> tuple[float, float]:
    """Return limits that include all `values` with a small margin, within `bounds`.

    Linear limits are multiples of about a twentieth of the range, so that a new value seldom moves the curves.
    """
    kept = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not kept:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(kept), max(kept)
    if log:
        room = (high / low) ** 0.05 if high > low else 1.5
        return low / room, high * room
    room = (high - low) * 0.06 or abs(high) * 0.1 or 0.5
    low, high = (max(0.0, low - room) if low >= 0 else low - room), high + room
    power = 10.0 ** math.floor(math.log10((high - low) / 20))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= (high - low) / 20)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if bounds is not None:
        low, high = max(bounds[0], low), min(bounds[1], high)
    return (low, high) if high > low else (low - room, high + room)


def nearest(series: Series, x: float, values: Values | None = None) -> tuple[float, float | None] | None:
    """Return x and y of the curve's point nearest to `x`; None for a curve without points."""
    if not series.x:
        return None
    values = series.y if values is None else values
    right = min(bisect_left(series.x, x), len(series.x) - 1)
    left = max(0, right - 1)
    index = left if abs(series.x[left] - x) <= abs(series.x[right] - x) else right
    return series.x[index], values[index]


def bucketed(x: Sequence[float], y: Sequence[float | None], buckets: int, low: float, high: float) -> list[list[tuple[float, float]]]:
    """Return the pieces of a curve within [low, high], plus one point beyond each end, with at most two points per bucket: its extremes.

    A piece ends where a value is missing. Without this, drawing a long run takes a second.
    """
    first, last = max(0, bisect_left(x, low) - 1), min(len(x), bisect_left(x, high) + 2)
    thin = last - first > 2 * buckets
    span = (high - low) or 1.0
    pieces: list[list[tuple[float, float]]] = [[]]
    held: list[tuple[float, float]] = []
    bucket = -1

    def flush() -> None:
        if held:
            extremes = {min(held, key=lambda point: point[1]), max(held, key=lambda point: point[1])}
            pieces[-1].extend(sorted(extremes))
            held.clear()

    for index in range(first, last):
        value = y[index]
        if value is None or not math.isfinite(value):
            flush()
            if pieces[-1]:
                pieces.append([])
            continue
        if not thin:
            pieces[-1].append((x[index], value))
            continue
        here = int((x[index] - low) / span * buckets)
        if here != bucket:
            flush()
            bucket = here
        held.append((x[index], value))
    flush()
    return [piece for piece in pieces if piece]


def within(points: Sequence[tuple[float, float]], width: float) -> list[tuple[float, float]]:
    """Return the part of a polyline of ascending x within [0, width], with interpolated points at both ends."""
    kept: list[tuple[float, float]] = []
    for index, (x, y) in enumerate(points):
        for edge in (0.0, width):
            if index and (before := points[index - 1])[0] < edge < x:
                kept.append((edge, before[1] + (y - before[1]) * (edge - before[0]) / (x - before[0])))
        if 0.0 <= x <= width:
            kept.append((x, y))
    return kept


def seen_values(x: Sequence[float], y: Values, low: float, high: float) -> list[float]:
    """Return the values of a curve within [low, high], and the interpolated ones at both ends."""
    first, last = max(0, bisect_left(x, low) - 1), min(len(x), bisect_left(x, high) + 2)
    seen: list[float] = []
    piece: list[tuple[float, float]] = []
    for px, value in [*zip(x[first:last], y[first:last], strict=True), (high, None)]:
        if value is not None and math.isfinite(value):
            piece.append((px - low, value))
            continue
        seen += [each for _, each in within(piece, high - low)]
        piece = []
    return seen


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round values within [low, high], evenly spaced by 1, 2, 2.5 or 5 times a power of ten."""
    if most < 1 or not high > low:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    for step in (factor * power for factor in (1, 2, 2.5, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]
    return []


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round values for a logarithmic axis: decades, with 2 and 5 if there is room; linear values for less than a decade."""
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [
            factor * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for factor in factors
            if low <= factor * 10.0**power <= high
        ]
        if 2 <= len(found) <= most:
            return found
    return ticks(low, high, most)


def tick_labels(values: Sequence[float]) -> list[str]:
    """Return the labels of ticks, short and with equal decimals: 0.85 and 0.90, 1,500, 20k, 5e-05."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= 10_000:
        return [f"{value / 1000:,.6g}k" if value else "0" for value in values]
    if 0 < largest < 1e-3:
        return [f"{value:.3g}" for value in values]
    shortest = [f"{value:.6g}" for value in values]
    if any("e" in name for name in shortest):
        return shortest
    decimals = max((len(name.partition(".")[2]) for name in shortest), default=0)
    # Decades of a logarithmic axis need different decimals.
    return shortest if decimals > 3 else [f"{value:,.{decimals}f}" for value in values]


def number(value: float | None) -> str:
    """Return a value with four significant digits; 'not finite' for None."""
    if value is None:
        return "not finite"
    if value != 0 and abs(value) < 1e-3:
        return f"{value:.2e}"
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.3f}"
