"""emotui compare: runs set against each other."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import hyperparameters
from ..errors import UserError
from ..metric_table import METRICS, Metric, measured_in
from ..safe_text import safe_line
from ..units import count, duration, score, size
from . import errors, options, render, shapes
from .output import Output

if TYPE_CHECKING:
    from ..figures.curves import Curve
    from ..runs.comparison import Entry, Pair, Setting
    from ..runs.examined import Examined

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OVERLAP = "*"
"""Where points of several runs fall on one cell of the chart."""
_CHART = (64, 12)
"""Columns and rows of the chart of the losses."""
_WORDS = {metric.word: metric for metric in METRICS} | {metric.key: metric for metric in METRICS}
_VALUE = 28
"""Cells of a setting."""


def add(commands: Any) -> None:
    compare = options.command(
        commands,
        "compare",
        run_compare,
        description="Set runs against each other: their losses over each other, only the settings that differ, the least, the greatest and "
        "the last value of each metric, metrics with 95 % bootstrap intervals, every two runs row by row by McNemar's exact test, and what "
        "each run cost. A run that was not measured on the split yet is measured first, and what comes of it is kept with the run.",
        examples=[
            "emotui compare 3kfx 9vbn",
            "emotui compare 3kfx 9vbn 2mmq:tfidf --sort f1 --split test",
            "emotui compare 3kfx 9vbn --smooth 0.9 --json",
        ],
    )
    compare.add_argument("runs", metavar="RUN", nargs="*", help=options.RUNG_HELP)
    compare.add_argument("--split", choices=("train", "validation", "test"), default="validation", help="which rows (default: validation)")
    compare.add_argument(
        "--sort",
        metavar="METRIC",
        type=_metric,
        help=f"the best run first: {', '.join(metric.word for metric in METRICS)} (default: as named)",
    )
    compare.add_argument(
        "--smooth",
        metavar="W",
        type=_weight,
        default=0.0,
        help="moving average of the training loss, weight of the past below 1 (default: 0)",
    )
    compare.add_argument("--resamples", metavar="N", type=options.positive, default=1000, help="of the bootstrap (default: 1000)")


def _metric(text: str) -> Metric:
    found = _WORDS.get(text.casefold())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"there is no metric {safe_line(text, 40)!r}: choose from {', '.join(each.word for each in METRICS)}"
        )
    return found


def _weight(text: str) -> float:
    try:
        return hyperparameters.Real(0, 1, "0.9", below=True).parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run_compare(arguments: argparse.Namespace, output: Output) -> int:
    """Measure what is not measured yet, and print what the runs come to beside each other."""
    from ..runs import comparison, state

    named = [errors.named(name, None) for name in arguments.runs]
    comparison.check_names([f"{run.id}:{rung}" if rung else run.id for run, rung in named])
    notes: list[str] = []
    entries: list[Entry] = []
    for run, rung in named:
        view = state.view_of(run)
        found: Examined | None = None
        if not view.has_spec:
            raise UserError(f"the run {safe_line(run.id, 60)} cannot be read: {safe_line(view.reason, 200)}")
        try:
            if view.finished is None:
                raise UserError(f"it is {view.state} and has no model to measure")
            found = errors.examined_of(run, rung, arguments.split, output)
            notes += [f"{safe_line(run.id, 60)}: {note}" for note in found.predictions.rows.notes]
        except UserError as error:
            notes.append(f"{safe_line(run.id, 60)} is not measured on {arguments.split}: {error}")
        entries.append(comparison.entry(view, rung, arguments.split, found, smoothing=arguments.smooth, resamples=arguments.resamples))
    entries = comparison.ordered(entries, arguments.sort)
    differing, same = comparison.differing(entries)
    pairs = comparison.pairs(entries)
    for note in notes:
        output.say(note)
    if arguments.json:
        output.json(
            {
                "split": arguments.split,
                "sort": arguments.sort.key if arguments.sort else None,
                "smoothing": arguments.smooth,
                "runs": [_entry_shape(each) for each in entries],
                "settings": [{"name": each.name, "title": each.title, "values": each.values} for each in differing],
                "settings_alike": same,
                "pairs": [_pair_shape(each) for each in pairs],
                "notes": notes,
            }
        )
        return 0
    output.lines(_runs_report(entries))
    output.lines(["", *_settings_report(differing, same, output.width)])
    output.lines(["", *_metrics_report(entries, arguments.split)])
    output.lines(["", *_pairs_report(entries, pairs)] if pairs else [])
    if any(each.curves for each in entries):
        output.lines(["", *_extremes_report(entries, arguments.smooth)])
    output.lines(["", *_cost_report(entries)])
    charted = [
        (_LETTERS[at], each.curves[comparison.TRAIN_LOSS]) for at, each in enumerate(entries) if comparison.TRAIN_LOSS in each.curves
    ]
    if charted:
        told = f", moving average {arguments.smooth:g}" if arguments.smooth else ""
        output.lines(
            ["", f"Training loss over steps (nats{told}; {_OVERLAP}: several runs)", *overlay(charted, min(output.width, 100) - 12)]
        )
    return 0


# --- JSON ---------------------------------------------------------------------------------------------------


def _entry_shape(of: Entry) -> dict[str, Any]:
    from ..runs import comparison

    return {
        **shapes.outcome(of.view),
        "rung": of.rung or None,
        "name": of.name,
        "task": of.view.task,
        "metrics": shapes.metrics(of.metrics),
        "intervals": of.metrics.intervals if of.metrics is not None else {},
        "temperature": of.examined.temperature if of.examined is not None else None,
        "extremes": {key: of.extremes(key) for key in of.curves},
        "curves": of.curves,
        "cost": comparison.cost(of),
        "settings": {name: value for name, (_, value) in comparison.settings(of).items()},
    }


def _pair_shape(pair: Pair) -> dict[str, Any]:
    found = pair.paired
    return {
        "first": pair.first,
        "second": pair.second,
        "both_right": found.both if found else None,
        "only_first_right": found.first if found else None,
        "only_second_right": found.second if found else None,
        "both_wrong": found.neither if found else None,
        "p": found.p if found else None,
        "p_holm": pair.p,
        "fault": pair.fault,
    }


# --- text ---------------------------------------------------------------------------------------------------


def _runs_report(entries: Sequence[Entry]) -> list[str]:
    rows = [["", "run", "task", "state", "step"]]
    for letter, each in zip(_LETTERS, entries, strict=False):
        view = each.view
        rows.append([letter, each.name, view.task, view.state, f"{view.step:,}/{view.steps:,}" if view.steps else ""])
    return ["Runs", *render.indented(render.table(rows, "llllr", [None, 48]))]


def _settings_report(differing: Sequence[Setting], same: int, width: int) -> list[str]:
    alike = f"{count(same, 'other setting')} {'is' if same == 1 else 'are'} the same"
    if not differing:
        return [f"Settings: all {same} are the same"]
    number = len(differing[0].values)
    room = max(8, min(_VALUE, (width - 28) // number - 2))
    rows = [["setting", *_LETTERS[:number]]]
    rows += [[each.title, *(_shown(value) for value in each.values)] for each in differing]
    return [f"Settings that differ ({alike})", *render.indented(render.table(rows, "l" * (1 + number), [26, *[room] * number]))]


def _shown(value: Any) -> str:
    return "-" if value is None else hyperparameters.shown(value)


def _metrics_report(entries: Sequence[Entry], split: str) -> list[str]:
    known = [each.metrics for each in entries if each.metrics is not None]
    if not known:
        return [f"Metrics: none of these runs is measured on {split}"]
    rows = [["metric", "run", "value", "95 % interval"]]
    for metric in measured_in(known):
        best = _best(entries, metric)
        for at, each in enumerate(entries):
            span = each.metrics.intervals.get(metric.key) if each.metrics is not None else None
            mark = " best" if each.score(metric) == best else ""
            rows.append(
                ["" if at else metric.name, _LETTERS[at], score(each.score(metric), metric.digits), f"{render.interval(span)}{mark}"]
            )
    for at, each in enumerate(entries):
        rows.append(["" if at else "loss (nats)", _LETTERS[at], score(each.metrics.loss if each.metrics else None), ""])
    title = f"Metrics on {split}, {' and '.join(sorted({count(each.rows, 'row') for each in known}))}"
    return [title, *render.indented(render.table(rows, "llrl"))]


def _best(entries: Sequence[Entry], metric: Metric) -> float | None:
    known = [value for each in entries if (value := each.score(metric)) is not None]
    return (max if metric.higher_is_better else min)(known) if known else None


def _pairs_report(entries: Sequence[Entry], pairs: Sequence[Pair]) -> list[str]:
    from ..figures.chance import LEVEL

    letters = {each.name: letter for letter, each in zip(_LETTERS, entries, strict=False)}
    p_head = "p (Holm)" if sum(pair.paired is not None for pair in pairs) > 1 else "p"
    rows = [["", "both right", "first only", "second only", "both wrong", p_head, ""]]
    faults: list[str] = []
    for pair in pairs:
        title = f"{letters[pair.first]} and {letters[pair.second]}"
        if pair.paired is None or pair.p is None:
            faults.append(f"  {title}: {pair.fault}")
            continue
        found = pair.paired
        numbers = [f"{number:,}" for number in (found.both, found.first, found.second, found.neither)]
        better = letters[pair.first if found.first > found.second else pair.second]
        rows.append(
            [
                title,
                *numbers,
                f"{pair.p:.3g}",
                f"{better} is better, beyond chance" if pair.p < LEVEL else "may be chance",
            ]
        )
    table = render.indented(render.table(rows, "lrrrrrl")) if len(rows) > 1 else []
    told = f", corrected by Holm's method for {len(rows) - 1} pairs" if len(rows) > 2 else ""
    return [f"Row by row (McNemar's exact test{told})", *table, *faults]


def _extremes_report(entries: Sequence[Entry], smoothing: float) -> list[str]:
    from ..runs import comparison

    rows = [["curve", "run", "least", "at step", "greatest", "at step", "last", "at step"]]
    for key, title in comparison.CURVES.items():
        first = True
        for at, each in enumerate(entries):
            found = each.extremes(key)
            if found is None:
                continue
            last = "not finite" if found.last is None else score(found.last)
            values = [
                score(found.least),
                f"{found.least_at:,}",
                score(found.greatest),
                f"{found.greatest_at:,}",
                last,
                f"{found.last_at:,}",
            ]
            rows.append([title if first else "", _LETTERS[at], *values])
            first = False
    told = f"; moving average {smoothing:g} of the training loss" if smoothing else ""
    return [f"Over the steps, on validation{told}", *render.indented(render.table(rows, "llrrrrrr"))]


def _cost_report(entries: Sequence[Entry]) -> list[str]:
    from ..runs import comparison

    rows = [["", "time", "device", "precision", "parameters", "memory at most", "rows a second"]]
    for letter, each in zip(_LETTERS, entries, strict=False):
        found = comparison.cost(each)
        device = f"{found.device}, {found.device_name}" if found.device_name and found.device else found.device
        rows.append(
            [
                letter,
                duration(found.seconds) if found.seconds is not None else "-",
                device or "-",
                found.precision or "-",
                f"{found.parameters:,}" if found.parameters else "-",
                size(found.peak_memory) if found.peak_memory else "-",
                f"{found.examples_per_second:,.0f}" if found.examples_per_second else "-",
            ]
        )
    return ["Cost", *render.indented(render.table(rows, "lrllrrr", [None, None, 32]))]


def overlay(curves: Sequence[tuple[str, Curve]], columns: int = _CHART[0], rows: int = _CHART[1]) -> list[str]:
    """Return a chart of curves over each other, one letter a run, which needs no colours and no Unicode.

    A column shows the mean of a curve's finite values in its range of steps.
    """
    first, last = min(each.steps[0] for _, each in curves), max(each.steps[-1] for _, each in curves)
    span = max(1, last - first)
    means: list[tuple[str, dict[int, float]]] = []
    for letter, curve in curves:
        sums: dict[int, tuple[float, int]] = {}
        for step, value in zip(curve.steps, curve.values, strict=True):
            if value is not None and math.isfinite(value):
                column = min(columns - 1, (step - first) * columns // span)
                total, number = sums.get(column, (0.0, 0))
                sums[column] = total + value, number + 1
        means.append((letter, {column: total / number for column, (total, number) in sums.items()}))
    values = [value for _, each in means for value in each.values()]
    if not values:
        return ["  no finite value"]
    low, high = min(values), max(values)
    grid = [[" "] * columns for _ in range(rows)]
    for letter, each in means:
        for column, value in each.items():
            row = 0 if high == low else min(rows - 1, int((high - value) / (high - low) * rows))
            grid[row][column] = letter if grid[row][column] == " " else _OVERLAP
    labels = {0: score(high), rows - 1: score(low)}
    wide = max(map(len, labels.values()))
    lines = [f"  {labels.get(row, ''):>{wide}} |{''.join(cells)}".rstrip() for row, cells in enumerate(grid)]
    axis = f"  {'':{wide}} +{'-' * columns}"
    left, right = f"{first:,}", f"{last:,}"
    return [*lines, axis, f"  {'':{wide}}  {left}{right:>{max(1, columns - len(left))}}"]
