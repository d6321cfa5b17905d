"""Ends the application when it is told to, or when its terminal is gone, even while it waits for that terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

GRACE = 1.0
"""Seconds that a signal leaves to the application to end by itself."""
_RESTORING = 0.5
"""Seconds that the terminal gets at most to become itself again."""
_PLAIN = (
    b"\x18\x1b[?2026l\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2048l\x1b[?1004l"
    b"\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Breaks off a sequence that was sent in part (CAN), and takes back what Textual's driver has set."""


def listen(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code (128 and the signal's number) on the loop that runs now, when SIGHUP or SIGTERM comes.

    A process that is still there after its grace is ended: a write to a terminal that is gone, or does not read, may block for ever. What
    that terminal has not read is dropped, so that it is itself again when it reads on. To be called before the application changes it.
    A terminal that closes without a signal, as one does that does not control the process, counts as SIGHUP.
    """
    loop = asyncio.get_running_loop()
    before = _settings()

    def end(code: int) -> None:
        if before is not None:
            _restore(before)
        os._exit(code)

    def hang_up(number: int, _: FrameType | None) -> None:
        watchdog = threading.Timer(GRACE, end, args=(128 + number,))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(leave, 128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM):
        # Not the loop's own handlers: a loop that is blocked in a write never gets to them.
        signal.signal(number, hang_up)
    if sys.__stdin__ is not None:
        threading.Thread(target=_wait_for_end, args=(sys.__stdin__.fileno(),), name="terminal-end", daemon=True).start()


def _settings() -> list[Any] | None:
    """Return the settings of the terminal, None where there is none."""
    try:
        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ is not None else None
    except (OSError, termios.error):
        return None


def _restore(before: list[Any]) -> None:
    """Give the terminal its settings and its screen back without waiting for it."""
    if sys.__stdin__ is None or sys.__stderr__ is None:
        return
    with contextlib.suppress(OSError, termios.error):
        # Opened anew, since not to wait is a property that a shell on the same terminal would share.
        terminal = os.open(os.ttyname(sys.__stdin__.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        termios.tcsetattr(terminal, termios.TCSANOW, before)
        # What the application still draws goes nowhere; a write that waits already is let through and dropped.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno())
        until = time.monotonic() + _RESTORING
        while time.monotonic() < until:
            termios.tcflush(terminal, termios.TCOFLUSH)
            try:
                os.write(terminal, _PLAIN)
                return
            except BlockingIOError:
                time.sleep(0.01)


def _wait_for_end(terminal: int) -> None:
    ends = select.poll()
    ends.register(terminal, 0)
    # Where terminals cannot be asked so, the answer is another one, at once.
    if any(event & select.POLLHUP for _, event in ends.poll()):
        os.kill(os.getpid(), signal.SIGHUP)
