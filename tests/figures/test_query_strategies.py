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


POINTS = RANDOM.normal(size=(40, 6))


def variance(rows: list[int], ridge: float = 0.5) -> float:
    """Of the predictions of a ridge regression on `rows`, summed over all rows."""
    scaled = POINTS / np.sqrt(6)
    return float(np.trace(scaled @ np.linalg.inv(ridge * np.eye(6) + scaled[rows].T @ scaled[rows]) @ scaled.T))


@pytest.mark.parametrize("taken", [[], [2, 9, 30]])
def test_informative_rows_lower_the_variance_most(taken: list[int]) -> None:
    chosen = list(taken)
    while len(chosen) < len(taken) + 6:
        left = [row for row in range(40) if row not in chosen]
        chosen.append(min(left, key=lambda row: variance([*chosen, row])))
    design = strategies.Design(POINTS, np.array(taken, np.int64), 0.5)
    assert strategies.informative(design, 6).tolist() == chosen[len(taken) :]
    expected = [0.0 if row in chosen else variance(chosen) - variance([*chosen, row]) for row in range(40)]
    assert design.gains == pytest.approx(expected, rel=1e-4)
    assert sorted(strategies.informative(design, 99).tolist()) == [row for row in range(40) if row not in chosen]


def test_classes_take_turns_by_what_is_expected_of_them() -> None:
    found = shares(40, 3)
    labelled, taken = np.array([4, 1, 2]), [0, 1, 2, 3, 4, 5, 6]
    margin = strategies.margins(found)
    counts, chosen = labelled.astype(float), list(taken)
    for _ in range(9):
        left = [row for row in range(40) if row not in chosen]
        turn = min({int(found[row].argmax()) for row in left}, key=lambda label: counts[label])
        near = sorted((row for row in left if found[row].argmax() == turn), key=lambda row: margin[row])[:4]
        chosen.append(min(near, key=lambda row: variance([*chosen, row])))
        counts = counts + found[chosen[-1]]
    design = strategies.Design(POINTS, np.array(taken, np.int64), 0.5)
    assert strategies.in_turns(design, found, labelled, 9, among=4).tolist() == chosen[len(taken) :]
    assert len(strategies.in_turns(design, found, labelled, 99)) == 40 - len(chosen)
