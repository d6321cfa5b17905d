"""emotui errors: which rows a run gets wrong, how well it is calibrated, and whether differences are beyond chance."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..metric_table import BY_KEY
from ..questions import AskEvaluate, ScoredRow
from ..runs import rungs
from ..safe_text import safe_line
from ..units import count, percent
from . import options, render, shapes
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..figures.chance import Paired
    from ..runs.examined import Examined, Figures, NamedSlice
    from ..runs.folder import RunFolder


def add(commands: Any) -> None:
    errors = options.command(
        commands,
        "errors",
        run_errors,
        description="Show where a run makes mistakes on a split: each class with 95 % bootstrap intervals, the rows with the highest and "
        "the lowest loss, slices against the rest, how far its probabilities can be trusted, and what a threshold leaves unanswered. "
        "A split that was not measured yet is measured first, and what comes of it is kept with the run.",
        examples=[
            "emotui errors last --split test",
            "emotui errors last --against 3kfx:tfidf --slice 'short=len<8' --slice wrong",
            "emotui errors last --fit-temperature",
        ],
    )
    options.add_run(errors, rungs=True)
    errors.add_argument("--split", choices=("train", "validation", "test"), default="validation", help="which rows (default: validation)")
    errors.add_argument("--rung", choices=rungs.NAMES, help="rung of a baseline, as in RUN:RUNG (default: the best)")
    errors.add_argument("--against", metavar="RUN2", help="compare with another run, or RUN:RUNG, row by row, by McNemar's exact test")
    errors.add_argument(
        "--slice",
        metavar="FILTER",
        action="append",
        default=[],
        help="a slice: FILTER or NAME=FILTER, in addition to the saved slices; may be given several times",
    )
    errors.add_argument("--where", metavar="FILTER", help="only these rows among those listed by loss, as in 'label:joy predicted:love'")
    errors.add_argument(
        "--worst", metavar="N", type=options.natural, default=10, help="rows to show with the highest and the lowest loss (default: 10)"
    )
    errors.add_argument("--resamples", metavar="N", type=options.positive, default=1000, help="resamples of the bootstrap (default: 1000)")
    group = errors.add_mutually_exclusive_group()
    group.add_argument(
        "--fit-temperature",
        action="store_true",
        help="fit a temperature on the validation split and keep it with the run; predict and the prompt then use it",
    )
    group.add_argument("--forget-temperature", action="store_true", help="remove the temperature that is kept with the run")


def run_errors(arguments: argparse.Namespace, output: Output) -> int:
    """Evaluate the run if that has not been done yet, and print the results."""
    import numpy as np

    from ..data import filters
    from ..runs import examined, slices, temperature

    run, rung = named(arguments.run, arguments.rung)
    against = named(arguments.against, None) if arguments.against is not None else None
    asked = [slices.typed(each) for each in arguments.slice]
    for line in (*(line for _, line in asked), arguments.where or ""):
        filters.parse(line)
    if arguments.fit_temperature:
        examined_of(run, rung, temperature.SPLIT, output)
        temperature.fit(run, rung)
    elif arguments.forget_temperature:
        output.message("the temperature was removed" if temperature.remove(run, rung) else "there was no temperature to remove")
    found = examined_of(run, rung, arguments.split, output)
    judged, predictions = found.judged, found.predictions
    for note in predictions.rows.notes:
        output.message(str(note))
    if not len(judged.truth):
        raise UserError(f"the {arguments.split} split has no rows")
    lines = {**slices.read(run.read_spec().job.data.source), **dict(asked)}
    listed = examined.rows(found, arguments.where or "")
    sliced = examined.slices(found, lines, resamples=arguments.resamples)
    for each in sliced:
        if each.fault and each.name in dict(asked):
            raise UserError(each.fault)
    other = examined_of(*against, arguments.split, output) if against is not None else None
    figures = examined.figures(found, np.arange(len(judged.truth)), other, arguments.resamples)
    metrics, pair = figures.metrics, figures.pair
    worst = _scored(found, judged.by_loss(listed)[: arguments.worst])
    best = _scored(found, judged.by_loss(listed, lowest=True)[: arguments.worst])
    if arguments.json:
        output.json(
            {
                "run": run.id,
                "rung": predictions.rung,
                "notes": [str(note) for note in predictions.rows.notes],
                **shapes.metrics(metrics),
                "intervals": metrics.intervals,
                "slices": [_slice_shape(each) for each in sliced],
                "against": _pair_shape(other, pair),
                "calibration": {
                    "bins": figures.bins,
                    "expected_error": figures.error,
                    "temperature": found.temperature,
                },
                "coverage": figures.covered,
                "highest_loss": worst,
                "lowest_loss": best,
            }
        )
        return 0
    by_rung = f" by its rung {predictions.rung}" if predictions.rung else ""
    output.line(f"Run {run.id}{by_rung} on {arguments.split} ({count(metrics.rows, 'row')})")
    output.lines(render.metric_rows(metrics))
    output.lines(["", "Classes", *_classes(metrics.per_class, metrics.intervals)])
    output.lines(["", "Confusion matrix, share of each true class"])
    output.lines(render.confusion(metrics, output.width))
    if pair is not None and other is not None:
        output.lines(["", *_pair_report(predictions.name, other.predictions.name, pair)])
    if sliced:
        output.lines(["", "Slices", *_slice_report(sliced)])
    output.lines(["", *_calibration_report(found, figures)])
    output.lines(["", "Where only answers at least as probable as a threshold count (emotui predict --threshold)"])
    output.lines(_coverage_report(figures.covered))
    where = f" among {count(len(listed), 'row')} that meet {safe_line(arguments.where, 60)}" if arguments.where else ""
    for title, rows in (("Highest loss", worst), ("Lowest loss", best)):
        if rows:
            output.lines(["", f"{title} (nats){where}", *render.scored_rows(rows, output.width)])
    if arguments.where and not len(listed):
        output.lines(["", f"no row meets {safe_line(arguments.where, 60)}"])
    return 0


def named(name: str, rung: str | None) -> tuple[RunFolder, str]:
    """Return the run and the rung that RUN or RUN:RUNG names; a baseline without a named rung gives its best one. Raises UserError."""
    from ..runs import links

    run, named = rungs.find(name)
    links.check(run)
    if rung is not None and named not in ("", rung):
        raise UserError(f"{safe_line(name, 60)} names the rung {named}, but --rung names another", "Give only one of them")
    return run, rungs.chosen(run, rung or named)


def examined_of(run: RunFolder, rung: str, split: str, output: Output) -> Examined:
    """Return a run's stored predictions on a split; evaluate the run first if there are none. Raises UserError."""
    from ..engine.client import ask_once
    from ..runs import examined

    found = examined.examine(run, rung, split)
    if found is None:
        with Progress(output.stderr) as progress:
            progress.update("evaluate", 0, None, "rows")
            ask_once(AskEvaluate(run=str(run.path), rung=rung, split=split, resamples=0, worst=0), progress.engine)
        found = examined.examine(run, rung, split)
    if found is None:
        raise UserError(f"the predictions of {run.id} on {split} cannot be kept, or its data set changes while it is measured", exit_code=1)
    return found


