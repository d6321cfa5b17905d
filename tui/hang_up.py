"""Ends the application on a signal, or when its terminal is gone, even while it is blocked by that terminal."""

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
"""Seconds after a signal in which the application can end by itself."""


def listen(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code (128 plus the signal's number) on the running loop when SIGHUP or SIGTERM arrives.

    If the process still runs after GRACE seconds, it is ended: a write to a terminal that is gone, or does not read, may block for ever.
    The terminal's present settings are then restored, so that a shell on it shows what is typed.
    A terminal that closes without a signal, such as one that does not control the process, counts as SIGHUP.
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
        # The loop's own signal handlers would not run while the loop is blocked in a write.
        signal.signal(number, hang_up)
    if sys.__stdin__ is not None:
        threading.Thread(target=_wait_for_end, args=(sys.__stdin__.fileno(),), name="terminal-end", daemon=True).start()


def _settings() -> list[Any] | None:
    """Return the settings of the terminal; None without one."""
    try:
        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ is not None else None
    except (OSError, termios.error):
        return None


def _restore(before: list[Any]) -> None:
    """Restore the terminal's settings without waiting until it has read all output."""
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, before)  # type: ignore[union-attr]  (it had settings)


def _wait_for_end(terminal: int) -> None:
    ends = select.poll()
    ends.register(terminal, 0)
    # Systems without this kind of poll answer something else at once.
    if any(event & select.POLLHUP for _, event in ends.poll()):
        os.kill(os.getpid(), signal.SIGHUP)
