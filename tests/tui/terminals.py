"""A person's terminal over the real application: keys go in, and what is on the screen can be read."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte
from emotui.core.runs.folder import list_runs
from emotui.core.runs.state import RunView, glance

EMOTUI = str(Path(sys.executable).with_name("emotui"))
COLUMNS, ROWS = 120, 40
PATIENCE = 90.0
"""Seconds in which the terminal must show what is waited for, on a machine that does other things too."""


def drawn_by_pyte(written: bytes) -> bytes:
    """Return what was written without the private modes that pyte does not know by their endings, and would draw."""
    return re.sub(rb"\x1b\[[<>=?][\d;]*[up]|\x1b\[\?[\d;]*\$p|\x1bP.*?\x1b\\", b"", written)


class Terminal:
    """A person's terminal: keys go in, and what is on the screen can be read."""

    def __init__(self, *arguments: str, command: str = EMOTUI) -> None:
        self.child = pexpect.spawn(
            command,
            list(arguments),
            dimensions=(ROWS, COLUMNS),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            timeout=PATIENCE,
        )
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def read(self, seconds: float = 0.1) -> bool:
        """Take what the application wrote within `seconds`; False once it has ended."""
        try:
            written = self.child.read_nonblocking(1 << 16, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += written
        self._stream.feed(drawn_by_pyte(written))
        return True

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def see(self, *patterns: str) -> str:
        """Wait until each pattern is on the screen, and return it."""
        until = time.monotonic() + PATIENCE
        while missing := [each for each in patterns if not re.search(each, self.text)]:
            alive = self.read()
            assert alive, f"the application ended:\n{self.text}"
            assert time.monotonic() < until, f"not seen in {PATIENCE:.0f} s: {missing}\n{self.text}"
        return self.text

    def see_cursor_at(self, name: str) -> None:
        """Wait until the cursor is on the line with `name`."""
        until = time.monotonic() + PATIENCE
        while name not in self.screen.display[self.screen.cursor.y]:
            self.read()
            assert time.monotonic() < until, f"the cursor is not at '{name}':\n{self.text}"

    def press(self, *keys: str) -> None:
        """Press keys, each once the screen stands still after the one before, as a person does."""
        for key in keys:
            self.stand_still()
            self.child.send(_KEYS.get(key, key))

    def stand_still(self) -> None:
        """Wait until nothing was written for 0.3 s, or for 2 s where the screen keeps moving."""
        until = time.monotonic() + 2
        before = -1
        while before != len(self.raw) and time.monotonic() < until:
            before = len(self.raw)
            self.read(0.3)

    def ended(self, within: float = PATIENCE) -> int:
        """Wait until the application has ended, and return its exit code."""
        until = time.monotonic() + within
        while self.read():
            assert time.monotonic() < until, f"still there after {within} s:\n{self.text}"
        self.child.close()
        return self.child.exitstatus if self.child.exitstatus is not None else -(self.child.signalstatus or 0)


_KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "down": "\x1b[B", "right": "\x1b[C", "clear": "\x15", "end": "\x1b[F"}


@contextmanager
def terminal(*arguments: str, command: str = EMOTUI) -> Iterator[Terminal]:
    shown = Terminal(*arguments, command=command)
    try:
        yield shown
    finally:
        if shown.child.isalive():
            shown.child.kill(signal.SIGKILL)
            shown.child.ptyproc.wait()
        shown.child.close()


def runs() -> list[RunView]:
    return [glance(folder) for folder in list_runs()]


def start_run(shown: Terminal, model: Path, *, fine_tune: bool, epochs: str = "4") -> None:
    """Fill the form in by keys and start it; it proposes the next task of the path."""
    task = "● fine-tune" if fine_tune else "● baseline"
    shown.press("n")
    shown.see("new run")
    if task not in shown.see("● (fine-tune|baseline)"):
        shown.press("right")
    shown.see(task)
    fields = {"data set": None, "model": str(model)}
    if fine_tune:
        fields |= {"preset": None, "epochs": epochs, "learning rate": "0.005", "batch size": "16"}
    for field, value in fields.items():
        shown.press("down")
        if field != "preset":
            shown.see_cursor_at(field)
        if value is not None:
            shown.press("end", "clear", value)
            shown.see(rf"{field} .*{re.escape(value[-12:])}")
    shown.press("enter")
