"""Folds the events of a run into its state."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import TypeVar, assert_never, cast

from ..events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointSaved,
    Evaluated,
    Finished,
    Line,
    Note,
    OfStep,
    Progress,
    Rung,
    RungDone,
    Started,
    Step,
    Stopped,
    Telemetry,
    note,
)
from ..sentences import shortened

PerStep = TypeVar("PerStep", bound=OfStep)
READINGS = 120
"""Readings of the machine's load that are kept, at most."""
MOST_NOTES = 2_000
MOST_ATTEMPTS = 1_000
LONGEST_NOTE = 10_000
"""Characters of a note, at most."""
RECENT = 20
"""Number of the newest steps, or reports of a phase, used to estimate the pace, because a machine's load changes."""


class Fold:
    """The state after all events so far. An attempt drops what earlier ones logged after the checkpoint that it resumed from."""

    def __init__(self) -> None:
        self.attempt = 1
        self.attempts: list[tuple[int, int, str]] = []
        """Of each attempt the number, the step that it started from, and the reason for it."""
        self.worker_pid: int | None = None
        self.has_reported = False
        """Whether the worker of the current attempt has reported anything about its work."""
        self.step = 0
        self.started: Started | None = None
        self.progress: Progress | None = None
        self.by_step: dict[type[OfStep], list[OfStep]] = {}
        """Events about steps, by type, each in order of step."""
        self.rungs: list[Rung] = []
        self.telemetry: deque[Telemetry] = deque(maxlen=READINGS)
        self.notes: list[Note] = []
        self.finished: Finished | None = None
        self.stopped: Finished | None = None
        """The results of the model where the worker was stopped."""
        self.ended: AttemptEnded | None = None
        self.ended_at: float | None = None
        self.last_event: float | None = None
        self._pace = _Pace()
        self._phase_pace: deque[tuple[int, float]] = deque(maxlen=RECENT)
        """Pairs of the amount done and the seconds since the phase began."""

    def apply(self, lines: Iterable[Line]) -> None:
        """Apply further lines, in the order of the file."""
        for line in lines:
            self._apply(line)

    def _apply(self, line: Line) -> None:
        event = line.event
        if not isinstance(event, Telemetry):  # a worker that hangs still reports its load
            self.last_event = line.time
        if isinstance(event, OfStep):
            self._keep(event)
        match event:
            case Step():
                self.step = event.step
                self.has_reported, self.progress = True, None
                self._pace.add_step(event.step, line.time)
            case Telemetry():
                self.telemetry.append(event)
            case Progress():
                self.has_reported = True
                self._phase(event)
            case Evaluated():
                self.progress = None
                self._pace.paused = True
            case RungDone():
                self.progress = None
                self.rungs.append(event.rung)
            case Started():
                self.has_reported, self.started, self.progress = True, event, None
            case Note():
                if len(self.notes) < MOST_NOTES:
                    self.notes.append(note(event.level[:20], shortened(event.words, LONGEST_NOTE)))
            case Finished():
                self.finished, self.progress = event, None
            case AttemptStarted():
                self._begin(line.attempt, event)
            case AttemptEnded():
                self.ended, self.ended_at, self.worker_pid, self.progress = event, line.time, None, None
            case CheckpointSaved():
                self._pace.paused = True
                self.step = max(self.step, event.step)
            case Stopped():
                self.step, self.stopped, self.progress = max(self.step, event.step), event.finished, None
            case OfStep():
                pass
            case _:
                assert_never(event)

    def _begin(self, number: int, event: AttemptStarted) -> None:
        self.attempt = number
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append((number, event.resumed_step, event.reason[:LONGEST_NOTE]))
        self.worker_pid = event.worker_pid
        self.has_reported = False
        self.step = event.resumed_step
        for kept in self.by_step.values():
            _drop(kept, event.resumed_step + 1)
        self.rungs = []
        self.progress = self.finished = self.stopped = self.ended = self.ended_at = None
        self._pace = _Pace()

    def of_step(self, kind: type[PerStep]) -> list[PerStep]:
        """Return the events of a type, in order of step."""
        return cast("list[PerStep]", self.by_step.get(kind, []))

    def _keep(self, event: OfStep) -> None:
        kept = self.by_step.setdefault(type(event), [])
        if kept and kept[-1].step >= event.step:
            _drop(kept, event.step)
        kept.append(event)

    def _phase(self, event: Progress) -> None:
        before = self.progress
        if (
            before is None
            or (before.phase, before.detail, before.total) != (event.phase, event.detail, event.total)
            or event.done < before.done
        ):
            self._phase_pace.clear()
            self._phase_pace.append((0, 0.0))
        self._phase_pace.append((event.done, event.seconds))
        self.progress = event

    def seconds_left(self) -> float | None:
        """Return the estimated wall-clock seconds to the last step; None as long as the pace is unknown.

        It assumes that steps take as long as the newest ones, and evaluations and checkpoints as long as so far.
        """
        pace = self._pace.seconds_a_step()
        return None if self.started is None or pace is None else max(0, self.started.steps - self._pace.step) * pace

    def phase_seconds_left(self) -> float | None:
        """Return the estimated seconds to the end of the current phase, from its newest reports; None if the pace is unknown."""
        phase = self.progress
        if phase is None or not phase.total or not 0 < phase.done <= phase.total:
            return None
        (first, began), (last, now) = self._phase_pace[0], self._phase_pace[-1]
        return max(0.0, now - began) * (phase.total - phase.done) / (last - first) if last > first else None


class _Pace:
    """The wall-clock seconds per step in the current attempt."""

    def __init__(self) -> None:
        self.step = 0
        """The newest step."""
        self.paused = False
        """Whether the model was evaluated or saved since that step."""
        self._time: float | None = None
        self._first = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=RECENT)
        """Steps and seconds between consecutive logged steps without a pause."""
        self._pauses: list[tuple[int, float]] = []
        """Steps and seconds between consecutive logged steps with a pause."""

    def add_step(self, step: int, time: float) -> None:
        """Add a logged step; `time` in seconds since the epoch."""
        if self._time is None:
            self._first = step
        elif step > self.step:
            (self._pauses if self.paused else self._recent).append((step - self.step, time - self._time))
        self.step, self._time, self.paused = step, time, False

    def seconds_a_step(self) -> float | None:
        """Return the mean seconds of the newest steps plus each step's share of the pauses; None if unknown."""
        taken = self._recent or self._pauses
        steps, seconds = (sum(each) for each in zip(*taken, strict=True)) if taken else (0, 0.0)
        if not steps or seconds <= 0:
            return None
        pace = seconds / steps
        paused = sum(max(0.0, seconds - steps * pace) for steps, seconds in self._pauses)
        return pace + paused / (self.step - self._first)


def _drop(kept: list[OfStep], first: int) -> None:
    """Remove the events of step `first` and later ones."""
    del kept[bisect_left(kept, first, key=lambda event: event.step) :]
