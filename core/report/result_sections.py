"""The sections of a report on a run's results on a split: metrics, classes, confusion, rows, calibration and slices."""

from __future__ import annotations

from ..events import IMBALANCE, Metrics
from ..figures.chance import LEVEL
from ..metric_table import MOST_CLASSES, measured_in
from ..runs import measured as kept
from ..runs.examined import Examined, Figures
from ..shell import quote
from ..units import count, percent, score
from .content import Bar, Bars, Block, Column, Lines, Section, Series, Shaded, Words, table
from .material import Material
from .words import span

MOST_PAIRS = 20
"""Confused pairs of classes listed in place of a matrix, at most."""
FEW_PAIRS = 5
"""The same below a whole matrix."""
WITH_SHARES = 12
"""Classes up to which a cell of the matrix also shows its share."""
LOWEST = 5
"""Rows of lowest loss that are listed, at most."""


def metrics_of(of: Material) -> Metrics | None:
    """Return the metrics on the split: with intervals if its predictions are stored, otherwise as the run measured them at its end."""
    if of.figures is not None:
        return of.figures.metrics
    found = of.view.measured_by(of.rung)
    return found if found is not None and found.split == of.split else None


def _absent(of: Material) -> Words:
    return Words(f"The run was not evaluated on {of.split}. Evaluate it with: {kept.remedy(of.name, of.split)}", "missing")


def _unkept(of: Material, what: str) -> Words:
    return Words(f"{what} of {of.split} are not kept with the run. Evaluate it again with: {kept.remedy(of.name, of.split)}", "missing")


def results(of: Material) -> Section:
    metrics = metrics_of(of)
    title = f"Results on {of.split}"
    if metrics is None:
        return Section("results", title, (_absent(of),))
    blocks: list[Block] = [Words(f"Measured on {count(metrics.rows, 'row')}.")]
    found = of.examined
    if found is not None:
        blocks += [Words(f"Remark: {note}.") for note in found.predictions.rows.notes]
        blocks.append(Words("Intervals are 95 % bootstrap percentile intervals over the rows."))
        if found.temperature is not None:
            blocks.append(
                Words(f"Loss and calibration are those of the probabilities at the temperature {found.temperature.temperature:.3g}.")
            )
    else:
        blocks.append(_unkept(of, "The predictions"))
    rows = [(each.name, each.text(metrics), span(metrics.intervals.get(each.key))) for each in measured_in([metrics])]
    if metrics.loss is not None:
        rows.append(("loss (nats)", score(metrics.loss), span(metrics.intervals.get("loss"))))
    blocks.append(table(f"Figures on {of.split}", ("metric", "value", "95 % interval"), rows))
    counts = [each.support for each in metrics.per_class.values()]
    if any(0 < each * IMBALANCE < max(counts) for each in counts):
        blocks.append(
            Words(f"The classes are of unequal size: always the largest one would be right for {100 * max(counts) / sum(counts):.0f} %.")
        )
    return Section("results", title, tuple(blocks))


def classes(of: Material) -> Section:
    metrics = metrics_of(of)
    if metrics is None:
        return Section("classes", "Classes", (_absent(of),))
    spans = metrics.intervals
    rows = [
        (
            name,
            *(
                cell
                for key in ("precision", "recall", "f1")
                for cell in (f"{getattr(each, key):.3f}", *([span(spans.get(f"{key}:{name}"))] if spans else []))
            ),
            f"{each.support:,}",
        )
        for name, each in metrics.per_class.items()
    ]
    heads = [head for name in ("precision", "recall", "F1") for head in (name, *(["95 % interval"] if spans else []))]
    found = table(f"Classes on {of.split}", ("class", *heads, "rows"), rows)
    ordered = sorted(metrics.per_class.items(), key=lambda each: -each[1].f1)
    if not ordered:
        return Section("classes", "Classes", (found,))
    shown = ordered if len(ordered) <= MOST_CLASSES else ordered[-MOST_CLASSES:]
    bars = tuple(Bar(name, each.f1, f"{each.f1:.3f}", spans.get(f"f1:{name}")) for name, each in shown)
    text = f"F1 is highest for {ordered[0][0]} ({ordered[0][1].f1:.3f}) and lowest for {ordered[-1][0]} ({ordered[-1][1].f1:.3f})."
    if len(shown) < len(ordered):
        text += f" The {len(shown)} lowest of {len(ordered):,} classes are drawn."
    title = "F1 of each class, with its 95 % interval" if spans else "F1 of each class"
    return Section("classes", "Classes", (Bars(title, text, bars, 1.0), found))


