"""Which rows come next, against brute force and independent formulas."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.figures import query_strategies as strategies
from scipy.spatial.distance import cdist, jensenshannon

RANDOM = np.random.default_rng(5)


def shares(*shape: int) -> np.ndarray:
    return RANDOM.dirichlet(np.ones(shape[-1]), shape[:-1])


def test_margins_are_those_of_sorted_probabilities() -> None:
    found = shares(50, 4)
    expected = [sorted(row)[-1] - sorted(row)[-2] for row in found.tolist()]
    assert strategies.margins(found) == pytest.approx(expected)


def test_disagreement_of_two_is_scipys_divergence() -> None:
    found = shares(2, 40, 5)
    expected = [jensenshannon(one, other) ** 2 for one, other in zip(*found, strict=True)]
    assert strategies.disagreement(found) == pytest.approx(expected)
    assert strategies.disagreement(np.stack([found[0], found[0], found[0]])) == pytest.approx(np.zeros(40), abs=1e-12)
    certain = np.eye(3)[[0, 1, 2]][:, None, :]
    assert strategies.disagreement(certain) == pytest.approx([np.log(3)])


@pytest.mark.parametrize("taken", [[], [3], [3, 17, 40]])
def test_farthest_first_is_that_of_brute_force(taken: list[int]) -> None:
    points = strategies.unit(RANDOM.normal(size=(60, 8)))
    distance = cdist(points, points, "cosine")
    expected = list(taken)
    if not taken:
        expected = [int(cdist(points, points.mean(0, keepdims=True), "cosine")[:, 0].argmax())]
    while len(expected) < len(taken) + 12:
        far = [min(distance[row, each] for each in expected) if row not in expected else -1.0 for row in range(60)]
        expected.append(int(np.argmax(far)))
    found = strategies.farthest_first(points, np.array(taken, np.int64), 12)
    assert found.tolist() == expected[len(taken) :]


def test_farthest_first_ends_with_the_rows() -> None:
    points = strategies.unit(RANDOM.normal(size=(5, 3)))
    assert sorted(strategies.farthest_first(points, np.array([1]), 99).tolist()) == [0, 2, 3, 4]
    assert strategies.farthest_first(points, np.arange(5), 3).tolist() == []


@pytest.mark.parametrize("taken", [[], [2, 9, 30]])
def test_informative_rows_lower_the_variance_most(taken: list[int]) -> None:
    points = RANDOM.normal(size=(40, 6))
    ridge, scaled = 0.5, points / np.sqrt(6)

    def variance(rows: list[int]) -> float:
        """Of the predictions of a ridge regression on `rows`, summed over all rows."""
        return float(np.trace(scaled @ np.linalg.inv(ridge * np.eye(6) + scaled[rows].T @ scaled[rows]) @ scaled.T))

    chosen = list(taken)
    while len(chosen) < len(taken) + 6:
        left = [row for row in range(40) if row not in chosen]
        chosen.append(min(left, key=lambda row: variance([*chosen, row])))
    found, gains = strategies.informative(points, np.array(taken, np.int64), 6, ridge)
    assert found.tolist() == chosen[len(taken) :]
    left = [row for row in range(40) if row not in taken]
    assert gains[left] == pytest.approx([variance(taken) - variance([*taken, row]) for row in left], rel=1e-4)
    assert (gains[taken] == 0).all()
