"""The frame: the line of state, the path, and the keys that work on every screen."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest
import run_folders as folders
from emotui.core import config
from emotui.core.cli import machine, options
from emotui.core.errors import UserError
from emotui.core.events import Metrics, Rung
from emotui.core.questions import AskLengths, DoctorAnswer
from emotui.core.runs.state import RunView
from emotui.core.safe_text import cell_width, safe_line
from emotui.core.specs import BaselineSpec, DataSpec, RunSpec
from emotui.tui import theme
from emotui.tui.__main__ import opens_application
from emotui.tui.app import EmotuiApp, check_terminal
from emotui.tui.commands import commands_of
from emotui.tui.facts import PARTS, Facts
from emotui.tui.frame import device_of, duration, facts_of, path_of, run_facts
from emotui.tui.keymap import keymap
from emotui.tui.run_watch import RunWatch
from emotui.tui.screens.choose_model import ChooseModel
from emotui.tui.screens.help import HelpScreen
from emotui.tui.sixteen_colors import SixteenColors, standard
from emotui.tui.widgets.path_strip import Path as Steps
from emotui.tui.widgets.path_strip import Step, path_text
from emotui.tui.widgets.state_line import RunFacts, StateFacts, bar, state_text
from emotui.tui.widgets.text_field import LONGEST
from hostile import HOSTILE, RAW, drawn
from inspector import Inspector
from monitor import settle, until
from rich.color import ColorType
from textual import events
from textual.app import ComposeResult
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

LIVE = StateFacts(
    "emotion",
    "16,000/2,000/2,000",
    "distilbert-minilm",
    "",
    "CPU 2 cores",
    "bf16",
    RunFacts("fine-tune", "3f9x", 0.64, "1:12", 0.31, 0.914, on_cpu=True),
)


def test_the_top_line_and_the_list_agree_on_a_ladder() -> None:
    """The best rung is that of the highest macro-F1, whose weighted F1 need not be the highest."""
    figures = {"tfidf": (0.80, 0.60), "encoder": (0.78, 0.70)}
    rungs = tuple(Rung(name, Metrics("validation", 4, 0.5, *each, {}, ((1,),)), 1.0) for name, each in figures.items())
    view = RunView("ab12-baseline", "/runs/ab12", RunSpec("ab12", 0.0, BaselineSpec(DataSpec("starter"))), "running", rungs=rungs)
    assert run_facts(view).f1 == view.score("f1_weighted") == 0.78


def test_a_wide_line_has_everything() -> None:
    line = state_text(LIVE, 160, {}).plain
    for part in (
        "emotui",
        "emotion",
        "16,000/2,000/2,000",
        "distilbert-minilm",
        "training on CPU",
        "▶ fine-tune 3f9x",
        "64 %",
        "1:12 left",
    ):
        assert part in line
    assert "loss 0.310" in line
    assert "F1 0.914" in line
    assert len(line) == 159


def test_a_narrow_line_keeps_the_run_and_the_badge() -> None:
    line = state_text(LIVE, 80, {}).plain
    for part in ("training on CPU", "▶ 3f9x", "64 %", "1:12", "loss 0.310", "F1 0.914"):
        assert part in line


@pytest.mark.parametrize(
    ("train", "baseline", "words"),
    [("float32", "float32", "float32"), ("bf16", "bf16", "bf16"), ("float32", "bf16", "float32, baselines bf16")],
)
def test_the_line_and_the_doctor_name_the_precision_that_runs_take(tmp_path: Path, train: str, baseline: str, words: str) -> None:
    seen = DoctorAnswer({}, ({"device": "cpu", "name": "a processor", "train": train, "baseline": baseline},), 128, "")
    app = application(tmp_path, tmp_path)
    app.state.set_reactive(Facts.machine, seen)
    assert device_of(app.state) == ("CPU 128 cores", words)
    assert f" CPU 128 cores {words} " in state_text(StateFacts("d", "1/1/1", "m", "", *device_of(app.state)), 160, {}).plain
    assert f"  cpu: a processor, {words}" in machine.doctor_report(seen, {}, tmp_path, [])


def test_no_line_is_wider_than_its_place() -> None:
    steps = tuple(Step(name, "later", key, False) for name, key in (("data", "1"), ("baseline", "3"), ("fine-tune", ""), ("classify", "4")))
    for width in range(1, 251):
        assert cell_width(state_text(LIVE, width, {}).plain) <= width
        assert cell_width(path_text(Steps(steps, ("next: press 3", "→ 3")), width, {}).plain) <= width


@pytest.mark.parametrize("typing", [False, True])
@pytest.mark.parametrize("done", range(len(PARTS) + 1))
def test_all_steps_and_a_hint_have_room_at_80_columns(tmp_path: Path, done: int, *, typing: bool) -> None:
    app = application(tmp_path, tmp_path)
    app.state.set_reactive(Facts.loading, None)
    app.state.set_reactive(Facts.done, frozenset(PARTS[:done]))
    path = path_of(app.state, "dataset", typing=typing)
    line = path_text(path, 80, {}).plain
    assert [step.name for step in path.steps] == list(PARTS) and all(f" {part}" in line for part in PARTS)
    assert line.endswith(tuple(f" {hint}" for hint in path.hints))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [80, 300])
def test_outside_text_is_safe_in_the_line(text: str, width: int) -> None:
    run = RunFacts("fine-tune", text, None, "1:12", 0.31, 0.914, phase=text)
    line = state_text(StateFacts(text, "1/1/1", text, "", text, text, run), width, {}).plain
    assert not RAW.search(line)
    assert "\n" not in line


@pytest.mark.parametrize(("share", "expected"), [(0.0, "────"), (0.5, "━━──"), (0.64, "━━╸─"), (1.0, "━━━━"), (7.0, "━━━━")])
def test_a_bar_counts_half_cells(share: float, expected: str) -> None:
    assert bar(share, 4) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(7, "0:07"), (72, "1:12"), (7500, "2:05:00"), (-3, "0:00")])
def test_durations_are_read_like_a_clock(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_classes_differ_in_colour_and_glyph() -> None:
    for dark in (True, False):
        assert len({(theme.class_color(index, dark=dark), theme.class_glyph(index)) for index in range(88)}) == 88
        assert len({theme.class_color(index, dark=dark) for index in range(8)}) == 8
    assert all(cell_width(theme.class_glyph(index)) == 1 for index in range(11))


def test_classes_stay_apart_in_16_colours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for dark in (True, False):
        styles = [standard(theme.class_style(index, dark=dark)) for index in range(8)]
        codes = {style.color.get_ansi_codes() for style in styles if style.color is not None}
        assert len(codes) == 8
        assert all(style.color is not None and style.color.type is ColorType.STANDARD for style in styles)
    for system, wanted in (("standard", True), ("truecolor", False)):
        monkeypatch.setattr("textual.constants.COLOR_SYSTEM", system)
        assert any(isinstance(each, SixteenColors) for each in application(tmp_path, tmp_path).get_line_filters()) is wanted


def application(model: Path, data: Path | str, **more: object) -> EmotuiApp:
    return EmotuiApp(spec=DataSpec(str(data)), engine=Inspector(model), **more)  # type: ignore[arg-type]


async def test_the_five_screens_by_number_and_by_letter(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for keys in ("12354", "drc"):
            for key in keys:
                await pilot.press(key)
                expected = {
                    "1": "dataset",
                    "2": "tokens",
                    "3": "training",
                    "4": "classify",
                    "5": "errors",
                    "d": "dataset",
                    "r": "training",
                    "c": "classify",
                }[key]
                assert app.current_mode == expected
                await pilot.press("escape")


async def test_help_names_the_keys_of_the_screen_below(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 70)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        text = "\n".join(drawn(app))
        for part in ("filter rows", "the next split", "ctrl+p", "leave", "split_after", "config.toml"):
            assert part in text
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_lines_of_help_that_go_on_begin_under_their_own(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(60, 60)) as pilot:
        await settle(pilot)
        await pilot.press("3", "question_mark")
        await settle(pilot)
        alone = [line for line in drawn(app) if re.fullmatch(r"[ │]*training\.[a-z_.]+[ │▁-█]*", line)]  # ids in a line of their own
        assert alone
        assert all(line.partition("│")[2].startswith("       ") for line in alone), alone


async def choose_from_palette(pilot: Pilot[int], words: str) -> None:
    """Open the palette, type, and press enter once the list shows what was found, as a person does."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette), "the palette")
    await pilot.press(*words)
    await until(pilot, lambda: words in "\n".join(drawn(pilot.app)[4:]), f"what '{words}' finds")
    await pilot.press("enter")


