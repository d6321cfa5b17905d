"""The tutorial's whole path, walked by keys through a real terminal with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from emotui.core.runs import launch
from emotui.core.runs.folder import list_runs
from emotui.core.runs.state import glance
from emotui.core.specs import task_of
from terminals import EMOTUI, TIMEOUT, runs, start_run, terminal

pytestmark = pytest.mark.slow


@pytest.mark.timeout(400)
def test_the_tutorial_by_keys(emotui_home: Path, tiny_data: Path, tiny_model: Path) -> None:
    with terminal(str(tiny_data)) as shown:
        shown.see(r"train 90", r"validation 30", "sadness", "words per text")
        shown.press("/")
        shown.see("label:joy  len>40")
        shown.press("label:anger bus")
        shown.see(r"of 90")
        shown.press("enter")
        shown.see(r"the bus left early and i hate it", r"(?s)\A(?!.*i miss my old dog)")
        shown.press("t")
        shown.see(r"subwords", r"one-hot", "the bus left early")
        shown.press("3")
        shown.see("No run yet")

        start_run(shown, tiny_model, fine_tune=False)
        shown.see("TF-IDF", r"finished", r"F1 [01]\.\d")
        start_run(shown, tiny_model, fine_tune=True)
        shown.see(r"fine-tu", r"✓ finished", "true . predicted")
        done = {task_of(view.spec.job): view for view in runs()}
        assert {view.state for view in done.values()} == {"finished"}
        epochs = done["fine-tune"].epochs
        most_frequent = done["baseline"].rungs[0].metrics.f1_weighted
        assert epochs[-1].f1_weighted > most_frequent + 0.2, "nothing was learned"
        shown.see(f"{epochs[-1].f1_weighted:.4f}")

        shown.press("4")
        shown.see("─ sentence ─")
        shown.see_cursor_at("I saw a movie")
        shown.press("i hate it and i shout")
        shown.see(r"A N G E R|J O Y|S A D N E S S", r" ms", r" tokens")
        shown.press("escape")
        shown.see(r"q leave")
        shown.press("q")
        assert shown.ended() == 0

    with terminal(str(tiny_data)) as again:
        again.see(r"train 90")
        again.press("3")
        again.see(done["fine-tune"].id[:4], done["baseline"].id[:4], f"{epochs[-1].f1_weighted:.4f}")
        again.press("q")
        assert again.ended() == 0


@pytest.mark.parametrize("hang_up", ["SIGHUP", "close"])
def test_a_closed_terminal_ends_the_application_and_not_the_run(emotui_home: Path, tiny_data: Path, tiny_model: Path, hang_up: str) -> None:
    options = ["--model", str(tiny_model), "--epochs", "1000", "--batch-size", "8", "--device", "cpu", "--detach"]
    subprocess.run([EMOTUI, "train", str(tiny_data), *options], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    (folder,) = list_runs()
    try:
        with terminal(str(tiny_data)) as shown:
            shown.see(r"train 90", rf"fine-tune.*{folder.id.partition('-')[0]}")
            process = shown.process.pid
            if hang_up == "SIGHUP":
                os.kill(process, signal.SIGHUP)
                assert shown.ended() == 128 + signal.SIGHUP
            else:
                shown.hang_up()
                assert shown.process.wait(TIMEOUT) == 128 + signal.SIGHUP
        assert glance(folder).state in ("starting", "running")
    finally:
        launch.kill(folder)
        until = time.monotonic() + TIMEOUT
        while glance(folder).state in ("starting", "running") and time.monotonic() < until:
            time.sleep(0.1)
