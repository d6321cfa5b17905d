"""The detached parent of a run's worker: `python -P -m emotui.core.runs.supervise FOLDER --ready FD`.

Standard library only, so that it is too small to be killed for lack of memory. It alone writes events.jsonl and result.json.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import child_processes, crash, log_text, paths, writing
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Sentence
from ..shell import quote
from . import checkpoints, endings, identity, links, lock, log
from .folder import RunFolder
from .on_event import OnEvent
from .tally import Tally
from .watch import TICK, Timeouts, Watch, log_line

WORKER = (sys.executable, "-P", "-m", child_processes.WORKER)


class Supervisor:
    """One run and its attempts, while the lock is held."""

    def __init__(
        self,
        run: RunFolder,
        worker: Sequence[str] = WORKER,
        *,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.time,
        memory_kills: Callable[[], int] = endings.kernel_memory_kills,
    ) -> None:
        """Continue a run after its last event. The caller holds the lock."""
        self.run = run
        self.worker = tuple(worker)
        self.timeouts = timeouts or Timeouts()
        self.clock = clock
        self.memory_kills = memory_kills
        self.tally = Tally()
        self.on_event = OnEvent(run, seconds=self.timeouts.command, clock=clock)
        self.attempt = seq = sent = 0
        for line in log.whole_lines(run.events_file):
            self.tally.add(line["event"])
            if line["attempt"] > self.attempt:
                self.attempt, sent = line["attempt"], 0
            seq, sent = max(seq, line["seq"]), max(sent, line.get("sent", 0))
        self.log = log.Writer(run.events_file, seq=seq, clock=clock)
        self._recover_from_journal(sent)
        self.asked: endings.Asked = ""
        self.begun: Callable[[], None] = lambda: None
        self.mended = 0
        before = run.read_processes().get("batch_split")
        self.batch_split = before if isinstance(before, int) and before > 0 else 1
        self.processes: dict[str, Any] = {"batch_split": self.batch_split, "supervisor": _identity(os.getpid())}
        run.write_processes(self.processes)

    def _recover_from_journal(self, sent: int) -> None:
        """Write the events after the `sent`th that the last worker had sent and the previous supervisor had not written."""
        for line in log.whole_lines(self.run.journal_file):
            if (line["attempt"], line["seq"]) > (self.attempt, sent):
                self.attempt, sent = line["attempt"], line["seq"]
                self.receive(json.dumps(line["event"]).encode(), sent)

    def ask(self, what: endings.Asked) -> None:
        """Receive a request; kill outranks stop."""
        if self.asked != "kill":
            self.asked = what

    def supervise(self, begun: Callable[[], None]) -> None:
        """Start workers until one ends in a way that is not retried, and write the result.

        `begun` is called once the first worker is running and the log says so.
        """
        self.begun = begun
        if self.tally.finished is not None:
            # The previous supervisor was killed between the worker's last event and the result.
            self._write_result(endings.Ending("finished", "", "finished"), 0)
            return
        reason = "resumed" if self.attempt else ""
        while True:
            ending, code = self._attempt(reason)
            if not self._may_retry(ending):
                break
            self.batch_split *= 2
            reason = f"the GPU ran out of memory; batches are now split into {self.batch_split} times as many parts"
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
        self._emit(
            "attempt_started",
            worker_pid=worker.pid,
            accumulation=self.batch_split if self.batch_split > 1 else None,
            reason=reason,
            resumed_step=resumed_step,
        )
        self.on_event.note_progress()
        self.begun()
        with os.fdopen(source, "rb", buffering=0) as events:
            code = Watch(worker, events.fileno(), self.timeouts, self).to_the_end()
        self.mended = log_text.sanitize(self.run.log_file, self.mended)
        ending = endings.classify(
            code,
            asked=self.asked,
            finished=self.tally.finished is not None,
            error=self.tally.error,
            last_log_line=lambda: endings.last_line(self.run.log_file),
            memory_kills=self.memory_kills() - kills,
            step=self.tally.step,
            grace=self.timeouts.stop + self.timeouts.term,
        )
        self._emit(
            "attempt_ended",
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            cause=ending.cause,
            retry=self._may_retry(ending),
            **_reason_fields(ending),
        )
        self.log.sync()
        return ending, code

    def _may_retry(self, ending: endings.Ending) -> bool:
        return ending.cause == "oom_gpu" and not self.asked and self.tally.can_split_further(self.batch_split)

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
        # If memory runs out, the kernel should kill the worker and leave its supervisor to report that.
        _write_if_possible(Path(f"/proc/{worker.pid}/oom_score_adj"), "500")
        self.processes |= {"worker": _identity(worker.pid), "attempt": self.attempt, "batch_split": self.batch_split}
        try:
            self.run.write_processes(self.processes)
        except OSError as error:
            log_line(f"proc.json is not written: {error}")
        return worker

    def _emit(self, kind: str, **fields: Any) -> None:
        event = {"kind": kind, **fields}
        self.tally.add(event)
        self.log.add(json.dumps(event).encode(), attempt=self.attempt)

    def _write_result(self, ending: endings.Ending, code: int) -> None:
        """Write result.json; while the disk is full, wait for room, so that events waiting in memory are not lost."""
        self.begun()
        tally = self.tally
        result = {
            "state": ending.state,
            **_reason_fields(ending),
            "ended": self.clock(),
            "cause": ending.cause,
            "exit_code": code,
            "finished": tally.finished or tally.stopped,
            "rungs": tally.rungs,
            "epochs": [row for _, row in tally.epochs],
            "attempt": self.attempt,
            "step": tally.step,
            "steps": tally.steps,
        }
        wait = TICK
        while self.run.path.is_dir():
            written = self._written(result)
            if wait == TICK:  # notify at once, even if the disk has no room for the result
                event = "nan" if ending.cause == "nan" else ending.state
                self.on_event.notify(event, tally, state=ending.state, reason=str(ending.reason))
            if written or self._requested("kill"):
                return
            time.sleep(wait)
            wait = min(5.0, 2 * wait)

    def _written(self, result: dict[str, Any]) -> bool:
        """Write the waiting events and the result; return whether that succeeded, or can never succeed."""
        is_whole = self.log.flush()
        if not is_whole:
            if self.log.problem is None or log.is_temporary(self.log.problem):
                return False
            result = {**result, "reason": "; ".join(filter(None, (result["reason"], _unwritten(self.log.problem))))}
            result.pop("sentence", None)
        try:
            self.log.sync()
            writing.write_private(self.run.result_file, json.dumps(result, indent=1).encode())
            if is_whole:
                self.run.journal_file.unlink(missing_ok=True)
        except OSError as error:
            log_line(f"result.json is not written: {error}")
            return not log.is_temporary(error)
        return True

    def _report_problem(self) -> None:
        """Record in proc.json why events.jsonl cannot grow any more, which the free space on the disk does not show."""
        problem = self.log.problem
        sentence = _unwritten(problem) if problem is not None and not log.is_temporary(problem) else ""
        if sentence != self.processes.get("problem", ""):
            self.processes["problem"] = sentence
            with contextlib.suppress(OSError):
                self.run.write_processes(self.processes)

    def _requested(self, what: str) -> bool:
        return os.path.lexists(self.run.control / what)

    def requested(self) -> endings.Asked:
        """Write the waiting events, check the requests in control/, and return what the worker should do."""
        self.log.flush()
        self._report_problem()
        self.mended = log_text.sanitize(self.run.log_file, self.mended)
        self.on_event.check_progress(self.tally)
        if self._requested("kill"):
            self.ask("kill")
        elif self._requested("stop"):
            self.ask("stop")
        elif not self.run.path.is_dir():
            self.ask("kill")
        return self.asked

    def receive(self, line: bytes, sent: int) -> None:
        """Write the `sent`th event of the worker."""
        event = json.loads(line)
        if event["kind"] != "telemetry":  # a worker that hangs still reports its load
            self.on_event.note_progress()
        self.tally.add(event)
        self.log.add(line, attempt=self.attempt, sent=sent)


def _reason_fields(ending: endings.Ending) -> dict[str, Any]:
    """Return the reason of an ending as the command line words it, and also in parts if it names settings."""
    sentence = {"sentence": asdict(ending.reason)} if isinstance(ending.reason, Sentence) else {}
    return {"reason": str(ending.reason), **sentence}


def main(
    arguments: Sequence[str] | None = None,
    *,
    worker: Sequence[str] = WORKER,
    timeouts: Timeouts | None = None,
    clock: Callable[[], float] = time.time,
    memory_kills: Callable[[], int] = endings.kernel_memory_kills,
) -> None:
    """Leave the caller's session, acquire the run's lock, and supervise the run to its end.

    One line is written to the descriptor --ready: 'ok' once the run has started, otherwise a sentence that says why not.
    """
    parser = argparse.ArgumentParser("emotui.core.runs.supervise", allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args(arguments)
    os.set_inheritable(given.ready, False)
    _leave()
    timeouts = timeouts or Timeouts()
    run = RunFolder(given.folder)
    answer = _Answer(given.ready)
    try:
        links.check(run)
        paths.make_private(run.control)
        held = _acquire_lock(run, timeouts)
        if isinstance(held, str):
            answer.give(held)
            return
        supervisor = Supervisor(run, worker, timeouts=timeouts, clock=clock, memory_kills=memory_kills)
        run.result_file.unlink(missing_ok=True)
        for request in ("stop", "kill"):
            (run.control / request).unlink(missing_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: supervisor.ask("stop"))
        supervisor.supervise(begun=lambda: answer.give("ok"))
    except OSError as error:
        if answer.is_given:
            _fail(error)
        answer.give(safe_line(f"the run {run.id} cannot be started: {error.strerror or error} ({error.filename or run.path})"))
    except UserError as error:
        answer.give(safe_line(str(error)))
        _fail(error)
    except Exception as error:  # last resort: the log gets a safe traceback, and the waiting caller a sentence
        answer.give(crash.sentence(error, crash.record(error)))
        _fail(error)


def _fail(error: Exception) -> None:
    """Write the traceback to the log and end; a worker notices that it is orphaned, saves a checkpoint and ends too."""
    log_line(crash.described(error))
    sys.exit(1)


class _Answer:
    """The one line that the process that started this one waits for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @property
    def is_given(self) -> bool:
        return self._descriptor is None

    def give(self, line: str) -> None:
        """Send the line; later calls send nothing."""
        if self._descriptor is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._descriptor, f"{line}\n".encode())
            os.close(self._descriptor)
            self._descriptor = None


