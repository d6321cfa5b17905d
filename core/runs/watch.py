"""Watches one worker for its supervisor: its events, requests to it, and its end; standard library only."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Protocol

from ..safe_text import safe_text
from .endings import SUPERVISOR_PREFIX, Asked

TICK = 0.1
"""Seconds between checks of requests and of the worker."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time-outs of a worker in seconds."""

    stop: float = 120.0
    """From being asked to stop, or from its last progress after that, to SIGTERM for its whole process group."""
    term: float = 10.0
    """From SIGTERM to SIGKILL."""
    orphan: float = 60.0
    """For an orphaned worker to save a checkpoint and end."""
    drain: float = 2.0
    """For the last events of a worker that has ended."""
    command: float = 30.0
    """For the user's command `on_event`."""


class Owner(Protocol):
    """The owner of a worker, which receives its events and requests what it should do."""

    def requested(self) -> Asked:
        """Return what the worker is requested to do; called ten times a second."""
        ...

    def receive(self, line: bytes, sent: int) -> None:
        """Receive an event, a JSON object, the `sent`th of this worker."""
        ...


class Watch:
    """Reads the events of one worker, passes requests on to it, and waits for its end."""

    def __init__(self, worker: subprocess.Popen[bytes], events: int, timeouts: Timeouts, owner: Owner) -> None:
        """Watch a worker that leads a process group and sends its events to the pipe `events`."""
        self.worker = worker
        self.events = events
        self.timeouts = timeouts
        self.owner = owner
        self.received = b""
        self.sent = 0
        self.at_end = False
        self.rung = 0
        self.rung_at = 0.0

    def to_the_end(self) -> int:
        """Wait for the worker's end and return its exit code, or minus the signal that ended it; its whole group has then ended."""
        while not self._has_ended():
            self._read(TICK)
            self._climb(self.owner.requested())
        # Before the worker is reaped: until then, the number of its group cannot be reused.
        self._signal_group(signal.SIGKILL)
        deadline = time.monotonic() + self.timeouts.drain
        while not self.at_end and time.monotonic() < deadline:
            self._read(TICK)
        return self.worker.wait()

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.worker.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _climb(self, asked: Asked) -> None:
        """Enforce a request in steps: ask the worker, then SIGTERM to its group, then SIGKILL."""
        now = time.monotonic()
        if asked == "kill" and self.rung < 3:
            self.rung = 3
            self._signal_group(signal.SIGKILL)
        elif asked == "stop" and self.rung == 0:
            self.rung, self.rung_at = 1, now
            os.kill(self.worker.pid, signal.SIGTERM)
        elif self.rung == 1 and now - self.rung_at > self.timeouts.stop:
            self.rung, self.rung_at = 2, now
            self._signal_group(signal.SIGTERM)
        elif self.rung == 2 and now - self.rung_at > self.timeouts.term:
            self.rung = 3
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.worker.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # no process is left in it, or only zombies (for which macOS reports a lack of permission)

    def _read(self, seconds: float) -> None:
        """Read the events that arrive within `seconds`."""
        if self.at_end:
            time.sleep(seconds)
            return
        if not select.select([self.events], [], [], seconds)[0]:
            return
        chunk = os.read(self.events, 1 << 16)
        self.at_end = not chunk
        *lines, self.received = (self.received + chunk).split(b"\n")
        for line in lines:
            self._receive(line)

    def _receive(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        match event:
            case {"kind": str(kind)}:
                self.sent += 1
                if kind == "progress" and self.rung == 1:  # it evaluates what it has saved
                    self.rung_at = time.monotonic()
                self.owner.receive(line, self.sent)
            case _:
                log_line(f"the worker sent an invalid event: {line[:200]!r}")


def log_line(sentence: str) -> None:
    """Write one or several lines to the log with the supervisor's prefix."""
    sys.stderr.write("".join(f"{SUPERVISOR_PREFIX}{safe_text(line)}\n" for line in sentence.splitlines()))
    sys.stderr.flush()
