"""Runs the user's command `on_event` with an event of a run as JSON on its stdin; standard library only.

A process of its own, `python -P -m emotui.core.runs.on_event`, supervises the command, so that the supervisor of the run neither
waits for the command nor ends later because of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import IO, Any, cast

from .. import config, paths
from ..errors import UserError
from ..plain_files import read_plain
from .folder import RunFolder
from .tally import Tally
from .watch import log_line

KEEPER = (sys.executable, "-P", "-m", "emotui.core.runs.on_event")
_TASKS = {"train": "fine-tune"}
"""Names of tasks for users, where they differ from those in specs."""


class OnEvent:
    """Runs the command `on_event` of config.toml for one run; does nothing if none is set."""

    def __init__(self, run: RunFolder, *, seconds: float, clock: Callable[[], float]) -> None:
        """Read the settings; a command is killed after `seconds`, and `clock` returns seconds since the epoch."""
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._keepers: list[subprocess.Popen[bytes]] = []
        try:
            self._config = config.read(paths.config_file())
        except UserError as error:
            log_line(f"on_event is ignored: {error}")
            self._config = config.Config()
        self.note_progress()

    def note_progress(self) -> None:
        """Record that the worker has made progress or was started."""
        self._heard, self._is_told = time.monotonic(), False

    def check_progress(self, tally: Tally) -> None:
        """Report, once, that the worker has made no progress for too long."""
        silence = self._config.no_progress_seconds
        if not self._is_told and time.monotonic() - self._heard > silence:
            self._is_told = True
            self.notify("no_progress", tally, state="running", reason=f"no progress for {silence:g} s")

    def notify(self, event: str, tally: Tally, *, state: str, reason: str) -> None:
        """Start the command for 'finished', 'failed', 'stopped', 'nan' or 'no_progress', without waiting for it. Never fails."""
        self._keepers = [each for each in self._keepers if each.poll() is None]
        if not self._config.on_event:
            return
        value = {
            "event": event,
            "run": self._run.id,
            "folder": str(self._run.path),
            **self._job(),
            "state": state,
            "reason": reason[:1000],
            "step": tally.step,
            "steps": tally.steps,
            "f1_weighted": _f1(tally),
            "time": self._clock(),
        }
        try:  # a run may take days, and much may change meanwhile
            config.check_command(paths.config_file(), self._config.on_event)
        except (UserError, OSError) as error:
            log_line(f"on_event is ignored: {error}")
            return
        order = {"command": self._config.on_event, "seconds": self._seconds, "event": value}
        folder = paths.config_file().parent
        try:
            keeper = subprocess.Popen(
                KEEPER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=folder if folder.is_dir() else "/", start_new_session=True
            )
            with contextlib.suppress(BrokenPipeError), cast(IO[bytes], keeper.stdin) as stdin:
                stdin.write(json.dumps(order).encode())
            self._keepers.append(keeper)
        except OSError as error:
            log_line(f"on_event cannot be run: {error.strerror or error}")

    def _job(self) -> dict[str, Any]:
        try:
            job = json.loads(read_plain(self._run.spec_file, 4 << 20))["job"]
            return {"task": _TASKS.get(job["task"], job["task"]), "data": job["data"]["source"], "model": job["model"]}
        except (OSError, UserError, ValueError, KeyError, TypeError, RecursionError):
            return {"task": None, "data": None, "model": None}


def _f1(tally: Tally) -> float | None:
    """Return the weighted F1 of a baseline's best rung, or of the run at its end, or else of its last epoch."""
    match tally.best_rung or tally.finished or tally.stopped:
        case {"metrics": {"f1_weighted": int() | float() as value}}:
            return value
        case _:
            pass
    return tally.epochs[-1][1].get("f1_weighted") if tally.epochs else None


def carry_out(command: str, event: bytes, seconds: float) -> str:
    """Run a shell command with `event` on its stdin for at most `seconds`; return what went wrong, '' for nothing.

    Its output is discarded. It leads a process group, which is killed when the time is over.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )
    except OSError as error:
        return f"it cannot be run: {error.strerror or error}"
    try:
        process.communicate(event, timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"it did not end within {seconds:g} s and was killed"
    if process.returncode < 0:
        return f"it was killed by signal {-process.returncode}"
    return f"it ended with exit code {process.returncode}" if process.returncode else ""


def main() -> None:
    """Run the command given on stdin; a failure is a line on stderr, which is the run's log."""
    os.umask(0o077)
    order = json.load(sys.stdin.buffer)
    event = order["event"]
    problem = carry_out(order["command"], json.dumps(event, ensure_ascii=False).encode() + b"\n", order["seconds"])
    if problem:
        with contextlib.suppress(OSError):  # the log may be on a disk that is full
            log_line(f"on_event for '{event['event']}': {problem}")


if __name__ == "__main__":
    main()
