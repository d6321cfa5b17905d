"""The detached parent of a run's worker: `python -P -m emotui.core.runs.supervise FOLDER --ready FD`.

Standard library only, so small that nothing kills it for memory. It is the only writer of events.jsonl and result.json.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from . import checkpoints, endings, identity, lock, log
from .folder import RunFolder
from .tally import Tally

WORKER = (sys.executable, "-P", "-m", "emotui.core.runs.worker")
TICK = 0.1
"""Seconds between two looks at requests and at the worker."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a worker gets."""

    stop: float = 120.0
    """From being asked to stop to SIGTERM for its whole group."""
    term: float = 10.0
    """From then to SIGKILL."""
    orphan: float = 60.0
    """For the worker of a dead supervisor to save itself and end."""
    drain: float = 2.0
    """For the last events of a worker that has ended."""


class Supervisor:
    """One run and its attempts, while the lock is held."""

    def __init__(
        self,
        run: RunFolder,
        worker: Sequence[str] = WORKER,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
        memory_kills: Callable[[], int] = endings.kernel_memory_kills,
    ) -> None:
        """Take up a run where its events end. The caller holds the lock."""
        self.run = run
        self.worker = tuple(worker)
        self.patience = patience or Patience()
        self.clock = clock
        self.memory_kills = memory_kills
        self.tally = Tally()
        self.attempt = seq = 0
        for line in log.past(run.events_file):
            self.tally.take(line["event"])
            self.attempt, seq = max(self.attempt, line["attempt"]), max(seq, line["seq"])
        self.log = log.Writer(run.events_file, seq=seq, clock=clock)
        self.asked: endings.Asked = ""
        before = run.read_processes().get("batch_split")
        self.batch_split = before if isinstance(before, int) and before > 0 else 1
        self.processes: dict[str, Any] = {"batch_split": self.batch_split, "supervisor": _identity(os.getpid())}
        run.write_processes(self.processes)

    def ask(self, what: endings.Asked) -> None:
        """Take a request in; to kill outranks to stop."""
        if self.asked != "kill":
            self.asked = what

    def supervise(self) -> None:
        """Start workers until one has ended in a way that is not tried again; write the result."""
        if self.tally.finished is not None:
            # The supervisor before this one was killed between the worker's last word and the result.
            self._write_result(endings.Ending("finished", "", "finished"), 0)
            return
        reason = "resumed" if self.attempt else ""
        while True:
            ending, code = self._attempt(reason)
            if ending.cause != "oom_gpu" or self.asked or not self.tally.can_split_further(self.batch_split):
                break
            self.batch_split *= 2
            reason = f"the GPU's memory ran out; batches are now cut into {self.batch_split} times as many parts"
        self._write_result(ending, code)

    def _attempt(self, reason: str) -> tuple[endings.Ending, int]:
        """Run one worker to its end; return how it ended, and its exit code or minus the signal."""
        self.attempt += 1
        checkpoint = checkpoints.latest(self.run)
        kills = self.memory_kills()
        source, sink = os.pipe()
        try:
            worker = self._start_worker(sink, checkpoint)
        except OSError as error:
            os.close(source)
            return endings.Ending("crash", f"the worker cannot be started: {error.strerror or error}"), endings.CRASHED
        finally:
            os.close(sink)
        resumed_step = checkpoints.step_of(checkpoint) if checkpoint else 0
        self._say(
            "attempt_started",
            worker_pid=worker.pid,
            accumulation=self.batch_split if self.batch_split > 1 else None,
            reason=reason,
            resumed_step=resumed_step,
        )
        with os.fdopen(source, "rb", buffering=0) as events:
            code = _Watch(self, worker, events.fileno()).to_the_end()
        ending = endings.classify(
            code,
            asked=self.asked,
            finished=self.tally.finished is not None,
            error=self.tally.error,
            last_log_line=lambda: endings.last_line(self.run.log_file),
            memory_kills=self.memory_kills() - kills,
            step=self.tally.step,
            grace=self.patience.stop + self.patience.term,
        )
        retry = ending.cause == "oom_gpu" and not self.asked and self.tally.can_split_further(self.batch_split)
        self._say(
            "attempt_ended",
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            cause=ending.cause,
            reason=ending.reason,
            retry=retry,
        )
        self.log.sync()
        return ending, code

    def _start_worker(self, sink: int, checkpoint: Path | None) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "EMOTUI_EVENTS": str(sink),
            "EMOTUI_ATTEMPT": str(self.attempt),
            "EMOTUI_BATCH_SPLIT": str(self.batch_split),
            "EMOTUI_CHECKPOINT": str(checkpoint or ""),
        }
        worker = subprocess.Popen(
            [*self.worker, str(self.run.path)], stdin=subprocess.DEVNULL, pass_fds=[sink], process_group=0, env=environment
        )
        # Where the memory runs out, the kernel shall take the worker and leave its supervisor to tell.
        _write_if_possible(Path(f"/proc/{worker.pid}/oom_score_adj"), "500")
        self.processes |= {"worker": _identity(worker.pid), "attempt": self.attempt, "batch_split": self.batch_split}
        try:
            self.run.write_processes(self.processes)
        except OSError as error:
            _tell(f"proc.json is not written: {error}")
        return worker

    def _say(self, kind: str, **fields: Any) -> None:
        event = {"kind": kind, **fields}
        self.tally.take(event)
        self.log.add(json.dumps(event).encode(), attempt=self.attempt)

    def _write_result(self, ending: endings.Ending, code: int) -> None:
        """Write result.json; while the disk is full wait for room, as events that wait in memory are not lost so."""
        tally = self.tally
        result = {
            "state": ending.state,
            "reason": ending.reason,
            "ended": self.clock(),
            "cause": ending.cause,
            "exit_code": code,
            "finished": tally.finished,
            "rungs": tally.rungs,
            "epochs": [row for _, row in tally.epochs],
            "attempt": self.attempt,
            "step": tally.step,
            "steps": tally.steps,
        }
        content = json.dumps(result, indent=1).encode()
        wait = TICK
        while self.run.path.is_dir():
            if self.log.flush():
                try:
                    self.log.sync()
                    paths.write_private(self.run.result_file, content)
                    return
                except OSError as error:
                    _tell(f"result.json is not written: {error}")
            if self._requested("kill"):
                return
            time.sleep(wait)
            wait = min(5.0, 2 * wait)

    def _requested(self, what: str) -> bool:
        return (self.run.control / what).exists()

    def look_for_requests(self) -> None:
        """Take in the files that viewers have put into control/."""
        if self._requested("kill"):
            self.ask("kill")
        elif self._requested("stop"):
            self.ask("stop")


