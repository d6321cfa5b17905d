"""The cross-hair of a chart goes from step to step, however wide a step is on the screen."""

from __future__ import annotations

import pytest
from emotui.tui.widgets.chart import Chart, Series
from emotui.tui.widgets.plot import Plot
from textual.app import App, ComposeResult
from variants import mostly_slow

pytestmark = pytest.mark.every_frame  # a chart knows its steps once it is drawn


class Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield Plot(Chart("loss"), hint="", id="loss")


@pytest.mark.parametrize("steps", mostly_slow([44, 2, 5, 300, 5_000], quick=3))
async def test_each_key_moves_it_and_it_reaches_both_ends(steps: int) -> None:
    at = tuple(float(step) for step in range(1, steps + 1))
    app = Alone()
    async with app.run_test(size=(80, 20)) as pilot:
        plot = app.query_one(Plot)
        plot.show(Chart("loss", (Series("train", at, tuple(1 / each for each in at), "#ffffff"),), span=(1.0, float(steps))))
        plot.focus()
        await pilot.pause()
        await pilot.press("left")  # puts it at the newest step
        assert plot.view.cursor == steps
        for key, end in (("left", 1.0), ("right", float(steps))):
            assert plot.view.cursor is not None
            seen: list[float] = [plot.view.cursor]
            while plot.view.cursor != end:
                await pilot.press(key)
                assert plot.view.cursor is not None and plot.view.cursor == round(plot.view.cursor)
                assert plot.view.cursor < seen[-1] if key == "left" else plot.view.cursor > seen[-1]
                seen.append(plot.view.cursor)
            assert len(seen) <= steps
