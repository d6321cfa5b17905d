"""The learning curve of a baseline as a chart, a table and sentences."""

from __future__ import annotations

import math
import re
import textwrap

from ..runs.learning_curve import METHOD, Curve, LearningCurve, in_words
from ..runs.rungs import short
from ..safe_text import safe_line
from ..units import count
from . import render

WIDTH, HEIGHT = 90, 16
_MARKS = "123456789"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ASCII = str.maketrans("┌┐└┘├┤┬┴─│", "++++++++-|")


def report(kept: LearningCurve, width: int, *, unicode: bool) -> list[str]:
    """Return the chart of the rungs' weighted F1, their figures, and in words what more labels would bring."""
    marked = list(zip(_MARKS, kept.curves, strict=False))
    lines = [f"Learning curve: weighted F1 on {kept.split} ({count(kept.rows, 'row')}) over the number of labels"]
    lines += render.indented(chart(kept, min(width - 2, WIDTH), unicode=unicode))
    lines += [f"  {'   '.join(f'{mark} {short(curve.rung)}' for mark, curve in marked)}", ""]
    lines += render.indented(table(kept, unicode=unicode))
    lines += _wrapped(
        f"The mean of {kept.draws} draws of the rows with its 95 % interval, by Student's t. All rows are measured once.", width
    )
    sentences = [sentence for curve in kept.curves if (sentence := in_words(curve))]
    if sentences:
        lines += ["", "What more labels would bring"]
        for each in (*sentences, f"How this is foretold: {METHOD}"):
            lines += _wrapped(f"{each}.", width)
    return lines


def _wrapped(sentence: str, width: int) -> list[str]:
    return textwrap.wrap(safe_line(sentence, 600), width, initial_indent="  ", subsequent_indent="    ")


def table(kept: LearningCurve, *, unicode: bool) -> list[str]:
    """Return one line a number of labels, and one column a rung."""
    head = ["labels", *(short(curve.rung) for curve in kept.curves)]
    rows = [[f"{point.labels:,}"] for point in kept.curves[0].points] if kept.curves else []
    for curve in kept.curves:
        for row, point in zip(rows, curve.points, strict=True):
            half = max(abs(each - point.mean) for each in point.interval) if point.interval is not None else None
            spread = "" if half is None else f" {'±' if unicode else '+-'} {half:.3f}"
            row.append(f"{point.mean:.4f}{spread}")
    return render.table([head, *rows], "r" + "l" * len(kept.curves))


def chart(kept: LearningCurve, width: int, *, unicode: bool) -> list[str]:
    """Return the lines of a chart without colours: each curve has a digit at each size, and its interval as a bar."""
    import plotext

    figure = plotext.figure
    figure.clear.all()
    plotext.terminal.limit(False, False)
    figure.plot_size(max(40, width), HEIGHT)
    sizes = sorted({point.labels for curve in kept.curves for point in curve.points})
    figure.ruler("x").ticks([math.log2(size) for size in sizes], [f"{size:,}" for size in sizes])
    if unicode:
        for curve in kept.curves:
            figure.draw(figure.signal(*_places(curve), marker=plotext.marker("braille")).lines())
    for curve in kept.curves:
        for x, point in zip(_places(curve)[0], curve.points, strict=True):
            if point.interval is not None:
                figure.draw(figure.signal([x, x], list(point.interval), marker="|").lines())
    for mark, curve in zip(_MARKS, kept.curves, strict=False):
        figure.draw(figure.signal(*_places(curve), marker=mark))
    drawn = _COLOUR.sub("", str(figure.build()))
    return [line.rstrip() for line in (drawn if unicode else drawn.translate(_ASCII)).split("\n") if line.strip()]


def _places(curve: Curve) -> tuple[list[float], list[float]]:
    """Return the logarithms of the sizes, and the mean scores."""
    return [math.log2(point.labels) for point in curve.points], [point.mean for point in curve.points]
