"""Keys in one burst, the suspended application, and a terminal without Unicode, each as a person meets it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from emotui.core import specs
from emotui.tui.app import EmotuiApp
from emotui.tui.ascii_only import replaced
from emotui.tui.screens.run_form import RunForm
from emotui.tui.screens.tokens import TokensScreen
from inspector import Inspector
from monitor import Classifier, application, settle
from rich.cells import cell_len
from run_folders import LABELS
from terminals import EMOTUI, Terminal
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input
from variants import mostly_slow


async def burst(pilot: Pilot[int], *keys: str | events.Paste) -> None:
    """Give the application keys as one read of the terminal does, all before the first is looked at, and wait until they are done."""
    app = pilot.app
    assert isinstance(app, EmotuiApp)
    for key in keys:
        app.post_message(key if isinstance(key, events.Paste) else events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    while app._key_order._is_busy:
        await pilot.pause(0.01)
    await settle(pilot)


@pytest.mark.slow
async def test_text_after_a_tab_goes_to_the_next_field(emotui_home: Path) -> None:
    async with application(Classifier(LABELS, {}), "3", spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        assert isinstance(app.screen, RunForm)
        app.screen.query_one("#data", Input).focus() if app.screen.query("#data") else app.screen.query(Input).first().focus()
        first = app.screen.focused
        assert isinstance(first, Input)
        before = first.value
        await burst(pilot, "tab", "a", "b", events.Paste("c d"), "shift+tab", "x", "tab", "e")
        second = app.screen.focused
        assert isinstance(second, Input)
        assert second is not first
        assert second.value.endswith("abc de")
        assert first.value.replace(before, "") == "x"


async def test_keys_after_an_escape_and_after_a_screen_are_that_screens(emotui_home: Path, tiny_model: Path) -> None:
    app = EmotuiApp(engine=Inspector(tiny_model))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await burst(pilot, "2", "i", "h", "i", "escape", "1", "o", "/", "q", "escape", "2")
        assert isinstance(app.screen, TokensScreen)
        assert "hi" in app.screen.query(Input).first().value
        assert "q" not in app.screen.query(Input).first().value


@pytest.mark.slow
def test_the_application_is_suspended_by_ctrl_z_and_comes_back_as_it_was(emotui_home: Path, tiny_data: Path) -> None:
    shown = Terminal("bash", "--norc", "--noprofile", "-i")
    try:
        shown.send(f"PS1='>> '\r{EMOTUI} {tiny_data}\r")
        shown.see("train 90")
        shown.press("j", "j")
        shown.stand_still()
        before = [re.escape(line[:60]) for line in shown.screen.display if re.match(r"│ +\d+  ", line)]
        assert len(before) > 10
        shown.press("\x1a")
        shown.see("Stopped")
        shown.send("stty -a | grep -o ' icanon'; echo and$((40 + 2))\r")
        shown.see(r"icanon", r"and42")
        assert shown.raw.rindex(b"\x1b[?1049l") > shown.raw.rindex(b"\x1b[?1049h")
        shown.send("clear; fg\r")
        shown.see("train 90", *before)
        shown.press("q")
        while shown.raw.rindex(b"\x1b[?1049l") < shown.raw.rindex(b"\x1b[?1049h"):
            assert shown.read_some(90)
        while not shown.raw.endswith(b">> "):
            assert shown.read_some(90)
        shown.send("echo left with $?\r")
        shown.see("left with 0")
    finally:
        shown.send("exit\rexit\r")
        shown.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "options", "allowed"),
    mostly_slow(
        [
            ({"LC_ALL": "C"}, [], "[^\x00-\x7f]"),
            ({"LC_ALL": "POSIX"}, [], "[^\x00-\x7f]"),
            ({"LC_ALL": "C.UTF-8"}, ["--ascii"], "[^\x00-\x7f]"),
            ({"LC_ALL": "C.UTF-8"}, [], None),
        ]
    ),
)
def test_without_unicode_it_is_drawn_in_ascii(
    variables: dict[str, str], options: list[str], allowed: str | None, emotui_home: Path, tiny_data: Path
) -> None:
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **variables}
    shown = Terminal(EMOTUI, str(tiny_data), *options, variables=environment, size=(120, 36))
    try:
        shown.see("train 90", "words per text")
        shown.press("3")
        shown.see("No run yet")
        shown.press("n")
        shown.see("new run")
        shown.press("escape", "?", "escape", "q")
        assert shown.ended() == 0
        strange = re.findall(allowed or "│", shown.raw.decode("utf-8"))
        assert bool(strange) == (allowed is None), set(strange)
        assert rb"\u" not in shown.raw
    finally:
        shown.close()


def test_each_sign_has_one_of_the_same_width_and_classes_stay_apart() -> None:
    from emotui.tui.theme import class_looks

    for text in ("╭─ rows ─╮│┤├┼└┘", "▏▎▍▌▋▊▉█ ⣿⠉⣀⠒⡇", "日本 🙂 é", "… → ✓ ✗", "e\u0301x"):
        for encoding in ("ascii", "latin-1", "gb18030"):
            line = replaced(text, encoding)
            line.encode(encoding)
            assert cell_len(line) == cell_len(text)
    assert replaced("é─", "latin-1") == "é-"
    glyphs = [look.glyph for look in class_looks([str(number) for number in range(8)])]
    assert len(set(glyphs)) > 4
    assert len({replaced(each, "ascii") for each in glyphs}) == len(set(glyphs)), [replaced(each, "ascii") for each in glyphs]


if sys.platform != "linux":
    pytest.skip("terminals of Linux", allow_module_level=True)