async def test_the_palette_runs_an_action(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await choose_from_palette(pilot, "light")
        await until(pilot, lambda: app.theme == theme.LIGHT.name, "the light theme")


@pytest.mark.slow
async def test_the_palette_has_every_action_while_a_text_is_typed(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for key, field in (("2", "escape"), ("4", "escape")):
            await pilot.press(key)
            await settle(pilot)
            await pilot.press("i")
            assert app.screen.focused is not None
            assert app.screen.focused.check_consume_key("T", "T")
            text = getattr(app.screen, "text_in_hand")()  # noqa: B009
            was = app.theme
            await choose_from_palette(pilot, "light")
            await until(pilot, lambda was=was: app.theme != was, "another theme")
            assert getattr(app.screen, "text_in_hand")() == text  # noqa: B009
            await pilot.press(field)
        await pilot.press("2")
        await settle(pilot)
        await pilot.press("i")
        names = {command.name for command in commands_of(app.screen)}
        assert "quit; runs continue" in names
        assert "the training monitor: runs, curves, errors" in names


async def test_each_action_is_named_once_with_all_its_keys(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        commands = {command.name: command.keys for command in commands_of(app.screen)}
        assert commands["the next split"] == ("]",)
        assert commands["the tokens of this row"] == ("t", "2")
        assert sum("tokens" in name and "row" in name for name in commands) == 1


async def test_a_click_on_a_step_shows_its_screen(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        column = drawn(app)[1].index("classify")
        await pilot.click(offset=(column + 2, 1))
        await settle(pilot)
        assert app.current_mode == "classify"


async def test_leaving_closes_the_engine_and_returns_0(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("q")
    assert app.return_value == 0
    assert isinstance(app.state.engine, Inspector)
    assert app.state.engine.closed


@pytest.mark.slow
async def test_a_live_run_is_on_the_line_of_every_screen(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    runs = emotui_home / "runs"
    live = folders.write_run(runs, "live88", folders.train_spec(), folders.train_events(upto=312), state=None)
    with folders.held(live):
        app = application(tiny_model, tiny_data, runs=RunWatch())
        async with app.run_test(size=(160, 36)) as pilot:
            for key in "1234":
                await pilot.press(key)
                await settle(pilot)
                assert "▶ fine-tune live88" in drawn(app)[0]
                assert "training on CPU" in drawn(app)[0]
                await pilot.press("escape")
            assert path_of(app.state, "dataset").hints[0].startswith("next: press 3 and watch it learn")
            assert path_of(app.state, "training").hints[0] == "next: press 4 and try a sentence meanwhile"


def write_baseline_of(runs: Path, data: Path, labels: tuple[str, ...]) -> None:
    job = BaselineSpec(DataSpec(str(data)))
    folders.write_run(runs, "own111", job, folders.baseline_events(labels=labels), labels=labels)


@pytest.mark.parametrize("labels", [("anger", "joy", "sadness"), ("anger", "joy", "other")])
async def test_runs_of_other_data_tick_nothing(
    labels: tuple[str, ...], emotui_home: Path, tiny_model: Path, tiny_data: Path, tmp_path: Path
) -> None:
    folders.write_train_run(emotui_home / "runs")
    write_baseline_of(emotui_home / "runs", tiny_data, labels)
    app = application(tiny_model, tiny_data, runs=RunWatch())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.state.done == ({"data", "baseline"} if labels[2] == "sadness" else {"data"})
        app.state.data.open(DataSpec(str(shutil.copytree(tiny_data, tmp_path / "other"))))
        await settle(pilot)
        assert app.state.done == {"data"}


async def test_finished_runs_tick_the_path(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    write_baseline_of(emotui_home / "runs", tiny_data, ("anger", "joy", "sadness"))
    app = application(tiny_model, tiny_data, runs=RunWatch())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert {"data", "baseline"} <= app.state.done
        marks = {step.name: step.mark for step in path_of(app.state, "dataset").steps}
        assert marks == {"data": "done", "tokens": "now", "baseline": "done", "fine-tune": "later", "classify": "later", "errors": "later"}
        assert facts_of(app.state).rows == "90/30/30"


@pytest.mark.parametrize(
    ("arguments", "opens"),
    [
        ([], True),
        (["starter"], True),
        (["hf:owner/name", "--model", "starter", "--offline"], True),
        (["--model=starter"], True),
        (["--offline"], True),
        (["train", "starter", "--model", "starter"], False),
        (["--help"], False),
        (["nowhere-at-all"], False),
    ],
)
def test_what_opens_the_application(arguments: list[str], opens: bool) -> None:
    assert opens_application(arguments) is opens


def test_the_application_takes_a_model_and_offline() -> None:
    given = options.opening().parse_args(["starter", "--model", "hf:owner/name", "--offline"])
    assert (given.dataset, given.model, given.offline) == ("starter", "hf:owner/name", True)
    with pytest.raises(UserError, match="unrecognized"):
        options.opening().parse_args(["starter", "--epochs", "3"])


async def test_the_first_paint_says_what_is_being_read(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    said: list[str] = []
    begin = app._begin

    def first_paint() -> None:
        said.append("\n".join(drawn(app)))
        begin()

    app._begin = first_paint
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
    assert "reading the data set" in said[0]
    assert "No data set is open" not in said[0]


async def test_another_model_is_chosen_by_a_key(
    emotui_home: Path, tiny_model: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("M")
        field = app.screen.query_one("#model", Input)
        field.value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
        assert "not a model: choose" in "\n".join(drawn(app))
        field.value = str(tiny_model)
        await pilot.press("enter")
        await settle(pilot)
        assert app.state.model == str(tiny_model)
        assert safe_line(tiny_model.name, 16) in drawn(app)[0]
        assert [ask.model for ask in app.state.engine.asked if isinstance(ask, AskLengths)][-1] == str(tiny_model)  # type: ignore[attr-defined]


async def test_nothing_raw_is_pasted_into_a_field(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("slash", "o", "M"):
            await pilot.press(key)
            field = app.screen.focused
            assert isinstance(field, Input)
            for text in HOSTILE[:-1]:
                field.value = ""
                field.post_message(events.Paste(text))
                await pilot.pause()
                for line in drawn(app):
                    assert not RAW.search(line), line
            field.value = ""
            await pilot.press("escape", "escape")


async def test_what_a_field_does_not_take_of_a_paste_is_told(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        field = app.screen.focused
        assert isinstance(field, Input)
        for length, told in (
            (LONGEST, []),
            (LONGEST + 1, ["a field takes 5,000 characters at once; the rest of the paste was dropped"]),
        ):
            field.value = ""
            field.post_message(events.Paste("x" * length))
            await pilot.pause()
            assert (len(field.value), [each.message for each in app._notifications]) == (LONGEST, told)


class Going(Screen[None]):
    """A screen whose work wakes up when its first part goes."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Static(id="part")
        yield Gate(id="gate")

    def on_mount(self) -> None:
        self.run_worker(self.look())

    async def look(self) -> None:
        await self.gate.wait()
        self.query_one("#part")


class Gate(Static):
    async def on_unmount(self) -> None:
        screen = self.screen
        assert isinstance(screen, Going)
        while screen.query("#part"):
            await asyncio.sleep(0)
        screen.gate.set()
        screen.run_worker(screen.look)  # what begins now would not find the part either
        for _ in range(20):
            await asyncio.sleep(0)


async def test_work_ends_before_the_widgets_that_it_looks_for(tmp_path: Path) -> None:
    app = application(tmp_path, tmp_path)
    async with app.run_test() as pilot:
        await app.push_screen(Going())
        await pilot.pause()
        app.pop_screen()
        await pilot.pause()
    assert app.crash is None


def test_a_key_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert keymap({}, file, set) == {}
    file.write_text('[keys]\nquit = "Q"\n')
    assert keymap(config.read(file).keys, file, lambda: {"quit", "help"}) == {"quit": "Q"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[keys]\nfly = 'x'", "no action 'fly'"),
        ("keys = 3", "must be a table"),
        ("[keys]\nquit = 3", "must be a string"),
        ("[keys", "cannot read"),
    ],
)
def test_a_wrong_keymap_is_said_in_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(UserError, match=said) as error:
        keymap(config.read(file).keys, file, lambda: {"quit", "help"})
    assert str(file) in str(error.value)


async def test_a_remapped_key_works_and_the_old_one_does_not(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    app = application(tiny_model, tiny_data, keymap={"quit": "Q"})
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("q")
        assert app.return_value is None
        await pilot.press("Q")
    assert app.return_value == 0


@pytest.mark.slow
async def test_a_remapped_key_works_on_every_screen_and_a_large_panel_gets_back(
    emotui_home: Path, tiny_model: Path, tiny_data: Path
) -> None:
    app = application(tiny_model, tiny_data, keymap={"model": "f6", "clear": "x"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for screen in ("1", "2", "3"):
            await pilot.press(screen)
            await settle(pilot)
            await pilot.press("escape", "M")
            assert not isinstance(app.screen, ChooseModel)
            await pilot.press("f6")
            assert isinstance(app.screen, ChooseModel)
            await pilot.press("escape")
        await pilot.press("1", "z")
        await settle(pilot)
        assert "words per text" not in "\n".join(drawn(app))
        await pilot.press("x")
        await settle(pilot)
        assert "words per text" in "\n".join(drawn(app))


def test_a_dumb_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UserError, match="emotui --help"):
        check_terminal()
