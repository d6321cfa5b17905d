"""The application as a process of its own, on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
import run_folders as folders

HEAVY = {"torch", "transformers", "sklearn", "datasets", "modelscope", "accelerate", "pandas", "scipy", "huggingface_hub"}
PATIENCE = 60.0
"""Seconds that a busy machine may take."""


class Terminal:
    """A pseudo-terminal with a process on it, and what it shows."""

    def __init__(self, command: list[str], environment: dict[str, str], size: tuple[int, int] = (120, 36)) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.read = b""
        self.main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._name = os.ttyname(other)
        self.process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True)
        os.close(other)

    def is_full(self) -> bool:
        """Whether the process can write no more until something is read."""
        other = os.open(self._name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return not select.select([], [other], [], 0)[1]
        finally:
            os.close(other)

    def pump(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.main], [], [], left)[0]:
                return
            try:
                data = os.read(self.main, 1 << 16)
            except OSError:
                return
            self.read += data
            self._stream.feed(data)

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.pump(0.1)
            if any(text in line for line in self.screen.display):
                return
        raise AssertionError(f"{text!r} is not shown:\n" + "\n".join(self.screen.display))

    def press(self, keys: str) -> None:
        os.write(self.main, keys.encode())

    def wait(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.pump(0.1)
        return self.process.wait(timeout=1)


@pytest.fixture
def environment(emotui_home: Path) -> dict[str, str]:
    stale = {"COLUMNS": "80", "LINES": "24"}  # as some shells and CI systems export them
    return {**os.environ, **stale, "TERM": "xterm-256color", "COLORTERM": "", "EMOTUI_HOME": str(emotui_home)}


@pytest.fixture
def terminal(environment: dict[str, str], tiny_data: Path) -> Iterator[Terminal]:
    running = Terminal([sys.executable, "-P", "-m", "emotui.tui", str(tiny_data)], environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        os.close(running.main)


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
    app.model = {str(tiny_model)!r}
    async with app.run_test(size=(120, 36)) as pilot:
        for _ in range(600):
            await pilot.pause(0.05)
            if app.dataset is not None and not app.loading:
                break
        assert app.dataset is not None, app.data_error
        for key in ("o", "escape", "2", "escape", "3", "4", "escape", "1"):
            await pilot.press(key)
            await pilot.pause(0.2)
    found = sorted({{name.partition(".")[0] for name in sys.modules}} & {HEAVY!r})
    assert not found, found

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def test_it_opens_a_data_set_and_leaves(terminal: Terminal) -> None:
    terminal.wait_for("train 90")
    terminal.press("q")
    assert terminal.wait() == 0
    assert not re.search(rb"Traceback", terminal.read)


def test_a_terminal_that_had_another_size_for_a_moment_is_drawn_anew(terminal: Terminal) -> None:
    terminal.wait_for("train 90")
    terminal.wait_for("none found")
    terminal.pump(1)
    terminal.process.send_signal(signal.SIGWINCH)  # by the time it looks, the size is the old one
    terminal.screen.reset()  # what was beyond the edge is lost
    for part in ("train 90", "none found", "words per text", "emotui"):
        terminal.wait_for(part)


def test_it_says_that_a_run_goes_on(terminal: Terminal, emotui_home: Path) -> None:
    live = folders.write_run(emotui_home / "runs", "live88", folders.train_spec(), folders.train_events(upto=312), state=None)
    with folders.held(live):
        terminal.wait_for("▶ fine-tune live88")
        terminal.press("q")
        assert terminal.wait() == 0
        terminal.pump(0.5)
    assert b"Still running: live88. Start emotui again to watch." in terminal.read


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_it(terminal: Terminal, number: int) -> None:
    terminal.wait_for("train 90")
    terminal.process.send_signal(number)
    begun = time.monotonic()
    assert terminal.wait() == 128 + number
    assert time.monotonic() - begun < 20


def test_a_terminal_that_closes_without_a_signal_ends_it(environment: dict[str, str], tiny_data: Path) -> None:
    # The terminal does not control the process, which has no way to be told.
    running = Terminal([sys.executable, "-P", "-m", "emotui.tui", str(tiny_data)], environment)
    try:
        running.wait_for("train 90")
    finally:
        os.close(running.main)
    assert running.process.wait(timeout=PATIENCE) == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_it_while_its_terminal_does_not_read(terminal: Terminal, number: int) -> None:
    terminal.wait_for("train 90")
    until = time.monotonic() + PATIENCE
    while not terminal.is_full():
        assert time.monotonic() < until
        terminal.press("T")  # the whole screen in other colours: soon nothing more can be sent
        time.sleep(0.05)
    for _ in range(40):
        terminal.press("T")  # and then not even be queued
    raw = termios.tcgetattr(terminal.main)
    assert not raw[3] & termios.ECHO
    terminal.process.send_signal(number)
    assert terminal.process.wait(timeout=PATIENCE) == 128 + number
    assert termios.tcgetattr(terminal.main)[3] & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON


def test_a_dumb_terminal_gets_a_sentence(environment: dict[str, str], tiny_data: Path) -> None:
    running = Terminal([sys.executable, "-P", "-m", "emotui.tui", str(tiny_data)], {**environment, "TERM": "dumb"})
    try:
        assert running.wait() == 2
        assert b"emotui --help" in running.read
        assert b"Traceback" not in running.read
    finally:
        os.close(running.main)


@pytest.mark.parametrize("variables", [{"TERM": "xterm"}, {"NO_COLOR": "1"}])
def test_few_colours_keep_the_text_apart_from_its_ground(environment: dict[str, str], tiny_data: Path, variables: dict[str, str]) -> None:
    running = Terminal([sys.executable, "-P", "-m", "emotui.tui", str(tiny_data)], {**environment, **variables})
    try:
        running.wait_for("train 90")
        running.pump(1)
        cells = [cell for row in running.screen.buffer.values() for cell in row.values() if cell.data.strip()]
        assert len(cells) > 500
        assert all(cell.fg != cell.bg for cell in cells)
        running.press("q")
        assert running.wait() == 0
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        os.close(running.main)
