"""Problems in the data that can make a result wrong or hard to trust."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import msgspec

from ..events import IMBALANCE
from .arrays import codes, numbers, strings
from .faults import shown
from .table import Dataset, Split

EXAMPLES = 5
LEAK_SHARE = 0.01
"""Share of a split's rows, leaked from an earlier split, from which on its figures cannot be trusted."""


class Problem(msgspec.Struct, frozen=True):
    """One kind of problem in one split."""

    kind: str
    """'duplicate', 'conflicting_labels', 'leakage', 'imbalance' or 'missing_class'."""
    split: str
    """For leakage the later of the two splits."""
    count: int
    """Rows for duplicate and leakage, texts for conflicting_labels, classes for the others."""
    examples: tuple[str, ...]
    """Texts as they are in the data, or names of classes; at most EXAMPLES."""
    message: str
    rows: tuple[int, ...] = ()
    """0-based positions in `split` of all rows concerned."""
    untrustworthy: bool = False
    """Whether results on this data set cannot be trusted."""
    earlier: str = ""
    """For leakage: the split that the rows are in already."""


@dataclass(frozen=True, slots=True)
class _Coded:
    """A split with a number for each text, int64, shape [rows]: the same in all splits for the same text."""

    split: Split
    exact: Any
    loose: Any
    """The same for texts that differ by case and spacing only."""

    def pairs(self, codes: Any) -> Any:
        """Return a number for each pair of text and label."""
        return codes * len(self.split.labels) + self.split.label_ids()


def find_problems(dataset: Dataset) -> tuple[Problem, ...]:
    """Return all problems, the gravest first.

    Texts count as the same when they are equal character by character; messages also say how many are equal but for case and spacing.
    """
    coded = _code(dataset)
    found: list[Problem] = []
    for each in coded:
        found += _missing(each.split) + _duplicates(each) + _conflicts(each)
    for earlier, later in combinations(coded, 2):
        found += _leakage(earlier, later)
    found += _imbalance(dataset)
    order = ("leakage", "missing_class", "conflicting_labels", "duplicate", "imbalance")
    return tuple(sorted(found, key=lambda problem: (not problem.untrustworthy, order.index(problem.kind))))


def _code(dataset: Dataset) -> list[_Coded]:
    import numpy as np
    import pyarrow as pa

    splits = list(dataset.splits.values())
    borders = np.cumsum([len(split) for split in splits])[:-1]
    texts = pa.chunked_array([chunk for split in splits for chunk in split.table.column("text").chunks], pa.string())
    exact = codes(texts)
    loose = codes(pa.chunked_array([strings([" ".join(text.lower().split()) for text in chunk.to_pylist()]) for chunk in texts.chunks]))
    return [_Coded(*each) for each in zip(splits, np.split(exact, borders), np.split(loose, borders), strict=True)]


def _duplicates(coded: _Coded) -> list[Problem]:
    """Rows that repeat an earlier one of their split, text and label; the same text under another label is a conflict."""
    split, repeats = coded.split, _repeats(coded.pairs(coded.exact))
    if not len(repeats):
        return []
    looser = len(_repeats(coded.pairs(coded.loose)))
    more = f" ({looser:,} with case and spacing ignored)" if looser > len(repeats) else ""
    message = f"{split.name}: {_rows(len(repeats), 'repeats', 'repeat')} an earlier one, text and label{more}"
    return [Problem("duplicate", split.name, len(repeats), _texts(split, repeats), message, _tuple(repeats))]


def _conflicts(coded: _Coded) -> list[Problem]:
    import numpy as np

    split = coded.split
    labels_of = np.bincount(np.unique(coded.pairs(coded.exact)) // len(split.labels))
    torn = np.flatnonzero(labels_of > 1)
    if not len(torn):
        return []
    rows = np.flatnonzero(np.isin(coded.exact, torn))
    message = f"{split.name}: {len(torn):,} text{'s' if len(torn) > 1 else ''} under more than one label ({len(rows):,} rows)"
    return [Problem("conflicting_labels", split.name, len(torn), _texts(split, rows), message, _tuple(rows))]


def _leakage(earlier: _Coded, later: _Coded) -> list[Problem]:
    import numpy as np

    rows = np.flatnonzero(np.isin(later.exact, earlier.exact))
    if not len(rows):
        return []
    looser = int(np.isin(later.loose, earlier.loose).sum())
    more = f", {looser:,} rows with case and spacing ignored" if looser > len(rows) else ""
    share = len(rows) / len(later.split)
    names = earlier.split.name, later.split.name
    message = f"{names[1]}: {_rows(len(rows), 'has its text', 'have their texts')} in {names[0]} too ({100 * share:.1f} %{more})"
    return [
        Problem(
            "leakage",
            names[1],
            len(rows),
            _texts(later.split, rows),
            message,
            _tuple(rows),
            untrustworthy=share > LEAK_SHARE,
            earlier=names[0],
        )
    ]


def _imbalance(dataset: Dataset) -> list[Problem]:
    """Classes of the training split with less than a third of the rows of its largest."""
    import numpy as np

    split = dataset.splits["train"]
    counts = np.bincount(split.label_ids(), minlength=len(split.labels))
    largest = int(counts.argmax())
    small = [number for number in np.argsort(counts, kind="stable") if 0 < counts[number] * IMBALANCE < counts[largest]]
    if not small:
        return []
    names = tuple(split.labels[number] for number in small)
    message = (
        f"train: {shown(split.labels[largest])} has {counts[largest] / counts[small[0]]:.1f} times the rows of {shown(names[0])} "
        f"({counts[largest]:,} and {counts[small[0]]:,}): look at F1 by class, not at accuracy alone"
    )
    return [Problem("imbalance", "train", len(names), names[:EXAMPLES], message)]


def _missing(split: Split) -> list[Problem]:
    import numpy as np

    counts = np.bincount(split.label_ids(), minlength=len(split.labels))
    names = tuple(name for name, count in zip(split.labels, counts, strict=True) if not count)
    if not names:
        return []
    which = ", ".join(map(shown, names[:EXAMPLES])) + (" and others" if len(names) > EXAMPLES else "")
    message = f"{split.name}: no row of {which}"
    return [Problem("missing_class", split.name, len(names), names[:EXAMPLES], message, untrustworthy=True)]


def _repeats(keys: Any) -> Any:
    """Return the ascending positions of all keys that came before."""
    import numpy as np

    first = np.unique(keys, return_index=True)[1]
    repeated = np.ones(len(keys), dtype=bool)
    repeated[first] = False
    return np.flatnonzero(repeated)


def _texts(split: Split, rows: Any) -> tuple[str, ...]:
    """Return the first different texts at `rows`."""
    texts = split.table.column("text").take(numbers(rows[: 20 * EXAMPLES], "int64")).to_pylist()
    return tuple(dict.fromkeys(texts))[:EXAMPLES]


def _rows(count: int, one: str, many: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {many}"


def _tuple(rows: Any) -> tuple[int, ...]:
    return tuple(rows.tolist())
