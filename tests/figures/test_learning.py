"""The forecast of a learning curve is that of a power law where the errors follow one, and its interval is Student's."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.figures import learning
from scipy import stats


@pytest.mark.parametrize("power", [0.1, 0.35, 0.8])
def test_a_power_law_is_carried_on_by_one_doubling(power: float) -> None:
    sizes = 100 * 2.0 ** np.arange(6)
    scores = [[1 - 3 * size**-power / 4, 1 - 3 * size**-power / 4] for size in sizes]
    found = learning.doubling(scores)
    assert found is not None
    assert found.gain == found.low == found.high == pytest.approx(3 / 4 * (sizes[-1] ** -power - (2 * sizes[-1]) ** -power))
    assert found.foretold == pytest.approx(found.came)


def test_the_draws_span_the_forecast_and_the_last_size_is_shared() -> None:
    found = learning.doubling([[0.5, 0.52, 0.48], [0.6, 0.61, 0.59], [0.7]])
    assert found is not None and found.low < found.gain < found.high
    flat = [(0.5 + shift, 0.6 + shift / 2, 0.7) for shift in (0.0, 0.02, -0.02)]
    # Each draw has its own steepness, by least squares.
    slopes = [np.polyfit([0, 1, 2], np.log2([1 - each for each in draw]), 1)[0] for draw in flat]
    assert (found.low, found.high) == pytest.approx((0.3 * (1 - 2 ** max(slopes)), 0.3 * (1 - 2 ** min(slopes))))
    assert (found.foretold, found.came) == (None, None)


def test_a_curve_that_falls_brings_less_than_nothing_and_a_perfect_one_next_to_nothing() -> None:
    falling, perfect = learning.doubling([[0.7], [0.65], [0.6]]), learning.doubling([[1.0], [1.0], [1.0]])
    assert falling is not None and falling.gain < 0
    assert perfect is not None and perfect.gain == pytest.approx(0, abs=1e-6)
    assert learning.doubling([[0.5], [0.6]]) is None


@pytest.mark.parametrize("scores", [[0.5, 0.6], [0.5, 0.52, 0.47], [0.1, 0.9, 0.4, 0.2]])
def test_the_interval_is_students(scores: list[float]) -> None:
    low, high = stats.t.interval(0.95, len(scores) - 1, np.mean(scores), stats.sem(scores))
    assert learning.interval(scores) == pytest.approx((max(0.0, low), min(1.0, high)), abs=1e-3)
    assert learning.interval(scores[:1]) is None
