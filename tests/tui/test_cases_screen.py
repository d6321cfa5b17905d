"""The screen of test cases, over run folders and an engine that the tests write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import run_folders as folders
from emotui.core.questions import AskClassify, ProgressLine, Question
from emotui.core.runs import case_results, cases
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec
from emotui.tui.screens.cases import CasesScreen
from emotui.tui.screens.classify import ClassifyScreen
from emotui.tui.widgets.figure_table import FigureLines
from hostile import text_of
from monitor import Classifier, application, settle, until
from pictures import SIZES, check_picture
from variants import sizes

DATA = DataSpec("starter")
SAID = {
    "i am not happy at all today": (0.01, 0.9, 0.05, 0.02, 0.01, 0.01),
    "who would have thought it": (0.1, 0.1, 0.1, 0.1, 0.1, 0.5),
    "he lied to me again": (0.2, 0.05, 0.05, 0.6, 0.05, 0.05),
}
EXPECTED = ("sadness", "surprise", "anger")


def add_cases() -> None:
    for text, label in zip(SAID, EXPECTED, strict=True):
        cases.add(DATA, text, label, folders.LABELS, lambda: 1.0)


def engine() -> Classifier:
    made = Classifier(folders.LABELS, {})
    made.of_text = dict(SAID)
    return made


def page(app: object) -> CasesScreen:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, CasesScreen)
    return screen


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_cases_are_asked_by_a_key_and_the_outcome_is_kept_with_the_run(emotui_home: Path, size: tuple[int, int]) -> None:
    run = folders.write_train_run(emotui_home / "runs")
    add_cases()
    async with application(engine(), "6", size=size) as (app, pilot):
        assert "m asks the run" in text_of(app) and "FAIL" not in text_of(app)
        await pilot.press("m")
        await settle(pilot)
        check_picture(app, "cases")
        assert "2 passed, 1 failed" in text_of(app)
    kept = case_results.read(RunFolder(run))
    assert kept is not None and [(each.case.label, each.label, each.probability) for each in kept.outcomes] == [
        ("sadness", "joy", 0.01),
        ("surprise", "surprise", 0.5),
        ("anger", "anger", 0.6),
    ]


async def test_failing_cases_are_shown_alone_and_one_leads_to_the_prompt_or_is_removed(emotui_home: Path) -> None:
    folders.write_train_run(emotui_home / "runs")
    add_cases()
    cases.add(DATA, "what label is this", "rage", ("rage",), lambda: 1.0)
    async with application(engine(), "6") as (app, pilot):
        await pilot.press("m", "f")
        await settle(pilot)
        assert "2 failing of 4 cases" in text_of(app) and "he lied" not in text_of(app) and "1 passed" not in text_of(app)
        await pilot.press("down")
        await settle(pilot)
        assert page(app).text_in_hand() == "what label is this" and "the run has no label rage" in text_of(app)
        await pilot.press("D", "n", "D", "y")
        await settle(pilot)
        assert [each.label for each in cases.read(DATA).cases] == list(EXPECTED) and "1 failing of 3 cases" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert "he lied" in text_of(app) and "2 passed, 1 failed" in text_of(app)
        cases.add(DATA, "i am not happy at all today", "anger", folders.LABELS)  # it was asked with another label
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ClassifyScreen) and app.screen.text_in_hand() == "i am not happy at all today"
        await pilot.press("escape", "6")
        await settle(pilot)
        assert "2 passed, 0 failed" in text_of(app)


class Slow(Classifier):
    """Answers the first question, and the second once it is let go."""

    def __init__(self) -> None:
        super().__init__(folders.LABELS, {})
        self.go_on = asyncio.Event()

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if isinstance(ask, AskClassify) and self.asked:
            await self.go_on.wait()
        return await super().ask(ask, on_progress)


async def test_asking_shows_how_far_it_is_and_can_be_stopped(emotui_home: Path) -> None:
    run = folders.write_train_run(emotui_home / "runs")
    for number in range(case_results.PART + 6):
        cases.add(DATA, f"text {number}", "joy", folders.LABELS)
    slow = Slow()
    async with application(slow, "6") as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "asked 64 of 70 cases" in text_of(app), "progress is shown")
        await pilot.press("escape")
        await settle(pilot)
        assert "m asks the run" in text_of(app) and case_results.read(RunFolder(run)) is None
        slow.go_on.set()
        await settle(pilot)
        assert case_results.read(RunFolder(run)) is None  # the answer that comes now is of no use
        await pilot.press("m")
        await settle(pilot)
        kept = case_results.read(RunFolder(run))
        assert kept is not None and len(kept.outcomes) == 70 and app.screen.query_one(FigureLines).option_count == 70


async def test_without_a_case_or_a_run_it_says_how_to_get_one(emotui_home: Path) -> None:
    async with application(engine(), "6") as (app, pilot):
        assert "No test case is kept" in text_of(app)
        cases.add(DATA, "so good", "joy", folders.LABELS)
        folders.write_baseline_run(emotui_home / "runs")
        app.state.poll_runs()
        await settle(pilot)
        assert "1 case of starter on base22 TF-IDF" in text_of(app) and "so good" in text_of(app)
