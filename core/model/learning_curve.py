"""Fits and evaluates rungs on several numbers of labels, with several random draws of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..events import Event, Note, Progress, Rung
from ..figures import learning
from ..figures.scores import measure
from ..runs import learning_curve
from ..runs.learning_curve import Curve, Gain, LearningCurve, Point
from .extractor import StopRequestedError

DRAWS = 3
SIZES = 8
"""Number of sizes, at most; each has half the labels of the next larger one."""
SMALLEST = 16
"""Labels of the smallest size, at least; it also has at least two labels per class."""

Fit = Callable[[np.ndarray, int], np.ndarray]
"""Fits on rows of the training split with a seed, and returns probabilities on validation, shape [rows, labels]."""


def sizes(rows: int, labels: int) -> list[int]:
    """Return the numbers of labels to measure, ascending: all rows, a half, a quarter and so on."""
    found = [rows]
    while len(found) < SIZES and found[-1] // 2 >= max(SMALLEST, 2 * labels):
        found.append(found[-1] // 2)
    return found[::-1]


def compute(
    fits: Mapping[str, Fit],
    measured: Sequence[Rung],
    train: np.ndarray,
    validation: np.ndarray,
    labels: tuple[str, ...],
    seed: int,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
) -> LearningCurve | None:
    """Return the learning curves of rungs by name; None if the training split has too few rows.

    `train` and `validation` are the classes of the rows, int64. Each of DRAWS permutations of the training rows is cut at all sizes, so
    that all rungs see the same rows and each size holds the smaller ones. What was `measured` on all rows is not fitted again. Raises
    StopRequestedError.
    """
    started = time.monotonic()
    wanted = sizes(len(train), len(labels))
    if len(wanted) < learning.FEWEST:
        emit(Note("warning", f"{len(train):,} training rows are too few for a learning curve"))
        return None
    orders = [np.random.default_rng([seed, draw]).permutation(len(train)) for draw in range(DRAWS)]
    done, total = 0, len(fits) * ((len(wanted) - 1) * DRAWS + 1)
    curves: list[Curve] = []
    for name, fit in fits.items():
        points: list[Point] = []
        for size in wanted:
            scores: list[tuple[float, float]] = []
            for draw, order in enumerate(orders if size < len(train) else orders[:1]):
                if should_stop():
                    raise StopRequestedError
                emit(Progress("learning curve", done, total, "fits", time.monotonic() - started, learning_curve.title(name)))
                known = next((rung.metrics for rung in measured if rung.name == name and size == len(train)), None)
                if known is None:
                    answers = _probabilities(fit, order[:size], train, len(validation), len(labels), seed + draw)
                    known = measure("validation", validation, answers, labels)
                scores.append((known.f1_weighted, known.f1_macro))
                done += 1
            weighted, macro = zip(*scores, strict=True)
            points.append(Point(size, weighted, macro, learning.interval(weighted)))
        more = learning.doubling([point.f1_weighted for point in points])
        curves.append(Curve(name, tuple(points), None if more is None else Gain(*more)))
    return LearningCurve("validation", len(validation), DRAWS, tuple(curves), time.monotonic() - started)


def _probabilities(fit: Fit, rows: np.ndarray, train: np.ndarray, asked: int, labels: int, seed: int) -> np.ndarray:
    """Return what a fit on some rows says of validation; of rows of one class, that all are of this one."""
    classes = np.unique(train[rows])
    if len(classes) > 1:
        return fit(np.sort(rows), seed)
    return np.repeat(np.eye(labels)[classes], asked, axis=0)
