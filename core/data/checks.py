"""Problems in the data that can make a result wrong or hard to trust."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import msgspec

from ..events import IMBALANCE
from ..units import count
from . import drift, near_duplicates
from .arrays import codes, numbers, strings, texts_of
from .faults import shown
from .table import Dataset, Split

ORDER = (
    "leakage",
    "missing_class",
    "unknown_tokens",
    "conflicting_labels",
    "duplicate",
    "near_duplicate",
    "class_drift",
    "length_drift",
    "imbalance",
)
"""The kinds of problems, most serious first."""
EXAMPLES = 5
LEAK_SHARE = 0.01
"""The share of a split's rows leaked from an earlier split from which on its metrics cannot be trusted."""


class Problem(msgspec.Struct, frozen=True):
    """One kind of problem in one split."""

    kind: str
    """One of ORDER."""
    split: str
    """For leakage the later of the two splits."""
    count: int
    """Rows for duplicate, near_duplicate and leakage, texts for conflicting_labels, rows of the split for drift, classes for the
    others."""
    examples: tuple[str, ...]
    """Texts as in the data, or class names; at most EXAMPLES."""
    message: str
    rows: tuple[int, ...] = ()
    """0-based positions in `split` of all rows concerned."""
    untrustworthy: bool = False
    """Whether results on this data set cannot be trusted."""
    earlier: str = ""
    """For leakage and near_duplicate: the split that holds the others, for drift the one that is compared with."""
    exact: int = 0
    """For duplicate, conflicting_labels and leakage: how many of the texts are equal character by character."""


@dataclass(frozen=True, slots=True)
class _Coded:
    """A split with a number for each text, int64, shape [rows]: the same in all splits for the same text."""

    split: Split
    exact: Any
    loose: Any
    """The same for texts that differ by case, spacing and Unicode form only."""

    near: Any
    """The position, in all splits one after the other, of an earlier text that is nearly the same; -1 where none is."""

    def pairs(self, codes: Any) -> Any:
        """Return a number for each pair of text and label."""
        return codes * len(self.split.labels) + self.split.label_ids()


