"""Scores of predictions, with bootstrap intervals; all of them follow from the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..events import ClassMetrics, Metrics

_AT_ONCE = 4_000_000
"""Cells of the matrices that are drawn at once: 32 MB."""


def confusion(truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Return counts, int64, shape [labels, labels]: one row a true class, one column a predicted class."""
    return np.bincount(truth * labels + predicted, minlength=labels * labels).reshape(labels, labels)


def measure(split: str, truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], loss: float | None = None) -> Metrics:
    """Return accuracy, precision, recall and F1 of predicted label ids, int64, shape [n].

    Weighted F1 is the mean of the classes' F1 weighted by support. Macro F1 is their plain mean over the classes that are in
    `truth` or `predicted`, as scikit-learn's f1_score takes them: a class that a split lacks and nobody predicts has no F1.
    """
    counts = confusion(truth, predicted, len(labels))
    correct, support, assigned = np.diagonal(counts), counts.sum(1), counts.sum(0)
    precision, recall = correct / np.maximum(1, assigned), correct / np.maximum(1, support)
    f1: np.ndarray = 2 * correct / np.maximum(1, support + assigned)
    return Metrics(
        split=split,
        rows=len(truth),
        accuracy=float(np.equal(truth, predicted).mean()),
        f1_weighted=float(np.average(f1, weights=support)),
        f1_macro=float(f1[support + assigned > 0].mean()),
        per_class={
            name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])) for i, name in enumerate(labels)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
        loss=loss,
    )


def bootstrap(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], resamples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals of accuracy, weighted and macro F1, and of each class as 'f1:LABEL', 'precision:…', 'recall:…'.

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
        correct = np.diagonal(drawn, axis1=1, axis2=2)
        support, assigned = drawn.sum(2), drawn.sum(1)
        f1 = 2 * correct / np.maximum(1, support + assigned)
        parts.append(
            {
                "accuracy": correct.sum(1) / len(truth),
                "f1_weighted": (f1 * support).sum(1) / len(truth),
                "f1_macro": f1.sum(1) / (support + assigned > 0).sum(1),
                "f1": f1,
                "precision": correct / np.maximum(1, assigned),
                "recall": correct / np.maximum(1, support),
            }
        )
    found: dict[str, tuple[float, float]] = {}
    for name in parts[0]:
        low, high = np.percentile(np.concatenate([part[name] for part in parts]), [2.5, 97.5], axis=0)
        if low.ndim == 0:
            found[name] = float(low), float(high)
        else:
            found |= {f"{name}:{label}": (float(low[i]), float(high[i])) for i, label in enumerate(labels)}
    return found
