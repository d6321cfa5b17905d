"""Calibration: reliability, temperature scaling, and accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10
FLOOR = 1e-12
"""Probabilities are clipped to this in a loss, since the logarithm of 0 is not finite."""
HOTTEST = 20.0
"""The highest temperature that is fitted; the lowest is its reciprocal."""
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Bin:
    """The rows whose confidence lies in one part of (0, 1]."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean probability of the predicted label; 0 without rows."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class Covered:
    """Coverage and accuracy of the answers that are at least as confident as a threshold."""

    threshold: float
    rows: int
    coverage: float
    """Share of all rows."""
    accuracy: float | None
    """Of those rows; None where there is none."""


def losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return each row's cross entropy in nats, float64, shape [n]."""
    return -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], FLOOR))


def bin_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return the bin of each confidence, int64, shape [n]: bin i holds (i / bins, (i + 1) / bins]."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Return bins of equal width over the confidence (float64, shape [n]); `right` is bool, shape [n]."""
    place = bin_of(confidence, bins)
    rows = np.bincount(place, minlength=bins)
    sure = np.bincount(place, confidence, bins) / np.maximum(1, rows)
    hits = np.bincount(place, right, bins) / np.maximum(1, rows)
    return [Bin(i / bins, (i + 1) / bins, int(rows[i]), float(sure[i]), float(hits[i])) for i in range(bins)]


def expected_error(found: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy, weighted by rows.

    Guo, Pleiss, Sun and Weinberger, 2017, equation 3. 0 where there are no rows.
    """
    total = sum(each.rows for each in found)
    return sum(each.rows * abs(each.accuracy - each.confidence) for each in found) / max(1, total)


def error_of(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error of probabilities, shape [n, labels], for true label ids, int64, shape [n]."""
    return expected_error(reliability(probabilities.max(1), probabilities.argmax(1) == truth))


def heated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities, float64, shape [n, labels], with their logits divided by a temperature.

    Logits are known but for a constant from the logarithms of the probabilities, and a softmax does not see the constant.
    """
    if temperature == 1.0:
        return probabilities
    logits = np.log(np.maximum(probabilities, FLOOR)) / temperature
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature with the lowest mean cross entropy on labelled rows, between 1 / HOTTEST and HOTTEST.

    Guo et al., 2017, section 4.2. The loss is convex in the reciprocal of the temperature, whose zero slope is found by bisection;
    where there is none between the bounds, the nearer bound is returned. 1 where there are no rows.
    """
    if not len(truth):
        return 1.0
    logits = np.log(np.maximum(probabilities, FLOOR))
    given = logits[np.arange(len(truth)), truth].mean()

    def slope(inverse: float) -> float:
        scaled = logits * inverse
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return float((shares * logits).sum(axis=1).mean() - given)

    low, high = 1 / HOTTEST, HOTTEST
    if slope(low) >= 0:
        return HOTTEST
    if slope(high) <= 0:
        return 1 / HOTTEST
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return (low * high) ** -0.5


def covered(confidence: np.ndarray, right: np.ndarray, thresholds: Sequence[float] = THRESHOLDS) -> list[Covered]:
    """Return coverage against accuracy at each threshold: an answer counts where its confidence is at least that."""
    found: list[Covered] = []
    for threshold in thresholds:
        kept = confidence >= threshold
        rows = int(kept.sum())
        found.append(Covered(threshold, rows, rows / max(1, len(kept)), float(right[kept].mean()) if rows else None))
    return found
