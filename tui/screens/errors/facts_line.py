"""The top line: the run, the rows and the main figures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ....core.safe_text import safe_line
from ....core.units import count
from ...field_names import by_fields
from .examination import Examination


def facts(seen: Examination, called: str, colors: Mapping[str, str]) -> Text:
    """Return the main facts in one line; `called` is the name of the run, and `colors` are the theme's variables."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f" {called} ", "bold reverse").append(f" {seen.split} ", "bold")
    found, figures = seen.found, seen.figures
    if found is None:
        return line
    total = count(len(found.judged.truth), "row")
    line.append(f" {len(seen.met):,} of {total}" if seen.met is not None else f" {total}")
    if figures is not None:
        metrics = figures.metrics
        wrong = metrics.rows - round(metrics.accuracy * metrics.rows)
        line.append(f"  {wrong:,} wrong  ").append(f"F1 {metrics.f1_weighted:.3f}", "bold")
        span = metrics.intervals.get("f1_weighted")
        line.append(f" ({span[0]:.3f}-{span[1]:.3f})" if span else "", "dim")
        line.append(f"  accuracy {metrics.accuracy:.3f}  loss {metrics.loss or 0:.3f}")
    if found.temperature is not None:
        line.append(f"  T {found.temperature.temperature:.3g}", colors["accent"])
    for note in found.predictions.rows.notes:
        line.append(f"  {safe_line(by_fields(note), 200)}", colors["warning"])
    return line
