"""What a chart reads out of values, and what it draws."""

from __future__ import annotations

import math

import pytest
from emotui.core.figures.curves import smoothed
from emotui.core.safe_text import cell_width
from emotui.tui.widgets.bars import bar, sparkline
from emotui.tui.widgets.chart import (
    Chart,
    Level,
    Mark,
    Scale,
    Series,
    View,
    bucketed,
    log_ticks,
    nearest,
    seen_in,
    tick_labels,
    ticks,
    within,
)
from emotui.tui.widgets.chart_drawing import Inks, draw, raster
from hostile import HOSTILE, RAW


def lines_of(chart: Chart, view: View = View(), width: int = 60, height: int = 12) -> list[str]:  # noqa: B008
    return [line.plain for line in draw(chart, view, width, height, Inks()).lines]


def falling(steps: int = 200, name: str = "train") -> Series:
    xs = tuple(float(step) for step in range(1, steps + 1))
    return Series(name, xs, tuple(2 * math.exp(-x / 50) + 0.1 for x in xs), "#ff0000")


def test_smoothing_is_the_debiased_average() -> None:
    assert smoothed((1.0, 1.0, None, 1.0), 0.9) == pytest.approx((1.0, 1.0, None, 1.0))
    assert smoothed((0.0, 1.0), 0.5) == pytest.approx((0.0, 0.5 / 0.75))
    assert smoothed((3.0, 1.0), 0.0) == (3.0, 1.0)


@pytest.mark.parametrize("log", [False, True])
def test_scale_goes_there_and_back(log: bool) -> None:
    scale = Scale(0.1, 10.0, 40, log)
    for value in (0.1, 0.5, 3.0, 10.0):
        position = scale.position(value)
        assert position is not None
        assert scale.value(position) == pytest.approx(value)
    assert scale.cell(10.0) == 39
    assert scale.cell(11.0) is None


def test_logarithm_has_no_place_for_zero() -> None:
    assert Scale(0.1, 1.0, 10, log=True).position(0.0) is None


def test_bucketing_keeps_the_extremes_and_the_gaps() -> None:
    xs = [float(x) for x in range(10_000)]
    ys: list[float | None] = [0.5] * 10_000
    ys[4321], ys[7000] = 9.0, None
    pieces = bucketed(xs, ys, 50, 0.0, 9_999.0)
    assert len(pieces) == 2
    assert sum(map(len, pieces)) <= 104
    assert (4321.0, 9.0) in pieces[0]


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0.0, 1.0, 5) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert ticks(1, 312, 5) == [100.0, 200.0, 300.0]
    assert log_ticks(0.1, 10.0, 4) == [0.1, 1.0, 10.0]
    assert tick_labels([0.5, 0.25]) == ["0.50", "0.25"]
    assert tick_labels([0, 20_000]) == ["0", "20k"]


def test_nearest_point() -> None:
    series = Series("a", (1.0, 5.0, 9.0), (0.1, None, 0.9), "#fff")
    assert nearest(series, 4.0) == (5.0, None)
    assert nearest(series, 100.0) == (9.0, 0.9)
    assert nearest(Series("a", (), (), "#fff"), 1.0) is None


def test_a_window_and_a_cross_hair_stay_only_where_the_chart_has_something() -> None:
    short, view = Chart("loss", (falling(50),)), View(0.6, window=(140.0, 160.0), cursor=150.0)
    assert seen_in(short, view) == View(0.6)
    assert seen_in(Chart("loss"), view) == View(0.6)
    assert seen_in(Chart("loss", (falling(200),)), view) == view
    assert seen_in(short, View(window=(40.0, 60.0), cursor=45.0)) == View(window=(40.0, 60.0), cursor=45.0)


def test_raster_puts_points_into_the_cells_they_are_in() -> None:
    rows = raster([([0.1, 0.1], [0.1, 0.1]), ([9.9], [3.9])], 10, 4)
    assert [(column, curve) for column, _, curve in rows[3]] == [(0, 0)]
    assert [(column, curve) for column, _, curve in rows[0]] == [(9, 1)]


def test_a_curve_falls_from_the_upper_left_to_the_lower_right() -> None:
    lines = lines_of(Chart("loss", (falling(),)))
    inside = [line.split("│")[-1].split("┤")[-1] for line in lines[1:-1]]
    first, last = inside[0].rstrip(), inside[-1]
    assert 0 < len(first) < 6
    assert len(last.rstrip()) > 40
    assert lines[0].startswith("━ train 0.137")
    assert lines[-1].rstrip().endswith("step")


def test_every_line_has_the_width_that_was_asked_for() -> None:
    chart = Chart("F1", (falling(),), (Level("0.891 TF-IDF", 0.891, "#888888"), Level("0.190 most frequent class", 0.19, "#888888")))
    for width in range(12, 130, 7):
        assert max(map(cell_width, lines_of(chart, width=width))) <= width


def test_levels_have_names_beside_their_lines_and_never_share_a_row() -> None:
    levels = tuple(Level(f"level {index}", 0.9 + index / 1000, "#888888") for index in range(4))
    lines = lines_of(Chart("F1", (falling(),), levels), height=10)
    for index in range(4):
        assert sum(f"level {index}" in line for line in lines) == 1
    assert any("┄┄┄┄" in line for line in lines)


