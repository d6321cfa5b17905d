"""Scores of predictions, with bootstrap intervals; nearly all of them follow from the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..events import ClassMetrics, Metrics
from ..metric_table import METRICS
from . import calibration

_AT_ONCE = 4_000_000
"""Cells of the matrices that are drawn at once: 32 MB."""
_FIELDS = frozenset(Metrics.__struct_fields__)
"""A metric that is none of these stands in `Metrics.others`."""


def _accuracy(counts: np.ndarray) -> np.ndarray:
    return _correct(counts).sum(-1) / _total(counts)


def weighted_f1(counts: np.ndarray) -> np.ndarray:
    """Return the mean of the classes' F1 weighted by their rows, of confusion matrices, shape [..., labels, labels]; 0 without rows."""
    return (_f1(counts) * counts.sum(-1)).sum(-1) / _total(counts)


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    """The plain mean of the F1 of the classes that occur or are predicted, as scikit-learn's f1_score takes them.

    A class that a split lacks and nobody predicts has no F1.
    """
    return _f1(counts).sum(-1) / np.maximum(1, (counts.sum(-1) + counts.sum(-2) > 0).sum(-1))


def _balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """The plain mean of the recall of the classes that occur (Brodersen et al., 2010), as scikit-learn's balanced_accuracy_score."""
    rows = counts.sum(-1)
    return (_correct(counts) / np.maximum(1, rows)).sum(-1) / (rows > 0).sum(-1)


def _mcc(counts: np.ndarray) -> np.ndarray:
    """Matthews' correlation of any number of classes (Gorodkin, 2004); 0 where truth or predictions are all of one class."""
    rows, assigned, total = (each.astype(float) for each in (counts.sum(-1), counts.sum(-2), counts.sum((-2, -1))))
    shared = _correct(counts).sum(-1) * total - (rows * assigned).sum(-1)
    spread = (total**2 - (rows**2).sum(-1)) * (total**2 - (assigned**2).sum(-1))
    return np.where(spread > 0, shared / np.sqrt(np.where(spread > 0, spread, 1.0)), 0.0)


FORMULAS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "accuracy": _accuracy,
    "f1_weighted": weighted_f1,
    "f1_macro": _macro_f1,
    "balanced_accuracy": _balanced_accuracy,
    "mcc": _mcc,
}
"""Of the metrics that follow from confusion matrices, counts of shape [..., labels, labels], rows true: one figure for each matrix."""


FORMULAS_OF_PROBABILITIES: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {"ece": calibration.error_of}
"""Of the metrics that need truth, [rows], and probabilities, [rows, labels]."""


def confusion(truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Return counts, int64, shape [labels, labels]: one row a true class, one column a predicted class."""
    return np.bincount(truth * labels + predicted, minlength=labels * labels).reshape(labels, labels)


def measure(split: str, truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], *, certain: bool = False) -> Metrics:
    """Return all metrics of `metric_table` for true label ids, int64, shape [rows], and probabilities, shape [rows, labels].

    `certain` says that the probabilities only name a label each: then loss and calibration would say nothing.
    """
    predicted = probabilities.argmax(1)
    counts = confusion(truth, predicted, len(labels))
    figures = {name: float(formula(counts)) for name, formula in FORMULAS.items()}
    if not certain:
        figures |= {name: formula(truth, probabilities) for name, formula in FORMULAS_OF_PROBABILITIES.items()}
    precision, recall, f1, support = *_precision_and_recall(counts), _f1(counts), counts.sum(1)
    return Metrics(
        split=split,
        rows=len(truth),
        accuracy=figures["accuracy"],
        f1_weighted=figures["f1_weighted"],
        f1_macro=figures["f1_macro"],
        per_class={
            name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])) for i, name in enumerate(labels)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
        loss=None if certain else float(calibration.losses(probabilities, truth).mean()),
        others={metric.key: figures[metric.key] for metric in METRICS if metric.key in figures and metric.key not in _FIELDS},
    )


def bootstrap(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], resamples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals of the metrics of FORMULAS, and of each class as 'f1:LABEL', 'precision:…', 'recall:…'.

    Rows are drawn with replacement `resamples` times (Efron and Tibshirani, 1993, chapter 13). All metrics follow from the confusion
    matrix, whose cells are drawn from a multinomial: the same distribution as drawing rows, in a fraction of the time.
    Without rows, or without resamples, there are none.
    """
    if not len(truth) or not resamples:
        return {}
    number = len(labels)
    cells = confusion(truth, predicted, number).ravel()
    random, share = np.random.default_rng(seed), cells / cells.sum()
    parts: list[dict[str, np.ndarray]] = []
    step = max(1, _AT_ONCE // len(cells))
    for start in range(0, resamples, step):
        drawn = random.multinomial(len(truth), share, size=min(step, resamples - start)).reshape(-1, number, number)
        precision, recall = _precision_and_recall(drawn)
        parts.append(
            {metric.key: FORMULAS[metric.key](drawn) for metric in METRICS if metric.key in FORMULAS}
            | {"f1": _f1(drawn), "precision": precision, "recall": recall}
        )
    found: dict[str, tuple[float, float]] = {}
    for name in parts[0]:
        low, high = np.percentile(np.concatenate([part[name] for part in parts]), [2.5, 97.5], axis=0)
        if low.ndim == 0:
            found[name] = float(low), float(high)
        else:
            found |= {f"{name}:{label}": (float(low[i]), float(high[i])) for i, label in enumerate(labels)}
    return found


def _correct(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _total(counts: np.ndarray) -> np.ndarray:
    """Return the rows of each matrix, at least 1."""
    return np.maximum(1, counts.sum((-2, -1)))


def _f1(counts: np.ndarray) -> np.ndarray:
    """Return the F1 of each class, shape [..., labels]: 0 for one that neither occurs nor is predicted."""
    return 2 * _correct(counts) / np.maximum(1, counts.sum(-1) + counts.sum(-2))


def _precision_and_recall(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both of each class, shape [..., labels]: 0 for one that is not predicted, or does not occur."""
    return _correct(counts) / np.maximum(1, counts.sum(-2)), _correct(counts) / np.maximum(1, counts.sum(-1))
