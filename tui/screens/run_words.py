"""Texts about a run that several screens share: its name, the looks of its labels, and its line in a list."""

from __future__ import annotations

from ...core.runs import rungs
from ...core.runs.notes import NOTHING, RunNote
from ...core.runs.state import RunView
from ...core.units import age
from ..theme import class_looks
from ..widgets.label_look import LabelLook
from ..widgets.run_list import RunItem


def short_source(source: str) -> str:
    """Return a data set's or model's name without its folders."""
    return source if source == "starter" or source.startswith(("ms:", "hf:")) else source.rstrip("/").rpartition("/")[2] or source


def name_of(view: RunView) -> str:
    """Return a run's short name: the user's name for it, or the unique part of its id."""
    return view.spec.name or view.id.partition("-")[0]


def run_label_looks(view: RunView, *, dark: bool) -> tuple[LabelLook, ...]:
    """Return the looks of a run's labels."""
    labels = view.spec.labels or (view.started.labels if view.started is not None else ())
    if not labels and (metrics := view.measured) is not None:
        labels = tuple(metrics.per_class)
    return class_looks(labels, dark=dark)


def has_model(view: RunView) -> bool:
    """Return whether a run has ended with a model: its final one, that of its stop, or the rungs of a baseline."""
    return not view.is_live and (view.finished is not None or bool(view.rungs))


def run_item(view: RunView, now: float, *, marked: bool, color: str, note: RunNote = NOTHING, rung: str = "") -> RunItem:
    """Return a run's line in a list; a baseline has the score of `rung`, by default of its best one."""
    answers = view.rung(rung)
    score = answers.metrics.f1_weighted if answers is not None else view.score("f1_weighted")
    if score is not None:
        shown = f"F1 {score:.3f}"
    elif view.is_live and view.steps and view.progress is None:
        shown = f"{100 * view.step / view.steps:.0f} %"
    elif view.is_live and view.progress is not None:
        shown = view.progress.phase
    else:
        shown = view.state
    return RunItem(
        key=view.folder,
        id=name_of(view),
        task=view.task,
        state=view.state,
        data=short_source(view.spec.job.data.source),
        model=short_source(view.spec.job.model) if answers is None or answers.name in rungs.ON_STATES else rungs.short(answers.name),
        score=shown,
        age=age(max(0.0, now - view.spec.created)),
        marked=marked,
        color=color,
        pinned=note.pinned,
        tags=note.tags,
    )
