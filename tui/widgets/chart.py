"""What a line chart shows, as plain data, and how values are read from it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...core.figures.curves import Values


@dataclass(frozen=True, slots=True)
class Series:
    """One curve. `x` ascends; None in `y` is a measurement that was not finite, and breaks the curve."""

    name: str
    x: tuple[float, ...]
    y: Values
    color: str
    """'#rrggbb'."""
    glyph: str = ""
    """One cell, drawn at each point of a curve of few points, so that curves differ without colour; empty: a bare line."""
    smooth: bool = True
    """Whether smoothing applies; measurements that stand for themselves are left as they are."""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with a name, such as a baseline's score."""

    name: str
    y: float
    color: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the x axis: a line through the chart (an attempt) or a sign on the axis (a checkpoint)."""

    x: float
    name: str = ""
    glyph: str = ""
    """Drawn on the axis; empty: a dotted line through the chart."""


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn in one plot."""

    title: str
    series: tuple[Series, ...] = ()
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    x_name: str = "step"
    span: tuple[float, float] | None = None
    """x that is shown at least, so that charts of one run agree."""
    bounds: tuple[float, float] | None = None
    """The values that are possible, where there are such; the axis does not go past them."""
    empty: str = "no values yet"


@dataclass(frozen=True, slots=True)
class View:
    """How a chart is looked at."""

    smoothing: float = 0.0
    """Weight of the past in the moving average, in [0, 1)."""
    log: bool = False
    window: tuple[float, float] | None = None
    """The part of the x axis that is shown; None: all."""
    cursor: float | None = None
    """x of the cross-hair."""


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
        """Return where `value` lies, in cells from the low end; None for a value that a logarithm has no place for."""
        if self.log:
            if value <= 0:
                return None
            value = math.log10(value)
        return (value - self._low) / self._span * self.cells

    def cell(self, value: float) -> int | None:
        """Return the cell of `value`, counted from the low end; None where it lies outside."""
        position = self.position(value)
        if position is None or not -1e-9 <= position <= self.cells + 1e-9:
            return None
        return min(self.cells - 1, max(0, int(position)))

    def value(self, position: float) -> float:
        """Return the value at a position in cells."""
        value = self._low + position / self.cells * self._span
        return 10**value if self.log else value


def x_range(chart: Chart) -> tuple[float, float] | None:
    """Return the smallest and largest x of a chart; None where it has no points."""
    ends = [x for series in chart.series if series.x for x in (series.x[0], series.x[-1])]
    if not ends:
        return None
    ends += chart.span or ()
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 1, high + 1)


def seen_in(chart: Chart, view: View) -> View:
    """Return `view` without a window or a cross-hair that lies where the chart, such as that of a shorter run, has nothing."""
    whole = x_range(chart)
    window, cursor = view.window, view.cursor
    if window is not None and (whole is None or window[0] >= whole[1] or window[1] <= whole[0]):
        window = None
    if cursor is not None and (whole is None or not whole[0] <= cursor <= whole[1]):
        cursor = None
    return replace(view, window=window, cursor=cursor)


def y_range(values: Iterable[float], *, log: bool, bounds: tuple[float, float] | None) -> tuple[float, float]:
    """Return limits that hold all `values` with a little room, inside `bounds`.

    Linear ones are multiples of a twentieth or so of the range, so that a new value seldom moves what is drawn already.
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
    """Return x and y of the point of a curve that is nearest to `x`; None for a curve without points."""
    if not series.x:
        return None
    values = series.y if values is None else values
    right = min(bisect_left(series.x, x), len(series.x) - 1)
    left = max(0, right - 1)
    index = left if abs(series.x[left] - x) <= abs(series.x[right] - x) else right
    return series.x[index], values[index]


def bucketed(x: Sequence[float], y: Sequence[float | None], buckets: int, low: float, high: float) -> list[list[tuple[float, float]]]:
    """Return the pieces of a curve within [low, high], and one point past each end, with at most two points a bucket: its extremes.

    A piece ends where a value is missing. Without this a long run costs a second a picture.
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
    """Return the part of a line of ascending x that lies in [0, width], cut at both ends on the straight between two points."""
    kept: list[tuple[float, float]] = []
    for index, (x, y) in enumerate(points):
        for edge in (0.0, width):
            if index and (before := points[index - 1])[0] < edge < x:
                kept.append((edge, before[1] + (y - before[1]) * (edge - before[0]) / (x - before[0])))
        if 0.0 <= x <= width:
            kept.append((x, y))
    return kept


def seen_values(x: Sequence[float], y: Values, low: float, high: float) -> list[float]:
    """Return the values of a curve within [low, high], and those on its straights at both ends."""
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
    """Return round values for a logarithmic axis: decades, with 2 and 5 where there is room; linear ones for less than a decade."""
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
    """Return the names of ticks, short and alike: 0.85 and 0.90, 1,500, 20k, 5e-05."""
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
    """Return a value to read: four figures; 'not finite' for None."""
    if value is None:
        return "not finite"
    if value != 0 and abs(value) < 1e-3:
        return f"{value:.2e}"
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.3f}"
