"""Describes splits: rows per class, and text lengths."""

from __future__ import annotations

from typing import Any

import msgspec

from ..questions import LengthsAnswer
from . import spaces
from .arrays import texts_of, to_numpy
from .table import Dataset, Split


class Quantiles(msgspec.Struct, frozen=True):
    """A box plot without outliers: quartiles by linear interpolation, whiskers at the furthest values within 1.5 IQR of the box.

    The definition of Tukey (1977) as Matplotlib and pandas draw it.
    """

    min: float
    q1: float
    median: float
    q3: float
    max: float
    whisker_low: float
    whisker_high: float


class SplitStats(msgspec.Struct, frozen=True):
    """Counts of one split, by label name. A class without rows has a count of 0 and no quantiles."""

    rows: int
    classes: dict[str, int]
    words: dict[str, Quantiles]
    """Whitespace-separated words of each text."""
    characters: dict[str, Quantiles]


def describe(dataset: Dataset) -> dict[str, SplitStats]:
    """Return the counts and lengths of every split, in label order."""
    return {name: describe_split(split) for name, split in dataset.splits.items()}


def describe_split(split: Split, indices: Any = None) -> SplitStats:
    """Return the counts and lengths of one split, or of its rows at `indices` (int64, shape [n])."""
    import numpy as np

    labels, words, characters = split.label_ids(), word_counts(split), character_counts(split)
    if indices is not None:
        labels, words, characters = labels[indices], words[indices], characters[indices]
    counts = np.bincount(labels, minlength=len(split.labels))
    return SplitStats(
        rows=len(labels),
        classes={name: int(count) for name, count in zip(split.labels, counts, strict=True)},
        words=_by_class(words, labels, split.labels),
        characters=_by_class(characters, labels, split.labels),
    )


def unspaced(dataset: Dataset) -> bool:
    """Return whether the texts have no spaces between words, so that their lengths are told in characters."""
    first = next(iter(dataset.splits.values()))
    return spaces.unspaced(texts_of(first.table.column("text").slice(0, spaces.SAMPLE)))


def word_counts(split: Split) -> Any:
    """Return the whitespace-separated words of every text, int64, shape [rows]."""
    import numpy as np

    if "words" in split.table.column_names:
        return to_numpy(split.table.column("words")).astype(np.int64)
    return np.fromiter((len(text.split()) for text in split.texts()), np.int64, len(split))


def character_counts(split: Split) -> Any:
    """Return the characters (code points) of every text, int64, shape [rows]."""
    import numpy as np
    import pyarrow.compute as pc

    return to_numpy(pc.call_function("utf8_length", [split.table.column("text")])).astype(np.int64)


def quantiles(values: Any) -> Quantiles:
    """Return the box of numbers, shape [n] with n > 0. Raises ValueError where there are none."""
    import numpy as np

    values = np.asarray(values, dtype=np.float64)
    if not values.size:
        raise ValueError("quantiles of no values")
    low, q1, median, q3, high = (float(each) for each in np.percentile(values, (0, 25, 50, 75, 100)))
    reach = 1.5 * (q3 - q1)
    return Quantiles(
        min=low,
        q1=q1,
        median=median,
        q3=q3,
        max=high,
        whisker_low=min(q1, float(values[values >= q1 - reach].min())),
        whisker_high=max(q3, float(values[values <= q3 + reach].max())),
    )


def token_quantiles(dataset: Dataset, lengths: LengthsAnswer) -> dict[str, dict[str, Quantiles]]:
    """Return the box of token counts by split and label."""
    import numpy as np

    return {
        name: _by_class(np.asarray(lengths.tokens[name], dtype=np.int64), split.label_ids(), split.labels)
        for name, split in dataset.splits.items()
    }


def truncated(dataset: Dataset, lengths: LengthsAnswer, limit: int) -> dict[str, dict[str, float]]:
    """Return the share of texts, in [0, 1], with more than `limit` tokens, by split and label; 0 for a class without rows."""
    import numpy as np

    shares: dict[str, dict[str, float]] = {}
    for name, split in dataset.splits.items():
        labels = split.label_ids()
        cut = np.asarray(lengths.tokens[name], dtype=np.int64) > limit
        rows = np.bincount(labels, minlength=len(split.labels))
        long = np.bincount(labels, weights=cut, minlength=len(split.labels))
        shares[name] = {label: float(a / b) if b else 0.0 for label, a, b in zip(split.labels, long, rows, strict=True)}
    return shares


def _by_class(values: Any, labels: Any, names: tuple[str, ...]) -> dict[str, Quantiles]:
    parts = {name: values[labels == number] for number, name in enumerate(names)}
    return {name: quantiles(part) for name, part in parts.items() if len(part)}