def test_names_of_levels_keep_the_order_of_the_levels() -> None:
    levels = tuple(Level(name, y, "#888888") for name, y in (("b", 0.99), ("a", 1.0), ("y", 0.01), ("z", 0.0)))
    series = Series("F1", (1.0, 2.0), (0.4, 0.5), "#ff0000")
    lines = lines_of(Chart("F1", (series,), levels, bounds=(0.0, 1.0)), height=10)
    rows = [next(row for row, line in enumerate(lines) if line.endswith(f" {name}")) for name in "abyz"]
    assert rows == [1, 2, 7, 8]


def test_a_level_outside_of_a_zoomed_chart_is_pointed_at() -> None:
    chart = Chart("F1", (falling(),), (Level("low", -5.0, "#888888"),))
    assert "┄" in "".join(lines_of(chart))
    zoomed = lines_of(chart, View(window=(1.0, 20.0)))
    assert "↓ low" in zoomed[-2]


def test_a_level_is_named_at_the_end_where_its_name_hides_no_curve() -> None:
    level = Level("0.880 TF-IDF", 0.88, "#888888")
    xs = tuple(float(x) for x in range(40))
    late = Series("F1", xs, tuple(0.2 + 0.68 * min(1.0, x / 25) for x in xs), "#ff0000")
    early = Series("F1", xs, tuple(0.88 - 0.6 * max(0.0, (x - 15) / 25) for x in xs), "#ff0000")
    named = [next(line for line in lines_of(Chart("F1", (each,), (level,)), width=40) if "TF-IDF" in line) for each in (late, early)]
    assert named[0].index("TF-IDF") < 20 < named[1].index("TF-IDF")


def test_names_of_overlaid_runs_take_lines_rather_than_give_way() -> None:
    several = tuple(falling(name=f"run{number} train") for number in range(3))
    lines = lines_of(Chart("loss", several), width=40, height=14)
    assert sum(line.count(" train ") for line in lines[:3]) == 3
    assert len(lines) == 14
    assert lines_of(Chart("loss", several), width=40, height=8)[1].lstrip()[0] in "│┤0123456789"


def test_cross_hair_reads_values() -> None:
    lines = lines_of(Chart("loss", (falling(),)), View(cursor=51.0))
    assert lines[0].startswith("step 51  ━ train 0.821")
    assert sum("┼" in line for line in lines) == 1


def test_the_cross_hair_says_where_a_value_was_measured_if_elsewhere() -> None:
    chart = Chart("F1", (Series("F1", (62.0, 124.0, 186.0), (0.4, 0.8, 0.9), "#ffffff", "●"), falling()))
    beside, there = lines_of(chart, View(cursor=120)), lines_of(chart, View(cursor=124))
    assert "F1 0.800 at 124" in beside[0]
    assert " at " not in there[0]
    column = max(line.index("┼") for line in beside if "┼" in line)
    assert column > next(line.index("│", 6) for line in beside[1:-1] if "│" in line[6:])


def test_a_chart_that_is_zoomed_between_two_points_shows_the_line_between_them() -> None:
    chart = Chart("F1", (Series("F1", (0.0, 100.0, 200.0), (0.2, 0.6, 0.8), "#ffffff", "●"),), bounds=(0.0, 1.0))
    lines = lines_of(chart, View(window=(110.0, 150.0)))
    assert sum("\u2800" < character <= "\u28ff" for line in lines for character in line) > 30
    assert "0.70" in "\n".join(lines)
    assert within([(-2.0, 0.0), (2.0, 4.0), (6.0, 0.0)], 4.0) == [(0.0, 2.0), (2.0, 4.0), (4.0, 2.0)]
    assert within([(-2.0, 0.0), (6.0, 8.0)], 4.0) == [(0.0, 2.0), (4.0, 6.0)]
    assert within([(-2.0, 0.0), (-1.0, 8.0)], 4.0) == []


def test_attempts_checkpoints_and_missing_values_are_marked() -> None:
    series = Series("train", (1.0, 2.0, 3.0, 4.0), (1.0, None, 0.5, 0.4), "#ff0000")
    lines = lines_of(Chart("loss", (series,), marks=(Mark(3.0, "attempt 2"), Mark(2.5, glyph="◆"))))
    assert "✗" in lines[1]
    assert "attempt 2" in lines[1]
    assert "┊" in lines[5]
    assert "◆" in lines[-1]


def test_log_scale_ticks_are_decades() -> None:
    xs = tuple(float(x) for x in range(1, 100))
    chart = Chart("loss", (Series("train", xs, tuple(10.0 ** (-x / 25) for x in xs), "#ff0000"),))
    names = [line.split("┤")[0].strip() for line in lines_of(chart, View(log=True), height=14) if "┤" in line]
    assert names == ["1", "0.1", "0.01", "0.001", "0.0001"]


def test_nothing_yet_says_so() -> None:
    assert any("no values yet" in line for line in lines_of(Chart("loss")))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_harmless(name: str) -> None:
    chart = Chart("loss", (falling(name=name),), (Level(name, 1.0, "#888888"),), (Mark(40.0, name),), x_name=name)
    for width in (20, 80):
        for line in lines_of(chart, View(cursor=30.0), width=width):
            assert not RAW.search(line)
            assert cell_width(line) <= width


def test_bars_and_sparklines() -> None:
    assert bar(0.5, 4) == "██  "
    assert bar(0.28, 4) == "█▏  "
    assert bar(7.0, 3) == "███"
    assert sparkline([0, 50, 100], 4, 100) == " ▁▅█"
