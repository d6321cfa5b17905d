"""Sentences about explanations that the command line and the application share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..questions import AttentionAnswer, NearRow, NeighboursAnswer, WhyAnswer
from ..safe_text import safe_line
from ..units import count

if TYPE_CHECKING:
    import numpy as np

    from ..figures.agreement import Agreement
    from .cell_words import CellWords

TITLES = {
    "integrated_gradients": "integrated gradients",
    "leave_out": "left out",
    "gradient_x_input": "gradient x input",
    "exact": "weight x value",
}
"""Column heads of the methods of word attribution."""
FAIR_GAP = 0.05
"""Share of the explained difference up to which a completeness gap is tolerated."""
LIKELY = 1.96
"""Standard errors from zero within which 95 % of chance differences lie."""


class Gap(NamedTuple):
    """How far weights are from adding up as they should."""

    whole: float
    """The sum that is expected: the score minus that of the baseline."""
    gap: float
    share: float | None
    """The size of the gap as a share of `whole`; None if that is 0."""


def gap_of(answer: WhyAnswer) -> Gap | None:
    """Return how far the weights of an answer are from adding up; None for a method whose weights need not."""
    if answer.baseline is None or answer.gap is None:
        return None
    whole = answer.score - answer.baseline
    return Gap(whole, answer.gap, abs(answer.gap) / abs(whole) if whole else None)


def score_name(answer: WhyAnswer) -> str:
    """Return the name of the explained score: with two classes the log-odds of one against the other."""
    return "log-odds" if len(answer.probabilities) == 2 else "logit"


def agreement_of(answers: Sequence[WhyAnswer]) -> Agreement | None:
    """Return how far the first two methods agree on the words of a text; None with a single method, or without words."""
    from ..figures.agreement import agreement

    if len(answers) < 2 or not answers[0].words:
        return None
    first, second = ([each.weight for each in answer.words] for answer in answers[:2])
    return agreement(first, second)


def weights_of(answer: AttentionAnswer) -> np.ndarray:
    """Return the attention weights, float64, shape [tokens, tokens]: one row per query token."""
    import numpy as np

    return np.frombuffer(answer.weights, "<f2").astype(float).reshape(len(answer.tokens), -1)


def describe_head(answer: AttentionAnswer) -> str:
    """Return words for the head of the layer, or for the mean of all heads."""
    return f"head {answer.head} of {answer.heads}" if answer.head else f"the mean of {count(answer.heads, 'head')}"


def describe_search(near: NeighboursAnswer) -> str:
    """Return a heading that says what was searched, and by which distance."""
    return f"Nearest of {count(near.searched, 'training row')}, by {near.features} ({near.distance} distance)"


def touched(row: NearRow) -> str:
    """Return words for what the overlay changed about a training row; '' for nothing."""
    parts = [f"was {row.source_label} in the source"] if row.source_label is not None else []
    if row.later is not None:
        parts.append(f"is {row.later} by now" if row.later else "has been left out since")
    return ", ".join(parts)


def describe_cell(words: CellWords, names: tuple[str, str], split: str) -> str:
    """Return a sentence on which rows are compared; `names` are the cell's true and predicted class."""
    title = f"{count(words.rows, 'row')} of {safe_line(names[0], 30)} predicted as {safe_line(names[1], 30)} on {split}"
    return f"{title}, against {count(words.others, 'row')} {safe_line(words.against, 60)}" if words.rows else title


def describe_chance(words: CellWords) -> str:
    """Return a sentence on how many of a cell's words are beyond chance."""
    sure = sum(each.z > LIKELY for each in words.words)
    beyond = f"{count(sure, 'word')} beyond 1.96 standard errors" if sure else "none is beyond 1.96 standard errors: it may all be chance"
    return f"{beyond} (log-odds with a Dirichlet prior)"


def attention_shape(answer: AttentionAnswer) -> dict[str, Any]:
    """Return the fields of attention for `--json`, with the weights as rows of numbers."""
    import msgspec

    return {**msgspec.to_builtins(answer), "weights": [[round(each, 4) for each in row] for row in weights_of(answer).tolist()]}
