"""Turns views of runs into the charts of the training monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....core.events import Rung
from ....core.metric_table import BY_KEY, METRICS
from ....core.runs import rungs
from ....core.runs.comparison import measured
from ....core.runs.state import RunView
from ....core.specs import BaselineSpec
from ...widgets.chart import Chart, Level, Mark, Series
from ..run_words import name_of, run_label_looks

BESIDE = {"accuracy": "f1_weighted"}
"""Metrics that are drawn in the chart of another metric, by keys."""
CLASSES = "classes"
SCORES = (*(metric.key for metric in METRICS if metric.key not in BESIDE), CLASSES)
"""What the chart of scores can show, in the order of a key: a metric, or the F1 of each class."""
READING = "reading this run…"
"""Shown until the run's events have been read, as long as it is unknown whether there are any."""
GROWTH = 1.5
"""Factor by which the x axis of a live run grows."""
_GLYPHS = ("●", "▲", "■", "◆", "★", "▼")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of curves, '#rrggbb'."""

    train: str
    validation: str
    score: str
    accuracy: str
    level: str
    runs: tuple[str, ...]
    """Colours of runs, if several are overlaid."""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Palette:
        """Return the palette of a theme, given its variables."""
        train, validation = variables["warning"], variables["primary"]
        score, accuracy = variables["success"], variables["secondary"]
        runs = (variables["primary"], variables["warning"], variables["success"], variables["accent"], variables["secondary"])
        return cls(train, validation, score, accuracy, variables["foreground"], (*runs, variables["error"]))


def color_of(views: Sequence[RunView], index: int, palette: Palette) -> str:
    """Return the colour of the run at `index` among the overlaid ones."""
    return palette.runs[index % len(palette.runs)] if len(views) > 1 else palette.score


def ladder_for(view: RunView | None, runs: Sequence[RunView]) -> tuple[Rung, ...]:
    """Return the rungs to compare a run with: its own, or those of the newest baseline on the same data."""
    if view is None:
        return ()
    if view.rungs:
        return view.rungs
    for other in runs:
        same = other.spec.data_hash == view.spec.data_hash if view.spec.data_hash else other.spec.job.data == view.spec.job.data
        if isinstance(other.spec.job, BaselineSpec) and other.rungs and same:
            return other.rungs
    return ()


def loss_chart(views: Sequence[RunView], palette: Palette) -> Chart:
    """Return the chart of the losses, the selected run first; a single run has its own colours, several have one colour each."""
    series: list[Series] = []
    for index, view in enumerate(views):
        several, prefix = len(views) > 1, f"{name_of(view)} " if len(views) > 1 else ""
        train = palette.runs[index % len(palette.runs)] if several else palette.train
        validation = train if several else palette.validation
        if view.curve:
            steps, losses = tuple(float(step.step) for step in view.curve), tuple(step.loss if step.finite else None for step in view.curve)
            series.append(Series(f"{prefix}train", steps, losses, train))
        known = [(step, metrics.loss) for step, metrics in measured(view) if metrics.loss is not None]
        if known:
            at, losses = zip(*known, strict=True)
            series.append(Series(f"{prefix}validation", at, losses, validation, _GLYPHS[index % len(_GLYPHS)], smooth=False))
    return Chart("loss", tuple(series), marks=_marks(views), span=_span(views), empty=_empty(views, "loss"))


def score_chart(views: Sequence[RunView], ladder: Sequence[Rung], palette: Palette, scores: str = SCORES[0], *, dark: bool = True) -> Chart:
    """Return the chart of `scores`, one of SCORES, on the validation split; for a single run, weighted F1 comes with accuracy.

    Rungs of a baseline are horizontal lines, except in the chart of classes, where they could be mistaken for a class.
    """
    if scores == CLASSES:
        series = [each for index, view in enumerate(views) for each in _class_series(view, first=index == 0, dark=dark)]
        title = "F1 of each class, validation"
        return Chart(title, tuple(series), marks=_marks(views), span=_span(views), bounds=(0.0, 1.0), empty=_empty(views, "F1"))
    metric, beside = BY_KEY[scores], [BY_KEY[key] for key, by in BESIDE.items() if by == scores and len(views) == 1]
    series: list[Series] = []
    for index, view in enumerate(views):
        found = measured(view)
        if not found:
            continue
        name = metric.short if len(views) == 1 else name_of(view)
        looks = [(metric, name, color_of(views, index, palette), _GLYPHS[index % len(_GLYPHS)])]
        looks += [(each, each.short, palette.accuracy, "▲") for each in beside]
        for each, title, color, glyph in looks:
            known = [(step, value) for step, metrics in found if (value := each.of(metrics)) is not None]
            if known:
                at, values = zip(*known, strict=True)
                series.append(Series(title, at, values, color, glyph, smooth=False))
    reached = [(rungs.short(rung.name), value) for rung in ladder if (value := metric.of(rung.metrics)) is not None]
    levels = tuple(Level(f"{value:.3f} {rung}", value, palette.level) for rung, value in reached)
    title = f"{' and '.join(each.name for each in (metric, *beside))}, validation"
    if not metric.higher_is_better:
        title += ", lower is better"
    return Chart(title, tuple(series), levels, _marks(views), span=_span(views), bounds=metric.bounds, empty=_empty(views, metric.short))


def score_kinds(views: Sequence[RunView]) -> tuple[str, ...]:
    """Return the SCORES that the runs have values of, always including the first and the F1 of each class."""
    known = [metrics for view in views for _, metrics in measured(view)]
    return tuple(each for each in SCORES if each in (SCORES[0], CLASSES) or any(BY_KEY[each].of(metrics) is not None for metrics in known))


def _class_series(view: RunView, *, first: bool, dark: bool) -> list[Series]:
    """Return a run's F1 of each class in the class's look; only points of the `first` run have its glyph, so that runs differ."""
    series: list[Series] = []
    for look in run_label_looks(view, dark=dark):
        known = [(step, metrics.per_class[look.name].f1) for step, metrics in measured(view) if look.name in metrics.per_class]
        if known:
            at, f1 = zip(*known, strict=True)
            name = look.name if first else f"{name_of(view)} {look.name}"
            series.append(Series(name, at, f1, look.color, look.glyph if first else "", smooth=False))
    return series


def _marks(views: Sequence[RunView]) -> tuple[Mark, ...]:
    """Return attempts and checkpoints of the selected run only; those of overlaid runs could not be distinguished."""
    if not views:
        return ()
    view = views[0]
    marks = [Mark(float(each.first_step), f"attempt {each.number}") for each in view.attempts if each.number > 1]
    best = max((each.step for each in view.checkpoints if each.best), default=None)
    newest = max((each.step for each in view.checkpoints), default=None)
    # Older checkpoints are deleted, and would fill the axis of a slow run.
    marks += [Mark(float(step), glyph="◆" if step == best else "◇") for step in {best, newest} if step is not None]
    return tuple(marks)


def _span(views: Sequence[RunView]) -> tuple[float, float] | None:
    """Return the first and the last step of the x axis; None if no run has logged a step.

    The axis of a live run ends ahead of its curve and grows by half when the curve reaches it, so that a new step does not move the rest.
    """
    known = [view for view in views if view.curve]
    return (min(float(view.curve[0].step) for view in known), max(map(_end, known))) if known else None


def _end(view: RunView) -> float:
    last = float(view.curve[-1].step)
    if not view.is_live or not view.steps:
        return last
    end = float(view.steps)
    while end / GROWTH >= last:
        end /= GROWTH
    return end


def _empty(views: Sequence[RunView], what: str) -> str:
    if not views:
        return "no run yet: press n"
    if views[0].is_live:
        return f"the first {what} comes after a few steps"
    if not views[0].is_whole and views[0].state != "unreadable":
        return READING
    return "this run cannot be read" if views[0].state == "unreadable" else f"this run has no {what}"


def compared_with(baseline: RunView, runs: tuple[RunView, ...]) -> list[tuple[str, float, float]]:
    """Return the newest fine-tuned runs on the data of a baseline as (id, weighted F1, accuracy)."""
    return [
        (name_of(view), view.finished.metrics.f1_weighted, view.finished.metrics.accuracy)
        for view in runs
        if view.finished is not None and not isinstance(view.spec.job, BaselineSpec) and view.spec.data_hash == baseline.spec.data_hash
    ][:3]
