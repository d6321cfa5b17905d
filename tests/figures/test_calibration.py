"""Calibration figures against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.figures import calibration
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss


def answers(count: int = 3_000, heat: float = 3.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true labels, probabilities that are too sure of themselves, and the logits that they are made of."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, (count, 4))
    truth = np.array([random.choice(4, p=each) for each in softmax(honest, axis=1)])
    return truth, softmax(heat * honest, axis=1), heat * honest


def test_reliability_is_that_of_scikit_learn() -> None:
    truth, probabilities, _ = answers()
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    bins = calibration.reliability(confidence, right)
    hits, sure = calibration_curve(right, confidence, n_bins=10, strategy="uniform")
    filled = [each for each in bins if each.rows]
    assert [each.accuracy for each in filled] == pytest.approx(hits.tolist())
    assert [each.confidence for each in filled] == pytest.approx(sure.tolist())
    rows, _ = np.histogram(confidence, np.linspace(0, 1, 11))
    assert [each.rows for each in bins] == rows.tolist()
    expected = float(np.abs(hits - sure) @ rows[rows > 0] / len(truth))
    assert calibration.expected_error(bins) == pytest.approx(expected)
    assert expected > 0.1


def test_a_confidence_on_an_edge_lies_in_the_bin_below() -> None:
    assert calibration.bin_of(np.array([0.0, 0.05, 0.1, 0.3, 0.95, 1.0])).tolist() == [0, 0, 0, 2, 9, 9]


def test_temperature_is_that_of_a_general_minimiser() -> None:
    truth, probabilities, logits = answers()
    expected = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(truth)), truth].mean(), bounds=(0.05, 20), method="bounded"
    )
    found = calibration.temperature(probabilities, truth)
    assert found == pytest.approx(expected["x"], rel=1e-3)
    assert found == pytest.approx(3, rel=0.1)
    heated = calibration.heated(probabilities, found)
    assert heated == pytest.approx(softmax(logits / found, axis=1), abs=1e-6)
    assert calibration.losses(heated, truth).mean() == pytest.approx(log_loss(truth, heated))
    assert calibration.losses(heated, truth).mean() < calibration.losses(probabilities, truth).mean()
    assert (heated.argmax(1) == probabilities.argmax(1)).all()


def test_temperature_stays_within_its_bounds() -> None:
    sure = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert calibration.temperature(sure, np.array([0, 1])) == 1 / calibration.HOTTEST
    assert calibration.temperature(sure, np.array([1, 0])) == calibration.HOTTEST
    assert calibration.temperature(np.full((4, 2), 0.5), np.array([0, 1, 0, 1])) in (calibration.HOTTEST, 1 / calibration.HOTTEST)
    assert calibration.temperature(np.empty((0, 2)), np.array([], int)) == 1.0
    certain = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert np.isfinite(calibration.heated(certain, calibration.temperature(certain, np.array([0, 1])))).all()


def test_coverage_is_counted() -> None:
    confidence, right = np.array([0.2, 0.5, 0.7, 0.9]), np.array([False, True, False, True])
    found = calibration.covered(confidence, right, (0.0, 0.5, 0.9, 0.95))
    assert [(each.rows, each.coverage, each.accuracy) for each in found] == [
        (4, 1.0, 0.5),
        (3, 0.75, pytest.approx(2 / 3)),
        (1, 0.25, 1.0),
        (0, 0.0, None),
    ]
