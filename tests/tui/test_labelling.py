"""Labels by key on lists of rows: what is pressed, what is shown and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from emotui.core.data import overlay_log, sources
from emotui.core.data.overlay import Place
from emotui.core.data.overlay_edit import Editor
from emotui.core.data.table import Dataset
from emotui.core.questions import AskFaults, Fault, FaultsAnswer, ProgressLine
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.screens.dataset import DatasetScreen
from emotui.tui.screens.dataset.side import DatasetSide
from emotui.tui.screens.label_keys import KEYS, legend
from emotui.tui.screens.pick_class import matching
from emotui.tui.screens.run_command import command_of
from emotui.tui.theme import class_looks
from emotui.tui.widgets.class_bars import ClassBars
from emotui.tui.widgets.key_legend import lines_of
from emotui.tui.widgets.problem_list import ProblemList
from emotui.tui.widgets.row_table import RowTable
from hostile import drawn
from inspector import Inspector
from monitor import never, settle, until
from pictures import SIZES, check_picture
from textual.coordinate import Coordinate
from textual.pilot import Pilot
from textual.widgets import Static
from variants import sizes


@asynccontextmanager
async def browser(engine: object, data: Path, *, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[DatasetScreen, Pilot[int]]]:
    app = EmotuiApp(engine=engine, spec=DataSpec(str(data)))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, DatasetScreen)
        yield app.screen, pilot


@pytest.fixture
def engine(emotui_home: Path, tiny_model: Path) -> Inspector:
    return Inspector(tiny_model)


def reread(data: Path) -> Dataset:
    return sources.load(DataSpec(str(data)))


def names(dataset: Dataset, split: str = "train") -> list[str]:
    return [row.name for row in dataset.splits[split].rows(0, 1_000)]


def counts(screen: DatasetScreen) -> dict[str, int]:
    return {look.name: count for look, count in screen.query_one(ClassBars).counts}


def said(screen: DatasetScreen) -> list[str]:
    return [each.message for each in screen.app._notifications]


def index(screen: DatasetScreen) -> int | None:
    return screen.query_one(RowTable).index


async def test_digits_give_labels_only_while_labelling(engine: Inspector, tiny_data: Path) -> None:
    before = reread(tiny_data)
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("L")
        await settle(pilot)
        assert "1 ● anger" in " ".join("\n".join(drawn(screen.app)).replace("\u00a0", " ").split())
        await pilot.press("1", "2", "3")
        await settle(pilot)
        assert screen.app.screen is screen and index(screen) == 3  # the cursor went on
        assert names(reread(tiny_data))[:3] == ["anger", "joy", "sadness"]
        await pilot.press("6")  # there is no sixth class, and it leads to no screen
        await settle(pilot)
        assert screen.app.screen is screen and index(screen) == 3 and said(screen)[-1] == "there are 3 labels"
        await pilot.press("k")
        await settle(pilot)
        text = "\n".join(drawn(screen.app))
        assert "confirmed" in text and "* " in text
        await pilot.press("k", "k")
        await settle(pilot)
        assert "row 0: " in "\n".join(drawn(screen.app)) and "was sadness (typed)" in "\n".join(drawn(screen.app))
        await pilot.press("L", "2")
        await settle(pilot)
        assert screen.app.current_mode == "tokens"  # a digit leads to a screen again
    assert names(before)[0] == "sadness" and overlay_log.read(Editor(before).file).lines == 4


async def test_x_leaves_out_and_u_undoes_without_end(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        texts = reread(tiny_data).splits["train"].texts()
        await pilot.press("L", "j", "x", "x", "1")
        await settle(pilot)
        assert screen.state.dataset is not None and len(screen.state.dataset.splits["train"]) == 88
        assert reread(tiny_data).splits["train"].texts() == [texts[0], *texts[3:]]
        assert screen.text_in_hand() == texts[4] and "train 88" in "\n".join(drawn(screen.app))
        spec = screen.state.spec
        assert spec is not None and spec.overlay == 4
        await pilot.press("u", "u", "u", "u")
        await settle(pilot)
        assert reread(tiny_data).splits["train"].texts() == texts and names(reread(tiny_data)) == names(
            sources.load(DataSpec(str(tiny_data), overlay=0))
        )
        assert said(screen)[-1] == "there is nothing to undo" and said(screen)[0].startswith("undone: anger, of '")


async def test_figures_and_problems_follow(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        was = counts(screen)
        await pilot.press("L", "2", "x")
        await until(pilot, lambda: sum(counts(screen).values()) == 89, "the classes are counted")
        await settle(pilot)
        assert counts(screen) == {**was, "sadness": was["sadness"] - 2, "joy": was["joy"] + 1}
        lengths = screen.query_one(DatasetSide).lengths
        assert lengths is not None and len(lengths.tokens["train"]) == 89  # counted again
        await pilot.press("L", "u")
        await settle(pilot)
        assert "tokens per text" in "\n".join(drawn(screen.app))  # u is the unit again


async def test_rows_of_a_filter_stay_while_they_are_decided(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash", *"label:joy", "enter")
        await settle(pilot)
        rows = np.flatnonzero(reread(tiny_data).splits["train"].label_ids() == 1)
        await pilot.press("L", "x", "1", "3")
        await settle(pilot)
        found = screen._found
        assert found is not None and found["train"].tolist() == [row - 1 for row in rows[1:]]
        after = reread(tiny_data)
        assert [names(after)[row - 1] for row in rows[1:3]] == ["anger", "sadness"]
        assert index(screen) == rows[3] - 1


async def test_what_another_process_decides_comes_with_the_next_decision(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        Editor(reread(tiny_data)).decide([Place("train", 40)], None)
        await pilot.press("L", "1")
        await settle(pilot)
        dataset = screen.state.dataset
        assert dataset is not None and sources.fingerprint(dataset) == sources.fingerprint(reread(tiny_data))
        assert len(dataset.splits["train"]) == 89 and dataset.spec == reread(tiny_data).spec


async def test_a_decision_that_cannot_be_kept_is_told_and_not_shown(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        overlay_log.folder().mkdir(parents=True, mode=0o700)
        Editor(reread(tiny_data)).file.mkdir()
        await pilot.press("L", "1")
        await settle(pilot)
        assert "cannot write" in said(screen)[0] and index(screen) == 0
        dataset = screen.state.dataset
        assert dataset is not None and names(dataset)[0] == "sadness"


def test_keys_of_labels_are_free_on_a_list_of_rows() -> None:
    others = {
        key
        for screen in (DatasetScreen, RowTable, EmotuiApp)
        for binding in screen.BINDINGS
        if not str(getattr(binding, "action", "")).startswith(("give", "go("))
        for key in str(getattr(binding, "key", "")).split(",")
        if key not in "1234"  # which lead to other screens where no labels are given
    }
    assert not others & set(KEYS) and len(set(KEYS)) == len(KEYS) == 39


@pytest.mark.parametrize("width", [8, 24, 47, 120])
def test_no_line_of_the_legend_ends_between_a_key_and_what_it_does(width: int) -> None:
    keys = legend(class_looks(["sadness", "joy and more", "love"]), "#ffffff", suggests="as predicted")
    lines = lines_of(keys, width)
    assert [each for line in lines for each in re.split(r"  (?= \S )", line.plain)] == [key.plain for key in keys]
    assert all(line.cell_len <= max(width, *(key.cell_len for key in keys)) for line in lines)
    assert len(lines) == len(keys) if width == 8 else len(lines) < len(keys)


async def test_more_classes_have_letters(engine: Inspector, tmp_path: Path) -> None:
    labels = [f"class {number:02d}" for number in range(45)]
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"text": f"text {number} of all", "label": labels[number % 45]}) + "\n" for number in range(450)))
    async with browser(engine, path) as (screen, pilot):
        await pilot.press("L", "a", "Z", "9")
        await settle(pilot)
        assert names(reread(path))[:3] == ["class 09", "class 38", "class 08"]
        assert "25 more, by name" in "\n".join(drawn(screen.app)).replace("\u00a0", " ")
        await pilot.press("equals_sign", "4", "enter")  # 45 classes, of which there are keys for 39
        await settle(pilot)
        assert "classes match: " in "\n".join(drawn(screen.app))
        await pilot.press("3", "enter")
        await settle(pilot)
        assert names(reread(path))[:4] == ["class 09", "class 38", "class 08", "class 43"]
        await pilot.press("equals_sign", "x", "enter")
        assert "no class matches this" in "\n".join(drawn(screen.app))


def test_a_class_is_meant_by_its_name_before_its_beginning_and_that_before_a_part() -> None:
    names = ("joy", "Joyful", "killjoy", "anger")
    assert [matching(typed, names) for typed in ("JOY ", "joyf", "illj", "o", "", "x")] == [
        ["joy"],
        ["Joyful"],
        ["killjoy"],
        ["joy", "Joyful", "killjoy"],
        [],
        [],
    ]


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_pictures_of_labelling(engine: Inspector, tiny_data: Path, size: tuple[int, int]) -> None:
    async with browser(engine, tiny_data, size=size) as (screen, pilot):
        await pilot.press("L", "1", "x", "3")
        await until(pilot, lambda: sum(counts(screen).values()) == 89, "the classes are counted")
        await settle(pilot)
        check_picture(screen.app, "data-labelling", skip=1)


async def test_a_run_from_the_form_has_the_decisions_that_were_shown(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("L", "1", "x")
        await settle(pilot)
        state = screen.state
        from emotui.core.specs import TrainSpec
        from emotui.tui.screens import run_form

        started: list[Any] = []

        def start(job: Any, **facts: Any) -> None:
            started.append((job, facts))

        assert state.dataset is not None and state.spec is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_form.launch, "start", start)
            run_form._launch(TrainSpec(DataSpec(state.spec.source)), state.dataset)
        job, facts = started[0]
        assert job.data.overlay == 3 and facts["data_hash"] == sources.fingerprint(sources.load(job.data))
        assert "overlay" not in command_of(job)


class Doubting(Inspector):
    """Finds faults that the test writes; waits for ever where it has none."""

    found: FaultsAnswer | None = None

    async def ask(self, ask: Any, on_progress: Any = None) -> Any:
        if not isinstance(ask, AskFaults):
            return await super().ask(ask, on_progress)
        self.asked.append(ask)
        if on_progress is not None:
            on_progress(ProgressLine("fit", 3, 16, "regressions"))
        return self.found if self.found is not None else await never(self.unanswered)


async def test_faults_open_ready_to_relabel_with_the_suggestion_on_the_first_key(
    emotui_home: Path, tiny_model: Path, tiny_data: Path
) -> None:
    engine = Doubting(tiny_model)
    how = "confident learning"
    fault = Fault(
        "label",
        "train",
        (40, 7, 21),
        "train: the labels of 3 rows are probably wrong (3.3 %)",
        how,
        ("joy", "anger", "sadness"),
        (0.9, 0.8, 0.7),
    )
    engine.found = FaultsAnswer((fault, Fault("outlier", "test", (5,), "test: 1 row unlike all others", "far")), "tfidf", {"tfidf": 0.9})
    engine.found = msgspec.structs.replace(engine.found, not_searched=("near-duplicates were not searched for: too many rows",))
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("F")
        await settle(pilot)
        asked = next(ask for ask in engine.asked if isinstance(ask, AskFaults))
        assert asked.data == screen.state.spec
        listed = screen.query_one(ProblemList)
        kinds = [problem.kind for problem in listed._problems]
        grave = sum(problem.untrustworthy for problem in listed._problems)
        assert kinds[grave : grave + 2] == ["label", "outlier"] and len(kinds) > 2  # below what is grave, above all else
        assert "near-duplicates were not searched for: too many rows" in str(screen.query_one("#notes", Static).render())
        listed.focus()
        listed.highlighted = kinds.index("label")
        await pilot.press("enter")
        await settle(pilot)
        assert screen.is_labelling and screen._found is not None and screen._found["train"].tolist() == [40, 7, 21]
        text = "\n".join(drawn(screen.app))
        assert index(screen) == 40 and "rather joy? 90 % (L, 0: yes)" in text and "as suggested" in text
        await pilot.press("0", "0")
        await settle(pilot)
        assert index(screen) == 21
        now = reread(tiny_data)
        assert now.overlay is not None
        kept = {place.at: (each.new, each.by, each.run) for place, each in now.overlay.decided.items()}
        assert kept == {40: ("joy", "accepted", how), 7: ("anger", "accepted", how)}
        await pilot.press("x")
        await settle(pilot)
        assert len(reread(tiny_data).splits["train"]) == 89
        listed.focus()  # the rows of what was found before are still found
        listed.highlighted = [problem.kind for problem in listed._problems].index("label")
        await pilot.press("enter")
        await settle(pilot)
        assert screen._found["train"].tolist() == [39, 7]


async def test_looking_for_faults_shows_how_far_it_is_and_can_be_taken_back(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    async with browser(Doubting(tiny_model), tiny_data) as (screen, pilot):
        await pilot.press("F")
        await until(pilot, lambda: "fit 3 of 16" in str(screen.query_one("#problems").border_subtitle), "progress is shown")
        await pilot.press("F")
        await settle(pilot)
        assert "fit" not in str(screen.query_one("#problems").border_subtitle)
        assert screen.query_one(DatasetSide).faults is None


@pytest.mark.every_frame
async def test_rows_are_drawn_as_a_data_table_draws_them_and_only_those_that_changed(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        table = screen.query_one(RowTable)
        drawn_rows: list[int] = []
        draw = table._drawn
        await pilot.press("L", "1", "x")
        await settle(pilot)
        table._show_hover_cursor, table.hover_coordinate = True, Coordinate(4, 0)
        await pilot.pause()
        ours = [table.render_line(y) for y in range(1, 8)]
        theirs = [super(RowTable, table).render_line(y) for y in range(1, 8)]
        assert [list(each) for each in ours] == [list(each.simplify()) for each in theirs]
        assert len({str(each._segments[0].style) for each in ours}) > 2  # the cursor, the one that is pointed at, and others
        table._show_hover_cursor = False
        await settle(pilot)
        table._drawn = lambda backend, row, hover: drawn_rows.append(row) or draw(backend, row, hover)  # type: ignore[method-assign]
        at = table.cursor_row
        await pilot.press("2")
        await until(pilot, lambda: table.cursor_row == at + 1, "the cursor goes on")
        await settle(pilot)
        assert set(drawn_rows) == {at, at + 1}
        await pilot.press("x")
        await settle(pilot)
        assert len(set(drawn_rows)) > 10  # other rows stand there now
