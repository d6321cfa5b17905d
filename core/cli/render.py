"""Draws tables, bars, box plots and confusion matrices as lines of text, without a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from ..events import IMBALANCE, ClassMetrics, EpochRow, Metrics, Rung
from ..metric_table import BY_KEY, HEADLINE, MOST_CLASSES, Metric, measured_in
from ..questions import ScoredRow
from ..runs import rungs
from ..safe_text import cell_width, pad, safe_line
from ..text_table import aligned, table
from ..units import duration, interval, percent, score
from .output import Glyphs

NAME_WIDTH = 24
"""Cells of a label's name; longer ones are truncated."""
RAREST = 10
"""Bars of the rarest classes, where not all are drawn."""


class Spread(Protocol):
    """Quartiles and whiskers of a box plot."""

    @property
    def median(self) -> float: ...
    @property
    def q1(self) -> float: ...
    @property
    def q3(self) -> float: ...
    @property
    def whisker_low(self) -> float: ...
    @property
    def whisker_high(self) -> float: ...
    @property
    def max(self) -> float: ...


def bars(counts: Sequence[tuple[str, int]], width: int, glyphs: Glyphs) -> list[str]:
    """Return one horizontal bar per class in ascending order of counts, with the count and the share in percent.

    Of more than MOST_CLASSES, the rarest and the most frequent are drawn.
    """
    total = sum(number for _, number in counts)
    highest = max((number for _, number in counts), default=0)
    ordered = sorted(counts, key=lambda item: item[1])
    between = max(0, len(ordered) - MOST_CLASSES)
    ordered = ordered[:RAREST] + ordered[RAREST + between :]
    names = _name_width([name for name, _ in ordered])
    digits = max((len(f"{number:,}") for _, number in ordered), default=1)
    room = max(8, min(60, width - names - digits - 15))
    lines: list[str] = []
    for name, number in ordered:
        drawn = _bar(number / highest if highest else 0.0, room, glyphs)
        share = percent(number / total if total else 0.0)
        lines.append(f"  {pad(safe_line(name), names)}  {drawn}  {number:>{digits},}  {share:>7}")
    if between:
        lines.insert(RAREST, f"  {_classes(between)} between these (all: --json)")
    return lines


def probability_bars(probabilities: Sequence[tuple[str, float]], width: int, glyphs: Glyphs) -> list[str]:
    """Return one bar per class, the most probable first, of MOST_CLASSES at most; a full bar is 100 %."""
    ordered = sorted(probabilities, key=lambda item: -item[1])
    rest, ordered = ordered[MOST_CLASSES:], ordered[:MOST_CLASSES]
    names = _name_width([name for name, _ in ordered])
    room = max(8, min(50, width - names - 14))
    lines = [f"  {pad(safe_line(name), names)}  {_bar(share, room, glyphs)}  {percent(share):>7}" for name, share in ordered]
    if rest:
        lines.append(f"  {_classes(len(rest))} less probable, together {percent(sum(share for _, share in rest))}")
    return lines


def _bar(share: float, room: int, glyphs: Glyphs) -> str:
    """Return a bar of `share` of `room` cells, padded with spaces; any share above zero is visible."""
    parts = len(glyphs.bar)
    filled = round(share * room * parts)
    if share > 0:
        filled = max(1, filled)
    whole, rest = divmod(min(filled, room * parts), parts)
    return pad(glyphs.bar[-1] * whole + (glyphs.bar[rest - 1] if rest else ""), room)


def _name_width(names: Sequence[str]) -> int:
    return min(NAME_WIDTH, max((cell_width(safe_line(name)) for name in names), default=0))


def box_plots(spreads: Sequence[tuple[str, Spread]], width: int, glyphs: Glyphs, *, limit: int | None = None) -> list[str]:
    """Return one box plot per class on a common axis from 0, without outliers, and the axis below them.

    The box spans the quartiles; the whiskers reach the furthest value within 1.5 interquartile ranges of it (Tukey, 1977).
    A `limit` beyond the longest whisker is marked at the right edge, off the scale. Of more than MOST_CLASSES, those with the
    longest medians are drawn.
    """
    if not spreads:
        return []
    rest = len(spreads) - MOST_CLASSES
    if rest > 0:
        spreads = sorted(spreads, key=lambda each: -each[1].median)[:MOST_CLASSES]
    names = _name_width([name for name, _ in spreads])
    figures = [f"median {_plain(spread.median)}, longest {_plain(spread.max)}" for _, spread in spreads]
    room = max(20, min(80, width - names - max(map(len, figures)) - 12))
    highest = max(1.0, *(spread.whisker_high for _, spread in spreads))
    step = _tick_step(highest)
    top = step * math.ceil(highest / step)
    inside = limit is not None and limit <= top
    mark = _cell(limit, top, room) if limit is not None and inside else None

    lines: list[str] = []
    for (name, spread), figure in zip(spreads, figures, strict=True):
        cells = [" "] * room
        low, high = _cell(spread.whisker_low, top, room), _cell(spread.whisker_high, top, room)
        first, last = _cell(spread.q1, top, room), _cell(spread.q3, top, room)
        cells[low : high + 1] = glyphs.whisker * (high + 1 - low)
        cells[low], cells[high] = glyphs.whisker_low, glyphs.whisker_high
        cells[first : last + 1] = glyphs.box * (last + 1 - first)
        if mark is not None:
            cells[mark] = glyphs.limit
        cells[_cell(spread.median, top, room)] = glyphs.median
        edge = f" {glyphs.limit}" if limit is not None and not inside else ""
        lines.append(f"  {pad(safe_line(name), names)}  {''.join(cells)}{edge}  {figure}")
    lines.append(f"  {' ' * names}  {_axis(top, step, room, limit, mark)}".rstrip())
    if rest > 0:
        lines.append(f"  {_classes(rest)} with shorter medians not drawn (all: --json)")
    return lines


