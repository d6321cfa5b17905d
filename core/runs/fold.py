"""Folds the events of a run, one after the other, into what is known about it."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import assert_never

from ..events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointSaved,
    EpochDone,
    Evaluated,
    Finished,
    Line,
    Note,
    Progress,
    Rung,
    RungDone,
    Started,
    Step,
    Stopped,
    Telemetry,
)

READINGS = 120
"""Readings of the machine's load that are kept."""
MOST_NOTES = 2_000
MOST_ATTEMPTS = 1_000
LONGEST_NOTE = 10_000
"""Characters."""


class Fold:
    """All events so far. The last attempt counts: what an earlier one logged after the checkpoint that it went on from is dropped."""

    def __init__(self) -> None:
        self.attempt = 1
        self.attempts: list[tuple[int, int, str]] = []
        """Number, the step that it went on from, and why there is one."""
        self.worker_pid: int | None = None
        self.spoken = False
        """Whether the attempt's worker has told something about its work."""
        self.step = 0
        self.started: Started | None = None
        self.progress: Progress | None = None
        self.curve: list[Step] = []
        self.evaluations: list[Evaluated] = []
        self.epochs: list[EpochDone] = []
        self.checkpoints: list[CheckpointSaved] = []
        self.rungs: list[Rung] = []
        self.telemetry: deque[Telemetry] = deque(maxlen=READINGS)
        self.notes: list[Note] = []
        self.finished: Finished | None = None
        self.ended: AttemptEnded | None = None
        self.ended_at: float | None = None
        self.last_event: float | None = None
        self._first_step: tuple[int, float] | None = None
        self._last_step: tuple[int, float] | None = None

    def take(self, lines: Iterable[Line]) -> None:
        """Take in further lines, in the order of the file."""
        for line in lines:
            self._take(line)

    def _take(self, line: Line) -> None:
        event = line.event
        if not isinstance(event, Telemetry):  # a worker that is stuck goes on telling its load
            self.last_event = line.time
        match event:
            case Step():
                self._step(event, line.time)
            case Telemetry():
                self.telemetry.append(event)
            case Progress():
                self.spoken, self.progress = True, event
            case Evaluated():
                _drop(self.evaluations, event.step)
                self.evaluations.append(event)
                self.progress = None
            case EpochDone():
                _drop(self.epochs, event.step)
                self.epochs.append(event)
            case RungDone():
                self.progress = None
                self.rungs.append(event.rung)
            case Started():
                self.spoken, self.started, self.progress = True, event, None
            case Note():
                if len(self.notes) < MOST_NOTES:
                    self.notes.append(Note(event.level[:20], event.message[:LONGEST_NOTE]))
            case Finished():
                self.finished, self.progress = event, None
            case AttemptStarted():
                self._begin(line.attempt, event)
            case AttemptEnded():
                self.ended, self.ended_at, self.worker_pid, self.progress = event, line.time, None, None
            case CheckpointSaved():
                _drop(self.checkpoints, event.step)
                self.checkpoints.append(event)
                self.step = max(self.step, event.step)
            case Stopped():
                self.step = max(self.step, event.step)
            case _:
                assert_never(event)

    def _begin(self, number: int, event: AttemptStarted) -> None:
        self.attempt = number
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append((number, event.resumed_step, event.reason[:LONGEST_NOTE]))
        self.worker_pid = event.worker_pid
        self.spoken = False
        self.step = event.resumed_step
        for points in (self.curve, self.evaluations, self.epochs, self.checkpoints):
            _drop(points, event.resumed_step + 1)
        self.rungs = []
        self.progress = self.finished = self.ended = self.ended_at = None
        self._first_step = self._last_step = None

    def _step(self, event: Step, time: float) -> None:
        if self.curve and self.curve[-1].step >= event.step:
            _drop(self.curve, event.step)
        self.curve.append(event)
        self.step = event.step
        self.spoken, self.progress = True, None
        if self._first_step is None:
            self._first_step = (event.step, time)
        self._last_step = (event.step, time)

    def seconds_left(self) -> float | None:
        """Return an estimate of the seconds to the last step, from the attempt's wall time so far, evaluations included."""
        if self.started is None or self._first_step is None or self._last_step is None:
            return None
        (first, began), (last, now) = self._first_step, self._last_step
        if last == first or now <= began:
            return None
        return max(0, self.started.steps - last) * (now - began) / (last - first)


def _drop(points: list[Step] | list[Evaluated] | list[EpochDone] | list[CheckpointSaved], first: int) -> None:
    """Remove the points of step `first` and later ones."""
    del points[bisect_left(points, first, key=lambda point: point.step) :]
