"""Every figure of drift, against scipy's or a count of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from emotui.core.data import drift, sources
from emotui.core.specs import DataSpec
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

COUNTS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=12).filter(
    lambda pairs: all(sum(pair[side] for pair in pairs) for side in (0, 1)) and sum(sum(pair) > 0 for pair in pairs) > 1
)
LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(COUNTS)
def test_distances_of_classes(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    shares = [each / each.sum() for each in (first, second)]
    assert drift.total_variation(first, second) == pytest.approx(sum(max(0.0, b - a) for a, b in zip(*shares, strict=True)))
    seen = (first + second) > 0
    assert drift.chi_square(first, second) == pytest.approx(stats.chi2_contingency([first[seen], second[seen]], correction=False)[0])


@pytest.mark.parametrize("free", [1, 2, 5, 30, 500])
def test_the_critical_value_is_that_of_the_distribution(free: int) -> None:
    assert drift.critical_chi_square(free) == pytest.approx(stats.chi2.ppf(0.999, free), rel=0.04)


@given(LENGTHS, LENGTHS)
def test_distance_of_lengths(first: list[int], second: list[int]) -> None:
    found = drift.kolmogorov_smirnov(np.sort(first), np.sort(second))
    assert found == pytest.approx(stats.ks_2samp(first, second)[0])


def load(folder: Path, **splits: list[tuple[str, str]]) -> sources.Dataset:
    for name, rows in splits.items():
        (folder / f"{name}.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), "utf-8")
    return sources.load(DataSpec(str(folder)))


def test_a_drift_is_told_in_a_sentence_and_chance_is_not(tmp_path: Path) -> None:
    train = [(f"w{number} " * (1 + number % 8), "abcd"[number % 4]) for number in range(400)]
    like = [(f"v{number} " * (1 + number % 8), "abcd"[number % 4]) for number in range(96)]
    unlike = [(f"x{number} " * (9 + number % 8), "aaab"[number % 4]) for number in range(100)]
    same, far = drift.between(load(tmp_path, train=train, validation=like, test=unlike))
    assert (same.split, same.classes, same.lengths, same.classes_drift, same.lengths_drift) == ("validation", 0.0, 0.0, False, False)
    assert same.classes_sentence == "the class shares match train"
    assert (far.split, far.classes, far.lengths, far.classes_drift, far.lengths_drift) == ("test", 0.5, 1.0, True, True)
    assert far.classes_sentence == "50.0 % of the rows would need another class to match train; 'a' has 75.0 % here and 25.0 % there"
    assert far.lengths_sentence == "lengths differ from those of train by 100.0 %; half of the texts have up to 12 words here, 4 there"


def test_few_rows_drift_by_chance_and_are_not_told(tmp_path: Path) -> None:
    train = [(f"w{number}", "ab"[number % 2]) for number in range(100)]
    (few,) = drift.between(load(tmp_path, train=train, validation=[("v1", "a"), ("v2", "a"), ("v3", "a"), ("v4", "b")]))
    assert few.classes == pytest.approx(0.25)
    assert not few.classes_drift


def test_lengths_of_texts_without_spaces_are_in_characters(tmp_path: Path) -> None:
    train = [("\u6211\u5f88\u559c\u6b22\u8fd9\u5bb6\u5e97" * (1 + number % 3) + str(number), "ab"[number % 2]) for number in range(60)]
    (same,) = drift.between(load(tmp_path, train=train, validation=[(f"{text}x", label) for text, label in train[:30]]))
    assert "characters here" in same.lengths_sentence
