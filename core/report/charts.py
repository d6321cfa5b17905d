"""Draws the charts of a report as SVG, with CSS classes for colours, and a title and a description for screen readers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence

from .content import Bars, Lines, Series
from .look import DASHES

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 34, 48
_ROW, _NAMES, _VALUES = 26, 190, 150
"""In a bar chart, the height of a bar and the widths for names and for values, in pixels."""
_MARKED = 40
"""Points up to which each point of a line gets a marker."""
_LETTER = 7.2
"""Width in pixels of a letter in a 13-pixel font, rounded up."""
Escape = Callable[[str, int], str]
"""Escapes a text for the page, cut to a number of characters."""


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, in steps of 1, 2 or 5 times a power of ten; only `low` if they are too close."""
    span = high - low
    if not span / about > sys.float_info.min:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / about * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [(first + at) * step for at in range(math.floor(high / step + 1e-9) - first + 1)]


def lines(chart: Lines, key: str, safe: Escape) -> str:
    """Return the SVG of a line chart; `key` is an id prefix that is unique on the page."""
    low_x, high_x = chart.x_range or _range(x for series in chart.series for x, _ in series.points)
    low_y, high_y = chart.y_range or _nice(*_range(y for series in chart.series for _, y in series.points))
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + wide * (point[0] - low_x) / ((high_x - low_x) or 1)
        y = _TOP + high * (1 - (min(max(point[1], low_y), high_y) - low_y) / ((high_y - low_y) or 1))
        return round(x, 1), round(y, 1)

    parts = [_open(WIDTH, HEIGHT, key, chart.title, chart.text, safe)]
    for value in ticks(low_y, high_y):
        _, y = at((low_x, value))
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>')
        parts.append(f'<text class="axis" x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{_plain(value)}</text>')
    for value in ticks(low_x, high_x):
        x, _ = at((value, low_y))
        parts.append(f'<line class="grid" x1="{x}" y1="{HEIGHT - _BOTTOM}" x2="{x}" y2="{HEIGHT - _BOTTOM + 5}"/>')
        parts.append(f'<text class="axis" x="{x}" y="{HEIGHT - _BOTTOM + 19}" text-anchor="middle">{_plain(value)}</text>')
    middle = _LEFT + wide / 2
    parts.append(f'<text class="axis" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{safe(chart.x_title, 60)}</text>')
    parts.append(
        f'<text class="axis" x="14" y="{_TOP + high / 2}" text-anchor="middle" transform="rotate(-90 14 {_TOP + high / 2})">'
        f"{safe(chart.y_title, 40)}</text>"
    )
    if chart.has_diagonal:
        (x1, y1), (x2, y2) = at((low_x, low_y)), at((high_x, high_y))
        parts.append(f'<line class="ideal" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    for number, series in enumerate(chart.series):
        parts += _series(number % len(DASHES), series, at)
    return "".join([*parts, *_legend(chart.series, safe), "</svg>"])


def _series(number: int, series: Series, at: Callable[[tuple[float, float]], tuple[float, float]]) -> list[str]:
    places = [at(point) for point in series.points]
    parts: list[str] = []
    if series.is_line and len(places) > 1:
        path = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline class="line s{number}" points="{path}"/>')
    if len(places) <= _MARKED:
        parts += [_mark(number, x, y) for x, y in places]
    return parts


def _mark(number: int, x: float, y: float) -> str:
    match number % 4:
        case 0:
            return f'<circle class="m{number}" cx="{x}" cy="{y}" r="4"/>'
        case 1:
            return f'<rect class="m{number}" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
        case 2:
            return f'<polygon class="m{number}" points="{x},{y - 5:.1f} {x + 5:.1f},{y + 4:.1f} {x - 5:.1f},{y + 4:.1f}"/>'
        case _:
            return f'<polygon class="m{number}" points="{x},{y - 5:.1f} {x + 5:.1f},{y} {x},{y + 5:.1f} {x - 5:.1f},{y}"/>'


def _legend(series: Sequence[Series], safe: Escape) -> list[str]:
    parts: list[str] = []
    x = float(_LEFT)
    for number, each in enumerate(series):
        parts.append(f'<line class="line s{number}" x1="{x:.1f}" y1="14" x2="{x + 30:.1f}" y2="14"/>')
        parts.append(_mark(number, x + 15, 14))
        parts.append(f'<text x="{x + 38:.1f}" y="18">{safe(each.name, 40)}</text>')
        x += 38 + _LETTER * min(40, len(each.name)) + 24
    return parts


def bars(chart: Bars, key: str, safe: Escape) -> str:
    """Return the SVG of a bar chart, or of points with intervals if any bar has one; `key` is an id prefix unique on the page."""
    height = 14 + _ROW * len(chart.bars) + 26
    room = WIDTH - _NAMES - _VALUES
    has_spans = any(bar.span is not None for bar in chart.bars)

    def at(value: float) -> float:
        return round(_NAMES + room * min(1.0, max(0.0, value / (chart.top or 1))), 1)

    parts = [_open(WIDTH, height, key, chart.title, chart.text, safe)]
    foot = height - 26
    for value in ticks(0.0, chart.top):
        parts.append(f'<line class="grid" x1="{at(value)}" y1="8" x2="{at(value)}" y2="{foot}"/>')
        parts.append(f'<text class="axis" x="{at(value)}" y="{foot + 17}" text-anchor="middle">{_plain(value)}</text>')
    for number, bar in enumerate(chart.bars):
        y = 14 + _ROW * number
        parts.append(f'<text x="{_NAMES - 10}" y="{y + 14}" text-anchor="end">{safe(bar.name, int((_NAMES - 10) / _LETTER))}</text>')
        if not has_spans:
            parts.append(f'<rect class="m0" x="{_NAMES}" y="{y + 3}" width="{max(0.0, at(bar.value) - _NAMES):.1f}" height="15"/>')
        elif bar.span is not None:
            low, high = at(bar.span[0]), at(bar.span[1])
            parts.append(f'<path class="span" d="M{low} {y + 10}H{high}M{low} {y + 5}v10M{high} {y + 5}v10"/>')
        if has_spans:
            parts.append(_mark(0, at(bar.value), y + 10))
        parts.append(f'<text class="axis" x="{WIDTH - _VALUES + 12}" y="{y + 14}">{safe(bar.value_text, 20)}</text>')
    return "".join([*parts, "</svg>"])


def _open(width: int, height: int, key: str, title: str, text: str, safe: Escape) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-title" '
        f'aria-describedby="{key}-text"><title id="{key}-title">{safe(title, 200)}</title><desc id="{key}-text">{safe(text, 2_000)}</desc>'
    )


def _range(values: Iterable[float]) -> tuple[float, float]:
    found = list(values)
    return (min(found), max(found)) if found else (0.0, 1.0)


def _nice(low: float, high: float) -> tuple[float, float]:
    """Return a range that begins at 0 or at a negative `low`, and ends at the first tick at or above `high`."""
    low = min(0.0, low)
    marks = ticks(low, high if high > low else low + 1)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    return low, max(high, step * math.ceil(high / step - 1e-9), low + step)


def _plain(value: float) -> str:
    if abs(value) >= 1e9:
        return f"{value:.3g}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.6g}"
