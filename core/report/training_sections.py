"""The sections of a report on training: the ladder of baselines, and the curves of loss and scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..events import Evaluated, Step
from ..metric_table import BY_KEY, measured_in
from ..runs import rungs
from ..runs.learning_curve import METHOD, LearningCurve, in_words
from ..runs.state import RunView
from ..units import count, duration, score
from .content import Bar, Bars, Block, Column, Lines, Section, Series, Words, table
from .material import Material

MOST_POINTS = 300
"""Points of a curve; more are averaged in groups."""
MOST_MEASURED = 30
"""Rows of the table of evaluations, at most."""
SCORES = ("accuracy", "f1_weighted", "f1_macro")


def ladder(of: Material) -> Section:
    found = of.ladder
    if found is None or not found.rungs:
        hint = "No baseline was fitted on this data. Fit the ladder with: emotui baseline DATASET"
        if of.view.task == "baseline":
            hint = "No rung of the ladder was measured."
        return Section("ladder", "Ladder of baselines", (Words(hint, "missing"),))
    blocks: list[Block] = []
    is_own = found.run == of.view.id
    if not is_own:
        blocks.append(Words(f"From the run {found.run}, which was fitted on the same data."))
    shown = measured_in([rung.metrics for rung in found.rungs])
    rows = [
        (
            rungs.title(rung.name),
            *(metric.text(rung.metrics) for metric in shown),
            f"{rung.iterations:,}" if rung.iterations is not None else "-",
            " by ".join(f"{each:,}" for each in rung.shape) or "-",
            duration(rung.seconds),
        )
        for rung in found.rungs
    ]
    macro = [Bar(rungs.short(rung.name), rung.metrics.f1_macro, f"{rung.metrics.f1_macro:.4f}") for rung in found.rungs]
    ours = of.view.measured
    if not is_own and ours is not None and ours.split == "validation":
        macro.append(Bar("this run", ours.f1_macro, f"{ours.f1_macro:.4f}"))
        rows.append(("this run", *(metric.text(ours) for metric in shown), "-", "-", "-"))
    best = max(macro, key=lambda each: each.value)
    text = f"Macro-F1 on validation goes from {macro[0].value_text} ({macro[0].name}) to {best.value_text} ({best.name}), the highest."
    blocks.append(Bars("Macro-F1 of each rung", text, tuple(macro), 1.0))
    heads = ("baseline", *(metric.short for metric in shown), "iterations", "features", "time")
    blocks.append(table("The ladder, measured on validation", heads, rows))
    blocks += _learning_curve(of.curve) if of.curve is not None else ()
    return Section("ladder", "Ladder of baselines", tuple(blocks))


def _learning_curve(kept: LearningCurve) -> list[Block]:
    """Return what the rungs reach with fewer labels, and in words what more would bring."""
    series = tuple(
        Series(rungs.short(curve.rung), tuple((math.log2(point.labels), point.mean) for point in curve.points)) for curve in kept.curves
    )
    said = [f"{sentence}." for curve in kept.curves if (sentence := in_words(curve))]
    rows = [(f"{point.labels:,}",) for point in kept.curves[0].points] if kept.curves else []
    for curve in kept.curves:
        rows = [(*row, f"{point.mean:.4f}") for row, point in zip(rows, curve.points, strict=True)]
    told = f"The mean of {kept.draws} draws of the rows; all rows are measured once."
    heads = ("labels", *(rungs.short(curve.rung) for curve in kept.curves))
    return [
        Lines("Weighted F1 over the number of labels", told, "binary logarithm of the number of labels", "weighted F1", series),
        table(f"Weighted F1 on {kept.split} by number of labels", heads, rows),
        *(Words(each) for each in said),
        *([Words(f"How this is foretold: {METHOD}.")] if said else []),
    ]


def curves(of: Material) -> Section | None:
    """Return the section of curves; None for a baseline, which has none."""
    view = of.view
    if view.task == "baseline":
        return None
    if not view.curve and not view.epochs and not view.evaluations:
        return Section("curves", "Curves", (Words("No step of this run was logged.", "missing"),))
    blocks: list[Block] = []
    losses = _losses(view)
    if losses:
        text = " ".join(_trend(series, "step", 4) for series in losses) + _mean_note(view.curve)
        blocks.append(Lines("Loss", text, "optimizer step", "loss (nats)", tuple(losses)))
    scores = [
        Series(
            BY_KEY[key].name,
            tuple((float(each.step), value) for each in view.evaluations if (value := BY_KEY[key].of(each.metrics)) is not None),
        )
        for key in SCORES
    ]
    scores = [series for series in scores if series.points]
    if scores:
        text = " ".join(_trend(series, "step", 4, highest=True) for series in scores)
        blocks.append(Lines("Scores on validation", text, "optimizer step", "score", tuple(scores), y_range=_from(scores)))
    if view.epochs:
        shown = measured_in(view.epochs)
        rows = [
            (f"{row.epoch:,}", score(row.train_loss), score(row.eval_loss), *(metric.text(row) for metric in shown)) for row in view.epochs
        ]
        heads = ("epoch", "training loss (nats)", "validation loss (nats)", *(metric.short for metric in shown))
        blocks.append(table("Each epoch", heads, rows))
    if view.evaluations:
        kept = _spread(view.evaluations, MOST_MEASURED)
        rows = [
            (f"{each.step:,}", f"{each.epoch:.2f}", score(each.metrics.loss), *(BY_KEY[key].text(each.metrics) for key in SCORES))
            for each in kept
        ]
        lines = f"{len(kept)} of {count(len(view.evaluations), 'measurement')}" if len(kept) < len(view.evaluations) else "Each measurement"
        heads = ("step", "epoch", "validation loss (nats)", *(BY_KEY[key].short for key in SCORES))
        blocks.append(table(f"{lines} during the training", heads, rows))
    if len(view.attempts) > 1:
        rows = [(f"{each.number}", f"{each.first_step:,}", each.reason or "-") for each in view.attempts]
        blocks.append(table("Attempts", ("attempt", "from step", Column("why", "text")), rows))
    return Section("curves", "Curves", tuple(blocks))


def _losses(view: RunView) -> list[Series]:
    trained = _means(view.curve)
    measured = tuple((float(each.step), each.metrics.loss) for each in view.evaluations if each.metrics.loss is not None)
    return [series for series in (Series("training loss", trained), Series("validation loss", measured)) if series.points]


def _group(curve: Sequence[Step]) -> int:
    return -(-len(curve) // MOST_POINTS)


def _means(curve: Sequence[Step]) -> tuple[tuple[float, float], ...]:
    """Return the points (step, loss in nats) of the training loss; many steps are averaged in groups of equal size, weighted by rows."""
    size = max(1, _group(curve))
    found: list[tuple[float, float]] = []
    for start in range(0, len(curve), size):
        group = [each for each in curve[start : start + size] if each.loss is not None]
        rows = sum(max(1, each.rows) for each in group)
        if group:
            found.append((float(group[-1].step), sum((each.loss or 0.0) * max(1, each.rows) for each in group) / rows))
    return tuple(found)


def _mean_note(curve: Sequence[Step]) -> str:
    size = _group(curve)
    return f" A point of the training loss is the mean over {size} logged steps." if size > 1 else ""


def _trend(series: Series, axis: str, digits: int, *, highest: bool = False) -> str:
    """Return a sentence on the course of a series: its first, last and best value."""
    (first_x, first), (last_x, last) = series.points[0], series.points[-1]
    name = series.name[:1].upper() + series.name[1:]
    if len(series.points) == 1:
        return f"{name}: {first:.{digits}f} at {axis} {first_x:,.0f}."
    at, best = (max if highest else min)(series.points, key=lambda point: point[1])
    return (
        f"{name}: {first:.{digits}f} at {axis} {first_x:,.0f}, {last:.{digits}f} at {axis} {last_x:,.0f}; "
        f"{'highest' if highest else 'lowest'} {best:.{digits}f} at {axis} {at:,.0f}."
    )


def _from(series: Sequence[Series]) -> tuple[float, float]:
    """Return the range of an axis of scores: up to 1, from the tenth below the lowest, or from -1 if one is negative."""
    lowest = min(value for each in series for _, value in each.points)
    return (max(0.0, int(lowest * 10) / 10), 1.0) if lowest >= 0 else (-1.0, 1.0)


def _spread(rows: Sequence[Evaluated], most: int) -> Sequence[Evaluated]:
    """Return at most `most` of the rows, evenly spaced, including the first and the last."""
    if len(rows) <= most:
        return rows
    return [rows[round(at * (len(rows) - 1) / (most - 1))] for at in range(most)]
