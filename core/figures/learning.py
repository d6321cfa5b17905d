"""Learning curves: how a score grows with the number of labels, and the expected gain from twice as many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5 % quantiles of Student's t distribution with 1 to 9 degrees of freedom."""
FITTED = 4
"""Number of sizes, the largest ones, to which the power law is fitted."""
FEWEST = 3


class Gain(NamedTuple):
    """The expected gain from twice as many labels."""

    gain: float
    low: float
    high: float
    """The lowest and the highest gain of the single draws."""
    foretold: float | None
    """The gain that the same method predicts for the last doubling from the smaller sizes; None if these are too few."""
    came: float | None
    """The real gain of the last doubling."""


def interval(scores: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of independent draws, by Student's t; None for a single one."""
    if len(scores) < 2:
        return None
    half = STUDENT[len(scores) - 2] * float(np.std(scores, ddof=1)) / len(scores) ** 0.5
    mean = float(np.mean(scores))
    return max(0.0, mean - half), min(1.0, mean + half)


def doubling(scores: Sequence[Sequence[float]]) -> Gain | None:
    """Return the expected gain of the next doubling of the labels; None if fewer than FEWEST sizes were measured.

    `scores` has those of each size, each of twice as many labels as the one before, one score a draw; a size measured once, as all labels
    are, has one. The error, 1 - score, is taken for a power of the number of labels (Hestness et al., 2017), fitted to the logarithms of
    the means of the last FITTED sizes by least squares, and goes on from the last mean by one doubling.
    """
    if len(scores) < FEWEST:
        return None
    means = [float(np.mean(each)) for each in scores]
    draws = max(map(len, scores))
    single = [_next([each[draw] if draw < len(each) else float(np.mean(each)) for each in scores]) for draw in range(draws)]
    before = _next(means[:-1]) if len(means) > FEWEST else None
    return Gain(_next(means), min(single), max(single), before, None if before is None else means[-1] - means[-2])


def _next(scores: Sequence[float]) -> float:
    """Return the growth of the score at the next doubling; below 0 if it has been falling."""
    errors = np.maximum(1e-4, 1 - np.asarray(scores[-FITTED:]))
    steepness = np.polyfit(np.arange(len(errors)), np.log2(errors), 1)[0]
    return float(errors[-1] * (1 - 2.0**steepness))