def _axis(top: float, step: float, room: int, limit: int | None, mark: int | None) -> str:
    cells = [" "] * (room + 12)
    labels = [(_cell(step * number, top, room), _plain(step * number)) for number in range(round(top / step) + 1)]
    if limit is not None:
        labels.insert(0, (room + 1 if mark is None else mark, str(limit)))  # first, so that no tick displaces the limit
    taken: set[int] = set()
    for position, label in labels:
        spot = range(position, position + len(label))
        if taken.isdisjoint(range(position - 1, position + len(label) + 1)):
            cells[position : position + len(label)] = label
            taken.update(spot)
    return "".join(cells).rstrip()


def _cell(value: float, top: float, room: int) -> int:
    return min(room - 1, max(0, round(value / top * (room - 1))))


def _tick_step(highest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, such that about five steps reach `highest`."""
    rough = max(1.0, highest / 5)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _plain(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def confusion(metrics: Metrics, width: int) -> list[str]:
    """Return the confusion matrix normalised by true class, with two decimals and named axes.

    Columns are numbered if the names do not fit into `width` cells. A class without rows shows '-'. In place of a matrix of more
    than MOST_CLASSES, the most frequent confusions are listed.
    """
    counts, labels = metrics.confusion, list(metrics.per_class)
    if len(labels) > MOST_CLASSES:
        return _confusions(metrics)
    names = [safe_line(name, NAME_WIDTH) for name in labels]
    row_names = [*names]
    heads = names
    cell = max(4, *(cell_width(name) for name in names))
    label_width = max(cell_width("true \\ predicted"), *(cell_width(name) for name in names))
    if label_width + len(names) * (cell + 2) + 2 > width:
        digits = len(str(len(names) - 1))
        row_names = [f"{index:>{digits}} {name}" for index, name in enumerate(names)]
        heads = [str(index) for index in range(len(names))]
        cell = max(4, digits)
        label_width = max(cell_width("true \\ predicted"), *(cell_width(name) for name in row_names))
    lines = ["  " + pad("true \\ predicted", label_width) + "".join("  " + aligned(head, cell, "r") for head in heads)]
    for name, row in zip(row_names, counts, strict=True):
        total = sum(row)
        cells = [f"{number / total:.2f}" if total else "-" for number in row]
        lines.append("  " + pad(name, label_width) + "".join(f"  {each:>{cell}}" for each in cells))
    return lines


def _confusions(metrics: Metrics) -> list[str]:
    found = metrics.confusions()
    rows = [["true class", "predicted", "rows", "share"]]
    rows += [[each.true, each.predicted, f"{each.rows:,}", percent(each.rows / each.of)] for each in found[:MOST_CLASSES]]
    too_many = f"{len(metrics.per_class):,} classes are too many for a matrix; "
    if not found:
        return [f"  {too_many}no row is misclassified"]
    too_many += f"the {MOST_CLASSES} most frequent of {len(found):,} confusions:" if len(found) > MOST_CLASSES else "all confusions:"
    return [f"  {too_many}", *indented(table(rows, "llrr", [NAME_WIDTH, NAME_WIDTH]))]


def per_class(classes: dict[str, ClassMetrics], intervals: dict[str, tuple[float, float]] | None = None) -> list[str]:
    """Return precision, recall, F1 and number of rows of each class, with the 95 % interval of F1 if there is one."""
    intervals = intervals or {}
    head = ["label", "precision", "recall", "F1", *(["95 % interval"] if intervals else []), "rows"]
    rows = [head]
    for name, each in listed_classes(classes):
        span = [interval(intervals.get(f"f1:{name}"))] if intervals else []
        rows.append([name, f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}", *span, f"{each.support:,}"])
    return [*indented(table(rows, "lrrr" + ("r" if intervals else "") + "r", [NAME_WIDTH])), *unlisted_classes(classes)]


def listed_classes(classes: dict[str, ClassMetrics]) -> list[tuple[str, ClassMetrics]]:
    """Return the classes to list: all in their order, or of more than MOST_CLASSES those of the lowest F1, the lowest first."""
    found = list(classes.items())
    return found if len(found) <= MOST_CLASSES else sorted(found, key=lambda each: each[1].f1)[:MOST_CLASSES]


def unlisted_classes(classes: dict[str, ClassMetrics]) -> list[str]:
    """Return a line about the classes that are not listed, where there are some."""
    rest = len(classes) - MOST_CLASSES
    return [f"  {_classes(rest)} with a higher F1 not listed (all: --json)"] if rest > 0 else []


def metric_rows(metrics: Metrics) -> list[str]:
    """Return the metrics that were computed, and the loss, with their 95 % intervals if there are any."""
    rows = [["metric", "value", *(["95 % interval"] if metrics.intervals else [])]]
    for each in measured_in([metrics]):
        rows.append([each.name, each.text(metrics), *([interval(metrics.intervals.get(each.key))] if metrics.intervals else [])])
    if metrics.loss is not None:
        span = [interval(metrics.intervals.get("loss"))] if metrics.intervals else []
        rows.append(["loss (nats)", score(metrics.loss), *span])
    lines = indented(table(rows, "lr" + ("r" if metrics.intervals else "")))
    counts = [each.support for each in metrics.per_class.values()]
    largest, rows_in_all = max(counts, default=0), sum(counts)
    if any(0 < count * IMBALANCE < largest for count in counts):
        lines.append(f"  the classes are of unequal size: always the largest one would be right for {100 * largest / rows_in_all:.0f} %")
    return lines


def epochs(rows: Sequence[EpochRow], width: int) -> list[str]:
    """Return the epoch table, with as many metrics as fit into `width` cells."""

    def lines(shown: Sequence[Metric]) -> list[str]:
        head = ["Epoch", "Training loss", "Validation loss", *(metric.head for metric in shown)]
        body = [
            [str(row.epoch), score(row.train_loss, 6), score(row.eval_loss, 6), *(metric.text(row) for metric in shown)] for row in rows
        ]
        return indented(table([head, *body], "r" * len(head)))

    return _fitting(lines, measured_in(rows), width)


def ladder(measured: Sequence[Rung], width: int) -> list[str]:
    """Return one line per baseline, the simplest first, with as many metrics as fit into `width` cells; iterations are those of lbfgs."""

    def lines(shown: Sequence[Metric]) -> list[str]:
        head = ["baseline", *(metric.short for metric in shown), "iterations", "time"]
        body = [
            [
                rungs.title(rung.name),
                *(metric.text(rung.metrics) for metric in shown),
                f"{rung.iterations:,}" if rung.iterations is not None else "",
                duration(rung.seconds) + _states(rung),
            ]
            for rung in measured
        ]
        return indented(table([head, *body], "l" + "r" * (len(head) - 2) + "l"))

    # The best rung is the one with the highest macro-F1.
    return _fitting(lines, measured_in([rung.metrics for rung in measured]), width, (*HEADLINE, BY_KEY["f1_macro"]))


def _fitting(
    lines: Callable[[Sequence[Metric]], list[str]], metrics: Sequence[Metric], width: int, least: Sequence[Metric] = HEADLINE
) -> list[str]:
    """Return the lines with as many of `metrics` as fit into `width` cells; those in `least` are always shown."""
    for shown in range(len(metrics), len(least), -1):
        found = lines(metrics[:shown])
        if max(map(cell_width, found)) <= width:
            return found
    return lines(least)


def _states(rung: Rung) -> str:
    """Return which features of the encoder a rung was fitted on, and whether they came from the cache."""
    if not rung.cached and not rung.shape:
        return ""
    return f", {rungs.features(rung.name)}{f' {tuple(rung.shape)}' if rung.shape else ''}{' from the cache' if rung.cached else ''}"


def scored_rows(rows: Sequence[ScoredRow], width: int) -> list[str]:
    """Return rows of a split with a run's prediction for each."""
    cells = [["row", "loss", "label", "prediction", "sure", "text"]]
    cells += [[str(row.row), f"{row.loss:.3f}", row.label, row.prediction, percent(row.probability), row.text] for row in rows]
    return indented(table(cells, "rrllrl", [None, None, 16, 16, None, max(20, width - 64)]))


def _classes(number: int) -> str:
    return "1 class" if number == 1 else f"{number:,} classes"


def indented(lines: list[str]) -> list[str]:
    """Return the lines indented, as a table stands below its title."""
    return ["  " + line for line in lines]
