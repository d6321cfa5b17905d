"""What a row of each class counts in the training loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .errors import UserError
from .safe_text import safe_line
from .sentences import Setting, Words, phrase

_SETTING = Setting("class_weights")
IMBALANCED = 1.5
"""Rows of the largest class for one of the smallest from which on balanced weights are worth a word (the rule of setfit's PR #204)."""


def parse(text: str) -> dict[str, float]:
    """Return the weights of 'A=1,B=2' by label; a label may hold = and, where the piece after it has none, a comma.

    Raises ValueError with a sentence without a full stop.
    """
    weights: dict[str, float] = {}
    label = ""
    for piece in text.split(","):
        before, equals, number = (label + piece).rpartition("=")
        if not equals:
            label += piece + ","
            continue
        label, name = "", before.strip()
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not name or not 0 <= weight < 1e6:
            raise ValueError(_sentence(text))
        if name in weights:
            raise ValueError(f"{safe_line(name, 40)} has two weights")
        weights[name] = weight
    if label or not weights:
        raise ValueError(_sentence(text))
    return weights


def _sentence(text: str) -> str:
    return f"{safe_line(text, 60)!r} is not none, balanced, or LABEL=WEIGHT with commas between them, such as joy=1,love=2.5"


def resolve(asked: str, labels: Sequence[str], counts: Sequence[int]) -> list[float] | None:
    """Return one weight for each label; None where all count alike.

    `counts` are the rows of each label in the training split. 'balanced' is rows / (classes * rows of the class) over the classes
    that have rows, as scikit-learn has it: the mean over all rows is 1. Raises UserError for a label that is not there, and where
    every row would count nothing.
    """
    if asked == "none":
        return None
    if asked == "balanced":
        present = sum(count > 0 for count in counts)
        return [sum(counts) / (present * count) if count else 1.0 for count in counts]
    weights = parse(asked)
    if unknown := [name for name in weights if name not in labels]:
        known = safe_line(", ".join(labels), 200)
        raise UserError(phrase(_SETTING, f": there is no label {safe_line(unknown[0], 40)!r}"), f"The labels are: {known}")
    found = [weights.get(name, 1.0) for name in labels]
    if not any(weight and count for weight, count in zip(found, counts, strict=True)):
        raise UserError(phrase(_SETTING, ": every row of the training split has weight 0"), "Give a class that has rows a weight")
    return found


def advice(asked: str, counts: Sequence[int]) -> Words:
    """Return a sentence without a full stop where the classes are so unequal that weights are worth a word; else an empty text."""
    present = [count for count in counts if count]
    if asked != "none" or len(present) < 2 or max(present) < IMBALANCED * min(present):
        return ""
    times = max(present) / min(present)
    balanced = Setting("class_weights", "balanced")
    return phrase(f"the largest class has {times:.1f} times the rows of the smallest; ", balanced, " makes all classes count alike")
