"""Counts and lengths of the rows that the dataset browser shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ....core.data import stats
from ....core.data.drift import Drift
from ....core.data.stats import Quantiles
from ....core.data.table import Dataset, Split
from ....core.questions import LengthsAnswer
from ...widgets.box_plots import Box, Boxes
from ...widgets.cut_table import Cut
from ...widgets.label_look import LabelLook
from ...widgets.split_table import SplitCounts, Splits

Unit = Literal["words", "characters", "tokens"]
LENGTHS = (16, 32, 64, 128, 256)
"""Common limits in tokens at which a training may truncate texts."""
UNITS: tuple[Unit, ...] = ("words", "tokens", "characters")
FIRST = 20_000
"""Rows counted first, so that a large split shows figures at once."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Statistics of some rows of a split, by label name."""

    rows: int
    """Rows that were counted."""
    of: int
    """Rows in all, of which `rows` were counted."""
    counts: dict[str, int]
    boxes: dict[Unit, dict[str, Quantiles]]
    cut: dict[str, float]
    """Share of texts, in [0, 1], with more tokens than the model's limit; empty without token counts."""
    cut_all: float | None = None
    limit: int | None = None
    cuts: tuple[Cut, ...] = ()
    """What shorter limits would truncate: from the first that leaves half of the texts complete to the first that truncates none."""


def count(split: Split, indices: Any, lengths: LengthsAnswer | None, *, at_most: int | None = None) -> Numbers:
    """Return the statistics of `split`, or of its rows at `indices` (int64, shape [n]), using only the first `at_most` rows if given."""
    import numpy as np

    of = len(split) if indices is None else len(indices)
    if at_most is not None and of > at_most:
        indices = np.arange(at_most) if indices is None else indices[:at_most]
    described = stats.describe_split(split if indices is None else split.take(indices))
    boxes: dict[Unit, dict[str, Quantiles]] = {"words": described.words, "characters": described.characters}
    cut: dict[str, float] = {}
    cut_all: float | None = None
    cuts: tuple[Cut, ...] = ()
    if lengths is not None and split.name in lengths.tokens:
        tokens, labels = np.asarray(lengths.tokens[split.name], np.int64), split.label_ids()
        if indices is not None:
            tokens, labels = tokens[indices], labels[indices]
        parts = {name: tokens[labels == number] for number, name in enumerate(split.labels)}
        boxes["tokens"] = {name: stats.quantiles(part) for name, part in parts.items() if len(part)}
        cut = {name: float((part > lengths.model_max_length).mean()) for name, part in parts.items() if len(part)}
        cut_all = float((tokens > lengths.model_max_length).mean()) if len(tokens) else 0.0
        cuts = _cuts(tokens, {name: part for name, part in parts.items() if len(part)}, lengths.model_max_length)
    limit = lengths.model_max_length if lengths is not None else None
    return Numbers(described.rows, of, described.classes, boxes, cut, cut_all, limit, cuts)


def _cuts(tokens: Any, parts: dict[str, Any], limit: int) -> tuple[Cut, ...]:
    found: list[Cut] = []
    for length in LENGTHS:
        share = float((tokens > length).mean()) if len(tokens) else 0.0
        if length >= limit or share > 0.5 or (found and not found[-1].share):
            continue
        most = max(parts, key=lambda name: float((parts[name] > length).mean()), default="")
        found.append(Cut(length, share, most, float((parts[most] > length).mean()) if most else 0.0))
    return tuple(found)


def plot(numbers: Numbers, unit: Unit, looks: Sequence[LabelLook]) -> Boxes:
    """Return the box plot of lengths in `unit`, the class with the most rows first; with the limit if the unit is tokens."""
    found = numbers.boxes.get(unit, {})
    ordered = sorted((look for look in looks if look.name in found), key=lambda look: -numbers.counts[look.name])
    boxes: list[Box] = []
    for look in ordered:
        q = found[look.name]
        boxes.append(Box(look, q.whisker_low, q.q1, q.median, q.q3, q.whisker_high, q.max, numbers.cut.get(look.name)))
    if unit != "tokens" or numbers.limit is None:
        return Boxes(tuple(boxes), empty="they are counted by the engine" if unit == "tokens" and numbers.rows else "no texts")
    return Boxes(tuple(boxes), float(numbers.limit), f"{numbers.limit:,}", "no texts")


def splits(dataset: Dataset, found: Mapping[str, Any] | None, looks: Sequence[LabelLook], drifts: Sequence[Drift] = ()) -> Splits:
    """Return the number of rows of each split by class, counting only the indices in `found` (int64, shape [n]) if given.

    The `drifts` are those of whole splits, and left out if only some rows are counted.
    """
    import numpy as np

    far = {each.split: ((each.classes, each.classes_drift), (each.lengths, each.lengths_drift)) for each in drifts} if found is None else {}

    counted: list[SplitCounts] = []
    for name, split in dataset.splits.items():
        labels = split.label_ids()
        if found is not None:
            labels = labels[found.get(name, np.array([], np.int64))]
        counted.append(SplitCounts(name, tuple(np.bincount(labels, minlength=len(looks)).tolist()), far.get(name)))
    return Splits(tuple(looks), tuple(counted), tuple(dataset.unlabelled.items()))
