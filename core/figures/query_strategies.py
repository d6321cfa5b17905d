"""Which rows to label next: by uncertainty, by disagreement, by distance, and by what a label tells about all other rows."""

from __future__ import annotations

import numpy as np

RIDGE = 1.0
"""Of the regression whose variance `informative` lowers."""
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


def informative(points: np.ndarray, taken: np.ndarray, count: int, ridge: float = RIDGE) -> tuple[np.ndarray, np.ndarray]:
    """Return up to `count` rows, each the one whose label would make a ridge regression surest of all rows, int64, and every row's gain.

    The gain, shape [rows], is how much the variance of the predictions, summed over all rows, falls with the label of a row: transductive
    experimental design, chosen greedily (Yu, Bi and Tresp, 2006), which knows no labels. `points` have zero mean and unit variance, shape
    [rows, d]; `taken` are the positions of the rows with a label. Of equal rows the first is taken. It takes O(d^2) a row once and O(d) a
    row for each that is chosen.
    """
    rows, width = points.shape
    scaled = (points / np.sqrt(width)).astype(np.float32)
    open_rows = np.ones(rows, bool)
    open_rows[taken] = False
    seen = scaled[taken].astype(np.float64)
    inverse = np.linalg.inv(ridge * np.eye(width) + seen.T @ seen).astype(np.float32)
    moments = scaled.T @ scaled
    towards = scaled @ inverse
    noise = 1.0 + np.einsum("ij,ij->i", towards, scaled)
    spread = np.einsum("ij,ij->i", towards @ moments, towards)
    gains = np.where(open_rows, spread / noise, 0.0)
    chosen: list[int] = []
    left = gains
    for _ in range(min(count, int(open_rows.sum()))):
        at = int(np.where(open_rows, left, -np.inf).argmax())
        chosen.append(at)
        open_rows[at] = False
        # Sherman and Morrison: what one more row does to the inverse, and so to every row's gain, without a new product of matrices.
        step = inverse @ scaled[at]
        size = 1.0 + float(scaled[at] @ step)
        pull = moments @ step
        along, across = scaled @ step, scaled @ (inverse @ pull)
        noise = noise - along**2 / size
        spread = spread - 2.0 * along * across / size + float(step @ pull) * along**2 / size**2
        inverse = inverse - np.outer(step, step) / size
        left = spread / noise
    return np.array(chosen, np.int64), gains
