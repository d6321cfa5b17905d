"""What screens show and which rows and runs they choose, without a screen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from emotui.core.data.table import Dataset, Split
from emotui.core.questions import Layer
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from emotui.tui.facts import Loading
from emotui.tui.screens.classify_words import to_ask
from emotui.tui.screens.dataset import rows as dataset_rows
from emotui.tui.screens.dataset import words
from emotui.tui.screens.label_queue.rows import Rows, that_may_disagree, without_label
from emotui.tui.screens.token_words import stages
from emotui.tui.screens.training.page import run_to_look_at


def split(name: str, rows: int) -> Split:
    columns: dict[str, Any] = {"text": [f"{name} {at}" for at in range(rows)], "label": pa.array([0] * rows, pa.int32())}
    return Split(name, pa.table(columns), ("a",))


DATA = Dataset("d", "d", {"train": split("train", 1_200), "test": split("test", 30)}, ("a",), (), "text", "label", {}, {})


@pytest.mark.parametrize(
    ("room", "found", "title"),
    [
        (60, None, " train 1,200  ─ test 30"),
        (60, {"train": [1, 2], "test": [3]}, " train 2 of 1,200  ─ test 1 of 30"),
        (30, {"train": [1, 2], "test": [3]}, " train 2 of 1,200  ─ test 1"),
        (26, {"train": [1, 2], "test": [3]}, " train 2 of 1,200  ─ test"),
        (5, None, " train 1,200  ─ test"),
    ],
)
def test_the_other_splits_lose_their_figures_first(room: int, found: dict[str, Any] | None, title: str) -> None:
    assert words.split_names(DATA, "train", found, room, "red").plain == title


def test_what_is_waited_for_is_said() -> None:
    assert words.waiting("", Loading("download", 1, 4)).plain == "downloading the data set  25 %"
    assert words.waiting("", Loading("sort")).plain == "sort"
    error = words.waiting("there is no label column", None).plain
    assert "there is no label column" in error and "Press o" in error and "Press l to label" in error
    assert "Press l" not in words.waiting("it is empty", None).plain


def test_a_filter_without_rows_here_goes_to_the_first_split_with_some() -> None:
    none = np.array([], np.int64)
    assert dataset_rows.first_with_rows({"train": none, "test": np.array([1])}, "train") == "test"
    assert dataset_rows.first_with_rows({"train": none, "test": none}, "train") == "train"
    assert dataset_rows.first_with_rows(None, "train") == "train"
    found = dataset_rows.met(DATA, "split:test", None)
    assert found is not None and {name: len(rows) for name, rows in found.items()} == {"train": 0, "test": 30}
    assert dataset_rows.met(DATA, "", None) is None


def test_a_new_order_keeps_the_row_in_hand_and_those_before() -> None:
    queue = Rows([5, 6, 7, 8])
    queue.move(1)
    queue.put([8, 5, 9, 6], keep=True)
    assert (queue.items, queue.in_hand) == ([5, 6, 8, 9], 6)
    queue.put([9, 8], keep=False)
    assert (queue.items, queue.in_hand) == ([5, 9, 8], 9)
    queue.leave(5)
    assert queue.in_hand == 9
    queue.leave(9)
    assert queue.in_hand == 8
    queue.return_to(5)
    assert queue.in_hand == 5
    queue.return_to(77)
    assert (queue.items[0], queue.in_hand) == (77, 77)
    queue.move(99)
    assert queue.in_hand is None
    queue.move(-99)
    assert queue.in_hand == 77


def test_rows_with_a_label_come_no_more_and_three_runs_may_disagree() -> None:
    given: Any = SimpleNamespace(labels=np.array([-1, 0, -1, -2]))
    assert without_label(given, [3, 2, 1, 0]) == [2, 0]
    runs: list[Any] = [
        SimpleNamespace(
            folder=str(at), state="failed" if at == 1 else "finished", spec=SimpleNamespace(labels=("a",) if at != 2 else ("b",))
        )
        for at in range(6)
    ]
    assert that_may_disagree(runs, ("a",)) == ["0", "3", "4"]


@pytest.mark.parametrize(
    ("looked", "live", "own", "expected"),
    [
        (None, "", "ab", "a"),
        (None, "", "b", "b"),
        (None, "a", "b", "a"),
        ("b", "", "ab", "b"),
        ("b", "a", "ab", "a"),
        (None, "ab", "b", "b"),
    ],
)
def test_the_run_that_is_going_is_looked_at(looked: str | None, live: str, own: str, expected: str) -> None:
    runs: list[Any] = [SimpleNamespace(folder=name, is_live=name in live) for name in "ab"]
    assert run_to_look_at(runs, looked, lambda view: view.folder in own) == expected


def test_norms_are_those_of_a_token_where_there_are_some() -> None:
    layers = [Layer("ids", (1, 3), None), Layer("embeddings", (1, 3, 8), 9.0), Layer("layer 1", (1, 3, 8), 7.0)]
    path: Any = SimpleNamespace(layers=layers, token_norms=[(1.0, 2.0, 3.0), (4.0,)])
    assert [stage.norm for stage in stages(path, None)] == [None, 9.0, 7.0]
    assert [stage.norm for stage in stages(path, 1)] == [None, 2.0, 7.0]


def test_the_newest_run_of_each_task_answers_unless_others_are_marked() -> None:
    tuned, baseline = TrainSpec(DataSpec("d"), ""), BaselineSpec(DataSpec("d"))
    jobs = {"a": baseline, "b": tuned, "c": tuned, "e": baseline}
    runs: list[Any] = [SimpleNamespace(folder=name, spec=SimpleNamespace(job=job)) for name, job in jobs.items()]
    own = set("bce")
    assert [view.folder for view in to_ask(runs, None, lambda view: view.folder in own)] == ["b", "e"]
    assert [view.folder for view in to_ask(runs, ["c", "gone", "a"], lambda view: view.folder in own)] == ["c", "a"]
    assert to_ask(runs, [], lambda view: view.folder in own) == []
