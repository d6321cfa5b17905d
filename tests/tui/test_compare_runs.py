"""The page that sets marked runs against each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import run_folders as folders
from emotui.core import events
from emotui.core.data import sources
from emotui.core.questions import AskEvaluate, ProgressLine, Question
from emotui.core.specs import DataSpec
from emotui.tui.screens.compare_runs import CompareRuns
from emotui.tui.widgets.plot import Plot
from hostile import drawn
from monitor import Classifier, application, never, settle
from pictures import SIZES, check_picture
from variants import sizes


def test_no_screen_waits_for_arrow_when_it_is_first_shown() -> None:
    modules = [f"emotui.tui.screens.{name}" for name in ("training", "compare_runs", "classify", "try_edits", "save_case")]
    code = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
    code += "print({'pyarrow', 'numpy', 'plotext'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"


IDLE = Classifier(folders.LABELS, {})


@pytest.fixture
def data(tmp_path: Path) -> DataSpec:
    return DataSpec(str(folders.write_data(tmp_path / "data")))


def write(home: Path, name: str, data: DataSpec, rate: float, right: float, created: float = folders.STARTED) -> Path:
    read = sources.load(data)
    random = np.random.default_rng(round(100 * right))
    happened = [
        msgspec.structs.replace(each, settings={**each.settings, "learning_rate": rate}) if isinstance(each, events.Started) else each
        for each in folders.train_events(labels=read.labels)
    ]
    happened = [
        msgspec.structs.replace(each, loss=(each.loss or 0.0) * 1000 * rate) if isinstance(each, events.Step) else each for each in happened
    ]
    job = folders.train_spec(data=data, learning_rate=rate)
    folder = folders.write_run(home / "runs", name, job, happened, labels=read.labels, data_hash=sources.fingerprint(read), created=created)
    truth = read.splits["validation"].label_ids()
    logits = random.normal(0, 1, (len(truth), len(read.labels)))
    logits[np.arange(len(truth)), truth] += np.where(random.random(len(truth)) < right, 5.0, -5.0)
    folders.write_predictions(folder, truth.tolist(), np.exp(logits) / np.exp(logits).sum(1, keepdims=True), read.labels)
    return folder


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_marked_runs_stand_on_one_page(emotui_home: Path, data: DataSpec, size: tuple[int, int]) -> None:
    write(emotui_home, "aaa111-fine-tune", data, 3e-4, 0.6)
    write(emotui_home, "bbb222-fine-tune", data, 1e-3, 0.97, created=folders.STARTED - 10)
    async with application(IDLE, "3", size=size) as (app, pilot):
        await pilot.press("C")
        assert not isinstance(app.screen, CompareRuns)  # nothing is marked
        await pilot.press("down", "space", "up", "C")
        await settle(pilot)
        assert isinstance(app.screen, CompareRuns)
        check_picture(app, "compare")
        plot = app.screen.query_one(Plot)
        assert plot.chart.title == "training loss, nats" and [each.name for each in plot.chart.series] == ["aaa111", "bbb222"]
        await pilot.press("f", "f", "f")
        assert plot.chart.title == "weighted F1, validation" and len({each.glyph for each in plot.chart.series}) == 2
        await pilot.press("m", "z")
        assert plot.view.smoothing == 0.6 and not app.screen.query_one("#compare-tables").display
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert not isinstance(app.screen, CompareRuns)


async def test_runs_are_sorted_and_the_page_scrolls(emotui_home: Path, data: DataSpec) -> None:
    write(emotui_home, "aaa111-fine-tune", data, 3e-4, 0.6)
    write(emotui_home, "bbb222-fine-tune", data, 1e-3, 0.97, created=folders.STARTED - 10)
    async with application(IDLE, "3", size=(120, 50)) as (app, pilot):
        await pilot.press("down", "space", "up", "C")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "A  aaa111-fine-tune" in text and "as they were marked" in text and "learning rate  0.0003  0.001" in text
        await pilot.press("o")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "A  bbb222-fine-tune" in text and "by accuracy, the best first" in text and "learning rate  0.001  0.0003" in text
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "beyond chance" in text and "3 min 32 s" in text


async def test_a_run_without_predictions_is_told(emotui_home: Path, data: DataSpec) -> None:
    write(emotui_home, "aaa111-fine-tune", data, 3e-4, 0.6)
    folders.write_failed_run(emotui_home / "runs", "bad333", created=folders.STARTED - 10)
    async with application(IDLE, "3", size=(120, 60)) as (app, pilot):
        await pilot.press("down", "space", "up", "C")
        await settle(pilot)
        await pilot.press(*["pagedown"] * 6)
        await settle(pilot)
        assert "bad333 is failed and has no model to measure" in "\n".join(drawn(app))


class Measurer(Classifier):
    """Measures a run by writing predictions, as the engine does; never answers where it is told to wait."""

    waits = False

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if not isinstance(ask, AskEvaluate):
            return await super().ask(ask, on_progress)
        if on_progress is not None:
            on_progress(ProgressLine("evaluate", 30, 60, "rows"))
        if self.waits:
            await never(self.unanswered)
        truth = [index % 6 for index in range(60)]
        folders.write_predictions(Path(ask.run), truth, np.eye(6)[truth] * 0.5 + 0.5 / 6, folders.LABELS, split=ask.split)
        return None


async def test_runs_without_figures_are_measured_by_a_key_which_can_be_taken_back(emotui_home: Path, data: DataSpec) -> None:
    write(emotui_home, "aaa111-fine-tune", data, 3e-4, 0.6)
    folder = write(emotui_home, "bbb222-fine-tune", data, 1e-3, 0.97, created=folders.STARTED - 10)
    (folder / "predictions" / "validation.parquet").unlink()
    (folder / "model").mkdir(exist_ok=True)
    engine = Measurer(folders.LABELS, {})
    engine.waits = True
    async with application(engine, "3", size=(120, 60)) as (app, pilot):
        await pilot.press("down", "space", "up", "C")
        await settle(pilot)
        await pilot.press(*["pagedown"] * 6)
        await settle(pilot)
        assert "bbb222-fine-tune is not measured on validation here yet: M measures it" in "\n".join(drawn(app))
        await pilot.press("M")
        await settle(pilot)
        assert "measuring bbb222-fine-tune on validation 50 %: esc stops it" in "\n".join(drawn(app))
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, CompareRuns) and "measuring" not in "\n".join(drawn(app))
        engine.waits = False
        await pilot.press("M")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "not measured" not in text and "beyond chance" in text
        assert [each.examined is not None for each in app.screen._entries] == [True, True]
