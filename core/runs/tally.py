"""Collects from a run's events what the supervisor writes to its result; standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..json_kinds import is_object
from ..sentences import Words, of_json


@dataclass
class Tally:
    """The outcome so far, from events as JSON objects. An attempt drops what came after the checkpoint that it resumed from."""

    step: int = 0
    steps: int = 0
    rungs: list[dict[str, Any]] = field(default_factory=list)
    epochs: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Rows of the epoch table, each with its step."""
    started: dict[str, Any] | None = None
    finished: dict[str, Any] | None = None
    stopped: dict[str, Any] | None = None
    """The results of the model where the worker was stopped."""
    error: Words = ""
    """The last error that the worker reported."""

    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""
        match event:
            case {"kind": "attempt_started"}:
                step = event.get("resumed_step")
                self._begin(step if isinstance(step, int) else 0)
            case {"kind": "started", "steps": int(steps)}:
                self.started, self.steps = event, steps
            case {"kind": "step" | "checkpoint_saved", "step": int(step)}:
                self.step = step
            case {"kind": "stopped", "step": int(step), **more}:
                measured = more.get("finished")
                self.step, self.stopped = step, measured if is_object(measured) else None
            case {"kind": "rung_done", "rung": rung} if is_object(rung):
                self.rungs.append(rung)
            case {"kind": "epoch_done", "row": row, "step": int(step)} if is_object(row):
                self.epochs.append((step, row))
            case {"kind": "finished"}:
                self.finished = event
            case {"kind": "note", "level": "error", "message": str(message), **more}:
                self.error = of_json(more.get("sentence")) or message
            case _:
                pass

    def _begin(self, resumed_step: int) -> None:
        self.step = resumed_step
        self.epochs = [(step, row) for step, row in self.epochs if step <= resumed_step]
        self.rungs = []
        self.started = self.finished = self.stopped = None
        self.error = ""

    @property
    def best_rung(self) -> dict[str, Any] | None:
        """The rung with the highest macro-F1, the later one among equals: `rungs.best` for a process without libraries."""
        return max(reversed(self.rungs), key=_macro_f1, default=None)

    def can_split_further(self, parts: int) -> bool:
        """Whether the attempt's batches can be split into more than `parts` micro-batches to save memory."""
        match self.started:
            case {"settings": {"nodes": int(nodes)}} if nodes > 1:
                return False  # the other machines would have to restart as well
            case {"settings": {"batch_size": int(rows), "accumulation": int(accumulation), **more}}:
                return accumulation * parts * int(more.get("processes") or 1) < rows
            case _:
                return False


def _macro_f1(rung: dict[str, Any]) -> float:
    match rung:
        case {"metrics": {"f1_macro": int() | float() as value}}:
            return value
        case _:
            return -1.0
