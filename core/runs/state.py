"""Derives the state of a run from its result, lock and events; nothing here is ever stored."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from ..errors import UserError
from ..events import (
    CheckpointSaved,
    EpochDone,
    EpochRow,
    Evaluated,
    Finished,
    Line,
    Metrics,
    Note,
    OfStep,
    Progress,
    Result,
    Rung,
    Started,
    Step,
    Telemetry,
)
from ..metric_table import BY_KEY
from ..safe_text import safe_line
from ..sentences import Words, shortened
from ..shell import quote
from ..specs import BaselineSpec, DataSpec, RunSpec, TrainSpec, task_of
from . import identity, lock, log, rungs
from .fold import LONGEST_NOTE, Fold, PerStep
from .folder import RunFolder

State = Literal["starting", "running", "stopped", "finished", "failed", "lost", "unreadable"]
PROBE = 2.0
"""Seconds between checks of whether a run has room to write."""


class Attempt(msgspec.Struct, frozen=True):
    """One attempt: a worker's life from its start to its end. The chart shows them if there are several."""

    number: int
    first_step: int
    reason: str


class RunView(msgspec.Struct, frozen=True):
    """Everything that a screen shows of one run at one moment."""

    id: str
    folder: str
    spec: RunSpec
    state: State
    reason: Words = ""
    """A sentence on why it is in this state; empty while all is well."""
    attempt: int = 1
    step: int = 0
    steps: int = 0
    progress: Progress | None = None
    """The current phase; None during training steps."""
    started: Started | None = None
    by_step: dict[type[OfStep], tuple[OfStep, ...]] = {}
    """Events about steps, by type: see `of_step`."""
    epochs: tuple[EpochRow, ...] = ()
    rungs: tuple[Rung, ...] = ()
    telemetry: tuple[Telemetry, ...] = ()
    """The newest 120 readings."""
    notes: tuple[Note, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    finished: Finished | None = None
    """Its final evaluation, at its end or where it was stopped; its model can then be used."""
    supervisor_pid: int | None = None
    worker_pid: int | None = None
    last_event: float | None = None
    """Time of the newest event other than a reading of the load, in seconds since the epoch."""
    ended: float | None = None
    seconds_left: float | None = None
    """Estimated seconds to the end; None if unknown."""
    is_whole: bool = True
    """Whether events about steps, and readings, were read. A glance skips them, so that empty ones then mean nothing."""
    has_spec: bool = True
    """Whether `spec` is the run's own; if that cannot be read, it is a blank one."""
    faults: tuple[str, ...] = ()
    """Sentences on what was skipped in the run's files."""

    @property
    def task(self) -> str:
        """'baseline' or 'fine-tune'; '' if that cannot be read."""
        return task_of(self.spec.job) if self.has_spec else ""

    def of_step(self, kind: type[PerStep]) -> tuple[PerStep, ...]:
        """Return all valid events of a type about steps, in order of step."""
        return cast("tuple[PerStep, ...]", self.by_step.get(kind, ()))

    @property
    def curve(self) -> tuple[Step, ...]:
        """Every logged step."""
        return self.of_step(Step)

    @property
    def evaluations(self) -> tuple[Evaluated, ...]:
        return self.of_step(Evaluated)

    @property
    def checkpoints(self) -> tuple[CheckpointSaved, ...]:
        """Saved checkpoints, which are marked on the chart."""
        return self.of_step(CheckpointSaved)

    @property
    def is_live(self) -> bool:
        """Whether a process works on it, or is about to."""
        return self.state in ("starting", "running")

    @property
    def best_rung(self) -> Rung | None:
        """The rung of a baseline that is used by default; None for other runs."""
        return self.rung()

    def rung(self, named: str = "") -> Rung | None:
        """Return the rung of a baseline that is `named`, otherwise the best one; None for other runs."""
        return rungs.best(self.rungs, named) or rungs.best(self.rungs)

    @property
    def measured(self) -> Metrics | None:
        """The metrics that represent the run: those of its best rung, otherwise those at its end, otherwise the newest."""
        return self.measured_by()

    def measured_by(self, named: str = "") -> Metrics | None:
        """Return `measured`, but for a baseline that has the rung `named`, the metrics of that rung."""
        if (rung := self.rung(named)) is not None:
            return rung.metrics
        if self.finished is not None:
            return self.finished.metrics
        return self.evaluations[-1].metrics if self.evaluations else None

    def score(self, figure: str) -> float | None:
        """Return a metric of `measured` by its key in metric_table; without `measured`, as in lists, that of the newest epoch."""
        known = self.measured or (self.epochs[-1] if self.epochs else None)
        return BY_KEY[figure].of(known) if known is not None else None


class RunReader:
    """Follows one run: `poll` reads what is new, `view` shows it. It only reads, and there may be any number of readers."""

    def __init__(self, run: RunFolder) -> None:
        """Begin with the run's first event. Raises UserError if there is no such folder."""
        self.run = run
        if not os.path.lexists(run.path):
            raise UserError(f"there is no run {safe_line(str(run.path), 160)}", "List the runs with: emotui runs")
        self._spec: RunSpec | None = None
        self._why: Words = ""
        """Why the spec cannot be read; '' if it can."""
        self._faults: tuple[str, ...] = ()
        try:
            self._spec, rest = run.read_spec_and_rest()
            if rest:
                self._faults = (
                    f"spec.json was written by another version of emotui, with settings that this one does not know: {', '.join(rest)}",
                )
        except UserError as error:
            self._why = error.sentence
        self._log = log.Reader(run.events_file, self._spec.labels if self._spec is not None else ())
        self._log_fault = ""
        self._probed = (-PROBE, False)
        self._fold = Fold()
        self._result: Result | None = None
        self._standing: tuple[State, Words, int | None] = ("starting", "", None)
        self._view: RunView | None = None

    def poll(self) -> bool:
        """Read what is new; return whether anything changed."""
        lines: list[Line] = []
        result = None
        if self._spec is None:
            standing: tuple[State, Words, int | None] = "unreadable", self._why, None
        else:
            try:
                # The order matters: once the lock is free the result is final, and once there is a result the events are complete.
                holder = lock.holder(self.run.lock_file)
                result = self.run.read_result(self._spec.labels)
                lines = self._read_events(is_needed=result is None)
                self._fold.apply(lines)
                standing = _standing(self.run, holder, result, self._fold, self._has_no_room)
            except UserError as error:
                standing = "unreadable", error.sentence, None
        changed = bool(lines) or self._log.began_anew or standing != self._standing or result != self._result or self._view is None
        if changed:
            self._standing, self._result, self._view = standing, result, None
        return changed

    def _read_events(self, *, is_needed: bool) -> list[Line]:
        """Return the new events. Raises UserError if they cannot be read and `is_needed`."""
        self._log_fault = ""
        try:
            lines = self._log.read()
        except (OSError, UserError) as error:
            self._log_fault = str(error) if isinstance(error, UserError) else f"{self.run.events_file}: {error.strerror or error}"
            if is_needed:
                raise UserError(self._log_fault) from error
            return []
        if self._log.began_anew:
            self._fold = Fold()
        return lines

    def _has_no_room(self) -> bool:
        at, found = self._probed
        if time.monotonic() - at >= PROBE:
            found = _is_full(self.run.path)
            self._probed = (time.monotonic(), found)
        return found

    @property
    def view(self) -> RunView:
        """The state at the last poll."""
        if self._view is None:
            self._view = self._make_view()
        return self._view

    def _make_view(self) -> RunView:
        fold = self._fold
        state, reason, supervisor = self._standing
        is_live = state in ("starting", "running")
        return RunView(
            id=self.run.id,
            folder=str(self.run.path),
            spec=self._spec if self._spec is not None else blank_spec(self.run),
            state=state,
            reason=reason,
            attempt=fold.attempt,
            step=fold.step,
            steps=fold.started.steps if fold.started else 0,
            progress=fold.progress if is_live else None,
            started=fold.started,
            by_step={kind: tuple(events) for kind, events in fold.by_step.items()},
            epochs=tuple(each.row for each in fold.of_step(EpochDone)),
            rungs=tuple(fold.rungs),
            telemetry=tuple(fold.telemetry),
            notes=tuple(fold.notes),
            attempts=tuple(Attempt(*each) for each in fold.attempts),
            finished=fold.finished or fold.stopped or (self._result.finished if self._result else None),
            supervisor_pid=supervisor,
            worker_pid=fold.worker_pid if is_live else None,
            last_event=fold.last_event,
            ended=self._result.ended if self._result else None if is_live else fold.ended_at,
            seconds_left=self._seconds_left() if state == "running" and reason in ("", _ORPHANED) else None,
            has_spec=self._spec is not None,
            faults=tuple(filter(None, (*self._faults, self._log.fault, self._log_fault if self._log_fault != reason else ""))),
        )

    def _seconds_left(self) -> float | None:
        phase = self._fold.progress
        if phase is None or self._fold.of_step(Step):  # an evaluation between two steps
            return self._fold.seconds_left()
        is_ladder = self._spec is not None and isinstance(self._spec.job, BaselineSpec)
        return self._fold.phase_seconds_left() if is_ladder else None


def glance(run: RunFolder) -> RunView:
    """Return a view without curves, for lists, from the result if there is one. Raises UserError if there is no such folder."""
    try:
        spec = run.read_spec()
        holder = lock.holder(run.lock_file)
        result = run.read_result(spec.labels)
    except UserError:
        spec = holder = result = None  # the reader reports why
    if spec is not None and holder is None and result is not None:
        return RunView(
            id=run.id,
            folder=str(run.path),
            spec=spec,
            state=result.state,
            reason=shortened(result.why, LONGEST_NOTE),
            attempt=result.attempt,
            step=result.step,
            steps=result.steps,
            epochs=result.epochs,
            rungs=result.rungs,
            finished=result.finished,
            ended=result.ended,
            is_whole=False,
        )
    return msgspec.structs.replace(view_of(run), by_step={}, telemetry=(), is_whole=False)


def blank_spec(run: RunFolder) -> RunSpec:
    """Return an empty spec, as old as the folder, for a run whose spec cannot be read."""
    try:
        made = max(0.0, run.path.lstat().st_mtime)
    except OSError:
        made = 0.0
    return RunSpec(run.id, made, TrainSpec(DataSpec(""), ""))


def view_of(run: RunFolder) -> RunView:
    """Return everything known about a run now. Raises UserError if there is no such folder."""
    reader = RunReader(run)
    reader.poll()
    return reader.view


def _standing(
    run: RunFolder, holder: int | None, result: Result | None, fold: Fold, has_no_room: Callable[[], bool]
) -> tuple[State, Words, int | None]:
    """Return a run's state, its reason, and the supervisor's process number. Raises UserError if proc.json cannot be read."""
    if result is not None:
        return result.state, shortened(result.why, LONGEST_NOTE), None
    if not run.spec_file.is_file():
        return "lost", f"its folder {run.path} is gone", None
    processes = run.read_processes()
    if holder is not None:
        if holder == fold.worker_pid:
            return "running", _ORPHANED, None
        reason = _NO_ROOM if has_no_room() else safe_line(str(processes.get("problem", "")), 200)
        return ("running" if fold.has_reported else "starting"), reason, holder or _supervisor(processes)
    worker = identity.from_json(processes.get("worker"))
    if worker is not None and worker.is_alive():
        return "running", _ORPHANED, None
    supervisor = identity.from_json(processes.get("supervisor"))
    launcher = identity.from_json(processes.get("launcher"))
    if supervisor is None and launcher is not None and launcher.is_alive():
        return "starting", "", None
    if fold.ended is not None and not fold.ended.retry:
        ending = fold.ended
        state: State = "finished" if ending.cause == "finished" else "stopped" if ending.cause == "stopped" else "failed"
        return state, ending.why, None
    if fold.finished is not None:
        return "finished", "", None
    return "lost", _why_lost(run, supervisor, fold), None


_ORPHANED = "its supervisor was killed; the worker saves a checkpoint and ends"
_NO_ROOM = "the disk is full, so nothing new can be written or shown. Free some space to see what became of the run"


def _is_full(folder: Path) -> bool:
    """Whether nothing can be written; a run may then have ended while its supervisor waits for room to record that."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    free = disk.f_bavail if os.geteuid() else disk.f_bfree
    if disk.f_blocks > 0 and free == 0:  # some file systems count no blocks at all
        return True
    return log.cannot_write(folder)


def _why_lost(run: RunFolder, supervisor: identity.Identity | None, fold: Fold) -> str:
    if supervisor is None:
        return "it was never started"
    remedy = f"continue with: emotui resume {quote(run.id)}"
    if supervisor.boot != identity.boot_id():
        return f"the machine was restarted while it ran; {remedy}"
    at = f" at step {fold.step}" if fold.step else ""
    return f"its supervisor was killed{at}; {remedy}"


def _supervisor(processes: dict[str, Any]) -> int | None:
    who = identity.from_json(processes.get("supervisor"))
    return who.pid if who else None
