"""Query strategies of active learning: uncertainty, disagreement, distance, and transductive experimental design."""

from __future__ import annotations

import numpy as np

RIDGE = 3.0
"""Of the regression whose variance a Design lowers."""
AMONG = 60
"""Uncertain rows of a class, of which `in_turns` chooses one."""
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


class Design:
    """How much the label of each row would tell about all of them: transductive experimental design (Yu, Bi and Tresp, 2006).

    A row's gain is by how much its label lowers the variance of the predictions of a ridge regression, summed over all rows. No label
    is needed to know it. It takes O(d^2) a row to begin, and O(d) a row for each row that is taken.
    """

    def __init__(self, points: np.ndarray, taken: np.ndarray, ridge: float = RIDGE) -> None:
        """Begin with the rows at the positions `taken`. `points` have zero mean and unit variance, shape [rows, d]."""
        width = points.shape[1]
        self._scaled: np.ndarray = (points / np.sqrt(width)).astype(np.float32)
        self.open: np.ndarray = np.ones(len(points), bool)
        """Which rows are not taken."""
        self.open[taken] = False
        seen = self._scaled[taken].astype(np.float64)
        self._inverse: np.ndarray = np.linalg.inv(ridge * np.eye(width) + seen.T @ seen).astype(np.float32)
        self._moments: np.ndarray = self._scaled.T @ self._scaled
        towards: np.ndarray = self._scaled @ self._inverse
        self._noise: np.ndarray = 1.0 + np.einsum("ij,ij->i", towards, self._scaled)
        self._spread: np.ndarray = np.einsum("ij,ij->i", towards @ self._moments, towards)

    @property
    def gains(self) -> np.ndarray:
        """Of each row, shape [rows]; 0 for those that are taken."""
        return np.where(self.open, self._spread / self._noise, 0.0)

    def add(self, row: int) -> None:
        """Add a row to those that are labelled: all gains change, by the formula of Sherman and Morrison."""
        point = self._scaled[row]
        step: np.ndarray = self._inverse @ point
        size = 1.0 + float(point @ step)
        pull: np.ndarray = self._moments @ step
        along: np.ndarray = self._scaled @ step
        across: np.ndarray = self._scaled @ (self._inverse @ pull)
        self._noise = self._noise - along**2 / size
        self._spread = self._spread - 2.0 * along * across / size + float(step @ pull) * along**2 / size**2
        self._inverse = self._inverse - np.outer(step, step) / size
        self.open[row] = False


def informative(design: Design, count: int) -> np.ndarray:
    """Return up to `count` rows, each the one with the largest gain once those before it are taken, int64; they are taken then.

    Of equal rows the first is chosen.
    """
    chosen: list[int] = []
    for _ in range(min(count, int(design.open.sum()))):
        chosen.append(int(np.where(design.open, design.gains, -np.inf).argmax()))
        design.add(chosen[-1])
    return np.array(chosen, np.int64)


def in_turns(design: Design, probabilities: np.ndarray, labelled: np.ndarray, count: int, among: int = AMONG) -> np.ndarray:
    """Return up to `count` rows for the classes in turn, int64; they are taken then.

    It is the turn of the class with the fewest labels, those expected of the rows chosen before included, among the classes that are
    predicted of an open row. Of its `among` rows with the smallest margin the one with the largest gain is chosen. `probabilities` have
    the shape [rows, labels], `labelled` are the labels of each class so far, shape [labels].
    """
    order = np.argsort(margins(probabilities), kind="stable")
    predicted = probabilities.argmax(1)
    waiting = [order[predicted[order] == label] for label in range(probabilities.shape[1])]
    expected = labelled.astype(np.float64)
    chosen: list[int] = []
    for _ in range(min(count, int(design.open.sum()))):
        waiting = [rows[design.open[rows]] for rows in waiting]
        turn = min((label for label, rows in enumerate(waiting) if len(rows)), key=lambda label: expected[label])
        candidates = waiting[turn][:among]
        row = int(candidates[design.gains[candidates].argmax()])
        chosen.append(row)
        design.add(row)
        expected += probabilities[row]
    return np.array(chosen, np.int64)
