"""The token inspector over real tokens of a tiny model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, tokens
from emotui.core.questions import AskPath, AskTokens, TokensAnswer
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.screens import tokens as screen_module
from emotui.tui.screens.token_page import TUTORIAL
from emotui.tui.screens.token_pieces import pieces_of
from emotui.tui.screens.tokens import TokensScreen
from emotui.tui.widgets.batch_grid import Batch, BatchGrid, BatchRow, batch_lines
from emotui.tui.widgets.model_path import ModelPath, Stage, Way, way_lines
from emotui.tui.widgets.subword_table import Subword, SubwordTable, subword_line
from emotui.tui.widgets.text_field import TextField
from emotui.tui.widgets.token_lanes import Lanes, Piece, TokenLanes, lane_lines
from hostile import HOSTILE, RAW, drawn
from inspector import Inspector
from monitor import settle
from pictures import SIZES, check_picture
from textual.pilot import Pilot
from variants import sizes


@pytest.fixture
def engine(emotui_home: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Inspector:
    monkeypatch.setattr(screen_module, "PAUSE", 0.01)
    return Inspector(tiny_model)


@asynccontextmanager
async def inspector(
    engine: object, *, size: tuple[int, int] = (120, 36), data: Path | None = None
) -> AsyncIterator[tuple[TokensScreen, Pilot[int]]]:
    app = EmotuiApp(engine=engine, spec=DataSpec(str(data)) if data else None)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, TokensScreen)
        yield screen, pilot


def lines(screen: TokensScreen) -> list[str]:
    return drawn(screen.app)


def answer_of(model: Path | str, text: str) -> TokensAnswer:
    return tokens.describe(AskTokens(text=text, model=str(model)))


async def test_the_tutorial_sentence_is_there_at_once(engine: Inspector) -> None:
    async with inspector(engine) as (screen, _):
        text = "\n".join(lines(screen))
        assert TUTORIAL in text
        assert "38, 20 distinct" in text
        assert "one-hot [38, 20]" in text
        assert "8, 8 distinct" in text
        assert "tokens" in screen.state.done


async def test_the_tutorials_numbers_with_the_starter_model(engine: Inspector) -> None:
    try:
        engine.model = str(checkpoint.find("starter").folder)
    except UserError as error:
        pytest.skip(f"the starter model is not installed: {error}")
    async with inspector(engine, size=(160, 45)) as (screen, _):
        text = "\n".join(lines(screen))
        for part in (
            "19204",
            "6026",
            "17953",
            "##izing",
            "##p",
            "13 of 512",
            "vocabulary 30,522",
            "tokenizing text is a core task of nlp.",
        ):
            assert part in text


async def test_typing_updates_the_lanes(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        screen.query_one(TextField).text = ""
        await pilot.press(*"movie")
        await settle(pilot)
        assert "movie" in "\n".join(lines(screen))
        assert [piece.characters for piece in screen.query_one(TokenLanes).lanes.pieces] == ["", "movie", ""]


async def test_tokens_stand_over_their_ids_and_under_their_characters(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        screen.query_one(TextField).text = "good text"
        await settle(pilot)
        drawn_lines = lines(screen)
        row = next(number for number, line in enumerate(drawn_lines) if line[2:].startswith("characters  ") and "g o o d" in line)
        column = drawn_lines[row].index("g o o d")
        assert drawn_lines[row + 1][column:].startswith("good")
        assert drawn_lines[row + 2][column:].startswith("good")
        answer = answer_of(engine.model, "good text")
        assert drawn_lines[row + 3][column:].startswith(str(answer.subwords.ids[1]))


async def test_the_cursor_highlights_the_source_and_its_norms(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        await pilot.press("escape", "down", "down")
        await settle(pilot)
        assert screen.query_one(SubwordTable).cursor == 2
        assert screen.query_one(TokenLanes).lanes.cursor == 2
        norms = [stage.norm for stage in screen.query_one(ModelPath).way.stages if stage.norm is not None]
        assert norms == [5.0, 6.0, 7.0, 5.0]


async def test_truncation_and_unknown_tokens_are_said(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        screen.query_one(TextField).text = "漢字 " + "good " * 80
        await settle(pilot)
        text = "\n".join(lines(screen))
        assert "cut at 48: the model does not see the last" in text
        assert "unknown: the vocabulary has no pieces" in text
        pieces = screen.query_one(TokenLanes).lanes.pieces
        assert any(piece.cut for piece in pieces)
        assert any(piece.unknown for piece in pieces)
        assert "".join(piece.characters for piece in pieces) == screen.query_one(TextField).text


@pytest.mark.parametrize(
    "text", ["", " ", "good  text ", "Tokenizing text is a core task of NLP.", "a\tb\nc", "café 漢字 🙂 x", "good " * 100]
)
def test_the_pieces_are_the_text(tiny_model: Path, text: str) -> None:
    answer = answer_of(tiny_model, text)
    pieces = pieces_of(answer)
    assert "".join(piece.characters for piece in pieces) == answer.text
    assert [piece.token for piece in pieces if piece.index is not None] == list(answer.subwords.tokens)
    assert [piece.word for piece in pieces if piece.word_starts] == answer.text.split()


async def test_a_batch_shows_what_padding_wastes(engine: Inspector, tiny_data: Path) -> None:
    async with inspector(engine, data=tiny_data) as (screen, pilot):
        grid = screen.query_one(BatchGrid)
        before = grid.shown.rows
        assert len(before) == 8
        await pilot.press("escape", "minus", "minus")
        await settle(pilot)
        assert len(grid.shown.rows) == 6
        real = sum(row.length for row in grid.shown.rows)
        assert grid.shown.waste == pytest.approx(1 - real / (6 * grid.shown.padded_to))
        assert grid.shown.waste_fixed == pytest.approx(1 - real / (6 * 48))
        await pilot.press("v")
        assert grid.shown.view == "tokens"
        assert "[CLS]" in "\n".join(lines(screen))
        for _ in range(12):
            await pilot.press("minus")
        await settle(pilot)
        assert len(grid.shown.rows) == 2


@pytest.mark.slow
async def test_a_failing_engine_is_said_in_each_place(emotui_home: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "PAUSE", 0.01)
    async with inspector(Inspector(tiny_model, error="the model folder is empty")) as (screen, _):
        assert "\n".join(lines(screen)).count("the model folder") == 3


async def test_a_row_that_was_sent_is_shown_from_its_beginning(engine: Inspector, tiny_data: Path) -> None:
    async with inspector(engine, size=(80, 24), data=tiny_data) as (screen, pilot):
        await screen.state.places.inspect_text("first " + "word " * 60)
        await settle(pilot)
        assert "first word word" in lines(screen)[3]


async def test_without_a_fine_tuned_model_the_way_says_what_gives_logits(engine: Inspector) -> None:
    async with inspector(engine) as (screen, _):
        assert "logits: fine-tune this model first" in "\n".join(lines(screen))
    path = engine.path
    engine.path = lambda ask: msgspec.structs.replace(path(ask), logits=(2.0, 1.0), labels=("joy", "anger"))
    async with inspector(engine) as (screen, _):
        text = "\n".join(lines(screen))
        assert "fine-tune this model first" not in text
        assert "joy" in text


@pytest.mark.slow
async def test_every_panel_is_reached_and_made_large_by_keys(engine: Inspector, tiny_data: Path) -> None:
    async with inspector(engine, size=(80, 24), data=tiny_data) as (screen, pilot):
        assert "[CLS] =" not in "\n".join(lines(screen))
        for _ in range(8):
            await pilot.press("tab")
            if screen.query_one("#way").has_pseudo_class("focus-within"):
                break
        await pilot.press("G")
        await settle(pilot)
        assert "[CLS] =" in "\n".join(lines(screen))
        await pilot.press("shift+tab", "z")
        await settle(pilot)
        text = "\n".join(lines(screen))
        assert "a batch: 4 rows" in text
        assert "through" not in text
        assert text.count("[CLS]") == 4
        await pilot.press("escape")
        await settle(pilot)
        assert "through" in "\n".join(lines(screen))


@pytest.mark.slow
async def test_padding_at_the_end_of_a_batch_is_reached(engine: Inspector, tiny_data: Path) -> None:
    async with inspector(engine, size=(80, 24), data=tiny_data) as (screen, pilot):
        screen.query_one(TextField).text = "good " * 40
        await settle(pilot)
        await pilot.press("escape", "tab", "v")
        await settle(pilot)
        assert "[PAD]" not in "\n".join(lines(screen))
        for _ in range(200):
            await pilot.press("l")
        await settle(pilot)
        assert "[PAD]" in "\n".join(lines(screen))


async def test_only_the_newest_text_is_asked_for(engine: Inspector) -> None:
    async with inspector(engine) as (_, pilot):
        for letter in "goodtext":
            await pilot.press(letter)
        await settle(pilot)
        asked = [ask for ask in engine.asked if isinstance(ask, AskTokens)]
        assert asked[-1].text.endswith("goodtext")
        assert {ask.topic for ask in asked} == {"inspector"}
        paths = [ask for ask in engine.asked if isinstance(ask, AskPath)]
        assert paths[-1].text == asked[-1].text


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_pictures(engine: Inspector, tiny_data: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotui.tui.frame.device_of", lambda state: ("CPU 2 cores", ""))
    monkeypatch.setattr("emotui.tui.frame._short", lambda source: "tiny")
    async with inspector(engine, size=size) as (screen, pilot):
        await pilot.press("escape", "down", "down")
        await settle(pilot)
        check_picture(screen.app, "tokens-full")
        screen.query_one(TextField).text = ""
        await settle(pilot)
        check_picture(screen.app, "tokens-empty")
    engine.error = "the model folder is empty"
    async with inspector(engine, size=size) as (screen, _):
        check_picture(screen.app, "tokens-failed")
    async with inspector(Inspector(Path(engine.model), silent=True), size=size) as (screen, _):
        check_picture(screen.app, "tokens-loading")


async def test_hostile_texts_are_harmless_and_reach_the_engine_as_they_are(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        for text in HOSTILE:
            screen.query_one(TextField).text = text
            await settle(pilot)
            for line in lines(screen):
                assert not RAW.search(line), line
            asked = [ask for ask in engine.asked if isinstance(ask, AskTokens)]
            assert asked[-1].text == text


async def test_a_paste_is_made_safe(engine: Inspector) -> None:
    from textual import events

    async with inspector(engine) as (screen, pilot):
        field = screen.query_one(TextField)
        field.text = ""
        field.post_message(events.Paste("one\x1b]52;c;x\x07\ntwo"))
        await settle(pilot)
        assert field.value == "one␛]52;c;x␇⏎two"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [20, 41, 118])
def test_widgets_draw_hostile_text_in_their_width(text: str, width: int) -> None:
    from emotui.core.safe_text import cell_width

    pieces = (Piece("", "[CLS]", 101, special=True, index=0), Piece(text, text, 7, word_starts=True, word=text, index=1))
    row = BatchRow((text, text), (1, 2), (1, 0), 1, 9)
    views: tuple[Any, ...] = ("grid", "tokens", "ids", "mask")
    drawings = [
        lane_lines(Lanes(pieces, 1), width, {}),
        *(batch_lines(Batch((row, row), 2, 0.5, 48, 0.9, view), width, {"primary": "red", "warning": "red"}) for view in views),
        way_lines(Way((Stage(text[:50], (1, 2), 1.0),), (0.5,)), width, {}),
        subword_line(Subword(text, 3, 0, 4, False, 1), 3, max(24, width)),
    ]
    for number, drawing in enumerate(drawings):
        for line in drawing.plain.split("\n"):
            assert not RAW.search(line)
            if number in (0, 5, 6) or width > 20:
                assert cell_width(line) <= max(24, width) + 8


async def test_i_goes_on_writing_behind_the_text_and_the_box_says_so(engine: Inspector) -> None:
    async with inspector(engine) as (screen, pilot):
        screen.receive_text("a row of the data")
        await settle(pilot)
        assert "text   i: type" in "\n".join(lines(screen))
        await pilot.press("i", "!")
        await settle(pilot)
        assert screen.query_one(TextField).text == "a row of the data!"
        assert "i: type" not in "\n".join(lines(screen))
