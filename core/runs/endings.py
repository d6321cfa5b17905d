"""Classifies how a worker ended, in one word and one sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..plain_files import open_plain
from ..sentences import Words, phrase

Asked = Literal["", "stop", "kill"]
SUPERVISOR_PREFIX = "supervisor: "
"""The prefix of the supervisor's own lines in the log."""

FINISHED, CRASHED, BAD_INPUT, STOPPED, NOT_FINITE, GPU_MEMORY, DISK_FULL, MEMORY, FAILED = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""The worker's exit codes."""
PEER_LOST = 9
"""The exit code of a process that lost another one of its run, which has the real cause."""

_CAUSES = {
    BAD_INPUT: "bad_input",
    NOT_FINITE: "nan",
    GPU_MEMORY: "oom_gpu",
    DISK_FULL: "disk_full",
    MEMORY: "oom_kernel",
    FAILED: "crash",
    CRASHED: "crash",
    PEER_LOST: "crash",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a worker, as stored in AttemptEnded and Result."""

    cause: str
    reason: Words
    """A sentence without a full stop."""
    state: Literal["finished", "stopped", "failed"] = "failed"


def classify(
    code: int, *, asked: Asked, finished: bool, error: Words, last_log_line: Callable[[], str], memory_kills: int, step: int, grace: float
) -> Ending:
    """Return how a worker ended.

    `code` is its exit code, or minus the signal that ended it; `asked` is what it had been asked to do; `finished` is whether it had
    sent Finished; `error` is its last error; `memory_kills` is the number of processes that the kernel killed for lack of memory
    meanwhile; `grace` is the number of seconds that it had to stop by itself.
    """
    if finished:
        return Ending("finished", "", "finished")
    if code == STOPPED:
        reason = "it was asked to stop" if asked else "it was stopped by a signal from outside emotui"
        return Ending("stopped", f"{reason}; saved at step {step}" if step else reason, "stopped")
    if code < 0:
        return _by_signal(-code, asked, error, last_log_line, memory_kills, step, grace)
    if code == FINISHED:
        return Ending("crash", "the worker ended without a result")
    reason = error or last_log_line() or f"the worker ended with exit code {code} without a message"
    return Ending(_CAUSES.get(code, "crash"), reason)


def _by_signal(
    number: int, asked: Asked, error: Words, last_log_line: Callable[[], str], memory_kills: int, step: int, grace: float
) -> Ending:
    name = {each.value: each.name for each in signal.Signals}.get(number, f"signal {number}")
    if asked == "kill":
        lost = "; what came after the last checkpoint is lost" if step else ""  # baselines have no steps
        return Ending("killed", f"it was killed as asked{lost}", "stopped")
    if asked == "stop" and number == signal.SIGTERM:
        return Ending("stopped", "it was asked to stop before there was anything to save", "stopped")
    if asked == "stop" and number == signal.SIGKILL:
        return Ending("killed", f"it did not stop within {grace:g} s of the request and was killed", "stopped")
    if number == signal.SIGKILL and memory_kills:
        return Ending("oom_kernel", "the kernel killed the worker because memory ran out. Close other programs, or split the batch further")
    if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        killed = f"the worker was killed ({name}) by something other than emotui"
        return Ending("killed", phrase(killed, ": ", error) if error else killed)
    if number == signal.SIGXFSZ:
        return Ending("disk_full", "a file of the run reached the size that files may have (ulimit -f). Raise that and resume the run")
    cause = error or last_log_line()
    if number == signal.SIGPROF:
        return Ending("bad_input", phrase("the worker computed for longer than that can need and was ended: it was ", cause))
    crashed = f"the worker crashed ({name})"
    return Ending("crash", phrase(crashed, ": ", cause) if cause else crashed)


def last_line(path: Path, limit: int = 1 << 14) -> str:
    """Return the last line, within the last `limit` bytes of a log, that is neither blank nor the supervisor's; '' if there is none."""
    try:
        with open_plain(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
            lines = file.read(limit).decode("utf-8", "replace").splitlines()
    except (OSError, UserError):
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip() and not line.startswith(SUPERVISOR_PREFIX)), "")


def kernel_memory_kills() -> int:
    """Return the number of processes killed by the kernel for lack of memory: in this control group if it counts them, else in all."""
    counters = [Path("/proc/vmstat")]
    try:
        groups = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        groups = []
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            counters.insert(0, Path(f"/sys/fs/cgroup{path}/memory.events"))
        elif "memory" in controllers.split(","):
            counters.insert(0, Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control"))
    for counter in counters:
        try:
            for line in counter.read_text("utf-8").splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
        except (OSError, ValueError):
            continue
    return 0