def matrix(of: Material) -> Section:
    metrics = metrics_of(of)
    if metrics is None:
        return Section("matrix", "Confusion matrix", (_absent(of),))
    labels, blocks = list(metrics.per_class), list[Block]()
    is_large = len(labels) > MOST_CLASSES
    if not is_large:
        rows = [(label, *_cells(counts, len(labels) <= WITH_SHARES)) for label, counts in zip(labels, metrics.confusion, strict=True)]
        caption = "Rows by true class (down) and predicted class (across)"
        if len(labels) <= WITH_SHARES:
            caption += ", with the share of the true class"
        blocks.append(table(caption, ("true class", *labels), rows))
    else:
        blocks.append(
            Words(f"The matrix of {len(labels):,} classes is too large for a page; the most frequent confusions are listed instead.")
        )
    confusions = metrics.confusions()[: MOST_PAIRS if is_large else FEW_PAIRS]
    if confusions:
        rows = [(each.true, each.predicted, f"{each.rows:,}", percent(each.rows / each.of)) for each in confusions]
        heads = ("true class", Column("predicted class", "name"), "rows", "share of the true class")
        blocks.append(table("Most frequent confusions", heads, rows))
    else:
        blocks.append(Words("No row is misclassified."))
    return Section("matrix", "Confusion matrix", tuple(blocks))


def _cells(counts: tuple[int, ...], with_shares: bool) -> list[Shaded]:
    total = sum(counts)
    return [
        Shaded(f"{number:,}" + (f" ({percent(number / total)})" if with_shares and number else ""), number / total if total else 0.0)
        for number in counts
    ]


def worst(of: Material, rows: int) -> Section:
    title = "Worst rows"
    found = of.examined
    if found is None:
        return Section("rows", title, (_absent(of) if metrics_of(of) is None else _unkept(of, "The predictions"),))
    import numpy as np

    every = np.arange(len(found.judged.truth))
    blocks: list[Block] = []
    if not found.predictions.rows.has_texts:
        blocks.append(_unkept(of, "The texts"))
    wrong = int((~found.judged.right).sum())
    blocks.append(Words(f"{count(wrong, 'row')} of {len(every):,} {'is' if wrong == 1 else 'are'} predicted wrongly."))
    blocks.append(_rows(found, found.judged.by_loss(every)[:rows].tolist(), f"Highest loss on {of.split}"))
    blocks.append(_rows(found, found.judged.by_loss(every, lowest=True)[: min(rows, LOWEST)].tolist(), f"Lowest loss on {of.split}"))
    return Section("rows", title, tuple(blocks))


def _rows(found: Examined, places: list[int], caption: str) -> Block:
    judged, split = found.judged, found.predictions.rows.split
    body = [
        (
            f"{place:,}",
            f"{judged.loss[place]:.3f}",
            judged.labels[int(judged.truth[place])],
            judged.labels[int(judged.predicted[place])],
            percent(float(judged.confidence[place])),
            split.row(place).text if found.predictions.rows.has_texts else "-",
        )
        for place in places
    ]
    return table(
        caption, (Column("row"), "loss (nats)", Column("label", "name"), Column("prediction", "name"), "sure", Column("text", "text")), body
    )


def calibration(of: Material) -> Section:
    figures = of.figures
    if figures is None:
        return Section("calibration", "Calibration", (_absent(of) if metrics_of(of) is None else _unkept(of, "The predictions"),))
    kept_one = of.examined.temperature if of.examined is not None else None
    at = f" at the temperature {kept_one.temperature:.3g}" if kept_one is not None else ""
    blocks: list[Block] = [
        Words(f"The expected calibration error, the mean gap between confidence and accuracy, is {100 * figures.error:.1f} points{at}.")
    ]
    if kept_one is not None:
        before, after = (f"{100 * error:.1f}" for error in kept_one.error)
        blocks.append(
            Words(f"It was fitted on {kept_one.rows:,} rows of validation, where the error went from {before} to {after} points.")
        )
    else:
        blocks.append(Words(f"No temperature is fitted. Fit one with: emotui errors {quote(of.name)} --fit-temperature", "missing"))
    blocks += [*_reliability(figures), *_coverage(figures)]
    return Section("calibration", "Calibration", tuple(blocks))