class _Watch:
    """Reads the events of one worker, passes requests on to it, and sees it end."""

    def __init__(self, supervisor: Supervisor, worker: subprocess.Popen[bytes], events: int) -> None:
        self.supervisor = supervisor
        self.worker = worker
        self.events = events
        self.received = b""
        self.sent = 0
        self.at_end = False
        self.rung = 0
        self.rung_at = 0.0

    def to_the_end(self) -> int:
        """Return the worker's exit code, or minus the signal that ended it; nothing of its group is left then."""
        supervisor = self.supervisor
        while not self._has_ended():
            self._read(TICK)
            supervisor.log.flush()
            supervisor.look_for_requests()
            if not supervisor.run.path.is_dir():
                _tell("the run's folder is gone: its worker is ended")
                supervisor.ask("kill")
            self._climb()
        # Before its number is given back, which keeps the group's number from being another's.
        self._signal_group(signal.SIGKILL)
        deadline = time.monotonic() + supervisor.patience.drain
        while not self.at_end and time.monotonic() < deadline:
            self._read(TICK)
        return self.worker.wait()

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.worker.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _climb(self) -> None:
        """Make sure that what was asked happens: tell the worker, then SIGTERM for its group, then SIGKILL."""
        supervisor, now = self.supervisor, time.monotonic()
        if supervisor.asked == "kill" and self.rung < 3:
            self.rung = 3
            self._signal_group(signal.SIGKILL)
        elif supervisor.asked == "stop" and self.rung == 0:
            self.rung, self.rung_at = 1, now
            os.kill(self.worker.pid, signal.SIGTERM)
        elif self.rung == 1 and now - self.rung_at > supervisor.patience.stop:
            self.rung, self.rung_at = 2, now
            self._signal_group(signal.SIGTERM)
        elif self.rung == 2 and now - self.rung_at > supervisor.patience.term:
            self.rung = 3
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.worker.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left in it, or only ended processes (which macOS calls a lack of permission)

    def _read(self, seconds: float) -> None:
        """Take in what comes within `seconds`."""
        if self.at_end:
            time.sleep(seconds)
            return
        if not select.select([self.events], [], [], seconds)[0]:
            return
        chunk = os.read(self.events, 1 << 16)
        self.at_end = not chunk
        *lines, self.received = (self.received + chunk).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        match event:
            case {"kind": str()}:
                self.sent += 1
                self.supervisor.tally.take(event)
                self.supervisor.log.add(line, attempt=self.supervisor.attempt, sent=self.sent)
            case _:
                _tell(f"the worker sent something that is no event: {line[:200]!r}")


