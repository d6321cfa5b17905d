"""The page that says why a text gets its label, over an engine whose figures the tests know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import run_folders as folders
from emotui.core import specs
from emotui.core.data import sources
from emotui.core.questions import AskAttention, AskNeighbours, AskWhy, NearRow
from emotui.tui import app as tui_app
from emotui.tui.screens.classify import ClassifyScreen
from emotui.tui.screens.errors import ErrorsScreen
from emotui.tui.screens.why import WhyPage
from explainer import Explainer
from hostile import HOSTILE, RAW, text_of
from monitor import application, settle
from pictures import SIZES, check_picture
from textual.pilot import Pilot
from variants import mostly_slow, sizes

TEXT = "i lost the job, and still my friends make me so happy today that i could dance"
TRUTH = [index % 6 for index in range(60)]
NEAR = (
    NearRow(448, 449, "unfriended by my oldest mate", "sadness", 0.1792, source_label="joy"),
    NearRow(1142, 1143, "the sequel is even better than the first one, i have to say", "joy", 0.1859),
    NearRow(760, 761, "imagine my face when the interviewer turned out to be my cousin", "surprise", 0.1915, later=""),
    NearRow(274, 275, "saw the comedy everyone talks about, and yes, it is funny", "joy", 0.1945),
)


@pytest.fixture
def run(emotui_home: Path, tmp_path: Path) -> specs.DataSpec:
    """Data with a fine-tuning that takes two rows of joy for love."""
    data = specs.DataSpec(str(folders.write_data(tmp_path / "data")), labels=folders.LABELS, overlay=0)
    found = sources.fingerprint(sources.load(data))
    fine = folders.write_run(emotui_home / "runs", "fine77", folders.train_spec(data=data), folders.train_events(), data_hash=found)
    probabilities = np.full((60, 6), 0.1)
    probabilities[np.arange(60), TRUTH] = 0.5
    for row in (7, 13):
        probabilities[row] = (0.02, 0.1, 0.8, 0.04, 0.02, 0.02)
    folders.write_predictions(fine, TRUTH, probabilities)
    return data


def page(app: object) -> WhyPage:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, WhyPage)
    return screen


async def from_prompt(app: object, pilot: Pilot[int], text: str = TEXT) -> None:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, ClassifyScreen)
    screen.receive_text(text)
    await pilot.pause(0.1)
    await settle(pilot)
    await pilot.press("escape", "w")
    await settle(pilot)


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_each_view_looks_as_it_did(run: specs.DataSpec, size: tuple[int, int]) -> None:
    async with application(Explainer(near=NEAR), "5", size=size, spec=run) as (app, pilot):
        assert isinstance(app.screen, ErrorsScreen)
        app.screen.seen.choose_cell(1, 2)
        app.screen._list_rows()
        await pilot.press("w")
        await settle(pilot)
        for view in page(app).views:
            await settle(pilot)
            check_picture(app, f"why-{view}")
            await pilot.press("right_square_bracket")


@pytest.mark.slow
async def test_w_on_the_prompt_explains_the_sentence_and_keys_choose_the_class(run: specs.DataSpec) -> None:
    engine = Explainer(near=NEAR)
    async with application(engine, "4", size=(120, 36), spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        assert "what speaks for ◆ joy" in text_of(app) and "completeness gap -0.0100" in text_of(app)
        methods = [ask.method for ask in engine.questions if isinstance(ask, AskWhy)]
        assert methods == ["quick", "integrated_gradients"] and engine.questions[0].text == TEXT
        assert {Path(ask.run).name for ask in engine.questions} == {"fine77"}
        assert not any(isinstance(ask, AskNeighbours) for ask in engine.questions)  # it may take long: only where it is looked at
        first = page(app).of.shown
        assert first[0] is not None and f"{first[0].words[1].weight:+.3f}" in text_of(app)
        await pilot.press("c")
        await settle(pilot)
        assert engine.questions[-1].label == "love" and "what speaks for ♥ love" in text_of(app)
        await pilot.press("4", "left")
        await settle(pilot)
        assert page(app).of.label == "love"
        await pilot.press("y")
        assert app.clipboard == f"emotui why fine77 '{TEXT}' --class love"
        await pilot.press("escape")
        assert isinstance(app.screen, ClassifyScreen)


async def test_w_in_the_inspector_explains_its_text_by_the_newest_run(run: specs.DataSpec) -> None:
    engine = Explainer()
    async with application(engine, "2", spec=run) as (app, pilot):
        await pilot.press("w", "escape", "w")  # the first is a letter of the text
        await settle(pilot)
        assert isinstance(engine.questions[0], AskWhy)
        assert (engine.questions[0].text, Path(engine.questions[0].run).name) == ("Tokenizing text is a core task of NLP.w", "fine77")
        assert "what speaks for ◆ joy" in text_of(app)


@pytest.mark.slow
async def test_w_on_errors_explains_the_row_and_leads_from_a_word_of_the_cell_to_its_rows(run: specs.DataSpec) -> None:
    async with application(Explainer(near=NEAR), "5", spec=run) as (app, pilot):
        await pilot.press("tab", "w")
        await settle(pilot)
        assert page(app).of.subject.text == "i feel happy and loved validation 7"
        assert "row 7 of validation" in text_of(app) and "◆ joy 90.0 % (its label)" in text_of(app)
        assert "cell" not in page(app).views
        await pilot.press("escape")
        errors = app.screen
        assert isinstance(errors, ErrorsScreen)
        errors.seen.choose_cell(1, 2)
        errors._list_rows()
        await pilot.press("w", "left_square_bracket")
        await settle(pilot)
        assert "2 rows of joy predicted as love on validation, against" in text_of(app) and "joy that are right" in text_of(app)
        words = page(app).of.cell_words
        assert words is not None and words.words[0].word in ("7", "13") and words.words[0].first == 1
        await pilot.press("down", "enter")
        await settle(pilot)
        assert app.screen is errors and errors.seen.line == f'"{words.words[0].word}"'
        assert errors.listed.tolist() == [7 if words.words[0].word == "7" else 13]


async def test_attention_of_any_layer_and_head_is_asked_for(run: specs.DataSpec) -> None:
    engine = Explainer()
    async with application(engine, "4", spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        assert "layer 6 of 6, the mean of 12 heads" in text_of(app)
        await pilot.press("right_square_bracket", "left_square_bracket", "l", "H")
        await settle(pilot)
        asked = [(ask.layer, ask.head) for ask in engine.questions if isinstance(ask, AskAttention)]
        assert asked[-1] == (1, 12) and "layer 1 of 6, head 12 of 12" in text_of(app)
        await pilot.press("down", "right", "right")
        assert "i looks at " in text_of(app) and "lost is looked at by " in text_of(app)


@pytest.mark.slow
async def test_nearest_rows_come_when_they_are_looked_at_and_are_explained_in_turn(run: specs.DataSpec) -> None:
    engine = Explainer(near=NEAR)
    async with application(engine, "4", spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert "0.1792 ● sadness      448 * was joy in the source" in text_of(app) and "decided by hand: 2 of 4" in text_of(app)
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        assert page(app).of.subject.text == NEAR[1].text and "row 1,142 of train" in text_of(app)
        await pilot.press("escape")
        assert page(app).of.subject.text == TEXT


@pytest.mark.slow
async def test_escape_takes_back_what_is_computed(run: specs.DataSpec) -> None:
    engine = Explainer()
    engine.silent = AskNeighbours
    async with application(engine, "4", spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert "hidden states of training rows 1,200 of 16,000" in text_of(app) and "stops it" in text_of(app)
        (worker,) = (each for each in engine.unanswered if each.group == "fill")
        await pilot.press("c")  # the class comes first; what was under way is asked for anew behind it
        await settle(pilot)
        assert worker.is_cancelled and "what speaks for ♥ love" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert all(each.is_finished for each in engine.unanswered if each.group == "fill")


@pytest.mark.slow
async def test_a_linear_rung_has_one_exact_column_and_what_cannot_be_answered_says_why(run: specs.DataSpec) -> None:
    engine = Explainer(quick="exact")
    engine.refused[AskAttention] = "this rung has no attention: \x1b[2Jno encoder is in it"
    async with application(engine, "4", spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        text = text_of(app)
        assert "weight x value" in text and "left out" not in text and "exactly" in text
        assert [ask.method for ask in engine.questions if isinstance(ask, AskWhy)] == ["quick"]
        assert "this rung has no attention: ␛[2Jno encoder" in text and RAW.search(text) is None
        await pilot.press("escape", "escape")
    engine.refused[AskWhy] = "this rung gives every text the most frequent class"
    async with application(engine, "4", spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        assert "the most frequent class" in text_of(app)


async def test_without_a_text_or_a_run_the_key_says_what_is_missing(emotui_home: Path, run: specs.DataSpec) -> None:
    async with application(Explainer(), "4", spec=run) as (app, pilot):
        await pilot.press("escape", "w")
        await settle(pilot)
        assert isinstance(app.screen, ClassifyScreen)
        assert any("type a sentence first" in each.message for each in app._notifications)


@pytest.mark.parametrize("text", mostly_slow((*HOSTILE[:6], *HOSTILE[7:]), quick=0))
async def test_outside_text_is_safe(run: specs.DataSpec, text: str) -> None:
    near = (NearRow(1, 2, text, "joy", 0.1, source_label=text),)
    async with application(Explainer(near=near), "4", size=(80, 24), spec=run) as (app, pilot):
        await from_prompt(app, pilot, f"so {text} good")
        for _ in page(app).views:
            assert RAW.search(text_of(app)) is None
            await pilot.press("right_square_bracket")
            await settle(pilot)


def test_keys_of_pages_that_are_shown_late_are_the_users_own() -> None:
    known = tui_app._binding_ids()
    assert {"why.class_after", "errors.why", "classify.why", "tokens.why", "attention.down", "compare.curve", "edits.undo"} <= known


async def test_the_nearest_rows_take_labels_by_key_and_t_and_p_take_the_row_along(run: specs.DataSpec) -> None:
    near = tuple(NearRow(row, row + 1, f"{folders.TEXTS[row % 6]} train {row}", folders.LABELS[row % 6], 0.1) for row in (4, 7, 9))
    async with application(Explainer(near=near), "4", size=(120, 36), spec=run) as (app, pilot):
        await from_prompt(app, pilot)
        why = page(app)
        await pilot.press("1", "right_square_bracket")
        await settle(pilot)
        assert (why.in_sight, why.of.label) == ("neighbours", "sadness")
        await pilot.press("down", "L", "3", "x")  # row 4 gets the third class, row 7 is left out
        await settle(pilot)
        assert why.of.label == "sadness" and "* ♥ love: i am scared" in text_of(app) and "* left out: i feel happy" in text_of(app)
        assert "x  leave out" in text_of(app) and why.near_row == near[2]
        now = sources.load(specs.DataSpec(run.source, labels=folders.LABELS))
        assert now.overlay is not None and {place.at: each.new for place, each in now.overlay.decided.items()} == {4: "love", 7: None}
        await pilot.press("u", "escape", "2")
        await settle(pilot)
        assert app.screen is why and why.of.label == "joy" and "left out: i feel happy" not in text_of(app)
        await pilot.press("p")
        await settle(pilot)
        assert isinstance(app.screen, ClassifyScreen) and app.screen.text_in_hand() == near[2].text
