"""The weight of each class in the training loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .errors import UserError
from .safe_text import safe_line
from .sentences import Setting, Words, phrase

_SETTING = Setting("class_weights")
IMBALANCED = 1.5
"""The ratio of the largest to the smallest class from which on balanced weights are suggested (the rule of setfit's PR #204)."""


def parse(text: str) -> dict[str, float]:
    """Return the weights of 'A=1,B=2' by label; a label may contain = and, if what follows has none, a comma.

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
    return f"{safe_line(text, 60)!r} is not none, balanced or LABEL=WEIGHT,…, such as joy=1,love=2.5"


def resolve(asked: str, labels: Sequence[str], counts: Sequence[int]) -> list[float] | None:
    """Return one weight for each label; None where all are equal.

    `counts` are the rows of each label in the training split. 'balanced' is rows / (classes * rows of the class) over the classes
    that have rows, as in scikit-learn: the mean over all rows is 1. Raises UserError for an unknown label, and where every row
    would have weight 0.
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
        raise UserError(
            phrase(_SETTING, ": every row of the training split has weight 0"), "Give a weight above 0 to a class that has rows"
        )
    return found


def advice(asked: str, counts: Sequence[int]) -> Words:
    """Return a sentence without a full stop where the classes are so unequal that weights are worth suggesting; else an empty text."""
    present = [count for count in counts if count]
    if asked != "none" or len(present) < 2 or max(present) < IMBALANCED * min(present):
        return ""
    times = max(present) / min(present)
    balanced = Setting("class_weights", "balanced")
    return phrase(f"the largest class has {times:.1f} times the rows of the smallest; ", balanced, " gives all classes the same weight")
