"""The tables of the training monitor as text: epochs, the ladder of baselines, classes and settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ....core.events import EpochRow, Evaluated, Metrics, Rung
from ....core.metric_table import HEADLINE, METRICS, Metric, measured_in
from ....core.runs.rungs import features, short
from ....core.safe_text import cell_width, pad, safe_line
from ....core.units import count, duration
from ...widgets.bars import bar, sparkline
from ...widgets.label_look import LabelLook

_LONGEST = 4_000
"""Cells of a setting's value, at most."""
_LOSSES = ("Train loss", "Valid. loss")
_SHORT_LOSSES = ("Train", "Valid.")


def epoch_table(epochs: Sequence[EpochRow], width: int, color: str, *, live: bool = True) -> Text:
    """Return the epoch table: one row per epoch, with as many metrics as fit into `width` cells, and the best weighted F1 highlighted.

    A `live` run may get more rows.
    """
    shown = list(measured_in(epochs) or HEADLINE)
    while len(shown) > len(HEADLINE) and sum(_epoch_widths(_LOSSES, shown)) > width:
        shown.pop()
    losses = _LOSSES if sum(_epoch_widths(_LOSSES, shown)) <= width else _SHORT_LOSSES
    widths = _epoch_widths(losses, shown)
    best = max((row.f1_weighted for row in epochs), default=0.0)
    lines = [Text(_aligned(("Epoch", *losses, *(metric.head for metric in shown)), widths), "dim", no_wrap=True)]
    for row in epochs:
        cells = (str(row.epoch), _figure(row.train_loss), _figure(row.eval_loss), *(metric.text(row) for metric in shown))
        lines.append(Text(_aligned(cells, widths), f"bold {color}" if row.f1_weighted == best else "", no_wrap=True))
    if not epochs:
        words = "the first row comes at the end of an epoch" if live else "the run ended before its first epoch did"
        lines.append(Text(words, "dim"))
    return Text("\n").join(lines)


def _epoch_widths(losses: Sequence[str], shown: Sequence[Metric]) -> list[int]:
    """Return the width of each column, including the gap before it."""
    heads = ("Epoch", *losses, *(metric.head for metric in shown))
    return [max(len(name), 6) + (2 if at else 0) for at, name in enumerate(heads)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.rjust(size) for cell, size in zip(cells, widths, strict=True))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def ladder_table(
    rungs: Sequence[Rung], tuned: Sequence[tuple[str, float, float]], width: int, colors: dict[str, str], *, live: bool = True
) -> Text:
    """Return the rungs with bars of their scores, and below them fine-tuned runs (name, weighted F1, accuracy) for comparison."""
    if not rungs:
        return Text("the first rung comes in a moment" if live else "the run ended before its first rung did", "dim")
    named, shortest = 13, 6
    spare = width - named - 1 - shortest - 7
    more = [metric for metric in measured_in([rung.metrics for rung in rungs]) if metric.key not in ("f1_weighted", "accuracy")]
    columns = {"accuracy": 10, "time": 12} | {metric.short: max(10, len(metric.short) + 2) for metric in more}
    while columns and sum(columns.values()) > spare:
        columns.popitem()
    room = max(4, min(40, spare + shortest - sum(columns.values())))
    head = "".join(name.rjust(size) for name, size in columns.items())
    lines = [Text(f"{'':{named}} {pad('F1 weighted', room + 7)}{head}", "dim", no_wrap=True)]
    for rung in rungs:
        values = {"time": duration(rung.seconds)}
        values |= {metric.short: "-" if (value := metric.of(rung.metrics)) is None else f"{value:.3f}" for metric in METRICS}
        line = _ladder_line(short(rung.name), named, rung.metrics.f1_weighted, room, colors["primary"])
        lines.append(line.append("".join(values[name].rjust(size) for name, size in columns.items())))
        if rung.cached or rung.shape:
            shape = f" {tuple(rung.shape)}" if rung.shape else ""
            lines.append(Text(f"{'':{named}} {features(rung.name)}{shape}{', cached' if rung.cached else ''}", "dim", no_wrap=True))
    for name, f1, accuracy in tuned:
        line = _ladder_line(name, named, f1, room, colors["success"])
        lines.append(line.append(f"{accuracy:.3f}".rjust(columns["accuracy"]) if "accuracy" in columns else ""))
    return Text("\n").join(lines)


