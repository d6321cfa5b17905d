"""The tables of a comparison, for the command line and the screen; each run is denoted by a letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import hyperparameters
from ..metric_table import Metric, measured_in
from ..units import count, duration, interval, score, size
from .comparison import CURVES, Entry, Pair, Settings, cost, differing, pairs

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE = 28
"""Cells of a setting's value, at most."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title; its first row is the heading."""

    title: str
    rows: list[list[str]]
    align: str
    """'l' or 'r' for each column."""
    caps: tuple[int | None, ...] = ()
    """The most cells of each column; None for no limit."""
    notes: tuple[str, ...] = ()
    """Sentences below the table."""


def tables(entries: Sequence[Entry], split: str, width: int, smoothing: float = 0.0) -> list[Table]:
    """Return the tables of a comparison, at most `width` cells wide, without empty ones."""
    paired = pairs(entries)
    found = [_runs(entries), _settings(differing(entries), width), _metrics(entries, split)]
    found += [_pairs(entries, paired)] if paired else []
    found += [_extremes(entries, smoothing)] if any(each.curves for each in entries) else []
    return [*found, _costs(entries)]


def _runs(entries: Sequence[Entry]) -> Table:
    rows = [["", "run", "task", "state", "step"]]
    for letter, each in zip(LETTERS, entries, strict=False):
        view = each.view
        rows.append([letter, each.name, view.task, view.state, f"{view.step:,}/{view.steps:,}" if view.steps else ""])
    return Table("Runs", rows, "llllr", (None, 48))


def _settings(found: Settings, width: int) -> Table:
    same = f"{count(found.alike, 'other setting')} {'is' if found.alike == 1 else 'are'} the same"
    same += f", {found.of_some} {'is' if found.of_some == 1 else 'are'} of one kind of run only" if found.of_some else ""
    if not found.differing:
        return Table(f"Settings: none differs ({same})", [], "")
    number = len(found.differing[0].values)
    room = max(8, min(_VALUE, (width - 28) // number - 2))
    rows = [["setting", *LETTERS[:number]]]
    rows += [[each.title, *(_shown(value) for value in each.values)] for each in found.differing]
    return Table(f"Settings that differ ({same})", rows, "l" * (1 + number), (26, *[room] * number))


def _shown(value: Any) -> str:
    return "-" if value is None else hyperparameters.shown(value)


def _metrics(entries: Sequence[Entry], split: str) -> Table:
    known = [each.metrics for each in entries if each.metrics is not None]
    if not known:
        return Table(f"Metrics: none of these runs is measured on {split}", [], "")
    rows = [["metric", "run", "value", "95 % interval"]]
    for metric in measured_in(known):
        best = _best(entries, metric)
        for at, each in enumerate(entries):
            span = each.metrics.intervals.get(metric.key) if each.metrics is not None else None
            mark = " best" if each.score(metric) == best else ""
            rows.append(["" if at else metric.name, LETTERS[at], score(each.score(metric), metric.digits), f"{interval(span)}{mark}"])
    for at, each in enumerate(entries):
        rows.append(["" if at else "loss (nats)", LETTERS[at], score(each.metrics.loss if each.metrics else None), ""])
    title = f"Metrics on {split}, {' and '.join(sorted({count(each.rows, 'row') for each in known}))}"
    return Table(title, rows, "llrl")


def _best(entries: Sequence[Entry], metric: Metric) -> float | None:
    known = [value for each in entries if (value := each.score(metric)) is not None]
    return (max if metric.higher_is_better else min)(known) if known else None


def _pairs(entries: Sequence[Entry], pairs: Sequence[Pair]) -> Table:
    from ..figures.chance import LEVEL

    letters = {each.name: letter for letter, each in zip(LETTERS, entries, strict=False)}
    p_head = "p (Holm)" if sum(pair.paired is not None for pair in pairs) > 1 else "p"
    rows = [["", "both right", "first only", "second only", "both wrong", p_head, ""]]
    faults: list[str] = []
    for pair in pairs:
        title = f"{letters[pair.first]} and {letters[pair.second]}"
        if pair.paired is None or pair.p is None:
            faults.append(f"{title}: {pair.fault}")
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
    correction = f", corrected by Holm's method for {len(rows) - 1} pairs" if len(rows) > 2 else ""
    return Table(f"Row by row (McNemar's exact test{correction})", rows if len(rows) > 1 else [], "lrrrrrl", notes=tuple(faults))


def _extremes(entries: Sequence[Entry], smoothing: float) -> Table:
    rows = [["curve", "run", "least", "at step", "greatest", "at step", "last", "at step"]]
    for key, title in CURVES.items():
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
            rows.append([title if first else "", LETTERS[at], *values])
            first = False
    average = f"; moving average {smoothing:g} of the training loss" if smoothing else ""
    return Table(f"Over the steps, on validation{average}", rows, "llrrrrrr")


def _costs(entries: Sequence[Entry]) -> Table:
    rows = [["", "time", "device", "precision", "parameters", "memory at most", "rows a second"]]
    for letter, each in zip(LETTERS, entries, strict=False):
        found = cost(each)
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
    return Table("Cost", rows, "lrllrrr", (None, None, 32))
