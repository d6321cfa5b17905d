"""The agreement of two sets of weights for the same words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Agreement(NamedTuple):
    """The agreement of two weights of each word."""

    rank_correlation: float | None
    """Spearman's, from -1 to 1; None where all words have the same weight, or there is only one word."""
    top: int
    """How many of the words with the largest weights are compared."""
    shared: int
    """How many of them are the same in both."""


def agreement(first: Sequence[float], second: Sequence[float], top: int = 5) -> Agreement:
    """Return how far two weights of the same words agree, by rank, and on the `top` words whose weight is the largest by its size."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    top = min(top, len(one))
    leading = [set(np.argsort(-np.abs(each), kind="stable")[:top].tolist()) for each in (one, other)]
    ranks = [_ranks(each) for each in (one, other)]
    spread = [float(each.std()) if len(each) else 0.0 for each in ranks]
    correlation = (
        float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean() / (spread[0] * spread[1])) if all(spread) else None
    )
    return Agreement(correlation, top, len(leading[0] & leading[1]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value, float64, shape [n]; equal ones share the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return (before + (sizes - 1) / 2)[group]
