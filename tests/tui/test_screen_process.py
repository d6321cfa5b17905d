"""The application as a process of its own, on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import run_folders as folders
from terminals import TIMEOUT, Terminal

HEAVY = {"torch", "transformers", "sklearn", "datasets", "modelscope", "accelerate", "pandas", "scipy", "huggingface_hub"}
SIZE = (120, 36)

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(emotui_home: Path) -> dict[str, str]:
    stale = {"COLUMNS": "80", "LINES": "24"}  # as some shells and CI systems export them
    return {**os.environ, **stale, "TERM": "xterm-256color", "COLORTERM": "", "EMOTUI_HOME": str(emotui_home)}


@contextmanager
def opened(environment: dict[str, str], data: Path, *, controls: bool = False) -> Iterator[Terminal]:
    """The application over a data set, in a terminal that does not control it: no signal tells it of the terminal's end."""
    running = Terminal(sys.executable, "-P", "-m", "emotui.tui", str(data), size=SIZE, variables=environment, controls=controls)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def terminal(environment: dict[str, str], tiny_data: Path) -> Iterator[Terminal]:
    with opened(environment, tiny_data) as running:
        yield running


def test_no_model_library_is_imported_by_any_screen(environment: dict[str, str], tiny_data: Path, tiny_model: Path) -> None:
    program = f"""
import asyncio, sys
from emotui.core.engine.client import Engine
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.run_watch import RunWatch

assert "pyarrow" not in sys.modules, "Arrow would delay the first paint"

async def main():
    app = EmotuiApp(spec=DataSpec({str(tiny_data)!r}), engine=Engine(), runs=RunWatch())
    app.state.model = {str(tiny_model)!r}
    async with app.run_test(size=(120, 36)) as pilot:
        for _ in range(600):
            await pilot.pause(0.05)
            if app.state.dataset is not None and not app.state.loading:
                break
        assert app.state.dataset is not None, app.state.data_error
        for key in ("o", "escape", "2", "escape", "3", "5", "4", "escape", "1"):
            await pilot.press(key)
            await pilot.pause(0.2)
    found = sorted({{name.partition(".")[0] for name in sys.modules}} & {HEAVY!r})
    assert not found, found

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def test_it_opens_a_data_set_and_leaves(terminal: Terminal) -> None:
    terminal.see("train 90")
    terminal.send("q")
    assert terminal.ended() == 0
    assert not re.search(rb"Traceback", terminal.raw)


def test_a_terminal_that_had_another_size_for_a_moment_is_drawn_anew(terminal: Terminal) -> None:
    terminal.see("train 90")
    terminal.see("problems 3")
    terminal.read(1)
    terminal.process.send_signal(signal.SIGWINCH)  # by the time it looks, the size is the old one
    terminal.screen.reset()  # what was beyond the edge is lost
    for part in ("train 90", "problems 3", "words per text", "emotui"):
        terminal.see(part)


def test_it_says_that_a_run_goes_on(terminal: Terminal, emotui_home: Path) -> None:
    live = folders.write_run(emotui_home / "runs", "live88", folders.train_spec(), folders.train_events(upto=312), state=None)
    with folders.held(live):
        terminal.see("▶ fine-tune live88")
        terminal.send("q")
        assert terminal.ended() == 0
        terminal.read(0.5)
    assert b"Still running: live88. Start emotui again to watch." in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_it(terminal: Terminal, number: int) -> None:
    terminal.see("train 90")
    terminal.process.send_signal(number)
    begun = time.monotonic()
    assert terminal.ended() == 128 + number
    assert time.monotonic() - begun < 20


def test_a_terminal_that_closes_without_a_signal_ends_it(terminal: Terminal) -> None:
    terminal.see("train 90")
    terminal.hang_up()
    assert terminal.process.wait(timeout=TIMEOUT) == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_it_while_its_terminal_does_not_read(terminal: Terminal, number: int) -> None:
    terminal.see("train 90")
    until = time.monotonic() + TIMEOUT
    while not terminal.is_full():
        assert time.monotonic() < until
        terminal.send("T")  # the whole screen in other colours: soon nothing more can be sent
        time.sleep(0.05)
    for _ in range(40):
        terminal.send("T")  # and then not even be queued
    raw = termios.tcgetattr(terminal.main)
    assert not raw[3] & termios.ECHO
    terminal.process.send_signal(number)
    assert terminal.process.wait(timeout=TIMEOUT) == 128 + number
    assert termios.tcgetattr(terminal.main)[3] & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON


def test_a_dumb_terminal_gets_a_sentence(environment: dict[str, str], tiny_data: Path) -> None:
    with opened({**environment, "TERM": "dumb"}, tiny_data) as running:
        assert running.ended() == 2
        assert b"emotui --help" in running.raw
        assert b"Traceback" not in running.raw


@pytest.mark.parametrize("home", ["~nosuch", "/etc/passwd", "/etc/passwd/x", "/dev/null", "/proc/x"])
def test_a_home_that_cannot_be_used_is_a_sentence(home: str, environment: dict[str, str], tiny_data: Path) -> None:
    with opened({**environment, "EMOTUI_HOME": home}, tiny_data) as running:
        assert running.ended() == 2
        assert b"EMOTUI_HOME" in running.raw
        assert b"did not expect" not in running.raw


@pytest.mark.parametrize("variables", [{"TERM": "xterm"}, {"NO_COLOR": "1"}])
def test_few_colours_keep_the_text_apart_from_its_ground(environment: dict[str, str], tiny_data: Path, variables: dict[str, str]) -> None:
    with opened({**environment, **variables}, tiny_data) as running:
        running.see("train 90")
        running.read(1)
        cells = [cell for row in running.screen.buffer.values() for cell in row.values() if cell.data.strip()]
        assert len(cells) > 500
        assert all(cell.fg != cell.bg for cell in cells)
        running.send("q")
        assert running.ended() == 0
