"""What is called beyond chance, against statsmodels, SciPy and the drawing of rows one by one."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.figures import chance, scores
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

LABELS = ("a", "b", "c")


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_that_of_statsmodels(first: int, second: int) -> None:
    expected = vars(mcnemar([[7, first], [second, 5]], exact=True))["pvalue"] if first + second else 1.0
    assert chance.mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_holds_for_many_rows() -> None:
    assert chance.mcnemar(50_400, 49_600) == pytest.approx(binomtest(49_600, 100_000).pvalue, rel=1e-6)
    assert chance.mcnemar(0, 5_000) == 0.0  # smaller than any float
    assert chance.mcnemar(0, 6) == pytest.approx(2 / 64)


def test_two_runs_are_counted_row_by_row() -> None:
    truth, first, second = np.array([0, 1, 2, 0, 1]), np.array([0, 1, 0, 1, 1]), np.array([0, 0, 2, 1, 0])
    assert chance.paired(truth, first, second) == chance.Paired(1, 2, 1, 1, 1.0)


@pytest.mark.slow
@settings(max_examples=20)  # each asks statsmodels, which takes its time
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_that_of_statsmodels(values: list[float]) -> None:
    expected = np.asarray(multipletests(values, method="holm")[1]).tolist() if values else []
    assert chance.holm(values) == pytest.approx(expected)


def some_rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, count)
    return truth, np.where(random.random(count) < 0.8, truth, random.integers(0, 3, count)), random


def test_the_weighted_f1_of_a_slice_is_that_of_scikit_learn() -> None:
    truth, predicted, random = some_rows(300, 1)
    rows = np.flatnonzero(random.random(300) < 0.3)
    (found,) = chance.slices(truth, predicted, LABELS, [rows], resamples=50)
    others = np.setdiff1d(np.arange(300), rows)
    assert found.f1 == pytest.approx(f1_score(truth[rows], predicted[rows], average="weighted"))
    assert found.rest == pytest.approx(f1_score(truth[others], predicted[others], average="weighted"))
    assert found.accuracy == pytest.approx(np.mean(truth[rows] == predicted[rows]))
    assert found.interval is not None and found.f1 is not None and found.interval[0] < found.f1 < found.interval[1]
    assert found.interval == scores.bootstrap(truth[rows], predicted[rows], LABELS, 50)["f1_weighted"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_a_slice_is_tested_as_by_drawing_its_rows_anew(seed: int) -> None:
    truth, predicted, random = some_rows(120, seed)
    rows = np.flatnonzero((predicted != truth) & (random.random(120) < 0.5) | (random.random(120) < 0.25))

    def apart(chosen: np.ndarray) -> float:
        others = np.setdiff1d(np.arange(120), chosen)
        return abs(
            f1_score(truth[chosen], predicted[chosen], average="weighted", zero_division=0)
            - f1_score(truth[others], predicted[others], average="weighted", zero_division=0)
        )

    seen = apart(rows)
    drawn = [apart(random.permutation(120)[: len(rows)]) >= seen - 1e-12 for _ in range(300)]
    expected = np.mean(drawn)
    inside = scores.confusion(truth[rows], predicted[rows], 3)
    measured = chance.apart(inside, scores.confusion(truth, predicted, 3) - inside)
    # Five standard errors of 300 draws, plus one draw.
    assert measured == pytest.approx(expected, abs=5 * np.sqrt(max(expected * (1 - expected), 0.002) / 300) + 2e-3)


def test_slices_are_marked_for_what_they_are_together() -> None:
    truth, predicted, random = some_rows(2_000, 5)
    bad = np.arange(0, 200)
    predicted[bad] = (truth[bad] + 1) % 3
    found = chance.slices(truth, predicted, LABELS, [bad, *(random.permutation(2_000)[:150] for _ in range(5)), np.array([], int)])
    assert [each.beyond_chance for each in found] == [True, *[False] * 6]
    assert found[0].p == pytest.approx(7 / (chance.PERMUTATIONS + 1))  # the least that so many permutations can give, times seven
    assert found[-1] == chance.Slice(0, None, None, None, float(f1_score(truth, predicted, average="weighted")), 1.0)
    (whole,) = chance.slices(truth, predicted, LABELS, [np.arange(2_000)], resamples=10)
    assert (whole.rest, whole.p) == (None, 1.0)


def test_the_same_rows_give_the_same_figures() -> None:
    truth, predicted, _ = some_rows(200, 6)
    assert chance.slices(truth, predicted, LABELS, [np.arange(60)]) == chance.slices(truth, predicted, LABELS, [np.arange(60)])


@pytest.mark.parametrize(("hits", "total"), [(0, 7), (7, 7), (3, 10), (120, 2000), (1, 1)])
def test_the_interval_of_a_share_is_that_of_statsmodels(hits: int, total: int) -> None:
    assert chance.wilson(hits, total) == pytest.approx(proportion_confint(hits, total, method="wilson"), abs=1e-9)


def test_nothing_has_no_interval() -> None:
    assert chance.wilson(0, 0) is None
