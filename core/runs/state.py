"""Derives what a run is and was from its folder: result, lock and events; nothing here is ever stored."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..events import CheckpointSaved, EpochRow, Evaluated, Finished, Note, Progress, Rung, Started, Step, Telemetry
from ..specs import RunSpec

State = Literal["starting", "running", "stopped", "finished", "failed", "lost"]


class Attempt(msgspec.Struct, frozen=True):
    """One life of the worker, drawn on the chart where there are several."""

    number: int
    first_step: int
    reason: str


class RunView(msgspec.Struct, frozen=True):
    """All that a screen shows of one run, at one moment."""

    id: str
    folder: str
    spec: RunSpec
    state: State
    reason: str = ""
    """Why it is in this state, as a sentence; empty while all is well."""
    attempt: int = 1
    step: int = 0
    steps: int = 0
    progress: Progress | None = None
    """The phase under way; None during training steps."""
    started: Started | None = None
    curve: tuple[Step, ...] = ()
    """Every logged step of the attempt that counts, in order of step."""
    evaluations: tuple[Evaluated, ...] = ()
    epochs: tuple[EpochRow, ...] = ()
    checkpoints: tuple[CheckpointSaved, ...] = ()
    """In order of step; marked on the chart."""
    rungs: tuple[Rung, ...] = ()
    telemetry: tuple[Telemetry, ...] = ()
    """The newest 120 readings."""
    notes: tuple[Note, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    finished: Finished | None = None
    supervisor_pid: int | None = None
    worker_pid: int | None = None
    last_event: float | None = None
    """Wall-clock time of the newest event, seconds since the epoch."""
    ended: float | None = None
    seconds_left: float | None = None
    """Estimated seconds to the end; None where nothing can be said."""