def _leave() -> None:
    """Become a process in a session of its own that is not a child of the caller and that no hang-up reaches."""
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    os.setsid()


def _acquire_lock(run: RunFolder, timeouts: Timeouts) -> int | str:
    """Return the descriptor that holds the run's lock, or a sentence on why it cannot be acquired.

    An orphaned worker, which saves a checkpoint and ends, is waited for, and killed if it does not end in time.
    """
    deadline = time.monotonic() + timeouts.orphan
    while True:
        processes = run.read_processes()
        worker, supervisor = (identity.from_json(processes.get(name)) for name in ("worker", "supervisor"))
        orphan = worker if worker is not None and worker.is_alive() else None
        held = lock.hold(run.lock_file)
        if held is not None and orphan is None:
            if worker is not None and supervisor is not None and worker.boot == identity.boot_id():
                for pid in identity.members(group=worker.pid, session=supervisor.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            return held
        if held is not None:
            os.close(held)
        elif orphan is None or lock.holder(run.lock_file) not in (None, orphan.pid):
            return f"the run {run.id} is already running. Follow it with: emotui watch {quote(run.id)}"
        if time.monotonic() > deadline and orphan is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(orphan.pid, signal.SIGKILL)
        time.sleep(TICK)


def _unwritten(problem: OSError) -> str:
    limit = " (ulimit -f)" if problem.errno == errno.EFBIG else ""
    return f"events.jsonl does not take what happens: {problem.strerror}{limit}"


def _identity(pid: int) -> dict[str, Any] | None:
    who = identity.of(pid)
    return who.to_json() if who else None


def _write_if_possible(path: Path, text: str) -> None:
    try:
        path.write_text(text, "ascii")
    except OSError:
        return  # only Linux has such a file


if __name__ == "__main__":
    main()
