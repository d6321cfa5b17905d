"""Exact nearest neighbours of a vector among the rows of a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Distance = Literal["cosine", "euclidean"]

_BLOCK = 4_096
"""Rows that are compared at once: a matrix mapped from a file need not fit in memory."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Rows of a matrix, the nearest first; of two at the same distance, the one that comes first."""

    rows: np.ndarray
    """int64, shape [k]."""
    distances: np.ndarray
    """float64, shape [k]: 1 - cosine of the angle, from 0 to 2, or the Euclidean distance."""


def nearest(states: np.ndarray, query: np.ndarray, k: int, distance: Distance = "cosine", *, leave_out: int | None = None) -> Nearest:
    """Return the `k` rows of `states` [n, d] that are nearest to `query` [d], fewer where there are fewer, all but the row `leave_out`.

    A vector of zeros has no direction: its cosine with any other counts as 0.
    """
    far = distances(states, query, distance)
    if leave_out is not None:
        far[leave_out] = np.inf
    return of_distances(far, min(k, len(far) - (leave_out is not None)))


def of_distances(far: np.ndarray, k: int) -> Nearest:
    """Return the `k` nearest rows by their distances, float64, shape [n]; fewer where there are fewer."""
    order = np.argsort(far, kind="stable")[: max(0, k)]
    return Nearest(order.astype(np.int64), far[order])


def distances(states: np.ndarray, query: np.ndarray, distance: Distance = "cosine") -> np.ndarray:
    """Return the distance of each row of `states` [n, d] from `query` [d], float64, shape [n]."""
    towards = np.asarray(query, dtype=np.float64)
    length = float(np.linalg.norm(towards))
    far = np.empty(len(states))
    for start in range(0, len(states), _BLOCK):
        block = np.asarray(states[start : start + _BLOCK], dtype=np.float64)
        if distance == "euclidean":
            far[start : start + len(block)] = np.linalg.norm(block - towards, axis=1)
            continue
        scale = np.linalg.norm(block, axis=1) * length
        cosine = np.divide(block @ towards, scale, out=np.zeros(len(block)), where=scale > 0)
        far[start : start + len(block)] = 1.0 - np.clip(cosine, -1.0, 1.0)
    return far
