"""Text graphics: what is drawn, where, and that it fits."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from emotui.core.cli import render
from emotui.core.cli.output import ASCII, UNICODE
from emotui.core.events import ClassMetrics, EpochRow, Metrics, Rung
from emotui.core.safe_text import cell_width


@dataclass(frozen=True)
class Box:
    whisker_low: float
    q1: float
    median: float
    q3: float
    whisker_high: float
    max: float


def test_table_aligns_wide_characters_and_cuts_long_cells():
    lines = render.table([["label", "rows"], ["喜び", "7"], ["a" * 30, "1,000"]], "lr", [10])
    assert lines == ["label        rows", "喜び            7", "aaaaaaaaa…  1,000"]
    assert {cell_width(line) for line in lines} == {17}


def test_table_lets_no_control_character_through():
    assert render.table([["\x1b]0;x\x07\nb"]], "l") == ["␛]0;x␇⏎b"]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_bars_ascend_and_the_largest_is_full(glyphs):
    lines = render.bars([("joy", 75), ("fear", 0), ("anger", 25)], 60, glyphs)
    assert [line.split()[0] for line in lines] == ["fear", "anger", "joy"]
    drawn = [line.count(glyphs.bar[-1]) for line in lines]
    assert drawn[0] == 0
    assert drawn[2] == 60 - len("anger") - 2 - 15
    assert drawn[1] == pytest.approx(drawn[2] / 3, abs=1)
    assert lines[1].split()[-3:] == ["25", "25.0", "%"]
    assert lines[2].split()[-3:] == ["75", "75.0", "%"]
    assert all(cell_width(line) <= 60 for line in lines)


def test_any_count_above_zero_shows():
    tiny = render.bars([("a", 1), ("b", 100_000)], 60, UNICODE)[0]
    assert "▏" in tiny


def test_probability_bars_descend():
    lines = render.probability_bars([("a", 0.1), ("b", 0.9)], 60, ASCII)
    assert [line.split()[0] for line in lines] == ["b", "a"]
    assert lines[0].rstrip().endswith("90.0 %")


def test_box_plot_places_quartiles_on_the_axis():
    lines = render.box_plots([("joy", Box(0, 10, 20, 30, 50, 66))], 100, ASCII)
    plot, axis = lines
    start = plot.index("|")
    room = axis.index("50") - start
    assert plot.rindex("|") == start + room
    for value, glyph in ((10, "="), (20, "#"), (30, "=")):
        assert plot[start + round(value / 50 * room)] == glyph
    assert plot[start + round(10 / 50 * room) - 1] == "-"
    assert plot[start + round(30 / 50 * room) + 1] == "-"
    assert plot.endswith("median 20, longest 66")
    assert [int(tick) for tick in axis.split()] == [0, 10, 20, 30, 40, 50]


def test_box_plot_draws_a_limit_inside_and_beyond_the_scale():
    inside, axis = render.box_plots([("joy", Box(0, 5, 10, 15, 20, 99))], 100, ASCII, limit=18)
    assert inside[axis.index("18")] == ":"
    beyond, axis = render.box_plots([("joy", Box(0, 5, 10, 15, 20, 99))], 100, ASCII, limit=512)
    assert beyond[axis.index("512")] == ":"
    assert beyond.index(":") > beyond.rindex("|")


def test_box_plots_of_one_length_and_of_none():
    assert render.box_plots([], 100, UNICODE) == []
    plot, _ = render.box_plots([("joy", Box(1, 1, 1, 1, 1, 1))], 100, UNICODE)
    assert plot.count("█") == 1


def confused(support: dict[str, int], matrix: tuple[tuple[int, ...], ...]) -> Metrics:
    return Metrics(
        "test", sum(support.values()), 0.0, 0.0, 0.0, {name: ClassMetrics(0.0, 0.0, 0.0, rows) for name, rows in support.items()}, matrix
    )


def test_confusion_matrix_is_normalised_by_true_class_and_names_its_axes():
    lines = render.confusion(confused({"joy": 4, "fear": 0}, ((3, 1), (0, 0))), 100)
    assert lines == [
        "  true \\ predicted   joy  fear",
        "  joy               0.75  0.25",
        "  fear                 -     -",
    ]


def test_confusion_matrix_numbers_its_columns_where_names_do_not_fit():
    labels = [f"a rather long label {index}" for index in range(12)]
    counts = tuple(tuple(1 if row == column else 0 for column in range(12)) for row in range(12))
    lines = render.confusion(confused(dict.fromkeys(labels, 1), counts), 100)
    assert lines[0].split()[3:] == [str(index) for index in range(12)]
    assert lines[12].split()[0] == "11"
    assert lines[12].split()[-1] == "1.00"
    assert all(cell_width(line) <= 100 for line in lines)


def test_of_many_classes_those_that_matter_most_are_shown_and_the_rest_is_told():
    classes = [f"c{index:03}" for index in range(100)]
    drawn = render.bars([(name, index + 1) for index, name in enumerate(classes)], 100, UNICODE)
    assert [line.split()[0] for line in drawn] == [*classes[:10], "70", *classes[80:]]
    assert drawn[10] == "  70 classes between these (all: --json)"

    guessed = render.probability_bars([(name, 0.01) for name in classes], 100, UNICODE)
    assert len(guessed) == 31 and guessed[-1] == "  70 classes less probable, together 70.0 %"

    plots = render.box_plots([(name, Box(1, 1, index, 1, 200, 200)) for index, name in enumerate(classes)], 100, UNICODE)
    assert [line.split()[0] for line in plots[:30]] == classes[:-31:-1]
    assert plots[-1] == "  70 classes with shorter medians not drawn (all: --json)"

    figures = {name: ClassMetrics(0.5, 0.5, index / 100, 2) for index, name in enumerate(classes)}
    listed = render.per_class(figures)
    assert [line.split()[0] for line in listed[1:]] == [*classes[:30], "70"]

    matrix = tuple(
        tuple(row + 1 if column == (row + 1) % 100 else 1 if row == column else 0 for column in range(100)) for row in range(100)
    )
    lines = render.confusion(confused(dict.fromkeys(classes, 2), matrix), 100)
    assert lines[0] == "  100 classes are too many for a matrix; the 30 most frequent of 100 confusions:"
    assert lines[2].split() == ["c099", "c000", "100", "99.0", "%"] and len(lines) == 32
    right = tuple(tuple(2 if row == column else 0 for column in range(100)) for row in range(100))
    assert render.confusion(confused(dict.fromkeys(classes, 2), right), 100) == [
        "  100 classes are too many for a matrix; no row is misclassified"
    ]


def metrics(intervals: dict[str, tuple[float, float]]) -> Metrics:
    return Metrics(
        split="test",
        rows=4,
        accuracy=0.75,
        f1_weighted=0.7,
        f1_macro=0.6,
        per_class={"joy": ClassMetrics(1.0, 0.5, 2 / 3, 2), "fear": ClassMetrics(0.5, 1.0, 2 / 3, 2)},
        confusion=((1, 1), (0, 2)),
        loss=0.5,
        intervals=intervals,
    )


def test_metrics_show_intervals_only_where_there_are_some():
    assert not any("interval" in line for line in render.metric_rows(metrics({})))
    lines = render.metric_rows(metrics({"accuracy": (0.5, 0.9), "f1_weighted": (0.4, 0.8)}))
    assert lines[1].split() == ["accuracy", "0.7500", "0.500", "to", "0.900"]
    classes = render.per_class(metrics({}).per_class, {"f1:joy": (0.1, 0.9)})
    assert classes[1].split() == ["joy", "1.000", "0.500", "0.667", "0.100", "to", "0.900", "2"]


def test_accuracy_is_flagged_where_classes_are_of_unequal_size():
    equal = metrics({})
    assert not any("unequal" in line for line in render.metric_rows(equal))
    per_class = {"joy": ClassMetrics(1.0, 0.5, 2 / 3, 31), "fear": ClassMetrics(0.5, 1.0, 2 / 3, 10)}
    unequal = msgspec.structs.replace(equal, per_class=per_class)
    assert render.metric_rows(unequal)[-1].endswith("always the largest one would be right for 76 %")


def test_the_tutorials_table():
    rows = [EpochRow(1, 0.8123, 0.312, 0.91, 0.909, 0.88), EpochRow(2, None, None, 0.92, 0.92, 0.9)]
    assert [each.split() for each in render.epochs(rows, 80)] == [
        ["Epoch", "Training", "loss", "Validation", "loss", "Accuracy", "F1", "Macro-F1"],
        ["1", "0.812300", "0.312000", "0.9100", "0.9090", "0.8800"],
        ["2", "-", "-", "0.9200", "0.9200", "0.9000"],
    ]
    for width in (20, 60):  # the tutorial's columns are there in any case
        assert render.epochs(rows, width)[0].split()[-2:] == ["Accuracy", "F1"]
    more = [msgspec.structs.replace(row, others={"unknown": 0.5}) for row in rows]
    assert render.epochs(more, 200) == render.epochs(rows, 200)


def test_a_ladder_names_macro_f1_however_narrow_it_is():
    """The best rung is the one with the highest macro-F1."""
    measured = Metrics("validation", 4, 0.75, 0.7, 0.6, {}, ((1,),), others={"mcc": 0.5})
    rungs = [Rung("tfidf", measured, 1.0, shape=(1312, 384))]
    assert render.ladder(rungs, 20)[0].split() == ["baseline", "accuracy", "F1", "macro-F1", "iterations", "time"]
    assert "MCC" in render.ladder(rungs, 200)[0]
