"""The queue's regression and its orders, against scikit-learn and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.model import label_order
from emotui.core.questions import QueueOrder
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

CLASSES = 3


def rows(count: int = 120, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hidden states of three classes that lie apart, their classes, and the states of the classes' names."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 3, (CLASSES, 12))
    truth = random.integers(CLASSES, size=count)
    return (centres[truth] + random.normal(0, 1.5, (count, 12)) + 7.0).astype(np.float32), truth, (centres + 7.0).astype(np.float32)


def next_rows(by: QueueOrder, labelled: np.ndarray, dropped: tuple[int, ...] = ()) -> label_order.Next:
    states, truth, names = rows()
    return label_order.next_rows(label_order.pool_of(states), names, labelled, truth[labelled], np.array(dropped, np.int64), by, 500)


def test_the_pool_is_scaled_as_by_scikit_learn() -> None:
    states, _, _ = rows()
    states[:, 4] = 2.0  # says nothing, and must not become infinite
    assert label_order.pool_of(states).scaled == pytest.approx(StandardScaler().fit_transform(states), abs=1e-4)


def test_the_regression_is_scikit_learns() -> None:
    states, truth, _ = rows()
    features = label_order.pool_of(states).scaled
    chosen = np.flatnonzero(truth[:60] != 1)  # one class was not seen yet
    expected = LogisticRegression(C=label_order.C, class_weight="balanced", tol=1e-6, max_iter=1_000).fit(features[chosen], truth[chosen])
    found = label_order.predict(features, chosen, truth[chosen], CLASSES)
    assert found[:, [0, 2]] == pytest.approx(expected.predict_proba(features), abs=5e-3) and (found[:, 1] == 0).all()


def test_cross_validation_tells_what_other_rows_teach() -> None:
    states, truth, _ = rows()
    features = label_order.pool_of(states).scaled
    chosen = np.arange(0, 100, 2)
    f1, folds = label_order.cross_validated(features, chosen, truth[chosen], CLASSES)
    assert folds == 5 and f1 is not None and f1 > 0.7
    noise = np.random.default_rng(1).integers(CLASSES, size=len(chosen))
    of_noise, _ = label_order.cross_validated(features, chosen, noise, CLASSES)
    assert of_noise is not None and of_noise < 0.55  # what it was fitted on would be far better
    learned = label_order.fit(features[chosen], noise, CLASSES)(features[chosen]).argmax(1)
    assert f1_score(noise, learned, average="macro") > of_noise
    assert label_order.cross_validated(features, chosen[:9], truth[chosen[:9]], CLASSES) == (None, 0)
    assert label_order.cross_validated(features, chosen, np.zeros(50, np.int64), CLASSES) == (None, 0)


def test_uncertain_rows_are_those_of_the_smallest_margin() -> None:
    states, truth, _ = rows()
    features, labelled = label_order.pool_of(states).scaled, np.arange(30)
    found = next_rows("uncertain", labelled, dropped=(50, 51))
    margins = [np.sort(row)[-1] - np.sort(row)[-2] for row in label_order.predict(features, labelled, truth[labelled], CLASSES)]
    expected = [row for row in np.argsort(margins, kind="stable").tolist() if row >= 30 and row not in (50, 51)]
    assert found.rows.tolist() == expected and not found.by_names


@pytest.mark.parametrize("by", ["informative", "uncertain", "different"])
def test_each_open_row_comes_once_and_no_other(by: QueueOrder) -> None:
    for labelled in (np.zeros(0, np.int64), np.arange(5), np.arange(0, 60, 2), np.arange(118)):
        found = next_rows(by, labelled, dropped=(61, 119))
        assert sorted(found.rows.tolist()) == sorted(set(range(120)) - set(labelled.tolist()) - {61, 119})


def test_the_first_rows_are_the_nearest_to_each_label_name_in_turn() -> None:
    states, _, names = rows()
    found = next_rows("informative", np.zeros(0, np.int64))
    mean = states.mean(0)
    centred = (states - mean) / np.linalg.norm(states - mean, axis=1, keepdims=True)
    expected: list[int] = []
    near = [np.argsort(-centred @ ((name - mean) / np.linalg.norm(name - mean))).tolist() for name in names]
    for place in range(5):
        for each in near:
            if each[place] not in expected:
                expected.append(each[place])
    assert found.by_names and found.probabilities is None and found.rows.tolist()[: len(expected)] == expected


def test_the_class_with_the_fewest_labels_has_the_first_turn() -> None:
    states, truth, names = rows()
    labelled = np.concatenate([np.flatnonzero(truth == 0)[:3], np.flatnonzero(truth == 1)[:1]])
    found = next_rows("informative", labelled)
    mean = states.mean(0)
    near = np.argsort(-((states - mean) @ (names[2] - mean)) / np.linalg.norm(states - mean, axis=1), kind="stable")
    assert found.rows[0] == near[~np.isin(near, labelled)][0]
