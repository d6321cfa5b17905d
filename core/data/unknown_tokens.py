"""Measures the share of unknown tokens: pieces that become [UNK] and mean nothing to the model."""

from __future__ import annotations

import msgspec

from ..questions import LengthsAnswer
from . import stats
from .checks import Problem
from .faults import shown
from .table import Dataset

TOLERATED = 0.05
"""Share of tokens from which on the model reads too little of the texts."""


class Unknown(msgspec.Struct, frozen=True):
    """Shares of unknown tokens among all that are not special, in [0, 1]."""

    share: float
    classes: dict[str, float]
    """By label name; 0 for a class without rows."""


def shares(dataset: Dataset, lengths: LengthsAnswer) -> dict[str, Unknown]:
    """Return what the tokenizer of `lengths` does not know of each split; empty where it has no token for what it does not know."""
    import numpy as np

    found: dict[str, Unknown] = {}
    for name, counted in lengths.unknown.items():
        split = dataset.splits[name]
        labels, unknown = split.label_ids(), np.asarray(counted, np.int64)
        # Only what the model reads was looked at: a text is cut at its limit.
        read = np.minimum(np.asarray(lengths.tokens[name], np.int64), lengths.model_max_length)
        tokens = np.maximum(read - lengths.specials, 0)
        parts = [np.bincount(labels, weights=each, minlength=len(split.labels)) for each in (unknown, tokens)]
        classes = {label: float(part / max(1, whole)) for label, part, whole in zip(split.labels, *parts, strict=True)}
        found[name] = Unknown(float(unknown.sum() / max(1, tokens.sum())), classes)
    return found


def problems(dataset: Dataset, unknown: dict[str, Unknown]) -> tuple[Problem, ...]:
    """Return one problem for each split of which more than TOLERATED is unknown, with a model that would fit."""
    found: list[Problem] = []
    for name, each in unknown.items():
        most = max(each.classes, key=lambda label: each.classes[label], default="")
        if max(each.share, each.classes.get(most, 0.0)) <= TOLERATED:
            continue
        message = (
            f"{name}: the tokenizer does not know {100 * each.share:.1f} % of the tokens, and {100 * each.classes[most]:.1f} % of those of "
            f"{shown(most)}: the model cannot read them. {remedy(dataset)}"
        )
        grave = each.share > TOLERATED
        found.append(Problem("unknown_tokens", name, len(dataset.splits[name]), (), message, untrustworthy=grave))
    return tuple(found)


def distrust(dataset: Dataset, share: float) -> tuple[str, ...]:
    """Return why a model that does not know `share` of the training tokens cannot be trusted, as one sentence; none where it can."""
    if share <= TOLERATED:
        return ()
    return (f"train: the tokenizer does not know {100 * share:.1f} % of the tokens: the model cannot read them. {remedy(dataset)}",)


def remedy(dataset: Dataset) -> str:
    """Return which models would fit the texts."""
    if stats.unspaced(dataset):
        return "For Chinese use ms:AI-ModelScope/bert-base-chinese, for other languages a model trained on them, such as XLM-RoBERTa"
    return "Use a model trained on this language, such as a multilingual one (XLM-RoBERTa)"
