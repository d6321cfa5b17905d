"""Drift: how far the later splits are from the training split, in class shares and text lengths."""

from __future__ import annotations

from typing import Any

import msgspec

from . import stats
from .faults import shown
from .table import Dataset

THRESHOLD = 0.1
"""Distance, in [0, 1], from which on a drift is a problem, where it is more than chance."""
_SURE = 3.0902
"""The standard normal distribution's quantile at 0.999."""


class Drift(msgspec.Struct, frozen=True):
    """How far a split is from an earlier one."""

    split: str
    than: str
    classes: float
    """Total variation distance of the shares of classes, in [0, 1]: what share of the rows would have to change their class."""
    chi_square: float
    """Pearson's statistic of the table of splits by classes; its degrees of freedom are the classes in either, less one."""
    classes_drift: bool
    """Whether the distance is at least THRESHOLD, and more than chance gives once in 1,000 times."""
    lengths: float
    """Kolmogorov-Smirnov distance of the lengths, in [0, 1]: the largest difference between shares of texts up to a length."""
    lengths_drift: bool
    classes_sentence: str
    lengths_sentence: str


def between(dataset: Dataset) -> tuple[Drift, ...]:
    """Return the drift of each split from the training split. Lengths are in words, in characters where texts have no spaces."""
    import numpy as np

    names = [name for name, split in dataset.splits.items() if len(split)]
    if "train" not in names:
        return ()
    unit, count = ("characters", stats.character_counts) if stats.unspaced(dataset) else ("words", stats.word_counts)
    train = dataset.splits["train"]
    first, lengths = np.bincount(train.label_ids(), minlength=len(dataset.labels)), np.sort(count(train))
    found: list[Drift] = []
    for name in names:
        if name == "train":
            continue
        split = dataset.splits[name]
        second, others = np.bincount(split.label_ids(), minlength=len(dataset.labels)), np.sort(count(split))
        distance, statistic = total_variation(first, second), chi_square(first, second)
        free = int(((first + second) > 0).sum()) - 1
        furthest = kolmogorov_smirnov(lengths, others)
        by_chance = 1.9495 * ((len(lengths) + len(others)) / (len(lengths) * len(others))) ** 0.5
        found.append(
            Drift(
                split=name,
                than="train",
                classes=distance,
                chi_square=statistic,
                classes_drift=distance >= THRESHOLD and statistic > critical_chi_square(free),
                lengths=furthest,
                lengths_drift=furthest >= THRESHOLD and furthest > by_chance,
                classes_sentence=_of_classes(dataset.labels, first, second, distance),
                lengths_sentence=_of_lengths(lengths, others, unit, furthest),
            )
        )
    return tuple(found)


def total_variation(first: Any, second: Any) -> float:
    """Return half the sum of the absolute differences between the shares of two counts, shape [classes]."""
    return float(abs(first / first.sum() - second / second.sum()).sum() / 2)


def chi_square(first: Any, second: Any) -> float:
    """Return Pearson's chi-square statistic of two counts of the same classes, shape [classes]; classes that neither has do not count."""
    import numpy as np

    table = np.stack([first, second]).astype(np.float64)
    table = table[:, table.sum(0) > 0]
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def critical_chi_square(free: int) -> float:
    """Return the chi-square distribution's quantile at 0.999 for `free` degrees of freedom, after Wilson and Hilferty (1931)."""
    if free < 1:
        return float("inf")
    part = 2 / (9 * free)
    return free * (1 - part + _SURE * part**0.5) ** 3


def kolmogorov_smirnov(first: Any, second: Any) -> float:
    """Return the largest distance between the empirical distribution functions of two ascending arrays, shape [n] and [m]."""
    import numpy as np

    values = np.concatenate([first, second])
    below = np.searchsorted(first, values, "right") / len(first) - np.searchsorted(second, values, "right") / len(second)
    return float(abs(below).max())


def _of_classes(labels: tuple[str, ...], first: Any, second: Any, distance: float) -> str:
    shares = first / first.sum(), second / second.sum()
    most = int(abs(shares[1] - shares[0]).argmax())
    distances = f"{100 * distance:.1f} % of the rows would need another class to match train"
    if not distance:
        return "the class shares match train"
    return f"{distances}; {shown(labels[most])} has {100 * shares[1][most]:.1f} % here and {100 * shares[0][most]:.1f} % there"


def _of_lengths(first: Any, second: Any, unit: str, distance: float) -> str:
    import numpy as np

    medians = float(np.median(second)), float(np.median(first))
    halves = f"half of the texts have up to {medians[0]:,.0f} {unit} here, {medians[1]:,.0f} there"
    return f"lengths differ from those of train by {100 * distance:.1f} %; {halves}"
