"""Predictions of a run compared with the labels: right or wrong, confidence, loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import calibration


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Arrays of shape [rows]; label ids are int64."""

    labels: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    """float64, shape [rows, labels], at the temperature."""
    confidence: np.ndarray
    """Probability of the predicted label."""
    loss: np.ndarray
    """Cross entropy of the true label in nats."""
    temperature: float = 1.0

    @property
    def right(self) -> np.ndarray:
        return self.predicted == self.truth

    def by_loss(self, rows: np.ndarray, *, lowest: bool = False) -> np.ndarray:
        """Return rows, int64, the highest loss first, or the lowest; of equal ones the first row of the split."""
        return rows[np.argsort(self.loss[rows] if lowest else -self.loss[rows], kind="stable")]

    def cell(self, true: int, predicted: int) -> np.ndarray:
        """Return the rows of one cell of the confusion matrix."""
        return np.flatnonzero((self.truth == true) & (self.predicted == predicted))


def judge(labels: Sequence[str], truth: np.ndarray, probabilities: np.ndarray, temperature: float = 1.0) -> Judged:
    """Return what probabilities, float64, shape [rows, labels], as the model gives them, say at a temperature."""
    heated = calibration.heated(probabilities, temperature)
    predicted = heated.argmax(1) if len(heated) else np.empty(0, np.int64)
    confidence = heated[np.arange(len(truth)), predicted]
    return Judged(tuple(labels), truth, predicted, heated, confidence, calibration.losses(heated, truth), temperature)
