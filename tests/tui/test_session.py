"""A run from beginning to end as a person sees it: started by keys, left by a closed terminal, found again, stopped, resumed, finished."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emotui.core.runs import launch
from emotui.core.runs.folder import RunFolder, list_runs
from emotui.core.runs.state import RunReader, RunView
from terminals import TIMEOUT, Terminal, start_run, terminal

pytestmark = pytest.mark.slow

EPOCHS = "200"
"""Of 6 steps each, with a checkpoint at the end of each: enough to look on, and some seconds where nothing else is done."""


def view_of(run: RunFolder) -> RunView:
    reader = RunReader(run)
    reader.poll()
    return reader.view


def until(condition: Callable[[], object], what: str, shown: Terminal | None = None) -> None:
    """Wait until `condition` holds; a terminal takes meanwhile what it is sent."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"not seen in {TIMEOUT:.0f} s: {what}\n{shown.text if shown else ''}"
        if shown is None:
            time.sleep(0.02)
        else:
            assert shown.read_some(), f"the application ended:\n{shown.text}"


def step_of(shown: Terminal) -> int:
    """Return the step that the screen shows, -1 where it shows none."""
    found = re.search(r"▶ ([\d,]+) of [\d,]+ steps", shown.text)
    return int(found[1].replace(",", "")) if found else -1


def hold(run: RunFolder) -> int:
    """Let the worker stand still, so that the test need not be quicker than it, and return its number."""
    worker = view_of(run).worker_pid
    assert worker, "the run has ended too early"
    os.kill(worker, signal.SIGSTOP)
    return worker


@pytest.fixture
def nothing_left(emotui_home: Path) -> Iterator[None]:
    yield
    for run in list_runs():
        launch.kill(run)
        if worker := view_of(run).worker_pid:
            os.kill(worker, signal.SIGCONT)
        until(lambda run=run: view_of(run).state not in ("starting", "running"), "the end of a run")


@pytest.mark.timeout(600)
def test_a_run_outlives_its_terminal_and_is_stopped_resumed_and_finished_in_another(
    nothing_left: None, tiny_data: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "WezTerm")
    monkeypatch.delenv("TMUX", raising=False)
    with terminal(str(tiny_data)) as first:
        first.see(r"train 90")
        first.press("3")
        first.see("No run yet")
        start_run(first, tiny_model, fine_tune=True, epochs=EPOCHS)
        until(list_runs, "a run", first)
        (run,) = list_runs()
        until(lambda: view_of(run).step > 0, "the first step", first)
        first.hang_up()
        first.process.wait(TIMEOUT)
    left_at = view_of(run).step
    until(lambda: view_of(run).step > left_at, "steps without a terminal")
    worker = hold(run)

    with terminal(str(tiny_data)) as again:
        again.see(r"train 90")
        again.press("3")
        again.see(r"▶ [\d,]+ of 1,200 steps", r"loss", run.id.partition("-")[0])
        found_at = step_of(again)
        assert found_at > left_at, "the history is not whole"
        os.kill(worker, signal.SIGCONT)
        until(lambda: step_of(again) > found_at, "a curve that grows", again)
        assert hold(run) == worker
        again.press("s")
        until(lambda: (run.control / "stop").exists(), "the request", again)
        os.kill(worker, signal.SIGCONT)
        again.see(r"■ stopped at step [\d,]+ of 1,200: it was asked to stop")
        stopped = view_of(run)
        assert (stopped.state, stopped.checkpoints[-1].step) == ("stopped", stopped.step)
        assert b"\a" not in re.sub(rb"\x1b\].*?\a", b"", again.raw), "a stop that was asked for is no news"

        again.press("R")
        again.see(r"✓ finished in")
        until(lambda: f"\x1b]9;emotui: {run.id} finished: F1 ".encode() in again.raw, "the notification", again)
        again.press("q")
        assert again.ended() == 0

    finished = view_of(run)
    assert [(each.number, each.first_step) for each in finished.attempts] == [(1, 0), (2, stopped.step)]
    spec = run.read_spec()
    undisturbed = launch.start(spec.job, data_hash=spec.data_hash, labels=spec.labels)
    until(lambda: view_of(undisturbed).state == "finished", "an undisturbed run")
    assert [(each.step, each.loss) for each in finished.curve] == [(each.step, each.loss) for each in view_of(undisturbed).curve]
    assert (run.model / "model.safetensors").read_bytes() == (undisturbed.model / "model.safetensors").read_bytes()
