"""emotui compare: several runs side by side, with tests of their differences."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import hyperparameters
from ..errors import UserError
from ..metric_table import METRICS, Metric
from ..safe_text import safe_line
from ..units import score
from . import errors, options, render, shapes
from .output import Output

if TYPE_CHECKING:
    from ..figures.curves import Curve
    from ..runs.comparison import Entry, Pair
    from ..runs.examined import Examined

_OVERLAP = "*"
"""Drawn where the points of several runs share a cell of the chart."""
_CHART = (64, 12)
"""Columns and rows of the loss chart."""
_WORDS = {metric.word: metric for metric in METRICS} | {metric.key: metric for metric in METRICS}


def add(commands: Any) -> None:
    compare = options.command(
        commands,
        "compare",
        run_compare,
        description="Compare runs: their losses in one chart, the settings that differ, the least, the greatest and "
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
        help="smooth the training loss by a moving average: weight of the past, below 1 (default: 0)",
    )
    compare.add_argument("--resamples", metavar="N", type=options.positive, default=1000, help="resamples of the bootstrap (default: 1000)")


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
    """Evaluate the runs that have not been evaluated yet, and print their results side by side."""
    from ..runs import comparison, comparison_tables, state

    named = [errors.named(name, None) for name in arguments.runs]
    comparison.check_names([f"{run.id}:{rung}" if rung else run.id for run, rung in named])
    notes: list[str] = []
    entries: list[Entry] = []
    for run, rung in named:
        view = state.view_of(run)
        rung = comparison.rung_of(run, view, rung)
        found: Examined | None = None
        if not view.has_spec:
            raise UserError(f"the run {safe_line(run.id, 60)} cannot be read: {safe_line(str(view.reason), 200)}")
        try:
            if view.finished is None:
                raise UserError(f"it is {view.state} and has no model to measure")
            found = errors.examined_of(run, rung, arguments.split, output)
            notes += [f"{safe_line(run.id, 60)}: {note}" for note in found.predictions.rows.notes]
        except UserError as error:
            notes.append(f"{safe_line(run.id, 60)} is not measured on {arguments.split}: {error}")
        entries.append(comparison.entry(view, rung, arguments.split, found, smoothing=arguments.smooth, resamples=arguments.resamples))
    entries = comparison.ordered(entries, arguments.sort)
    for note in notes:
        output.message(note)
    if arguments.json:
        settings = comparison.differing(entries)
        output.json(
            {
                "split": arguments.split,
                "sort": arguments.sort.key if arguments.sort else None,
                "smoothing": arguments.smooth,
                "runs": [_entry_shape(each) for each in entries],
                "settings": [{"name": each.name, "title": each.title, "values": each.values} for each in settings.differing],
                "settings_alike": settings.alike,
                "settings_of_some": settings.of_some,
                "pairs": [_pair_shape(each) for each in comparison.pairs(entries)],
                "notes": notes,
            }
        )
        return 0
    for number, each in enumerate(comparison_tables.tables(entries, arguments.split, output.width, arguments.smooth)):
        output.lines([""] if number else [])
        output.line(each.title)
        output.lines(render.indented(render.table(each.rows, each.align, each.caps)) if each.rows else [])
        output.lines(render.indented(list(each.notes)))
    charted = [
        (comparison_tables.LETTERS[at], each.curves[comparison.TRAIN_LOSS])
        for at, each in enumerate(entries)
        if comparison.TRAIN_LOSS in each.curves
    ]
    if charted:
        smoothing = f", moving average {arguments.smooth:g}" if arguments.smooth else ""
        output.lines(
            ["", f"Training loss over steps (nats{smoothing}; {_OVERLAP}: several runs)", *overlay(charted, min(output.width, 100) - 12)]
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


def overlay(curves: Sequence[tuple[str, Curve]], columns: int = _CHART[0], rows: int = _CHART[1]) -> list[str]:
    """Return the lines of a chart of all curves in plain ASCII, one letter per run.

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
