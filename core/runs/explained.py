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
"""What each way to weigh words is called at the head of a column."""
FAIR_GAP = 0.05
"""Share of what is to be explained up to which a completeness gap is let be."""
LIKELY = 1.96
"""Standard errors from zero: 95 % of differences that are chance lie nearer."""


class Gap(NamedTuple):
    """How far weights that should add up do."""

    whole: float
    """What they should add up to: the score less the baseline's."""
    gap: float
    share: float | None
    """The size of the gap as a share of that of the whole; None where this is 0."""


def gap_of(answer: WhyAnswer) -> Gap | None:
    """Return how far the weights of an answer add up; None where they need not."""
    if answer.baseline is None or answer.gap is None:
        return None
    whole = answer.score - answer.baseline
    return Gap(whole, answer.gap, abs(answer.gap) / abs(whole) if whole else None)


def score_name(answer: WhyAnswer) -> str:
    """Return what the score of the class is: with two classes one is weighed against the other."""
    return "log-odds" if len(answer.probabilities) == 2 else "logit"


def agreement_of(answers: Sequence[WhyAnswer]) -> Agreement | None:
    """Return how far the first two ways agree on the words of a text; None where there is one way, or no word."""
    from ..figures.agreement import agreement

    if len(answers) < 2 or not answers[0].words:
        return None
    first, second = ([each.weight for each in answer.words] for answer in answers[:2])
    return agreement(first, second)


def weights_of(answer: AttentionAnswer) -> np.ndarray:
    """Return the attention as float64, shape [tokens, tokens]: a row for each token that looks."""
    import numpy as np

    return np.frombuffer(answer.weights, "<f2").astype(float).reshape(len(answer.tokens), -1)


def describe_head(answer: AttentionAnswer) -> str:
    """Return which head of the layer it is, or that it is the mean of all."""
    return f"head {answer.head} of {answer.heads}" if answer.head else f"the mean of {count(answer.heads, 'head')}"


def describe_search(near: NeighboursAnswer) -> str:
    """Return what was searched, and how, as the heading of the rows."""
    return f"Nearest of {count(near.searched, 'training row')}, by {near.features} ({near.distance} distance)"


def touched(row: NearRow) -> str:
    """Return what the overlay has done to a training row; '' where nothing."""
    parts = [f"was {row.source_label} in the source"] if row.source_label is not None else []
    if row.later is not None:
        parts.append(f"is {row.later} by now" if row.later else "has been left out since")
    return ", ".join(parts)


def describe_cell(words: CellWords, names: tuple[str, str], split: str) -> str:
    """Return which rows of a cell are compared with which, by the names of its true and its predicted class."""
    title = f"{count(words.rows, 'row')} of {safe_line(names[0], 30)} predicted as {safe_line(names[1], 30)} on {split}"
    return f"{title}, against {count(words.others, 'row')} {safe_line(words.against, 60)}" if words.rows else title


def describe_chance(words: CellWords) -> str:
    """Return how many of the words of a cell cannot be chance."""
    sure = sum(each.z > LIKELY for each in words.words)
    told = f"{count(sure, 'word')} beyond 1.96 standard errors" if sure else "none is beyond 1.96 standard errors: it may all be chance"
    return f"{told} (log-odds with a Dirichlet prior)"


def attention_shape(answer: AttentionAnswer) -> dict[str, Any]:
    """Return what `--json` shows of attention: the weights as rows of numbers."""
    import msgspec

    return {**msgspec.to_builtins(answer), "weights": [[round(each, 4) for each in row] for row in weights_of(answer).tolist()]}
