"""Ends the application when it is told to, or when its terminal is gone, even while it waits for that terminal."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

GRACE = {signal.SIGHUP: 1.0, signal.SIGTERM: 3.0}
"""Seconds that each signal leaves to the application; after SIGTERM it has a terminal to restore."""


def listen(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code (128 and the signal's number) on the loop that runs now, when a signal of GRACE comes.

    A process that is still there after its grace is ended: a write to a terminal that is gone, or does not read, may block for ever.
    A terminal that closes without a signal, as one does that does not control the process, counts as SIGHUP.
    """
    loop = asyncio.get_running_loop()

    def hang_up(number: int, _: FrameType | None) -> None:
        watchdog = threading.Timer(GRACE[signal.Signals(number)], os._exit, args=(128 + number,))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(leave, 128 + number)

    for number in GRACE:
        # Not the loop's own handlers: a loop that is blocked in a write never gets to them.
        signal.signal(number, hang_up)
    if sys.__stdin__ is not None:
        threading.Thread(target=_wait_for_end, args=(sys.__stdin__.fileno(),), name="terminal-end", daemon=True).start()


def _wait_for_end(terminal: int) -> None:
    ends = select.poll()
    ends.register(terminal, 0)
    # Where terminals cannot be asked so, the answer is another one, at once.
    if any(event & select.POLLHUP for _, event in ends.poll()):
        os.kill(os.getpid(), signal.SIGHUP)
