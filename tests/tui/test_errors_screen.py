"""The errors of a run, on run folders and predictions that the tests write."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_folders as folders
from emotui.core import specs
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.questions import AskEvaluate, ProgressLine, Question
from emotui.core.runs import slices
from emotui.tui.screens.choose_run import ChooseRun
from emotui.tui.screens.errors import ErrorsScreen
from emotui.tui.screens.errors.examination import VIEWS
from emotui.tui.widgets.confusion import Confusion
from emotui.tui.widgets.figure_table import FigureTable
from emotui.tui.widgets.judged_list import JudgedList
from hostile import HOSTILE, RAW, text_of
from monitor import Classifier, application, never, settle
from pictures import check_picture
from sklearn.metrics import f1_score
from textual.widgets import Input
from variants import mostly_slow, sizes

SIZES = [(80, 24), (120, 36), (200, 60)]
TRUTH = [index % 6 for index in range(60)]
LABELS = folders.LABELS


def said(wrong: dict[int, tuple[int, float]]) -> np.ndarray:
    """Return probabilities, shape [60, 6]: each row right with 0.5, but for those in `wrong`, by the class and share given."""
    probabilities = np.full((60, 6), 0.1)
    probabilities[np.arange(60), TRUTH] = 0.5
    for row, (label, share) in wrong.items():
        probabilities[row] = (1 - share) / 5
        probabilities[row, label] = share
    return probabilities


FIRST = said({7: (2, 0.9), 13: (2, 0.7), 3: (0, 0.6)})
SECOND = said({7: (2, 0.8), **dict.fromkeys((4, 5, 9, 10, 11, 15, 16, 17, 21), (0, 0.55))})


@pytest.fixture
def runs(emotui_home: Path) -> Path:
    return emotui_home / "runs"


@pytest.fixture
def spec(runs: Path, tmp_path: Path) -> specs.DataSpec:
    """Data with a fine-tuning that errs on three rows of validation, and a baseline that errs on ten."""
    data = specs.DataSpec(str(folders.write_data(tmp_path / "data")), labels=LABELS, overlay=0)
    found = sources.fingerprint(sources.load(data))
    fine = folders.write_run(runs, "fine77", folders.train_spec(data=data), folders.train_events(), data_hash=found)
    folders.write_predictions(fine, TRUTH, FIRST)
    job = specs.BaselineSpec(data)
    base = folders.write_run(runs, "base22", job, folders.baseline_events(), data_hash=found, created=folders.STARTED - 500)
    for rung in ("tfidf", "encoder"):
        model = base / ("model" if rung == "encoder" else f"rungs/{rung}")
        model.mkdir(parents=True)
        (model / "emotui.json").write_text("{}")
    folders.write_predictions(base, TRUTH, SECOND, split="validation-tfidf")
    (fine / "model").mkdir()
    return data


class Measurer(Classifier):
    """Measures a split by writing predictions, as the engine does; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(LABELS, {})
        self.evaluated: list[AskEvaluate] = []

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if isinstance(ask, AskEvaluate):
            self.evaluated.append(ask)
            if on_progress is not None:
                on_progress(ProgressLine("evaluate", 30, 60, "rows"))
            folders.write_predictions(Path(ask.run), TRUTH, SECOND, split=ask.split)
            return None
        return await super().ask(ask, on_progress)


def page(app: object) -> ErrorsScreen:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, ErrorsScreen)
    return screen


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_the_worst_rows_stand_beside_the_matrix(spec: specs.DataSpec, size: tuple[int, int]) -> None:
    async with application(Measurer(), "5", size=size, spec=spec) as (app, pilot):
        text = text_of(app)
        for words in ("fine77", "validation", "60 rows", "3 wrong", "60 rows, the highest loss first", "confusion matrix"):
            assert words in text, words
        f1 = f1_score(TRUTH, FIRST.argmax(1), average="weighted")
        assert f"F1 {f1:.3f} (" in text
        assert page(app).listed[:3].tolist() == [7, 13, 3]
        assert "row 7: ◆ joy, predicted as ♥ love 90.0 %, loss 3.912" in text
        assert "i feel happy and loved validation 7" in text
        await pilot.press("e")
        await settle(pilot)
        assert "60 rows, the lowest loss first" in text_of(app)
        assert "errors" in app.state.done
        assert not {7, 13, 3} & set(page(app).listed[:10].tolist())


