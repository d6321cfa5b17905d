"""Edits of a sentence on the prompt, and sentences that are kept as test cases."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_folders as folders
from emotui.core.runs import cases
from emotui.core.specs import DataSpec
from emotui.tui.screens.classify import ClassifyScreen
from emotui.tui.screens.save_case import SaveCase
from emotui.tui.screens.try_edits import TryEdits
from emotui.tui.widgets.label_bars import LabelBars
from emotui.tui.widgets.text_field import TextField
from hostile import RAW, drawn
from monitor import Classifier, application, settle
from pictures import SIZES, check_picture
from textual.pilot import Pilot
from variants import sizes

TUNED = (0.012, 0.971, 0.01, 0.003, 0.002, 0.002)
BASELINE = (0.153, 0.61, 0.1, 0.1, 0.03, 0.007)
NEGATED = (0.7, 0.2, 0.025, 0.025, 0.025, 0.025)


@pytest.fixture
def runs(emotui_home: Path) -> Path:
    folders.write_train_run(emotui_home / "runs")
    folders.write_baseline_run(emotui_home / "runs", created=folders.STARTED - 60)
    return emotui_home / "runs"


def classifier() -> Classifier:
    engine = Classifier(folders.LABELS, {"fine77": TUNED, "base22": BASELINE})
    engine.of_text["i am not so happy today"] = NEGATED
    return engine


async def write(app: object, pilot: Pilot[int], text: str) -> None:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, ClassifyScreen)
    screen.receive_text(text)
    await pilot.pause(0.1)
    await settle(pilot)
    await pilot.press("escape")


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_both_versions_stand_side_by_side_for_all_chosen_runs(runs: Path, size: tuple[int, int]) -> None:
    engine = classifier()
    async with application(engine, "4", size=size) as (app, pilot):
        await write(app, pilot, "i am so happy today")
        await pilot.press("e")
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause(0.1)
        await settle(pilot)
        assert isinstance(app.screen, TryEdits)
        assert engine.asked[-1].texts == ("i am so happy today", "i am not so happy today")
        check_picture(app, "edits")
        bars = [bar.guesses for bar in app.screen.query(LabelBars)]
        assert [guesses[0].probabilities for guesses in bars] == [TUNED, BASELINE]
        assert [guesses[1].probabilities for guesses in bars] == [NEGATED, NEGATED]
        assert {guesses[1].note for guesses in bars} == {"now sadness"}


async def test_edits_are_made_one_after_the_other_taken_back_and_taken_along(runs: Path) -> None:
    async with application(classifier(), "4") as (app, pilot):
        await write(app, pilot, "i am so happy today")
        await pilot.press("e", "u", "f")
        await settle(pilot)
        edited = app.screen.query_one("#edited", TextField)
        assert edited.text == "I AM SO HAPPY TODAY."
        assert "punctuation at the end; the class should stay" in "\n".join(drawn(app))
        await pilot.press("n")
        await settle(pilot)
        assert "name: no first name of the list" in "\n".join(drawn(app))
        await pilot.press("0")
        assert edited.text == "i am so happy today"
        await pilot.press("t")
        first = edited.text
        await pilot.press("0", "t", "0", "t", "0", "t")
        assert first != "i am so happy today" and sorted(first) == sorted("i am so happy today")
        await pilot.press("0", "i", "t", "escape", "enter")
        await settle(pilot)
        assert isinstance(app.screen, ClassifyScreen) and app.screen.query_one("#sentence", TextField).text == "i am so happy todayt"
        await pilot.press("escape", "e", "u", "escape")
        await settle(pilot)
        assert isinstance(app.screen, ClassifyScreen) and app.screen.query_one("#sentence", TextField).text == "i am so happy todayt"


async def test_a_sentence_is_kept_with_its_label(runs: Path) -> None:
    async with application(classifier(), "4") as (app, pilot):
        await pilot.press("escape", "s", "e")
        await settle(pilot)
        assert sum("type a sentence first" in each.message for each in app._notifications) == 2
        await write(app, pilot, "so \x1b[31mgood")
        await pilot.press("s")
        await settle(pilot)
        assert isinstance(app.screen, SaveCase) and RAW.search("\n".join(drawn(app))) is None
        await pilot.press("down", "enter")
        await settle(pilot)
        assert any(each.message == "kept as a case: love" for each in app._notifications)
    assert [(case.text, case.label) for case in cases.read(DataSpec("starter")).cases] == [("so \x1b[31mgood", "love")]
