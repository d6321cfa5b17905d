"""Every figure that is shown, against a computation of its own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from emotui.core.events import Metrics
from emotui.core.figures import calibration, scores
from emotui.core.metric_table import METRICS
from emotui.core.model import predictions
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score

LABELS = ("a", "b", "c")


def of_labels(truth: Sequence[int], predicted: Sequence[int]) -> Metrics:
    """Return the metrics of predictions without probabilities."""
    return scores.measure("test", np.array(truth), np.eye(len(LABELS))[np.array(predicted)], LABELS, certain=True)


def by_hand(truth: list[int], predicted: list[int]) -> dict[str, tuple[float, float, float, int]]:
    """Precision, recall, F1 and support of each class by counting."""
    found = {}
    for index, name in enumerate(LABELS):
        hits = sum(t == p == index for t, p in zip(truth, predicted, strict=True))
        assigned, support = predicted.count(index), truth.count(index)
        precision = hits / assigned if assigned else 0.0
        recall = hits / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        found[name] = (precision, recall, f1, support)
    return found


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_metrics_are_those_of_counting(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = ([pair[side] for pair in pairs] for side in (0, 1))
    measured = of_labels(truth, predicted)
    expected = by_hand(truth, predicted)
    for name, (precision, recall, f1, support) in expected.items():
        got = measured.per_class[name]
        assert (got.precision, got.recall, got.f1, got.support) == pytest.approx((precision, recall, f1, support))
    assert measured.f1_macro == pytest.approx(f1_score(truth, predicted, average="macro"))
    seen = [LABELS[index] for index in {*truth, *predicted}]
    assert measured.f1_macro == pytest.approx(sum(expected[name][2] for name in seen) / len(seen))
    assert measured.f1_weighted == pytest.approx(sum(each[2] * each[3] for each in expected.values()) / len(truth))
    assert measured.accuracy == pytest.approx(sum(t == p for t, p in pairs) / len(pairs))
    for i in range(3):
        for j in range(3):
            assert measured.confusion[i][j] == pairs.count((i, j))


@pytest.mark.slow
def test_bootstrap_is_that_of_drawing_rows() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, 400)
    predicted = np.where(random.random(400) < 0.7, truth, random.integers(0, 3, 400))
    intervals = scores.bootstrap(truth, predicted, LABELS, 2_000)
    drawn = random.integers(0, 400, (2_000, 400))
    for name, scorer in (
        ("accuracy", accuracy_score),
        ("f1_weighted", lambda t, p: f1_score(t, p, average="weighted")),
        ("f1_macro", lambda t, p: f1_score(t, p, average="macro")),
        ("f1:b", lambda t, p: f1_score(t, p, average=None)[1]),
    ):
        low, high = np.percentile([scorer(truth[rows], predicted[rows]) for rows in drawn[:500]], [2.5, 97.5])
        assert intervals[name] == pytest.approx((low, high), abs=0.012)
        assert intervals[name][0] < scorer(truth, predicted) < intervals[name][1]


def test_macro_f1_leaves_out_a_class_that_nobody_has_or_predicts() -> None:
    truth, predicted = [0, 0, 1, 1], [0, 0, 1, 0]
    measured = of_labels(truth, predicted)
    assert measured.f1_macro == pytest.approx((0.8 + 2 / 3) / 2)
    assert of_labels(truth, [0, 0, 1, 2]).f1_macro == pytest.approx((1 + 2 / 3 + 0) / 3)
    low, high = scores.bootstrap(np.array(truth), np.array(truth), LABELS, 200)["f1_macro"]
    assert (low, high) == (1.0, 1.0)


def test_saved_predictions_give_the_same_metrics(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    logits = random.normal(size=(50, 3)).astype(np.float32)
    truth = random.integers(0, 3, 50)
    probabilities = predictions.softmax(logits)
    path = tmp_path / "predictions" / "validation.parquet"
    predictions.save(path, truth, probabilities, LABELS)
    table = pq.read_table(path)
    assert table.column_names == ["row", "label", "prediction", "probabilities", "loss"]
    rows = table.to_pylist()
    for index, row in enumerate(rows):
        exponents = [math.exp(float(each)) for each in logits[index]]
        shares = [each / sum(exponents) for each in exponents]
        assert row["row"] == index
        assert row["probabilities"] == pytest.approx(shares, rel=1e-6)
        assert row["label"] == LABELS[truth[index]]
        assert row["prediction"] == LABELS[shares.index(max(shares))]
        assert row["loss"] == pytest.approx(-math.log(shares[truth[index]]), rel=1e-6)
    measured = scores.measure("validation", truth, probabilities, LABELS)
    assert measured.f1_weighted == pytest.approx(
        f1_score([row["label"] for row in rows], [row["prediction"] for row in rows], average="weighted")
    )


@pytest.mark.slow
def test_bootstrap_of_precision_and_recall_is_that_of_drawing_rows() -> None:
    random = np.random.default_rng(7)
    truth = random.integers(0, 3, 300)
    predicted = np.where(random.random(300) < 0.6, truth, random.integers(0, 3, 300))
    intervals = scores.bootstrap(truth, predicted, LABELS, 2_000)
    drawn = random.integers(0, 300, (500, 300))
    for name, scorer in (("precision:a", precision_score), ("recall:c", recall_score)):
        index = LABELS.index(name[-1])
        values = [scorer(truth[rows], predicted[rows], average=None)[index] for rows in drawn]
        assert intervals[name] == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.02)


def test_bootstrap_in_parts_is_that_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.arange(90) % 3
    predicted = np.where(np.arange(90) % 4 == 0, (truth + 1) % 3, truth)
    whole = scores.bootstrap(truth, predicted, LABELS, 100)
    monkeypatch.setattr(scores, "_AT_ONCE", 9 * 7)
    assert scores.bootstrap(truth, predicted, LABELS, 100) == whole
    assert scores.bootstrap(truth, predicted, LABELS, 0) == {}


def test_each_metric_of_the_table_has_one_formula_and_a_value() -> None:
    truth, probabilities = np.array([0, 1, 2, 1]), np.full((4, 3), 0.2) + 0.4 * np.eye(3)[[0, 1, 1, 1]]
    measured = scores.measure("test", truth, probabilities, LABELS)
    formulas = [*scores.FORMULAS, *scores.FORMULAS_OF_PROBABILITIES]
    assert sorted(formulas) == sorted(metric.key for metric in METRICS)
    for metric in METRICS:
        value = metric.of(measured)
        assert value is not None
        assert metric.bounds[0] <= value <= metric.bounds[1]
    assert measured.loss == pytest.approx(-np.mean(np.log([0.6, 0.6, 0.2, 0.6])))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_balanced_accuracy_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = ([pair[side] for pair in pairs] for side in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and does not occur
        expected = balanced_accuracy_score(truth, predicted)
    assert of_labels(truth, predicted).others["balanced_accuracy"] == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_matthews_correlation_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = ([pair[side] for pair in pairs] for side in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a single label in both
        expected = matthews_corrcoef(truth, predicted)
    assert of_labels(truth, predicted).others["mcc"] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 1_000), st.integers(1, 200))
def test_the_calibration_error_is_that_of_counting(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    truth, probabilities = random.integers(0, 3, rows), random.dirichlet(np.full(3, 0.3), rows)
    expected = 0.0
    for low, high in pairwise(np.linspace(0, 1, calibration.BINS + 1)):
        inside = [row for row in range(rows) if low < max(probabilities[row]) <= high]
        if inside:
            confidence = float(np.mean([max(probabilities[row]) for row in inside]))
            accuracy = float(np.mean([np.argmax(probabilities[row]) == truth[row] for row in inside]))
            expected += len(inside) / rows * abs(confidence - accuracy)
    assert scores.measure("test", truth, probabilities, LABELS).others["ece"] == pytest.approx(expected)


def test_predictions_without_probabilities_have_no_calibration() -> None:
    assert "ece" not in of_labels([0, 1, 2], [0, 1, 1]).others


@pytest.mark.parametrize("name", scores.FORMULAS)
def test_a_stack_of_matrices_gives_the_figure_of_each(name: str) -> None:
    """The intervals come from a stack, the figures from one matrix; classes are of unequal sizes, so that an axis cannot be another."""
    stack = np.random.default_rng(1).integers(0, 40, (7, 3, 3)) * np.array([1, 3, 9])[:, None] * np.array([1, 2, 5])
    stack[0, 1], stack[1, :, 2] = 0, 0  # a class without rows, and one that is never predicted
    formula = scores.FORMULAS[name]
    assert formula(stack) == pytest.approx([float(formula(each)) for each in stack])
