"""Which unlabelled rows to label next: by uncertainty, by distance, by disagreement, and by likeness to an example."""

from __future__ import annotations

import numpy as np

_SMALLEST = 1e-12


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Return the difference of the two largest probabilities of each row, shape [rows], from shape [rows, labels].

    The smaller it is, the less certain is the model (Scheffer, Decomain and Wrobel, 2001).
    """
    ordered = np.partition(probabilities, -2, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def disagreement(probabilities: np.ndarray) -> np.ndarray:
    """Return how far the members of a committee differ on each row in nats, shape [rows], from shape [members, rows, labels].

    It is the Jensen-Shannon divergence: the entropy of the mean prediction less the mean entropy (McCallum and Nigam, 1998, in the
    symmetric form of Houlsby et al., 2011). 0 where all agree.
    """
    return np.maximum(0.0, _entropy(probabilities.mean(0)) - _entropy(probabilities).mean(0))


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    return -(probabilities * np.log(np.maximum(probabilities, _SMALLEST))).sum(-1)


def unit(points: np.ndarray) -> np.ndarray:
    """Return each row, shape [rows, d], at a length of 1, float32; their products are then cosines."""
    return (points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), _SMALLEST)).astype(np.float32)


def farthest_first(points: np.ndarray, taken: np.ndarray, count: int) -> np.ndarray:
    """Return up to `count` rows, each the one farthest from all rows before it and from those `taken`, int64.

    This is the greedy 2-approximation of k-centre (Gonzalez, 1985), as core-sets choose rows to label (Sener and Savarese, 2018), in
    cosine distance. `points` have length 1, shape [rows, d]; `taken` are positions. Of equally far rows the first is taken; where
    nothing is taken the first row is the one farthest from the mean of all.
    """
    count = min(count, len(points) - len(np.unique(taken)))
    if count <= 0:
        return np.zeros(0, np.int64)
    if len(taken):
        distance = np.full(len(points), np.inf, np.float32)
        for start in range(0, len(taken), 256):  # one matrix of all would not fit where thousands of rows are labelled
            distance = np.minimum(distance, 1.0 - (points @ points[taken[start : start + 256]].T).max(1))
    else:
        distance = 1.0 - points @ unit(points.mean(0, keepdims=True))[0]
    distance[taken] = -np.inf
    chosen = np.empty(count, np.int64)
    for at in range(count):
        chosen[at] = distance.argmax()
        if at == 0 and not len(taken):
            distance = np.full(len(points), np.inf, np.float32)
        distance = np.minimum(distance, 1.0 - points @ points[chosen[at]])
        distance[chosen[: at + 1]] = -np.inf
        distance[taken] = -np.inf
    return chosen


def nearest(points: np.ndarray, example: np.ndarray, count: int) -> np.ndarray:
    """Return the `count` rows with the largest cosine to an example, the most like it first, int64.

    `points` have length 1, shape [rows, d], and so has `example`, shape [d]. Of equally near rows the first comes first.
    """
    return np.argsort(-(points @ example), kind="stable")[:count].astype(np.int64)
