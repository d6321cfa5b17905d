"""The classifier prompt on run folders and a fake engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import run_folders as folders
from emotui.core import events
from emotui.core.questions import ClassifyAnswer, Question
from emotui.core.specs import DataSpec
from emotui.tui.screens.classify import ClassifyScreen
from emotui.tui.widgets.label_bars import LabelBars
from emotui.tui.widgets.run_list import RunList
from emotui.tui.widgets.text_field import TextField
from hostile import HOSTILE, RAW, drawn
from monitor import Classifier, application, settle
from textual.pilot import Pilot
from variants import mostly_slow, sizes

TUNED = (0.012, 0.971, 0.01, 0.003, 0.002, 0.002)
BASELINE = (0.153, 0.61, 0.1, 0.1, 0.03, 0.007)


@pytest.fixture
def runs(emotui_home: Path) -> Path:
    return emotui_home / "runs"


def classifier(**options: object) -> Classifier:
    return Classifier(folders.LABELS, {"fine77": TUNED, "base22": BASELINE}, **options)  # type: ignore[arg-type]


async def write(pilot: Pilot[int], text: str) -> None:
    await pilot.press(*("space" if character == " " else character for character in text))
    await pilot.pause(0.1)
    await settle(pilot)


async def test_without_runs_the_screen_names_the_key(runs: Path) -> None:
    async with application(classifier(), "4") as (app, _):
        assert "Press 3, then n" in "\n".join(drawn(app))


@pytest.mark.parametrize("size", sizes([(80, 24), (120, 36), (200, 60)]))
async def test_two_runs_answer_side_by_side_while_typing(runs: Path, size: tuple[int, int]) -> None:
    folders.write_train_run(runs)
    folders.write_baseline_run(runs)
    engine = classifier()
    async with application(engine, "4", size=size) as (app, pilot):
        await write(pilot, "so good")
        text = "\n".join(drawn(app))
        for words in ("J O Y", "97.1 %", "61.0 %", "15.3 %", "4 tokens", "14 ms", "fine77 fine-tune", "base22 TF-IDF"):
            assert words in text, words
        assert engine.asked[-1].texts == ("so good",)
        assert all(ask.topic == f"prompt {ask.run}" for ask in engine.asked)
        assert "classify" in app.state.done


async def test_cut_texts_say_where(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(classifier(truncated=True), "4") as (app, pilot):
        await write(pilot, "long")
        assert "cut at 512" in "\n".join(drawn(app))


async def test_history_goes_up_and_down(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(classifier(), "4") as (app, pilot):
        sentence = app.screen.query_one("#sentence", TextField)
        for text in ("one", "two"):
            await write(pilot, text)
            await pilot.press("enter")
        assert sentence.text == ""
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await pilot.press(key)
            seen.append(sentence.text)
        assert seen == ["two", "one", "one", "two", ""]
        text = "\n".join(drawn(app))
        assert "joy 97 %" in text
        assert "keep it" in drawn(app)[-1]
        assert "↑↓ history" in drawn(app)[-1]
        long = "very long " * 40
        screen = app.screen
        assert isinstance(screen, ClassifyScreen)
        screen.receive_text(long)
        await pilot.press("enter")
        await settle(pilot)
        assert sum("very long" in line for line in drawn(app)) == 1  # a sentence takes one line of the history


async def test_the_models_are_loaded_before_the_first_key_and_the_empty_history_says_how_to_fill_it(runs: Path) -> None:
    folders.write_train_run(runs)
    folders.write_baseline_run(runs)
    engine = classifier()
    async with application(engine, "4") as (app, pilot):
        assert sorted(engine.loaded) == ["base22", "fine77"]
        assert "enter keeps the sentence," in "\n".join(drawn(app))
        await write(pilot, "one")
        await pilot.press("enter")
        await settle(pilot)
        assert "enter keeps the sentence," not in "\n".join(drawn(app))
        await pilot.press("1", "escape", "3", "4")
        await settle(pilot)
        assert len(engine.loaded) == 2


async def test_an_empty_prompt_has_no_bars(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(classifier(), "4") as (app, pilot):
        await write(pilot, "a")
        await pilot.press("backspace")
        await pilot.pause(0.1)
        await settle(pilot)
        assert app.screen.query_one(LabelBars).guesses[0].probabilities == ()


async def test_runs_are_added_and_removed(runs: Path) -> None:
    folders.write_train_run(runs)
    folders.write_baseline_run(runs, created=folders.STARTED - 10)
    async with application(classifier(), "4") as (app, pilot):
        await write(pilot, "hi")
        await pilot.press("escape", "down", "space")
        await settle(pilot)
        assert [guess.title for guess in app.screen.query_one(LabelBars).guesses] == ["fine77 fine-tune"]
        await pilot.press("space")
        await settle(pilot)
        assert len(app.screen.query_one(LabelBars).guesses) == 2
        await pilot.press("i", "x")
        assert app.screen.query_one("#sentence", TextField).value == "hix"


async def test_an_error_stands_in_its_place(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(classifier(error="the model of run fine77 is gone. Train it again"), "4") as (app, pilot):
        await write(pilot, "hi")
        assert "is gone. Train it again" in "\n".join(drawn(app))


async def test_an_older_answer_does_not_overwrite_a_newer_question(runs: Path) -> None:
    folders.write_train_run(runs)
    engine = classifier()
    async with application(engine, "4") as (app, pilot):
        await write(pilot, "new")
        screen = app.screen
        assert isinstance(screen, ClassifyScreen)
        before = screen.query_one(LabelBars).guesses
        screen._show_answer(screen.chosen[0], "old", "late", 1.0)
        assert screen.query_one(LabelBars).guesses == before


@pytest.mark.parametrize("text", mostly_slow(HOSTILE))
async def test_hostile_texts_labels_and_errors(runs: Path, text: str) -> None:
    label = text.encode("utf-8", "replace").decode()[:300]
    labels = ("calm", label, "[/]")
    folders.write_run(runs, "fine77", folders.train_spec(), folders.train_events(labels=labels), labels=labels)
    engine = Classifier(labels, {"fine77": (0.1, 0.8, 0.1)})
    async with application(engine, "4", size=(80, 24)) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, ClassifyScreen)
        screen.receive_text(text)
        await pilot.pause(0.1)
        await settle(pilot)
        await pilot.press("enter")
        engine.error = text
        screen.receive_text(text + "2")
        await pilot.pause(0.1)
        await settle(pilot)
        assert not any(RAW.search(line) for line in drawn(app))


async def test_runs_of_other_data_answer_only_when_chosen_and_say_whose_they_are(runs: Path, tmp_path: Path) -> None:
    folders.write_train_run(runs)
    data = folders.write_data(tmp_path / "mine")
    labels = tuple(sorted(folders.LABELS))
    own = folders.train_spec(data=DataSpec(str(data)))
    folders.write_run(runs, "own111", own, folders.train_events(labels=labels), labels=labels, created=folders.STARTED - 99)
    async with application(classifier(), "4", spec=DataSpec(str(data))) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, ClassifyScreen)
        assert [view.id for view in screen.chosen] == ["own111"]
        assert [view.id for view in screen.runs] == ["own111", "fine77"]
        await pilot.press("escape", "down", "space")
        await settle(pilot)
        assert "fine77 fine-tune of starter" in "\n".join(drawn(app))


async def test_b_lets_another_rung_of_the_baseline_answer(runs: Path) -> None:
    folders.write_baseline_run(runs)
    engine = classifier()
    async with application(engine, "4") as (app, pilot):
        await write(pilot, "hi")
        await pilot.press("escape", "b")
        await settle(pilot)
        assert [ask.rung for ask in engine.asked][-1] == "static"
        await pilot.press("b")
        await settle(pilot)
        assert [ask.rung for ask in engine.asked][-1] == "cls"
        assert [guess.title for guess in app.screen.query_one(LabelBars).guesses] == ["base22 logistic regression on [CLS]"]
        await pilot.press("b")
        await settle(pilot)
        assert [ask.rung for ask in engine.asked][-1] == "mean"
        await pilot.press("b")
        await settle(pilot)
        assert [ask.rung for ask in engine.asked][-1] == "most_frequent"
        assert [guess.title for guess in app.screen.query_one(LabelBars).guesses] == ["base22 most frequent class"]


async def test_a_run_that_was_stopped_and_measured_answers_too(runs: Path) -> None:
    happened = folders.train_events(upto=100)
    finished = events.Finished(folders.metrics(0.5), seconds=4.0, steps=100)
    folders.write_run(runs, "half11", folders.train_spec(), [*happened, events.Stopped(100, finished)], state="stopped")
    folders.write_run(runs, "none11", folders.train_spec(), happened[:3], state="stopped")
    async with application(classifier(), "4") as (app, pilot):
        await write(pilot, "hi")
        await pilot.press("escape")
        await settle(pilot)
        assert [item.id for item in app.screen.query_one("#run-choice", RunList).items] == ["half11"]


async def test_the_temperature_at_which_a_run_answers_is_told(runs: Path) -> None:
    class Heated(Classifier):
        async def ask(self, ask: Question, on_progress: Any = None) -> Any:
            answer = await super().ask(ask, on_progress)
            return msgspec.structs.replace(answer, temperature=0.47) if isinstance(answer, ClassifyAnswer) else answer

    folders.write_train_run(runs)
    async with application(Heated(folders.LABELS, {}), "4") as (app, pilot):
        await write(pilot, "so good")
        assert "T 0.47  14 ms" in "\n".join(drawn(app))
