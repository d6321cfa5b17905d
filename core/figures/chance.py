"""Significance tests: McNemar's exact test of two runs, slices against the rest, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import scores

LEVEL = 0.05
"""Significance level: a corrected p-value below this is beyond chance."""
PERMUTATIONS = 9_999
_AT_ONCE = 4_000_000
"""Cells of the matrices that are drawn at once."""


@dataclass(frozen=True, slots=True)
class Paired:
    """How often two runs are right on the same rows."""

    both: int
    first: int
    """Rows on which only the first run is right."""
    second: int
    neither: int
    p: float
    """Of McNemar's exact test, two-sided."""


def mcnemar(first: int, second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test for the rows on which only one of two runs is right.

    Under chance the smaller count is binomial with probability 1/2 (McNemar, 1947; Dietterich, 1998, section 3.1).
    """
    total, least = first + second, min(first, second)
    if first == second:
        return 1.0
    # The logarithms of the binomial coefficients from 0 to `least`, each from the one before.
    places = np.arange(least, dtype=np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log(total - places) - np.log(places + 1))])
    largest = logs[-1]
    tail = largest + np.log(np.exp(logs - largest).sum()) - total * np.log(2)
    return float(min(1.0, 2 * np.exp(tail)))


def paired(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> Paired:
    """Return how two runs' predicted label ids, int64, shape [n], compare on the same rows."""
    one, other = first == truth, second == truth
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    return Paired(int((one & other).sum()), only_first, only_second, int((~one & ~other).sum()), mcnemar(only_first, only_second))


def holm(values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for how many they are, in their own order: none is below what was given (Holm, 1979)."""
    found, worst = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda each: values[each])):
        worst = max(worst, min(1.0, (len(values) - rank) * values[index]))
        found[index] = worst
    return found


def apart(inside: np.ndarray, rest: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0) -> float:
    """Return the p-value of the difference in weighted F1 between a slice and the rest, by their confusion matrices.

    A permutation test, two-sided: which rows are in the slice is drawn anew (Good, 2005). What is drawn are the cells of the slice's
    matrix, from the multivariate hypergeometric distribution, which is that of drawing rows without replacement. 1 where either is
    empty.
    """
    number, total = len(inside), inside + rest
    size = int(inside.sum())
    if not size or not rest.sum():
        return 1.0
    places = np.flatnonzero(total)
    counts = total.ravel()[places]
    seen = abs(float(scores.weighted_f1(inside) - scores.weighted_f1(rest)))
    random, beyond = np.random.default_rng(seed), 0
    step = max(1, _AT_ONCE // (number * number))
    for start in range(0, permutations, step):
        drawn = np.zeros((min(step, permutations - start), number * number), dtype=np.int64)
        drawn[:, places] = random.multivariate_hypergeometric(counts, size, size=len(drawn), method="marginals")
        matrices = drawn.reshape(-1, number, number)
        differences = np.abs(scores.weighted_f1(matrices) - scores.weighted_f1(total - matrices))
        beyond += int((differences >= seen - 1e-12).sum())
    return (1 + beyond) / (1 + permutations)


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of some rows of a split."""

    rows: int
    accuracy: float | None
    f1: float | None
    """Weighted; None where there is no row."""
    interval: tuple[float, float] | None
    """95 % bootstrap percentile interval of it."""
    rest: float | None
    """The weighted F1 of the other rows."""
    p: float
    """Corrected by Holm's method for all slices that were asked about."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the slice differs from the rest of the split beyond chance."""
        return self.p < LEVEL


def slices(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], found: Sequence[np.ndarray], resamples: int = 1000
) -> list[Slice]:
    """Return the figures of each of the slices `found`, given by their rows (int64, shape [rows in it])."""
    matrices: list[np.ndarray] = []
    values: list[float] = []
    whole = scores.confusion(truth, predicted, len(labels))
    for rows in found:
        inside = scores.confusion(truth[rows], predicted[rows], len(labels))
        matrices.append(inside)
        values.append(apart(inside, whole - inside))
    made: list[Slice] = []
    for rows, inside, p in zip(found, matrices, holm(values), strict=True):
        if not len(rows):
            made.append(Slice(0, None, None, None, float(scores.weighted_f1(whole)), 1.0))
            continue
        interval = scores.bootstrap(truth[rows], predicted[rows], labels, resamples).get("f1_weighted")
        rest = float(scores.weighted_f1(whole - inside)) if len(rows) < len(truth) else None
        accuracy = float(np.equal(truth[rows], predicted[rows]).mean())
        made.append(Slice(len(rows), accuracy, float(scores.weighted_f1(inside)), interval, rest, p))
    return made


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share by Wilson's score method (Wilson, 1927; Brown, Cai and DasGupta, 2001); None of nothing."""
    if not total:
        return None
    z = 1.959963984540054  # of the normal distribution at 97.5 %
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)