def _classes(classes: dict[str, Any], intervals: dict[str, tuple[float, float]]) -> list[str]:
    head = ["label", "precision", "95 % interval", "recall", "95 % interval", "F1", "95 % interval", "rows"]
    rows = [head]
    for name, each in render.listed_classes(classes):
        cells = [
            cell
            for figure in ("precision", "recall", "f1")
            for cell in (f"{getattr(each, figure):.3f}", render.interval(intervals.get(f"{figure}:{name}")))
        ]
        rows.append([name, *cells, f"{each.support:,}"])
    return [*render.indented(render.table(rows, "lrrrrrrr", [render.NAME_WIDTH])), *render.unlisted_classes(classes)]


def _pair_shape(other: Examined | None, pair: Paired | None) -> dict[str, Any] | None:
    if other is None or pair is None:
        return None
    return {
        "run": other.predictions.run,
        "rung": other.predictions.rung,
        "both_right": pair.both,
        "only_this_right": pair.first,
        "only_that_right": pair.second,
        "both_wrong": pair.neither,
        "p": pair.p,
    }


def _pair_report(this: str, that: str, pair: Paired) -> list[str]:
    from ..figures.chance import LEVEL

    this, that = safe_line(this, 60), safe_line(that, 60)
    verdict = "is beyond chance" if pair.p < LEVEL else "may be chance"
    rows = [
        ["both right", f"{pair.both:,}"],
        [f"only {this} right", f"{pair.first:,}"],
        [f"only {that} right", f"{pair.second:,}"],
        ["both wrong", f"{pair.neither:,}"],
    ]
    return [
        f"Against {that}",
        *render.indented(render.table(rows, "lr")),
        f"  McNemar's exact test: p = {pair.p:.3g}, so the difference {verdict}",
    ]


