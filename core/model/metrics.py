"""Metrics of predictions, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ..events import ClassMetrics, Metrics


def measure(split: str, truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], loss: float | None = None) -> Metrics:
    """Return accuracy, precision, recall and F1 of predicted label ids, int64, shape [n].

    Weighted F1 is the mean of the classes' F1 weighted by support. Macro F1 is their plain mean over the classes that are in
    `truth` or `predicted`, as scikit-learn's f1_score takes them: a class that a split lacks and nobody predicts has no F1.
    """
    ids = range(len(labels))
    found: tuple[Any, ...] = precision_recall_fscore_support(truth, predicted, labels=list(ids), zero_division=0)  # pyright: ignore
    precision, recall, f1, support = (np.asarray(each) for each in found)
    confusion = confusion_matrix(truth, predicted, labels=list(ids))
    return Metrics(
        split=split,
        rows=len(truth),
        accuracy=float(np.mean(truth == predicted)),
        f1_weighted=float(np.average(f1, weights=support)),
        f1_macro=float(f1[confusion.sum(0) + confusion.sum(1) > 0].mean()),
        per_class={
            name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])) for i, name in enumerate(labels)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        loss=loss,
    )


def bootstrap(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str], resamples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals of accuracy, weighted and macro F1, and of each class's F1 as 'f1:LABEL'.

    Rows are drawn with replacement `resamples` times (Efron and Tibshirani, 1993, chapter 13). All metrics follow from the confusion
    matrix, whose cells are drawn from a multinomial: the same distribution as drawing rows, in a fraction of the time.
    """
    count = len(labels)
    cells = np.bincount(truth * count + predicted, minlength=count * count)
    drawn = np.random.default_rng(seed).multinomial(len(truth), cells / cells.sum(), size=resamples)
    confusion = drawn.reshape(resamples, count, count)
    correct = np.diagonal(confusion, axis1=1, axis2=2)
    support, assigned = confusion.sum(2), confusion.sum(1)
    f1 = 2 * correct / np.maximum(1, support + assigned)
    samples = {
        "accuracy": correct.sum(1) / len(truth),
        "f1_weighted": (f1 * support).sum(1) / len(truth),
        "f1_macro": f1.sum(1) / (support + assigned > 0).sum(1),
    } | {f"f1:{name}": f1[:, i] for i, name in enumerate(labels)}
    return {name: (float(low), float(high)) for name, (low, high) in ((n, np.percentile(v, [2.5, 97.5])) for n, v in samples.items())}
