"""Words of one set against another, computed once more from the paper's own formulas; two ways of weighing words set against each other."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal, getcontext

import numpy as np
import pytest
from emotui.core.figures.agreement import agreement
from emotui.core.figures.log_odds import compare
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), min_size=1, max_size=60)


def by_the_paper(first: Counter[str], second: Counter[str], everything: Counter[str], prior: float) -> dict[str, tuple[float, float]]:
    """Monroe et al., equations 16 and 20 (variance) to 22 (z), in 40 digits and word by word."""
    getcontext().prec = 40
    size = {name: Decimal(sum(each.values())) for name, each in (("first", first), ("second", second), ("all", everything))}
    strength = Decimal(prior)
    found = {}
    for word in first.keys() | second.keys():
        alpha = strength * everything[word] / size["all"]
        odds = []
        for counts, words in ((first, size["first"]), (second, size["second"])):
            odds.append(((counts[word] + alpha) / (words + strength - counts[word] - alpha)).ln())
        variance = 1 / (first[word] + alpha) + 1 / (second[word] + alpha)
        difference = odds[0] - odds[1]
        found[word] = (float(difference), float(difference / variance.sqrt()))
    return found


@given(WORDS, WORDS, WORDS, st.sampled_from([1.0, 10.0, 500.0]))
def test_log_odds_are_those_of_the_paper(first: list[str], second: list[str], others: list[str], prior: float) -> None:
    one, other = Counter(first), Counter(second)
    everything = one + other + Counter({*others, "z", "y"})
    found = compare(one, other, everything, prior)
    expected = by_the_paper(one, other, everything, prior)
    assert {each.word for each in found} == set(expected)
    for each in found:
        assert (each.log_odds, each.z) == pytest.approx(expected[each.word], abs=1e-9)
        assert (each.first, each.second) == (one[each.word], other[each.word])
    assert [each.z for each in found] == sorted((each.z for each in found), reverse=True)


def test_the_prior_shrinks_words_that_were_seen_once() -> None:
    """A word that is as frequent as many outweighs one that was seen once and only here."""
    everything = Counter({"the": 1_000, "sorry": 40, "hapax": 1, "other": 500})
    found = compare(Counter({"sorry": 12, "hapax": 1, "the": 50}), Counter({"the": 600, "sorry": 6}), everything)
    assert found[0].word == "sorry"
    once = next(each for each in found if each.word == "hapax")
    assert 0 < once.z < 1.96


def test_sets_without_words_are_compared_too() -> None:
    everything = Counter({"a": 3, "b": 2})
    assert compare({}, {}, everything) == []
    assert [each.word for each in compare({"a": 1}, {}, everything)] == ["a"]
    assert compare({"a": 1}, {"a": 2}, Counter({"a": 3})) == []  # nothing stands beside it


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=30))
def test_rank_correlation_is_scipys(pairs: list[tuple[int, int]]) -> None:
    first, second = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    found = agreement(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found.rank_correlation is None
    else:
        assert found.rank_correlation == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)


def test_the_weightiest_words_count_by_size_not_by_sign() -> None:
    found = agreement([0.1, -5.0, 3.0, 0.2, 0.3, 4.0], [9.0, 0.1, -8.0, 0.0, 0.0, -7.0], top=3)
    assert (found.top, found.shared) == (3, 2)
    assert agreement([1.0], [2.0]).rank_correlation is None
    assert agreement([1.0], [2.0]) == (None, 1, 1)
    assert agreement([], []) == (None, 0, 0)
    assert math.isclose(agreement(np.arange(9.0).tolist(), np.arange(9.0)[::-1].tolist()).rank_correlation or 0, -1.0)