def _slice_shape(each: NamedSlice) -> dict[str, Any]:
    figures = each.figures
    return {
        "name": each.name,
        "filter": each.line,
        "rows": figures.rows if figures else None,
        "accuracy": figures.accuracy if figures else None,
        "f1_weighted": figures.f1 if figures else None,
        "interval": figures.interval if figures else None,
        "rest_f1_weighted": figures.rest if figures else None,
        "p": figures.p if figures else None,
        "beyond_chance": figures.beyond_chance if figures else None,
        "fault": each.fault,
    }


def _slice_report(found: Sequence[NamedSlice]) -> list[str]:
    rows = [["", "slice", "rows", "accuracy", BY_KEY["f1_weighted"].name, "95 % interval", "the rest", "p (Holm)"]]
    for each in found:
        figures = each.figures
        if figures is None:
            rows.append(["?", each.name, "", "", "", "", "", each.fault])
            continue
        scores = [f"{value:.3f}" if value is not None else "-" for value in (figures.accuracy, figures.f1)]
        rest = f"{figures.rest:.3f}" if figures.rest is not None else "-"
        mark = "*" if figures.beyond_chance else ""
        rows.append([mark, each.name, f"{figures.rows:,}", *scores, render.interval(figures.interval), rest, f"{figures.p:.3g}"])
    lines = render.indented(render.table(rows, "llrrrrrl", [None, 40, None, None, None, None, None, 60]))
    if any(each.figures is not None and each.figures.beyond_chance for each in found):
        lines.append("  * differs from the rest beyond chance")
    return lines


def _calibration_report(found: Examined, figures: Figures) -> list[str]:
    lines = [f"Calibration: expected error {100 * figures.error:.1f} points"]
    if (kept := found.temperature) is not None:
        lines[0] += f" at the temperature {kept.temperature:.3g}"
        before, after = (f"{100 * error:.1f}" for error in kept.error)
        lines.append(f"  on the {kept.rows:,} rows of validation that it was fitted on the error went from {before} to {after} points")
    rows = [["confidence", "rows", "mean", "right"]]
    for each in figures.bins:
        if each.rows:
            edge = f"{100 * each.low:.0f} to {100 * each.high:.0f} %"
            rows.append([edge, f"{each.rows:,}", percent(each.confidence), percent(each.accuracy)])
    return [*lines, *render.indented(render.table(rows, "rrrr"))]


def _coverage_report(found: Sequence[Any]) -> list[str]:
    rows = [["threshold", "answered", "rows", "right"]]
    rows += [
        [f"{each.threshold:.2f}", percent(each.coverage), f"{each.rows:,}", percent(each.accuracy) if each.accuracy is not None else "-"]
        for each in found
    ]
    return render.indented(render.table(rows, "rrrr"))


def _scored(found: Examined, rows: Iterable[int]) -> list[ScoredRow]:
    """Return the run's predictions for the rows at these positions."""
    judged, split = found.judged, found.predictions.rows.split
    return [
        ScoredRow(
            row=int(row),
            text=split.row(int(row)).text,
            label=judged.labels[int(judged.truth[row])],
            prediction=judged.labels[int(judged.predicted[row])],
            probability=float(judged.confidence[row]),
            loss=float(judged.loss[row]),
        )
        for row in rows
    ]
