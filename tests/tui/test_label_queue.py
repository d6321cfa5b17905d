"""The queue of texts without a label: keys, order, what is kept and what is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from emotui.core.data import labelling, sources
from emotui.core.engine.server import answer_question
from emotui.core.errors import UserError
from emotui.core.questions import (
    AskDisagreement,
    AskNear,
    AskQueue,
    AskStates,
    DisagreementAnswer,
    ProgressLine,
    Question,
    QueueAnswer,
    StatesAnswer,
)
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.screens.label_queue import LabelQueue
from emotui.tui.screens.label_queue.side import Standing, how
from emotui.tui.widgets.queue_list import QueueList
from hostile import RAW, drawn
from inspector import Inspector
from monitor import settle, until
from pictures import SIZES, check_picture
from textual.pilot import Pilot
from variants import sizes

NAMES = ("sadness", "joy", "anger")


class Orders(Inspector):
    """Answers as the engine does, with the tiny model."""

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if not isinstance(ask, AskStates | AskQueue | AskNear | AskDisagreement) or self.error or self.silent:
            return await super().ask(ask, on_progress)
        self.asked.append(ask)
        if isinstance(ask, AskDisagreement):
            return DisagreementAnswer(ask.rows[::-1], tuple(0.5 for _ in ask.rows), 0.0)
        if isinstance(ask, AskStates | AskNear):
            ask = msgspec.structs.replace(ask, model=self.model)
        answer = await asyncio.to_thread(answer_question, ask, lambda *_: None)
        return msgspec.structs.replace(answer, seconds=0.4) if hasattr(answer, "seconds") else answer


@pytest.fixture
def engine(emotui_home: Path, tiny_model: Path) -> Orders:
    return Orders(tiny_model)


@pytest.fixture
def file(tmp_path: Path, tiny_data: Path) -> Path:
    """The texts of the tiny data without their labels."""
    path = tmp_path / "texts.jsonl"
    rows = [json.loads(line) for name in ("train", "validation") for line in (tiny_data / f"{name}.jsonl").read_text().splitlines()]
    path.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows), "utf-8")
    return path


def truth(text: str) -> str:
    told = {"sadness": ("dog", "empty", "helps me"), "joy": ("danced", "baby", "laughed")}
    return next((name for name, words in told.items() if any(word in text for word in words)), "anger")


@asynccontextmanager
async def queue(engine: object, path: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[LabelQueue, Pilot[int]]]:
    app = EmotuiApp(engine=engine, to_label=labelling.begin(DataSpec(str(path)), NAMES))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, LabelQueue)
        yield app.screen, pilot


def text(screen: LabelQueue) -> str:
    assert screen._given is not None and screen._rows.in_hand is not None
    return screen._given.texts[screen._rows.in_hand]


def reread(path: Path) -> labelling.Labelling:
    return labelling.Labelling(sources.load_source(DataSpec(str(path))))


def named(given: labelling.Labelling) -> dict[str, str]:
    return {given.texts[row]: given.names[given.labels[row]] for row in given.labelled}


async def label(screen: LabelQueue, pilot: Pilot[int], times: int) -> dict[str, str]:
    """Press the right key `times` times and return what was given."""
    given: dict[str, str] = {}
    for _ in range(times):
        given[text(screen)] = truth(text(screen))
        await pilot.press(str(NAMES.index(truth(text(screen))) + 1))
    await settle(pilot)
    return given


async def test_keys_give_labels_and_the_file_stays(engine: Orders, file: Path) -> None:
    before = file.read_bytes()
    async with queue(engine, file) as (screen, pilot):
        shown = " ".join("\n".join(drawn(screen.app)).replace("\u00a0", " ").split())
        assert "1 ● sadness" in shown and "queue: 120 texts without a label" in shown and "label names" in shown
        given = await label(screen, pilot, 5)
        dropped = text(screen)
        await pilot.press("x", "j")
        await settle(pilot)
        assert named(reread(file)) == given and dropped not in given
        assert "queue: 114 texts without a label" in "\n".join(drawn(screen.app))
    assert file.read_bytes() == before


async def test_a_digit_without_a_class_leads_nowhere(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        await pilot.press("4")
        await settle(pilot)
        assert screen.app.screen is screen and not named(reread(file))
        assert [each.message for each in screen.app._notifications] == ["there are 3 labels"]


async def test_undo_goes_back_to_the_text(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        first = text(screen)
        await label(screen, pilot, 2)
        await pilot.press("u", "u")
        await settle(pilot)
        assert text(screen) == first and not named(reread(file))
        await pilot.press("u")
        await settle(pilot)
        assert [each.message for each in screen.app._notifications][-1] == "there is nothing to undo"


async def test_after_twenty_labels_it_is_ordered_anew(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        asked = [each for each in engine.asked if isinstance(each, AskQueue)]
        assert len(asked) == 1 and not asked[0].rows
        await label(screen, pilot, 19)
        assert len([each for each in engine.asked if isinstance(each, AskQueue)]) == 1
        await label(screen, pilot, 1)
        asked = [each for each in engine.asked if isinstance(each, AskQueue)]
        assert len(asked) == 2 and len(asked[1].rows) == 20
        await until(pilot, lambda: bool(screen._guesses), "the regression is there")
        assert screen._given is not None
        assert [NAMES[label] for label in asked[1].labels] == [truth(screen._given.texts[row]) for row in asked[1].rows]
        assert screen._standing.f1 is not None and screen._standing.curve[-1] == (20, screen._standing.f1)
        guess = screen.suggestion()
        assert guess is not None
        now = text(screen)
        await pilot.press("0")
        await settle(pilot)
        decision = screen._given.decision(screen._rows.items[screen._rows.at - 1])
        assert decision is not None and (decision.new, decision.by, decision.run) == (guess[0], "accepted", "label queue")
        assert named(reread(file))[now] == guess[0]


async def test_another_order_keeps_the_text_in_hand(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        await label(screen, pilot, 21)
        now = text(screen)
        for order in ("uncertain", "different"):
            await pilot.press("o")
            await settle(pilot)
            asked = [each for each in engine.asked if isinstance(each, AskQueue)][-1]
            assert asked.order == order and text(screen) == now and order in "\n".join(drawn(screen.app))
            await until(pilot, lambda: len(screen._rows.items) == 120, "all rows are there")
            assert len(set(screen._rows.items)) == 120
        await pilot.press("o")
        await settle(pilot)
        assert "disagreement needs two finished runs" in " ".join("\n".join(drawn(screen.app)).split()).replace("│", "")


@pytest.mark.parametrize("is_ready", [False, True])
def test_disagreement_is_named_also_where_nothing_is_labelled(is_ready: bool) -> None:
    assert how(Standing(by="disagreement", by_names=True), 0, 0, 20, is_ready).plain.startswith("disagreement: the newest runs")
    assert not how(Standing(by_names=True), 0, 0, 20, is_ready).plain.startswith("informative")


async def test_a_typed_example_brings_its_like_first(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        await pilot.press("slash", *"we danced all day and i feel great at home", "enter")
        await settle(pilot)
        assert text(screen) == "we danced all day and i feel great at home"
        assert "nearest to 'we danced all day" in "\n".join(drawn(screen.app))
        await label(screen, pilot, 1)
        await pilot.press("o")
        await settle(pilot)
        assert "nearest to" not in "\n".join(drawn(screen.app))


async def test_labels_can_be_given_while_the_engine_computes(emotui_home: Path, tiny_model: Path, file: Path) -> None:
    engine = Orders(tiny_model, silent=True)
    async with queue(engine, file) as (screen, pilot):
        assert "random, until the hidden" in "\n".join(drawn(screen.app))
        given = await label(screen, pilot, 3)
        await pilot.press("c")
        await settle(pilot)
        assert "cancelled" in "\n".join(drawn(screen.app)) and named(reread(file)) == given


async def test_without_hidden_states_it_says_why(emotui_home: Path, tiny_model: Path, file: Path) -> None:
    async with queue(Orders(tiny_model, error="the model is gone"), file) as (screen, pilot):
        assert "the model is gone" in "\n".join(drawn(screen.app))
        assert len(await label(screen, pilot, 2)) == 2


@pytest.mark.slow
async def test_leaving_opens_what_was_labelled(engine: Orders, file: Path) -> None:
    async with queue(engine, file) as (screen, pilot):
        await label(screen, pilot, 60)
        await pilot.press("escape")
        await settle(pilot)
        app = screen.app
        assert app.screen is not screen and isinstance(app, EmotuiApp)
        dataset = app.state.dataset
        assert dataset is not None and sum(map(len, dataset.splits.values())) == 60
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LabelQueue), "the queue is there again")
        await settle(pilot)
        again = app.screen
        assert isinstance(again, LabelQueue) and len(again._standing.curve) == 3  # after 20, 40 and 60 labels


async def test_the_browser_asks_for_the_labels_of_a_file_without(emotui_home: Path, tiny_model: Path, file: Path) -> None:
    app = EmotuiApp(engine=Orders(tiny_model, error="no model"), spec=DataSpec(str(file)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "Press l to label its texts" in " ".join("\n".join(drawn(app)).split())
        await pilot.press("l")
        await settle(pilot)
        await pilot.press(*"joy, anger", "enter")
        await until(pilot, lambda: isinstance(app.screen, LabelQueue), "the queue is there")
        await settle(pilot)
        assert reread(file).names == ("joy", "anger")


async def test_hostile_texts_act_on_no_terminal(engine: Orders, tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps({"text": f"{n} \x1b]52;c;aGk=\x07 [red]\u202e\x9b31m"}) + "\n" for n in range(40)), "utf-8")
    async with queue(engine, path) as (screen, pilot):
        await pilot.press("1", "2", "u")
        await settle(pilot)
        assert not RAW.search("\n".join(drawn(screen.app)))
        assert screen.query_one(QueueList).lines


class Fixed(Inspector):
    """Answers with figures that no machine changes."""

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        match ask:
            case AskStates():
                return StatesAnswer("states", "names", (), 0.4, cached=True)
            case AskQueue():
                order = tuple(row for row in range(120) if row not in {*ask.rows, *ask.dropped})
                labels, f1 = len(ask.rows), 0.5 + len(ask.rows) / 200
                guesses = (1,) * len(order) if labels else ()
                curve = ((labels, f1),) if labels else ()
                return QueueAnswer(order, guesses, tuple(0.66 for _ in guesses), f1 if labels else None, 5, curve, labels, not labels, 0.4)
            case _:
                return await super().ask(ask, on_progress)


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_pictures(emotui_home: Path, tiny_model: Path, file: Path, size: tuple[int, int]) -> None:
    async with queue(Fixed(tiny_model), file, size) as (screen, pilot):
        await label(screen, pilot, 42)
        await pilot.press("x", "j")
        await settle(pilot)
        check_picture(screen.app, "label-queue", skip=1)


def test_a_command_without_a_terminal_tells_how_far_it_is(emotui_home: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from emotui.core.cli import main

    assert main(["label", str(file), "--labels", "joy,anger", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["labelled"], told["unlabelled"], told["labels"]) == (120, 0, 120, {"joy": 0, "anger": 0})
    reread(file).decide(3, "anger")
    assert main(["label", str(file)]) == 0
    assert "1 of 120 texts have a label (0.8 %)" in capsys.readouterr().out
    assert main(["label", str(file.parent), "--labels", "a,b"]) == 2
    assert "only single files can be labelled" in capsys.readouterr().err
    with pytest.raises(UserError, match="which --labels does not list"):
        labelling.begin(DataSpec(str(file)), ("joy", "fear"))
