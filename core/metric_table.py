"""The table of metrics: their names, formats and which direction is better. The formulas are in `figures.scores`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .events import EpochRow, Metrics

MOST_CLASSES = 30
"""Classes that people are shown in one list, chart or matrix. Of more, the ones that matter most are shown, and how many are not."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of predictions on a split. Reports, tables, charts, filters, JSON and model cards take it from here."""

    key: str
    """In events, in JSON and in `Metrics.intervals`."""
    name: str
    """For people, where there is room."""
    short: str
    """The head of a column."""
    word: str
    """In a filter of runs, as in `f1>0.9`."""
    is_headline: bool = False
    """Whether it is among the few that are shown where there is no room for all."""
    higher_is_better: bool = True
    example: str = "0.9"
    """A bound as in a filter, for examples."""
    bounds: tuple[float, float] = (0.0, 1.0)
    digits: int = 4

    @property
    def head(self) -> str:
        """`short` as the head of a column among other capitalised ones."""
        return self.short[0].upper() + self.short[1:]

    def of(self, measured: Metrics | EpochRow) -> float | None:
        """Return its value; None where it was not measured, as by earlier versions, or is undefined."""
        value = getattr(measured, self.key, None)
        return measured.others.get(self.key) if value is None else value

    def text(self, measured: Metrics | EpochRow) -> str:
        """Return its value as it is shown, '-' for none."""
        value = self.of(measured)
        return "-" if value is None else f"{value:.{self.digits}f}"


METRICS = (
    Metric("accuracy", "accuracy", "accuracy", "accuracy", is_headline=True),
    Metric("f1_weighted", "weighted F1", "F1", "f1", is_headline=True),
    Metric("f1_macro", "macro-F1", "macro-F1", "macro"),
    Metric("balanced_accuracy", "balanced accuracy", "balanced", "balanced"),
    Metric("mcc", "Matthews' correlation", "MCC", "mcc", example="0.8", bounds=(-1.0, 1.0)),
    Metric("ece", "expected calibration error", "ECE", "ece", example="0.05", higher_is_better=False),
)
"""In the order in which they are shown; where there is no room for all, the last ones go."""
BY_KEY = {metric.key: metric for metric in METRICS}
FIGURE_TERMS = ", ".join(f"{metric.word}{'>' if metric.higher_is_better else '<'}{metric.example}" for metric in METRICS)
"""As they stand in a filter of runs."""
HEADLINE = tuple(metric for metric in METRICS if metric.is_headline)


def measured_in(rows: Sequence[Metrics] | Sequence[EpochRow]) -> tuple[Metric, ...]:
    """Return the metrics that at least one of `rows` has."""
    return tuple(metric for metric in METRICS if any(metric.of(row) is not None for row in rows))
