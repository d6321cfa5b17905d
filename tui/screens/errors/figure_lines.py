"""Turns the figures of a run's errors into lines of text for the available room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ....core.figures.calibration import Bin, Covered
from ....core.figures.chance import LEVEL, Paired
from ....core.runs.examined import Figures, NamedSlice
from ....core.runs.temperature import Temperature
from ....core.safe_text import cell_width, pad, safe_line
from ...widgets.bars import bar
from ...widgets.label_look import LabelLook
from .examination import PAIRS

Lines = tuple[Text, list[Text], Text | None]
"""A heading, lines, and text below them."""


def _span(interval: tuple[float, float] | None) -> str:
    """Return an interval of shares as '.89-.95'."""
    if interval is None:
        return ""
    return "-".join(map(_short, interval))


def _short(share: float) -> str:
    """Return a share in three cells, such as '.89', or '1.0' for 1."""
    return "1.0" if share >= 0.995 else f"{share:.2f}".removeprefix("0")


def classes(figures: Figures, looks: Sequence[LabelLook], width: int) -> Lines:
    """Return precision, recall and F1 of each class with their intervals, and its number of rows.

    If there is no room for names and all intervals, those of precision are left out first, then of recall, then of F1.
    """
    longest = max((look.id_cells + cell_width(safe_line(look.name)) for look in looks), default=4) + 2
    room = width - len(" rows") - sum(len(short) + 1 for _, short, _ in _FIGURES)
    named = max(7, min(longest, 18, room))
    spanned: list[str] = []
    for _, short, figure in reversed(_FIGURES):
        room -= _SPANNED - len(short) - 1
        if room < named:
            break
        spanned.append(figure)
    columns = [(title, figure, _SPANNED) if figure in spanned else (short, figure, len(short) + 1) for title, short, figure in _FIGURES]
    heads = "".join(pad(title, cells) for title, _, cells in columns)
    head = Text(f"{pad('class', named)} {heads}rows", no_wrap=True)
    lines: list[Text] = []
    for look, (name, each) in zip(looks, figures.metrics.per_class.items(), strict=False):
        line = look.text(named, numbered=True).append(" ")
        line.no_wrap = True
        for _, figure, cells in columns:
            line.append(_short(getattr(each, figure)), "bold" if figure == "f1" else "")
            span = _span(figures.metrics.intervals.get(f"{figure}:{name}")) if figure in spanned else ""
            line.append(pad(f" {span}", cells - 3), "dim")
        lines.append(line.append(f"{each.support:>4,}", "dim"))
    return head, lines, Text("beside each figure its 95 % interval (bootstrap)", no_wrap=True)


_FIGURES = (("precision", "prec.", "precision"), ("recall", "recall", "recall"), ("F1", "F1  ", "f1"))
"""Title, short title, and key."""
_SPANNED = 13
"""Cells of a figure with its interval."""


def against(this: str, that: str, pair: Paired | None, why: str, rows: int, width: int) -> Lines:
    """Return how often each of two runs is right where the other is not, or `why` they cannot be compared."""
    if pair is None:
        return Text(why), [], None
    counts = (pair.both, pair.first, pair.second, pair.neither)
    names = (PAIRS[0], f"only {safe_line(this, 24)} right", f"only {safe_line(that, 24)} right", PAIRS[3])
    named = min(max(map(len, names)), max(10, width - 24))
    lines = [
        Text(f"{pad(name, named)} {number:>7,} ", no_wrap=True).append(bar(number / max(1, rows), max(1, min(30, width - named - 10))))
        for name, number in zip(names, counts, strict=True)
    ]
    verdict = "beyond chance" if pair.p < LEVEL else "may be chance"
    foot = Text(f"McNemar's exact test: p = {pair.p:.3g}, {verdict}")
    return Text(f"{safe_line(this, 30)} against {safe_line(that, 30)}", no_wrap=True), lines, foot


def slices(found: Sequence[NamedSlice], width: int, warning: str) -> Lines:
    """Return the figures of each slice; slices that differ from the rest beyond chance are marked."""
    if not found:
        return (
            Text("no slice yet. Filter the rows with /, then press n: the filter is kept under a name, and measured for every run"),
            [],
            None,
        )
    named = max(8, min(24, width - 34))
    head = Text(f"  {pad('slice', named)}{'rows':>7}{'F1':>6} {pad('95 %', 9)}{'rest':>5}", no_wrap=True)
    lines: list[Text] = []
    for each in found:
        figures = each.figures
        if figures is None:
            lines.append(
                Text.assemble(("? ", warning), pad(safe_line(each.name), named), (" " + safe_line(each.fault), "dim"), no_wrap=True)
            )
            continue
        line = Text.assemble(("▲ " if figures.beyond_chance else "  ", f"bold {warning}"), pad(safe_line(each.name), named), no_wrap=True)
        line.append(f"{figures.rows:>7,}")
        line.append(f"{figures.f1:6.2f} " if figures.f1 is not None else "     - ", "bold").append(pad(_span(figures.interval), 9), "dim")
        line.append(f"{figures.rest:5.2f}" if figures.rest is not None else "    -")
        if width >= named + 44:
            line.append(f"  p {figures.p:.2g}", "dim")
        lines.append(line)
    return head, lines, Text("▲ differs from the rest beyond chance (Holm)   D removes")


def calibration(figures: Figures, kept: Temperature | None, width: int, colors: dict[str, str]) -> Lines:
    """Return the accuracy in each bin of confidence as a bar, beside the mean confidence."""
    room = max(6, min(40, width - 36))
    head = Text(f"{'confidence':<11}{'rows':>7}  {'sure':>6}  {'right':>6} ", no_wrap=True)
    lines = [_bin_line(each, room, colors) for each in figures.bins]
    if kept is None:
        foot = Text(f"ECE {100 * figures.error:.1f} points. f fits a temperature on validation")
    else:
        before, after = kept.error
        on_validation = f"on validation {100 * before:.1f} before, {100 * after:.1f} after"
        foot = Text(f"ECE {100 * figures.error:.1f} points at T = {kept.temperature:.3g}; {on_validation}. f forgets it")
    return head, lines, foot


def _bin_line(each: Bin, room: int, colors: dict[str, str]) -> Text:
    line = Text(f"{100 * each.low:3.0f}-{100 * each.high:3.0f} %  {each.rows:>7,}", "" if each.rows else "dim", no_wrap=True)
    if not each.rows:
        return line
    line.append(f"  {100 * each.confidence:4.0f} %  {100 * each.accuracy:4.0f} % ")
    drawn = bar(each.accuracy, room)
    at = min(room - 1, round(each.confidence * room))
    color = colors.get("error", "") if each.accuracy < each.confidence else colors.get("success", "")
    # The mark is where the bar would end if the accuracy were equal to the confidence.
    return line.append(drawn[:at], color).append("┃", "bold").append(drawn[at + 1 :], color)


def coverage(found: Sequence[Covered], width: int) -> Lines:
    """Return the coverage and the accuracy of predictions at or above each threshold."""
    room = max(4, min(30, width - 40))
    head = Text(f"{'threshold':<10}{'answered':>9}{'rows':>8}{'right':>8}", no_wrap=True)
    lines = [
        Text(
            f"  {each.threshold:<8.2f}{100 * each.coverage:7.1f} %{each.rows:>8,}"
            + (f"{100 * each.accuracy:6.1f} % " if each.accuracy is not None else "      - "),
            no_wrap=True,
        ).append(bar(each.coverage, room), "dim")
        for each in found
    ]
    return head, lines, Text("y copies: emotui predict --threshold T, which calls the rest unsure")