def distrusted(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return why results on a data set with these problems cannot be trusted, as sentences; empty where they can."""
    return tuple(problem.message for problem in problems if problem.untrustworthy)


def find_problems(dataset: Dataset, *, near: bool = True) -> tuple[Problem, ...]:
    """Return all problems, the gravest first; without `near` the texts that are nearly the same are not looked for.

    Texts count as the same where they are equal but for case, spacing and Unicode form: uncased models and TF-IDF cannot
    tell them apart. How many are equal character by character is told as well.
    """
    coded = _code(dataset, near=near)
    found: list[Problem] = []
    for each in coded:
        found += _missing(each.split) + _duplicates(each) + _conflicts(each)
    for earlier, later in combinations(coded, 2):
        found += _leakage(earlier, later)
    found += _near(coded) + _imbalance(dataset) + _drifts(dataset)
    return sorted_gravest(found)


def sorted_gravest(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems, those that make results untrustworthy first."""
    return tuple(sorted(problems, key=lambda problem: (not problem.untrustworthy, ORDER.index(problem.kind))))


def not_looked_for(dataset: Dataset) -> str:
    """Return what a data set is too large to be looked through for, as a sentence; empty where it is not."""
    rows = sum(len(split) for split in dataset.splits.values())
    if rows <= near_duplicates.MOST_ROWS:
        return ""
    return f"near-duplicates were not searched for: the data set has {rows:,} rows, and the limit is {near_duplicates.MOST_ROWS:,}"


def _code(dataset: Dataset, *, near: bool) -> list[_Coded]:
    import numpy as np
    import pyarrow as pa

    splits = list(dataset.splits.values())
    borders = np.cumsum([len(split) for split in splits])[:-1]
    texts = pa.chunked_array([chunk for split in splits for chunk in split.table.column("text").chunks], pa.string())
    parts = (np.split(each, borders) for each in _codes_of(texts, near and len(texts) <= near_duplicates.MOST_ROWS))
    return [_Coded(*each) for each in zip(splits, *parts, strict=True)]


_known: tuple[Any, bool, tuple[Any, Any, Any]] | None = None
"""The texts of last time, whether near ones were looked for, and their codes: a label that changes changes no text."""


def _codes_of(texts: Any, near: bool) -> tuple[Any, Any, Any]:
    """Return the three arrays of _Coded for all texts one after the other; those of last time's texts are kept."""
    import numpy as np
    import pyarrow as pa

    global _known  # one value, replaced at once, so that any thread may read it
    known = _known
    if known is not None and known[1] == near and known[0].equals(texts):
        return known[2]
    same = pa.chunked_array([strings([folded(text) for text in texts_of(chunk)]) for chunk in texts.chunks], pa.string())
    earlier = near_duplicates.earlier_of(texts_of(same)) if near else np.full(len(same), -1, np.int64)
    found = codes(texts), codes(same), earlier
    _known = texts, near, found
    return found


def folded(text: str) -> str:
    """Return `text` without what an uncased tokenizer cannot see: case, spacing, and the Unicode form (NFKC)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def _duplicates(coded: _Coded) -> list[Problem]:
    """Rows that repeat an earlier one of their split, text and label; the same text under another label is a conflict."""
    split, repeats = coded.split, _repeats(coded.pairs(coded.loose))
    if not len(repeats):
        return []
    exact = len(_repeats(coded.pairs(coded.exact)))
    message = (
        f"{split.name}: {_rows(len(repeats), 'repeats', 'repeat')} the text and label of an earlier one{_of_them(exact, len(repeats))}"
    )
    return [Problem("duplicate", split.name, len(repeats), _texts(split, repeats), message, _tuple(repeats), exact=exact)]


def _conflicts(coded: _Coded) -> list[Problem]:
    import numpy as np

    split = coded.split
    torn = _torn(coded, coded.loose)
    if not len(torn):
        return []
    rows = np.flatnonzero(np.isin(coded.loose, torn))
    exact = len(_torn(coded, coded.exact))
    texts = f"{len(torn):,} text{'s' if len(torn) > 1 else ''}"
    message = f"{split.name}: {texts} under more than one label ({count(len(rows), 'row')}){_of_them(exact, len(torn))}"
    return [Problem("conflicting_labels", split.name, len(torn), _texts(split, rows), message, _tuple(rows), exact=exact)]


def _torn(coded: _Coded, codes: Any) -> Any:
    """Return the codes of the texts with more than one label."""
    import numpy as np

    return np.flatnonzero(np.bincount(np.unique(coded.pairs(codes)) // len(coded.split.labels)) > 1)


def _leakage(earlier: _Coded, later: _Coded) -> list[Problem]:
    import numpy as np

    rows = np.flatnonzero(np.isin(later.loose, earlier.loose))
    if not len(rows):
        return []
    exact = int(np.isin(later.exact, earlier.exact).sum())
    share = len(rows) / len(later.split)
    names = earlier.split.name, later.split.name
    repeated = f"{_rows(len(rows), 'has its text', 'have their texts')} in {names[0]} too ({100 * share:.1f} %)"
    return [
        Problem(
            "leakage",
            names[1],
            len(rows),
            _texts(later.split, rows),
            f"{names[1]}: {repeated}{_of_them(exact, len(rows))}",
            _tuple(rows),
            untrustworthy=share > LEAK_SHARE,
            earlier=names[0],
            exact=exact,
        )
    ]


def _near(coded: list[_Coded]) -> list[Problem]:
    """Rows that are near-duplicates, but not duplicates, of an earlier row of their split or of an earlier split."""
    import numpy as np

    found: list[Problem] = []
    starts = np.cumsum([0, *(len(each.split) for each in coded)])
    for later, each in enumerate(coded):
        for earlier in range(later + 1):
            rows = np.flatnonzero((each.near >= starts[earlier]) & (each.near < starts[earlier + 1]))
            if not len(rows):
                continue
            other = coded[earlier].split.name
            where = "an earlier one" if earlier == later else f"a text of {other}"
            share = f" ({100 * len(rows) / len(each.split):.1f} %)"
            message = f"{each.split.name}: {_rows(len(rows), 'is', 'are')} nearly the same as {where}{share}"
            split = each.split
            found.append(Problem("near_duplicate", split.name, len(rows), _texts(split, rows), message, _tuple(rows), earlier=other))
    return found


def _of_them(exact: int, count: int) -> str:
    if exact == count:
        return ""
    return f", {exact:,} of them exactly, the others except for case, spacing and Unicode form"


def _drifts(dataset: Dataset) -> list[Problem]:
    found: list[Problem] = []
    for each in drift.between(dataset):
        rows = len(dataset.splits[each.split])
        if each.classes_drift:
            found.append(Problem("class_drift", each.split, rows, (), f"{each.split}: {each.classes_sentence}", earlier=each.than))
        if each.lengths_drift:
            found.append(Problem("length_drift", each.split, rows, (), f"{each.split}: {each.lengths_sentence}", earlier=each.than))
    return found


def _imbalance(dataset: Dataset) -> list[Problem]:
    """Classes of the training split with less than a third of the rows of its largest."""
    import numpy as np

    split = dataset.splits["train"]
    counts = np.bincount(split.label_ids(), minlength=len(split.labels))
    largest = int(counts.argmax())
    small: list[int] = [int(number) for number in np.argsort(counts, kind="stable") if 0 < counts[number] * IMBALANCE < counts[largest]]
    if not small:
        return []
    names = tuple(split.labels[number] for number in small)
    message = (
        f"train: {shown(split.labels[largest])} has {counts[largest] / counts[small[0]]:.1f} times the rows of {shown(names[0])} "
        f"({counts[largest]:,} and {counts[small[0]]:,}): look at F1 per class, not only at accuracy"
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
    texts = texts_of(split.table.column("text").take(numbers(rows[: 20 * EXAMPLES], "int64")))
    return tuple(dict.fromkeys(texts))[:EXAMPLES]


def _rows(count: int, one: str, many: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {many}"


def _tuple(rows: Any) -> tuple[int, ...]:
    return tuple(rows.tolist())