def _reliability(figures: Figures) -> list[Block]:
    bins = [each for each in figures.bins if each.rows]
    points = tuple((each.confidence, each.accuracy) for each in bins)
    below = sum(each.rows for each in bins if each.accuracy < each.confidence)
    total = sum(each.rows for each in bins)
    text = (
        f"On the dashed diagonal, answers would be right as often as they are sure. {percent(below / total)} of the rows lie in bins below "
        "it, where the run is surer than it is right."
    )
    rows = [
        (f"{100 * each.low:.0f} to {100 * each.high:.0f} %", f"{each.rows:,}", percent(each.confidence), percent(each.accuracy))
        for each in bins
    ]
    chart = Lines(
        "Reliability",
        text,
        "mean confidence of a bin",
        "share that is right",
        (Series("this run", tuple(sorted(points))),),
        y_range=(0.0, 1.0),
        x_range=(0.0, 1.0),
        has_diagonal=True,
    )
    return [chart, table("Bins of confidence", ("confidence", "rows", "mean", "right"), rows)]


def _coverage(figures: Figures) -> list[Block]:
    points = tuple(sorted((each.coverage, each.accuracy) for each in figures.covered if each.accuracy is not None))
    half = next((each for each in figures.covered if each.accuracy is not None and each.coverage <= 0.5), None)
    text = f"Where every row is answered, {percent(points[-1][1])} of the answers are right."
    if half is not None and half.accuracy is not None:
        answered, right = percent(half.coverage), percent(half.accuracy)
        text += f" At a threshold of {half.threshold:.2f}, {answered} of the rows are answered, and {right} of these answers are right."
    rows = [
        (
            f"{each.threshold:.2f}",
            percent(each.coverage),
            f"{each.rows:,}",
            percent(each.accuracy) if each.accuracy is not None else "-",
        )
        for each in figures.covered
    ]
    caption = "Where only answers at least as probable as a threshold count (emotui predict --threshold)"
    lowest = int(min(value for _, value in points) * 10) / 10
    chart = Lines(
        "Coverage and accuracy",
        text,
        "share of the rows that is answered",
        "share of the answers that is right",
        (Series("this run", points),),
        y_range=(min(lowest, 0.9), 1.0),
        x_range=(0.0, 1.0),
    )
    return [chart, table(caption, ("threshold", "answered", "rows", "right"), rows)]


def slices(of: Material) -> Section:
    title = "Slices"
    if of.examined is None:
        return Section("slices", title, (_absent(of) if metrics_of(of) is None else _unkept(of, "The predictions"),))
    if not of.examined.predictions.rows.has_texts:
        return Section("slices", title, (_unkept(of, "The texts"),))
    if not of.slices:
        hint = (
            "No slice of this data is saved. Save one with n on the Errors screen, or name some: "
            f"emotui report {quote(of.name)} --slice 'short=len<8'"
        )
        return Section("slices", title, (Words(hint, "missing"),))
    rows: list[tuple[str, ...]] = []
    faults: list[Block] = []
    for each in of.slices:
        found = each.figures
        if found is None:
            faults.append(Words(f"The slice {each.name} could not be evaluated: {each.fault}.", "missing"))
            continue
        differs = "yes" if found.beyond_chance else "no"
        scores = [f"{value:.3f}" if value is not None else "-" for value in (found.accuracy, found.f1)]
        rest = f"{found.rest:.3f}" if found.rest is not None else "-"
        rows.append((each.name, f"{found.rows:,}", *scores, span(found.interval), rest, f"{found.p:.3g}", differs, each.line))
    heads = (
        "slice",
        "rows",
        "accuracy",
        "weighted F1",
        "95 % interval",
        "F1 of the rest",
        "p (Holm)",
        Column("beyond chance", "name"),
        Column("filter", "name"),
    )
    blocks: list[Block] = []
    if rows:
        blocks.append(table(f"Slices of {of.split}", heads, rows))
    note = f"A slice differs from the rest beyond chance where p, of a permutation test and corrected by Holm's method, is below {LEVEL:g}."
    return Section("slices", title, (*blocks, Words(note), *faults))
