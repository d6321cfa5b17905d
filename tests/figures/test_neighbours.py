"""Nearest neighbours against scikit-learn's and against distances taken one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from emotui.core.figures import neighbours
from sklearn.neighbors import NearestNeighbors


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_are_those_of_an_independent_search(distance: neighbours.Distance) -> None:
    random = np.random.default_rng(3)
    states = random.normal(size=(9_001, 12)).astype(np.float32)  # more than two blocks
    for query in random.normal(size=(5, 12)).astype(np.float32):
        found = neighbours.nearest(states, query, 17, distance)
        far, rows = NearestNeighbors(n_neighbors=17, metric=distance, algorithm="brute").fit(states.astype(np.float64)).kneighbors([query])
        assert found.rows.tolist() == rows[0].tolist()
        assert np.allclose(found.distances, far[0], atol=1e-9)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_distances_are_those_taken_one_by_one(distance: neighbours.Distance) -> None:
    states, query = np.array([[3.0, 4.0], [-3.0, -4.0], [4.0, -3.0], [6.0, 8.0]]), np.array([3.0, 4.0])
    by_hand = {
        "cosine": [1 - sum(a * b for a, b in zip(row, query, strict=True)) / (math.hypot(*row) * math.hypot(*query)) for row in states],
        "euclidean": [math.dist(row, query) for row in states],
    }
    assert neighbours.distances(states, query, distance) == pytest.approx(by_hand[distance], abs=1e-12)


def test_of_two_at_the_same_distance_the_first_comes_first() -> None:
    states = np.ones((6, 3), dtype=np.float32)
    assert neighbours.nearest(states, np.ones(3), 4, "euclidean").rows.tolist() == [0, 1, 2, 3]
    assert neighbours.nearest(states, np.ones(3), 2, "euclidean", leave_out=0).rows.tolist() == [1, 2]


def test_fewer_rows_than_asked_for_are_given_where_there_are_fewer() -> None:
    states = np.eye(3)
    assert len(neighbours.nearest(states, states[0], 10).rows) == 3
    assert len(neighbours.nearest(states, states[0], 10, leave_out=0).rows) == 2
    assert len(neighbours.nearest(np.zeros((0, 3)), states[0], 10).rows) == 0
    assert len(neighbours.nearest(states, states[0], 0).rows) == 0


def test_a_vector_of_zeros_has_no_direction() -> None:
    assert neighbours.distances(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1.0, 0.0])).tolist() == [1.0, 0.0]
    assert neighbours.distances(np.array([[1.0, 0.0]]), np.zeros(2)).tolist() == [1.0]
