"""The JSON of runs and metrics. Its field names are a public interface: scripts rely on them."""

from __future__ import annotations

from typing import Any

import msgspec

from ..events import EpochRow, Metrics, Rung
from ..metric_table import METRICS
from ..runs.learning_curve import LearningCurve
from ..runs.state import RunView

FIGURES = ("split", "rows", *(metric.key for metric in METRICS), "loss", "per_class", "confusion")


def metrics(measured: Metrics | None) -> dict[str, Any]:
    """Return the fields of FIGURES; all are None if nothing was measured."""
    if measured is None:
        return dict.fromkeys(FIGURES)
    fields = msgspec.to_builtins(measured) | scores(measured)
    return {name: fields[name] for name in FIGURES}


def scores(measured: Metrics | EpochRow) -> dict[str, float | None]:
    """Return the value of each metric by its key; None for one that was not measured."""
    return {metric.key: metric.of(measured) for metric in METRICS}


def epoch(row: EpochRow) -> dict[str, Any]:
    """Return one row of the epoch table."""
    return {"epoch": row.epoch, "train_loss": row.train_loss, "eval_loss": row.eval_loss, **scores(row)}


def rung(one: Rung) -> dict[str, Any]:
    """Return the name of one baseline and its metrics."""
    return {
        "name": one.name,
        **metrics(one.metrics),
        "seconds": one.seconds,
        "iterations": one.iterations,
        "cached": one.cached,
        "shape": one.shape or None,
    }


def outcome(view: RunView) -> dict[str, Any]:
    """Return what each command that follows a run prints about it."""
    return {"run": view.id, "state": view.state, "reason": str(view.reason), "folder": view.folder}


def summary(view: RunView) -> dict[str, Any]:
    """Return one entry of the list of runs."""
    job = view.spec.job
    measured = view.measured
    return {
        **outcome(view),
        "task": view.task or None,
        "created": view.spec.created,
        "data": job.data.source or None,
        "model": job.model or None,
        "step": view.step,
        "steps": view.steps,
        "split": measured.split if measured else "validation" if view.epochs else None,
        **{metric.key: view.score(metric.key) for metric in METRICS},
    }


def detail(view: RunView) -> dict[str, Any]:
    """Return all fields of `emotui show`."""
    return {
        **summary(view),
        "supervisor_pid": view.supervisor_pid,
        "worker_pid": view.worker_pid,
        "attempt": view.attempt,
        "seconds_left": view.seconds_left,
        "ended": view.ended,
        "progress": view.progress,
        "started": view.started,
        "epochs": [epoch(row) for row in view.epochs],
        "rungs": [rung(each) for each in view.rungs],
        "metrics": metrics(view.measured),
        "notes": [{"kind": "note", "level": each.level, "message": each.message} for each in view.notes],
        "spec": view.spec if view.has_spec else None,
        "faults": view.faults,
    }


def baseline(view: RunView, curve: LearningCurve | None = None) -> dict[str, Any]:
    """Return a finished ladder of baselines, and its learning curve."""
    return {
        **outcome(view),
        "labels": view.spec.labels,
        "rungs": [rung(each) for each in view.rungs],
        "curve": curve,
        "seconds": view.finished.seconds if view.finished else None,
    }


def training(view: RunView) -> dict[str, Any]:
    """Return a fine-tuning: its epochs, final metrics, throughput and hardware."""
    finished, started = view.finished, view.started
    return {
        **outcome(view),
        "labels": view.spec.labels,
        "epochs": [epoch(row) for row in view.epochs],
        **metrics(finished.metrics if finished else None),
        "device": started.device if started else None,
        "precision": started.precision if started else None,
        "settings": started.settings if started else {},
        "step": view.step,
        "steps": finished.steps if finished and view.state == "finished" else view.steps,
        "seconds": finished.seconds if finished else None,
        "examples_per_second": finished.examples_per_second if finished else None,
    }
