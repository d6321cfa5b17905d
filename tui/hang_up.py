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
from collections.abc import Callable
from types import FrameType
from typing import Any

GRACE = 1.0
"""Seconds that a signal leaves to the application to end by itself."""


def listen(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code (128 and the signal's number) on the loop that runs now, when SIGHUP or SIGTERM comes.

    A process that is still there after its grace is ended: a write to a terminal that is gone, or does not read, may block for ever. Its
    terminal then gets back the settings that it has now, so that a shell on it shows what is typed.
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
    """Give the terminal its settings back without waiting for what it has not read."""
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, before)  # type: ignore[union-attr]  (it had settings)


def _wait_for_end(terminal: int) -> None:
    ends = select.poll()
    ends.register(terminal, 0)
    # Where terminals cannot be asked so, the answer is another one, at once.
    if any(event & select.POLLHUP for _, event in ends.poll()):
        os.kill(os.getpid(), signal.SIGHUP)
