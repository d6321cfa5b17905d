"""Evaluates a run's stored predictions: at its temperature, by slices, and against another run on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..data import filters
from ..data.table import Dataset
from ..errors import UserError
from . import measured, temperature
from .folder import RunFolder
from .measured import Predictions
from .temperature import Temperature

if TYPE_CHECKING:
    import numpy as np

    from ..events import Metrics
    from ..figures.calibration import Bin, Covered
    from ..figures.chance import Paired, Slice
    from ..figures.judged import Judged


@dataclass(frozen=True, slots=True)
class Examined:
    """A run's predictions on a split, and their evaluation."""

    predictions: Predictions
    judged: Judged
    """The predictions at the temperature stored with the run."""
    temperature: Temperature | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one or more rows of a split."""

    metrics: Metrics
    """Metrics with 95 % intervals."""
    bins: list[Bin]
    error: float
    """Expected calibration error."""
    covered: list[Covered]
    pair: Paired | None
    """The comparison with another run; None without one."""


@dataclass(frozen=True, slots=True)
class NamedSlice:
    """A slice of a split, or the reason why it cannot be evaluated."""

    name: str
    line: str
    rows: np.ndarray | None
    """The positions of its rows, int64, shape [rows in it]; None if the filter does not apply to this data."""
    figures: Slice | None
    fault: str = ""


def examine(run: RunFolder, rung: str, split: str, opened: Dataset | None = None) -> Examined | None:
    """Return the stored predictions of a run, or of a rung of it ('' is the best), on a split; None if it was not evaluated there yet.

    It reads files, so do not call it on the event loop. Raises UserError as `measured.read` does.
    """
    found = measured.read(run, rung, split, opened)
    return judged_at_its_temperature(run, found) if found is not None else None


def judged_at_its_temperature(run: RunFolder, found: Predictions) -> Examined:
    """Return a run's predictions, evaluated at the temperature stored with it. Raises UserError for a damaged temperature file."""
    from ..figures.judged import judge

    kept = temperature.read(run, found.rung)
    heat = 1.0 if kept is None else kept.temperature
    return Examined(found, judge(found.labels, found.truth, found.probabilities, heat), kept)


def rows(of: Examined, line: str, splits: tuple[str, ...] = ()) -> np.ndarray:
    """Return the positions of the rows that match a filter, int64, ascending. Raises UserError for an invalid filter.

    `splits` are the split names that 'split:' accepts in addition to this one.
    """
    part = of.predictions.rows.split
    return filters.rows(part, filters.parse(line), tuple(dict.fromkeys((*splits, part.name))), verdicts=of.judged)


def figures(of: Examined, rows: np.ndarray, other: Examined | None = None, resamples: int = 1000) -> Figures:
    """Return the figures of `rows` (positions, int64, at least one), and the comparison with another run on them.

    It takes some tenths of a second, so do not call it on the event loop. Raises UserError if the other run was evaluated on other rows.
    """
    import msgspec

    from ..figures import calibration, chance, scores

    judged, name = of.judged, of.predictions.rows.split.name
    truth, predicted = judged.truth[rows], judged.predicted[rows]
    metrics = scores.measure(name, truth, judged.probabilities[rows], judged.labels)
    metrics = msgspec.structs.replace(metrics, intervals=scores.bootstrap(truth, predicted, judged.labels, resamples))
    bins = calibration.reliability(judged.confidence[rows], judged.right[rows])
    pair = None
    if other is not None:
        check_same_rows(of.predictions, other.predictions)
        pair = chance.paired(truth, predicted, other.judged.predicted[rows])
    covered = calibration.covered(judged.confidence[rows], judged.right[rows])
    return Figures(metrics, bins, calibration.expected_error(bins), covered, pair)


def slices(of: Examined, lines: Mapping[str, str], splits: tuple[str, ...] = (), resamples: int = 1000) -> list[NamedSlice]:
    """Return the figures of the slices given by `lines`, filters by name, with p-values corrected for the number of slices.

    It takes some tenths of a second per slice, so do not call it on the event loop.
    """
    from ..figures import chance

    found: dict[str, np.ndarray] = {}
    faults: dict[str, str] = {}
    for name, line in lines.items():
        try:
            found[name] = rows(of, line, splits)
        except UserError as error:
            faults[name] = str(error)
    judged = of.judged
    figures = dict(zip(found, chance.slices(judged.truth, judged.predicted, judged.labels, list(found.values()), resamples), strict=True))
    return [NamedSlice(name, line, found.get(name), figures.get(name), faults.get(name, "")) for name, line in lines.items()]


def check_same_rows(first: Predictions, second: Predictions) -> None:
    """Raise UserError unless two runs were evaluated on the same rows, so that they can be compared row by row."""
    import numpy as np

    one, other = first.rows.split, second.rows.split
    if first.labels != second.labels or len(one) != len(other) or not np.array_equal(first.truth, second.truth):
        raise UserError(
            f"{first.name} and {second.name} were not evaluated on the same rows: their {one.name} splits differ in labels or length"
        )
    if first.rows.data != second.rows.data and not one.table.column("text").equals(other.table.column("text")):
        raise UserError(f"{first.name} and {second.name} were not evaluated on the same rows: the texts of their {one.name} splits differ")
