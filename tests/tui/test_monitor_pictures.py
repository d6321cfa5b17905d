"""The training monitor and the classifier prompt as text, below the lines that all screens share."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import run_folders as folders
from monitor import Classifier, application, settle
from pictures import SIZES, check_picture
from variants import sizes

SHARED = 2
"""Lines on top that say something of the machine."""


@pytest.mark.parametrize("size", sizes(SIZES))
@pytest.mark.parametrize("state", ["empty", "loading", "live", "baseline", "failed"])
async def test_training(emotui_home: Path, state: str, size: tuple[int, int]) -> None:
    runs, held = emotui_home / "runs", nullcontext()
    if state in ("baseline", "live"):
        folders.write_projection(folders.write_baseline_run(runs, created=folders.STARTED - 500))
    if state == "failed":
        folders.write_failed_run(runs)
    if state in ("live", "loading"):
        happened = folders.train_events(upto=312)
        live = folders.write_run(runs, "live88", folders.train_spec(), happened if state == "live" else happened[:3], state=None)
        held = folders.held(live)
    with held:
        async with application(Classifier(folders.LABELS, {}), "3", size=size) as (app, pilot):
            await settle(pilot)
            check_picture(app, f"training-{state}", skip=SHARED)


@pytest.mark.parametrize("size", sizes(SIZES))
@pytest.mark.parametrize("state", ["empty", "full", "failed"])
async def test_classify(emotui_home: Path, state: str, size: tuple[int, int]) -> None:
    tuned, baseline = (0.012, 0.971, 0.01, 0.003, 0.002, 0.002), (0.153, 0.61, 0.1, 0.1, 0.03, 0.007)
    engine = Classifier(folders.LABELS, {"fine77": tuned, "base22": baseline})
    engine.error = "the model of this run is gone. Train it again" if state == "failed" else ""
    if state != "empty":
        folders.write_train_run(emotui_home / "runs")
        folders.write_baseline_run(emotui_home / "runs", created=folders.STARTED - 60)
    async with application(engine, "4", size=size) as (app, pilot):
        if state != "empty":
            await pilot.press("s", "o", "space", "g", "o", "o", "d", "escape")
            await pilot.pause(0.1)
        await settle(pilot)
        check_picture(app, f"classify-{state}", skip=SHARED)
