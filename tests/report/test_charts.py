"""The charts of a report: each value at its place, whatever the values are."""

from __future__ import annotations

import re

import pytest
from emotui.core.report import as_html, charts
from emotui.core.report.content import Bar, Bars, Lines, Series
from hypothesis import example, given, settings
from hypothesis import strategies as st

figures = st.floats(-1e39, 1e39)
NUMBER = re.compile(r' (?:x|y|x1|y1|x2|y2|cx|cy|width|height)="([^"]*)"')


def numbers(svg: str) -> list[float]:
    found = [float(each) for each in NUMBER.findall(svg)]
    for points in re.findall(r'points="([^"]*)"', svg):
        found += [float(each) for each in points.replace(",", " ").split()]
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2**53).map(float), figures), min_size=1, max_size=50))
def test_no_values_leave_the_chart(points: list[tuple[float, float]]) -> None:
    points.sort()
    svg = charts.lines(Lines("a", "b", "x", "y", (Series("s", tuple(points)),)), "k", as_html.safe)
    assert all(-20 <= each <= charts.WIDTH + 20 for each in numbers(svg))
    assert "nan" not in svg and "inf" not in svg and len(svg) < 20_000


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 1e6))
@example(values=[0.0], top=5e-324)  # a step of it cannot be told from nothing
def test_no_bars_leave_their_chart(values: list[float], top: float) -> None:
    for span in (None, (0.0, 1.0)):
        svg = charts.bars(Bars("a", "b", tuple(Bar("n", value, "v", span) for value in values), top), "k", as_html.safe)
        assert all(0 <= each <= charts.WIDTH for each in numbers(svg))


def test_points_stand_where_their_values_are() -> None:
    chart = Lines("a", "b", "x", "y", (Series("s", ((0.0, 0.0), (5.0, 0.25), (10.0, 1.0))),), y_range=(0.0, 1.0))
    svg = charts.lines(chart, "k", as_html.safe)
    ((x0, y0), (x1, y1), (x2, y2)) = [
        (float(x), float(y)) for x, y in (each.split(",") for each in re.findall(r'<polyline[^>]*points="([^"]*)"', svg)[0].split())
    ]
    assert x0 < x1 and y2 < y0  # more is further up
    assert x1 - x0 == pytest.approx((x2 - x0) / 2, abs=0.2) and y0 - y1 == pytest.approx((y0 - y2) / 4, abs=0.2)
    marks = {float(y): text for y, text in re.findall(r'<text class="axis" x="56" y="([\d.]+)"[^>]*>([^<]*)<', svg)}
    assert marks[y0 + 4] == "0" and marks[y2 + 4] == "1"


def test_bars_are_as_long_as_their_values() -> None:
    svg = charts.bars(Bars("a", "b", (Bar("n", 1.0, "1"), Bar("m", 0.25, "0.25"), Bar("o", 0.0, "0")), 1.0), "k", as_html.safe)
    full, quarter, none = (float(each) for each in re.findall(r'<rect class="m0"[^>]* width="([\d.]+)"', svg))
    assert quarter == pytest.approx(full / 4, abs=0.2) and none == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 500, [0, 100, 200, 300, 400, 500]),
        (1, 34, [10, 20, 30]),
        (0.7, 1, [0.7, 0.8, 0.9, 1]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert charts.ticks(low, high) == pytest.approx(expected)
