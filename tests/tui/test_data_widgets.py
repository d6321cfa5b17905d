"""Class bars, box plots and the problem list from plain data."""

from __future__ import annotations

import pytest
from emotui.core.safe_text import cell_width
from emotui.tui.theme import class_looks
from emotui.tui.widgets.box_plots import Box, Boxes, box_lines
from emotui.tui.widgets.class_bars import class_lines
from emotui.tui.widgets.label_look import LabelLook
from emotui.tui.widgets.split_table import SplitCounts, Splits, split_lines
from hostile import HOSTILE, RAW

JOY, FEAR = LabelLook("joy", "◆", "#e8c15a"), LabelLook("fear", "■", "#b79df2")


def box(look: LabelLook = JOY, *, scale: float = 1.0, cut: float | None = None) -> Box:
    return Box(look, 2 * scale, 10 * scale, 20 * scale, 30 * scale, 50 * scale, 80 * scale, cut)


def test_the_largest_class_comes_first_with_its_share() -> None:
    lines = class_lines([(JOY, 25), (FEAR, 75)], 50).plain.splitlines()
    assert [line.split()[1] for line in lines] == ["fear", "joy"]
    assert lines[0].endswith("75  75 %")
    assert lines[1].endswith("25  25 %")
    assert lines[1].count("█") * 3 == pytest.approx(lines[0].count("█"), abs=3)


def test_a_class_of_one_letter_has_its_glyph_too() -> None:
    assert class_lines([(LabelLook("0", "●", "red"), 3), (LabelLook("1", "◆", "blue"), 2)], 40).plain.splitlines()[1].startswith("◆ 1 ")


def test_a_box_stands_where_its_numbers_are() -> None:
    line = box_lines(Boxes((box(),)), 58).plain.splitlines()[1]
    names, cells = 6, 58 - 6 - 9 - 8
    start, stop = names + round(10 / 50 * (cells - 1)), names + round(30 / 50 * (cells - 1))
    assert line[start] == "█"
    assert line[stop] == "█"
    assert line[start - 1] == "─"
    assert line[names + round(20 / 50 * (cells - 1))] == "│"
    assert "20" in line
    assert "80" in line


def test_a_near_limit_is_drawn_in_place_and_a_far_one_in_the_axis() -> None:
    near = box_lines(Boxes((box(),), 60, "60"), 60).plain.splitlines()
    assert "┊" in near[1]
    far = box_lines(Boxes((box(),), 512, "512"), 60).plain.splitlines()
    assert "┊" not in far[1]
    assert far[-1].rstrip().endswith("┊512")


@pytest.mark.parametrize("top", [0.2, 1, 3, 7, 48, 99, 1000, 123_456])
@pytest.mark.parametrize("width", [20, 28, 40, 72])
def test_an_axis_has_two_numbers_and_nothing_is_too_wide(top: float, width: int) -> None:
    plot = Boxes((box(scale=top / 50), box(FEAR, scale=top / 100, cut=0.1)))
    lines = box_lines(plot, width).plain.splitlines()
    assert all(cell_width(line) <= width for line in lines)
    if top >= 1 and width >= 28:
        assert len(lines[-1].split()) >= 2


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [24, 60])
def test_hostile_labels_keep_to_their_width(text: str, width: int) -> None:
    look = LabelLook(text, "●", "red")
    for drawing in (class_lines([(look, 3), (JOY, 10)], width), box_lines(Boxes((box(look, cut=0.0), box(JOY, cut=0.5))), width)):
        for line in drawing.plain.split("\n"):
            assert not RAW.search(line)
            assert cell_width(line) <= width


def test_a_share_that_differs_from_the_first_split_is_marked() -> None:
    same = Splits((JOY, FEAR), (SplitCounts("train", (500, 500)), SplitCounts("test", (52, 48))))
    assert "!" not in split_lines(same, 40, {}).plain
    other = Splits((JOY, FEAR), (SplitCounts("train", (500, 500)), SplitCounts("test", (90, 10))))
    assert split_lines(other, 40, {}).plain.count("!") == 2
    assert "! 90 %" in split_lines(other, 40, {}).plain


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [24, 34, 60])
def test_the_splits_keep_to_their_width(text: str, width: int) -> None:
    shown = Splits(
        (LabelLook(text, "●", "red"), JOY), (SplitCounts(text, (16_000, 2)), SplitCounts("validation", (0, 0)), SplitCounts("t", (1, 1)))
    )
    for line in split_lines(shown, width, {}).plain.split("\n"):
        assert not RAW.search(line)
        assert cell_width(line) <= width


def test_the_id_stands_before_the_name_of_a_class_but_where_the_name_is_the_id() -> None:
    looks = class_looks(["sadness", "1", "02", "joy"])
    lines = class_lines([(look, 10) for look in looks], 60).plain.splitlines()
    assert [line.split("█")[0].split()[1:] for line in lines] == [["0", "sadness"], ["1"], ["02"], ["3", "joy"]]
    table = split_lines(Splits(looks, (SplitCounts("train", (1, 1, 1, 1)),), (("test", 2_000),)), 60, {}).plain
    assert "0 sadness" in table
    assert "test  2,000  unlabelled" in table