def main(
    arguments: Sequence[str] | None = None,
    *,
    worker: Sequence[str] = WORKER,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.time,
    memory_kills: Callable[[], int] = endings.kernel_memory_kills,
) -> None:
    """Leave the caller's session, take the run's lock, and supervise the run to its end.

    One line goes to the descriptor --ready: 'ok' once the run is under way, else a sentence that says why not.
    """
    parser = argparse.ArgumentParser("emotui.core.runs.supervise", allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args(arguments)
    os.set_inheritable(given.ready, False)
    _leave()
    patience = patience or Patience()
    run = RunFolder(given.folder)
    with os.fdopen(given.ready, "w", encoding="utf-8") as ready:
        try:
            held = _take_over(run, patience)
            if isinstance(held, str):
                ready.write(held + "\n")
                return
            supervisor = Supervisor(run, worker, patience=patience, clock=clock, memory_kills=memory_kills)
            run.result_file.unlink(missing_ok=True)
            for request in run.control.iterdir():
                request.unlink()
        except OSError as error:
            ready.write(f"the run {run.id} cannot be started: {error.strerror or error} ({error.filename or run.path})\n")
            return
        signal.signal(signal.SIGTERM, lambda *_: supervisor.ask("stop"))
        signal.signal(signal.SIGINT, lambda *_: supervisor.ask("stop"))
        ready.write("ok\n")
    supervisor.supervise()


def _leave() -> None:
    """Become a process of its own session whose parent is not the caller, and whom a hang-up does not reach."""
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    os.setsid()


def _take_over(run: RunFolder, patience: Patience) -> int | str:
    """Return the descriptor that holds the run's lock, or why it is not to be had.

    A worker whose supervisor was killed saves itself and ends: it is waited for, and killed if it does not end.
    """
    deadline = time.monotonic() + patience.orphan
    while True:
        orphan = identity.from_json(run.read_processes().get("worker"))
        if orphan is not None and not orphan.is_alive():
            orphan = None
        held = lock.hold(run.lock_file)
        if held is not None and orphan is None:
            return held
        if held is not None:
            os.close(held)
        elif orphan is None or lock.holder(run.lock_file) not in (None, orphan.pid):
            return f"the run {run.id} is going on already. See it with: emotui watch {run.id}"
        if time.monotonic() > deadline and orphan is not None:
            os.killpg(orphan.pid, signal.SIGKILL)
        time.sleep(TICK)


def _identity(pid: int) -> dict[str, Any] | None:
    who = identity.of(pid)
    return who.to_json() if who else None


def _write_if_possible(path: Path, text: str) -> None:
    try:
        path.write_text(text, "ascii")
    except OSError:
        return  # elsewhere than on Linux there is no such file


def _tell(sentence: str) -> None:
    sys.stderr.write(f"supervisor: {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
