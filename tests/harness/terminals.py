"""A person's terminal over a real process: keys go in, and what is on the screen can be read."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyte
from emotui.core.runs.folder import list_runs
from emotui.core.runs.state import RunView, glance

EMOTUI = str(Path(sys.executable).with_name("emotui"))
COLUMNS, ROWS = 120, 40
TIMEOUT = 90.0
"""Seconds in which the terminal must show what is waited for, on a machine that does other things too."""


def drawn_by_pyte(written: bytes) -> bytes:
    """Return what was written without the private modes that pyte does not know by their endings, and would draw."""
    return re.sub(rb"\x1b\[[<>=?][\d;]*[up]|\x1b\[\?[\d;]*\$p|\x1bP.*?\x1b\\", b"", written)


class Terminal:
    """A pseudo-terminal with a process in a session of its own.

    With `controls` it is that session's terminal, as a person's is, and the process is told by SIGHUP when it closes.
    """

    def __init__(
        self, *command: str, size: tuple[int, int] = (COLUMNS, ROWS), variables: Mapping[str, str] | None = None, controls: bool = True
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        """All that was written."""
        self.main, other = pty.openpty()
        self.name = os.ttyname(other)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"} if variables is None else variables
        self.started = self.came = time.perf_counter()
        """Times of the process's start and of what it wrote last, seconds."""
        self.process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            env=environment,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controls else None,
        )
        os.close(other)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read_some(self, seconds: float = 0.1) -> bool:
        """Take what is written next, waiting for it at most `seconds`; False once the process has closed its side."""
        written, is_open = b"", True
        while select.select([self.main], [], [], 0.0 if written else seconds)[0]:
            try:
                part = os.read(self.main, 1 << 16)
            except OSError:  # Linux says so where nobody has the other side open
                part = b""
            if not part:
                is_open = False
                break
            written += part
        if written:
            self.came = time.perf_counter()
            self.raw += written
            self._stream.feed(drawn_by_pyte(written))
        return is_open

    def read(self, seconds: float) -> None:
        """Take what is written within `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.read_some(left):
            continue

    def see(self, *patterns: str, within: float = TIMEOUT) -> str:
        """Wait until each pattern is on the screen, and return the screen's text."""
        until = time.monotonic() + within
        while missing := [each for each in patterns if not re.search(each, self.text)]:
            is_open = self.read_some()
            assert is_open, f"the application ended before it showed {missing}:\n{self.text}"
            assert time.monotonic() < until, f"not seen in {within:.0f} s: {missing}\n{self.text}"
        return self.text

    def see_cursor_at(self, name: str) -> None:
        """Wait until the cursor is on the line with `name`."""
        until = time.monotonic() + TIMEOUT
        while name not in self.screen.display[self.screen.cursor.y]:
            self.read_some()
            assert time.monotonic() < until, f"the cursor is not at '{name}':\n{self.text}"

    def send(self, keys: str) -> None:
        """Write to the process, whatever it does at the moment."""
        os.write(self.main, keys.encode())

    def press(self, *keys: str) -> None:
        """Press keys, each once the screen stands still after the one before, as a person does."""
        for key in keys:
            self.stand_still()
            self.send(_KEYS.get(key, key))

    def stand_still(self) -> None:
        """Wait until nothing was written for 0.3 s, or for 2 s where the screen keeps moving."""
        until = time.monotonic() + 2
        before = -1
        while before != len(self.raw) and time.monotonic() < until:
            before = len(self.raw)
            self.read_some(0.3)

    def is_full(self) -> bool:
        """Whether the process can write no more until something is read."""
        other = os.open(self.name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return not select.select([], [other], [], 0)[1]
        finally:
            os.close(other)

    def ended(self, within: float = TIMEOUT) -> int:
        """Read on until the process has ended, and return its exit code: minus the signal where one ended it."""
        until = time.monotonic() + within
        while self.process.poll() is None:
            assert time.monotonic() < until, f"still there after {within} s:\n{self.text}"
            if not self.read_some():
                self.process.wait(max(0.1, until - time.monotonic()))
        self.read(0.1)
        return self.process.wait()

    def hang_up(self) -> None:
        """Close the terminal, as its window does."""
        if self.main >= 0:
            os.close(self.main)
            self.main = -1

    def close(self) -> None:
        """End the process, which may close its own children, and leave nothing behind, whatever it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.hang_up()


_KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "back tab": "\x1b[Z",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "clear": "\x15",
    "end": "\x1b[F",
}


@contextmanager
def terminal(*arguments: str, command: str = EMOTUI) -> Iterator[Terminal]:
    """The application in a terminal, which is closed at the end."""
    shown = Terminal(command, *arguments)
    try:
        yield shown
    finally:
        shown.close()


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
        between = dict.fromkeys(("schedule", "warm-up"))
        fields |= {"preset": None, "epochs": epochs, "at most": None, "learning rate": "0.005", **between, "batch size": "16"}
    for field, value in fields.items():
        shown.press("down")
        if field not in ("preset", "schedule"):  # a choice has no cursor
            shown.see_cursor_at(field)
        if value is not None:
            shown.press("end", "clear", value)
            shown.see(rf"{field} .*{re.escape(value[-12:])}")
    shown.press("enter")