async def test_a_cell_of_the_matrix_lists_its_rows(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        matrix = page(app).query_one("#matrix", Confusion)
        matrix.focus()
        matrix.cursor = (0, 2)
        await pilot.press("down")
        await settle(pilot)
        assert page(app).listed.tolist() == [7, 13]
        assert "2 rows: joy predicted as love, the highest loss first" in text_of(app)
        await pilot.press("enter", "j")
        assert "row 13: ◆ joy, predicted as ♥ love 70.0 %" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert len(page(app).listed) == 60


@pytest.mark.slow
async def test_w_of_the_training_screen_leads_here_and_t_and_p_lead_on(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "3", spec=spec) as (app, pilot):
        await pilot.press("w")
        await settle(pilot)
        assert app.current_mode == "errors"
        assert page(app).listed[0] == 7
        await pilot.press("p")
        await settle(pilot)
        assert app.current_mode == "classify"
        assert app.screen.query_one("#sentence").text == "i feel happy and loved validation 7"  # type: ignore[attr-defined]
        await pilot.press("escape", "5", "t")
        await settle(pilot)
        assert app.current_mode == "tokens"


async def test_the_filter_knows_what_the_run_says(spec: specs.DataSpec) -> None:
    expected = {
        "wrong": [7, 13, 3],
        "-wrong label:joy": [1, 19, 25, 31, 37, 43, 49, 55],
        "predicted:love loss>2.5": [7, 13],
        "confidence<0.65 wrong": [3],
        "regex:validation.1[0-3]$": [13, 10, 11, 12],
        "wrong len>5": [7, 13, 3],
    }
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        for line, rows in expected.items():
            await pilot.press("slash")
            page(app).query_one("#filter", Input).value = line
            await pilot.press("enter")
            await settle(pilot)
            assert page(app).listed.tolist() == rows, line
            assert f"{len(rows)} of 60 rows" in text_of(app), line
        await pilot.press("slash")
        page(app).query_one("#filter", Input).value = "label:rage"
        await pilot.press("enter")
        await settle(pilot)
        assert "there is no label 'rage'" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert len(page(app).listed) == 60


@pytest.mark.slow
async def test_the_views_show_figures_and_their_rows(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        seen: dict[str, str] = {}
        listed: dict[str, list[int]] = {}
        for _ in VIEWS[1:]:
            await pilot.press("right_square_bracket")
            await settle(pilot)
            await pilot.press("down")
            await settle(pilot)
            seen[page(app).view], listed[page(app).view] = text_of(app), page(app).listed.tolist()
        assert list(seen) == list(VIEWS[1:])
        assert "sadness, labelled or predicted" in seen["classes"] and 3 in listed["classes"] and len(listed["classes"]) == 11
        assert "fine77 against base22:tfidf" in seen["against"] and "p = 0.0654, may be chance" in seen["against"]
        assert "only fine77 right" in seen["against"] and len(listed["against"]) == 48
        assert "no slice yet" in seen["slices"]
        assert "ECE" in seen["calibration"] and "f fits a temperature" in seen["calibration"]
        assert "60 rows: at least 0 sure" in seen["coverage"]


@pytest.mark.slow
async def test_this_run_right_and_that_run_wrong(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        await pilot.press("right_square_bracket", "right_square_bracket", "down", "down")
        await settle(pilot)
        assert sorted(page(app).listed.tolist()) == [4, 5, 9, 10, 11, 15, 16, 17, 21]
        await pilot.press("down")
        await settle(pilot)
        assert page(app).listed.tolist() == [13, 3]
        await pilot.press("a")
        await settle(pilot)
        assert isinstance(app.screen, ChooseRun)
        assert "TF-IDF" in text_of(app)
        await pilot.press("up", "up", "up", "up", "up", "enter")
        await settle(pilot)


async def test_a_split_is_measured_on_demand(spec: specs.DataSpec) -> None:
    engine = Measurer()
    async with application(engine, "5", spec=spec) as (app, pilot):
        await pilot.press("s")
        await settle(pilot)
        assert "fine77 was not measured on test yet" in text_of(app)
        assert len(page(app).listed) == 0 and engine.evaluated == []
        await pilot.press("m")
        await settle(pilot)
        assert [(Path(ask.run).name, ask.split) for ask in engine.evaluated] == [("fine77", "test")]
        assert "test" in text_of(app) and "10 wrong" in text_of(app)
        await pilot.press("slash")
        page(app).query_one("#filter", Input).value = "split:validation wrong"
        await pilot.press("enter")
        await settle(pilot)
        assert page(app).listed.tolist() == [7, 13, 3]


@pytest.mark.slow
async def test_a_filter_is_kept_as_a_slice_and_removed(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        await pilot.press("slash")
        page(app).query_one("#filter", Input).value = "label:joy"
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("n", *"joyful", "enter")
        await settle(pilot)
        assert slices.read(spec.source) == {"joyful": "label:joy"}
        assert page(app).view == "slices"
        await pilot.press("escape", "down")
        await settle(pilot)
        assert "joyful" in text_of(app) and sorted(page(app).listed.tolist()) == list(range(1, 60, 6))
        await pilot.press("D")
        await settle(pilot)
        assert slices.read(spec.source) == {} and "no slice yet" in text_of(app)


async def test_one_key_fits_the_temperature_and_forgets_it(spec: specs.DataSpec, runs: Path) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        assert "T " not in text_of(app).splitlines()[2]
        await pilot.press("f")
        await settle(pilot)
        kept = runs / "fine77" / "model" / "temperature.json"
        assert kept.is_file()
        assert "  T " in text_of(app).splitlines()[2]
        await pilot.press("f")
        await settle(pilot)
        assert not kept.exists() and "  T " not in text_of(app).splitlines()[2]


async def test_the_command_lines_are_copied(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        await pilot.press("y")
        assert app.clipboard == "emotui errors fine77 --split validation"
        await pilot.press("left_square_bracket", "down", "down", "down", "down", "y")
        await settle(pilot)
        assert page(app).view == "coverage"
        assert app.clipboard == "emotui predict fine77 --threshold 0.5"


@pytest.mark.slow
async def test_the_rows_are_written_with_what_the_run_says(spec: specs.DataSpec, tmp_path: Path) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        await pilot.press("slash")
        page(app).query_one("#filter", Input).value = "wrong"
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        app.screen.query_one("#file", Input).value = str(tmp_path / "out.csv")
        await pilot.press("enter")
        await settle(pilot)
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [(row["label"], row["prediction"], row["probability"]) for row in rows] == [
        ("joy", "love", "0.9"),
        ("joy", "love", "0.7"),
        ("anger", "sadness", "0.6"),
    ]


@pytest.mark.slow
async def test_z_gives_the_whole_body_to_a_panel(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", size=(80, 24), spec=spec) as (app, pilot):
        await pilot.press("right_square_bracket", "z")
        await settle(pilot)
        figures = page(app).query_one("#figures")
        assert figures.size.height > 16
        await pilot.press("escape")
        await settle(pilot)
        assert figures.size.height < 12


async def test_without_runs_the_screen_names_the_key(runs: Path) -> None:
    async with application(Measurer(), "5") as (app, _):
        assert "3, then n   starts one" in text_of(app)


async def test_data_that_is_another_now_is_told(spec: specs.DataSpec, runs: Path) -> None:
    for row in ("validation", "test"):
        path = Path(spec.source) / f"{row}.jsonl"
        path.write_text(path.read_text().replace('"joy"', '"bliss"'))
    async with application(Measurer(), "5", size=(200, 60)) as (app, _):
        assert "the label 'bliss' is not among sadness, joy" in text_of(app)
        assert len(page(app).listed) == 0


@pytest.mark.parametrize("text", mostly_slow(each for each in HOSTILE if each.isascii() or each.encode("utf-8", "ignore").decode() == each))
async def test_outside_text_is_safe(runs: Path, tmp_path: Path, text: str) -> None:
    labels = (f"a{text}", "b", "c", "d", "e", "f")
    data = specs.DataSpec(str(folders.write_data(tmp_path / "data", labels=labels, texts=(f"x {text}",))))
    loaded = sources.load(data)
    order = [loaded.labels.index(each) for each in loaded.labels]
    assert len(order) == 6
    truth = loaded.splits["validation"].label_ids().tolist()
    fine = folders.write_run(
        runs,
        "fine77",
        folders.train_spec(data=data),
        folders.train_events(labels=loaded.labels),
        labels=loaded.labels,
        data_hash=sources.fingerprint(loaded),
    )
    folders.write_predictions(fine, truth, FIRST, labels=loaded.labels)
    async with application(Measurer(), "5", spec=data) as (app, pilot):
        for key in ("right_square_bracket", "down", "right_square_bracket", "o", "escape"):
            await pilot.press(key)
            await settle(pilot)
            assert not RAW.search(text_of(app))


async def test_any_number_of_rows_is_walked(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        listing = page(app).query_one(JudgedList)
        listing.focus()
        await pilot.press("G")
        assert listing.row == page(app).listed[-1]
        await pilot.press("k", "pageup", "g", "down")
        assert listing.row == page(app).listed[1]
        assert page(app).query_one("#classes", FigureTable).index is None


async def test_wrong_labels_are_mended_where_they_are_found(spec: specs.DataSpec) -> None:
    async with application(Measurer(), "5", spec=spec) as (app, pilot):
        await pilot.press("L")
        await settle(pilot)
        assert "leave out" in text_of(app)
        await pilot.press("3", "x")
        await settle(pilot)
        text = text_of(app)
        assert "* ♥ love i feel happy" in text and "* left out i feel happy" in text
        assert "row 3:" in text  # the cursor went on
        mended = sources.load(specs.DataSpec(spec.source, labels=LABELS)).splits["validation"]
        assert len(mended) == 59 and mended.row(7).name == "love"
        await pilot.press("u", "u")
        await settle(pilot)
        assert "* " not in text_of(app)
        await pilot.press("escape", "e")
        await settle(pilot)
        assert "the lowest loss first" in text_of(app)


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_each_view_looks_as_it_did(spec: specs.DataSpec, size: tuple[int, int]) -> None:
    slices.save(spec.source, "joyful", "label:joy")
    slices.save(spec.source, "sure", "confidence>0.55")
    async with application(Measurer(), "5", size=size, spec=spec) as (app, pilot):
        for name in VIEWS:
            if name != VIEWS[0]:
                await pilot.press("right_square_bracket", "down")
            await settle(pilot)
            check_picture(app, f"errors-{name}", skip=2)


async def test_escape_stops_a_measurement(spec: specs.DataSpec) -> None:
    class Slow(Measurer):
        async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
            if isinstance(ask, AskEvaluate):
                self.evaluated.append(ask)
                if on_progress is not None:
                    on_progress(ProgressLine("evaluate", 30, 60, "rows"))
                return await never(self.unanswered)
            return await super().ask(ask, on_progress)

    engine = Slow()
    async with application(engine, "5", spec=spec) as (app, pilot):
        await pilot.press("s", "m")
        await settle(pilot)
        assert "measuring fine77 on test 50 %" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert "fine77 was not measured on test yet" in text_of(app)
        assert not any(worker.group == "measure" and not worker.is_finished for worker in app.screen.workers)


async def test_a_fault_of_the_measurement_is_told(spec: specs.DataSpec) -> None:
    class Failing(Measurer):
        async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
            if isinstance(ask, AskEvaluate):
                raise UserError("the run fine77 has no model yet. See its state with: emotui show fine77")
            return await super().ask(ask, on_progress)

    async with application(Failing(), "5", spec=spec) as (app, pilot):
        await pilot.press("s", "m")
        await settle(pilot)
        assert "has no model yet" in text_of(app)
