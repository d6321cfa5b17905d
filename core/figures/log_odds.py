"""Finds the words that are more frequent in one set of texts than in another: log-odds with an informative Dirichlet prior.

Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 16 (2008), equations 16 and 20 to 22.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

PRIOR = 500.0
"""Words that the prior weighs as much as; Monroe et al. take what one text on average has, and short texts would leave no prior at all."""


class WordOdds(NamedTuple):
    """How much a word belongs to the first set of texts rather than to the second."""

    word: str
    first: int
    """How often it stands in the first set."""
    second: int
    log_odds: float
    """The difference of the log-odds of the word in both, nats; above 0: it is more frequent in the first."""
    z: float
    """That difference in standard errors."""


def compare(first: Mapping[str, int], second: Mapping[str, int], all_texts: Mapping[str, int], prior: float = PRIOR) -> list[WordOdds]:
    """Return the words of either set, the most typical of the first one first; of equal ones in the order of the alphabet.

    All three are counts by word; `all_texts` has every word of both sets, and its shares are those of the prior. A set without words
    has only the prior.
    """
    total = sum(all_texts.values())
    of_first, of_second = sum(first.values()), sum(second.values())
    found: list[WordOdds] = []
    for word in {**first, **second}:
        alpha = prior * all_texts[word] / total
        one, other = first.get(word, 0) + alpha, second.get(word, 0) + alpha
        rest, other_rest = of_first + prior - one, of_second + prior - other
        if rest <= 0 or other_rest <= 0:  # the only word that there is
            continue
        difference = math.log(one / rest) - math.log(other / other_rest)
        found.append(WordOdds(word, first.get(word, 0), second.get(word, 0), difference, difference / math.sqrt(1 / one + 1 / other)))
    return sorted(found, key=lambda each: (-each.z, each.word))