def _ladder_line(name: str, named: int, f1: float, room: int, color: str) -> Text:
    return Text.assemble((pad(safe_line(name), named), "bold"), " ", (bar(f1, room), color), (f" {f1:.3f} ", "bold"), no_wrap=True)


def class_table(
    metrics: Metrics | None,
    others: Sequence[tuple[str, Metrics]],
    evaluations: Sequence[Evaluated],
    looks: Sequence[LabelLook],
    width: int,
    *,
    empty: str = "no scores yet",
) -> Text:
    """Return precision, recall and F1 of each class, the course of F1, its 95 % interval if known, and the F1 of other runs."""
    if metrics is None:
        return Text(empty, "dim")
    named = min(20, max((cell_width(safe_line(look.name)) + look.id_cells for look in looks), default=8) + 2)
    fitting = max(0, (width - named - 34 - 4) // 10)
    left_out, others = len(others[fitting:]), others[:fitting]
    names = [pad(safe_line(name), 9) for name, _ in others]
    fixed = named + 34 + 10 * len(names)
    trend = 10 if width >= fixed + 30 and len(evaluations) > 1 else 0
    interval = 16 if metrics.intervals and width >= fixed + trend + 36 else 0
    room = max(4, min(30, width - fixed - trend - interval))
    title = f"{safe_line(metrics.split, 20)}, {count(metrics.rows, 'row')}"
    head = f"{pad(title, named + room + 1)}{'F1':>6}{'  95 % interval ' if interval else ''}{' since start'[: trend + 1] if trend else ''}"
    lines = [Text(f"{head}{'precision':>10}{'recall':>8}{'rows':>8} {' '.join(names)}", "dim", no_wrap=True)]
    for look in looks:
        scores = metrics.per_class.get(look.name)
        if scores is None:
            continue
        line = Text.assemble(
            look.text(named, numbered=True), " ", (bar(scores.f1, room), look.color), (f"{scores.f1:6.3f}", "bold"), no_wrap=True
        )
        if interval:
            low, high = metrics.intervals.get(f"f1:{look.name}", (scores.f1, scores.f1))
            line.append(f"  {low:.3f}-{high:.3f}  ", "dim")
        if trend:
            past = [each.metrics.per_class[look.name].f1 for each in evaluations if look.name in each.metrics.per_class]
            line.append(" " + sparkline(past, trend, 1.0), look.color)
        line.append(f"{scores.precision:>10.3f}{scores.recall:>8.3f}{scores.support:>8,} ")
        for _, other in others:
            theirs = other.per_class.get(look.name)
            line.append(f"{theirs.f1:>9.3f} " if theirs else f"{'-':>9} ")
        lines.append(line)
    if left_out:
        lines.append(Text(f"no room for {count(left_out, 'marked run')}: z makes this panel large", "dim", no_wrap=True))
    figures = [f"{metric.short} {metric.text(metrics)}" for metric in measured_in([metrics])]
    while len(figures) > len(HEADLINE) and len("   ".join(figures)) > width:
        figures.pop()
    lines.append(Text("   ".join(figures), "dim"))
    return Text("\n").join(lines)


def settings_table(rows: Sequence[tuple[str, str]], others: Sequence[Sequence[tuple[str, str]]], color: str) -> Text:
    """Return names and values; on lines that differ, the values of the other runs follow."""
    lines: list[Text] = []
    compared = [dict(other) for other in others]
    for name, value in rows:
        different = [other.get(name, "-") for other in compared if other.get(name, "-") != value]
        line = Text.assemble((pad(safe_line(name), 24), "dim"), safe_line(value, _LONGEST), no_wrap=True)
        if different and name not in ("run", "folder"):
            line.append(f"   other: {', '.join(safe_line(each, 200) for each in different)}", color)
        lines.append(line)
    return Text("\n").join(lines)
