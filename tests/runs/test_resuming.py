"""A run resumes only on what it began with; real training goes on to the same weights."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.events import Telemetry
from emotui.core.runs import checkpoints, launch, state
from emotui.core.runs.folder import RunFolder
from emotui.core.runs.telemetry import Telemeter
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec

from .conftest import ENDED, SUPERVISOR, Runs, until


def started(runs: Runs, data: Path) -> RunFolder:
    """Start a run of the tests' own worker on real data, and stop it."""
    loaded = sources.load(DataSpec(str(data)))
    plan = data.parent / "plan.json"
    plan.write_text("{}")
    job = TrainSpec(DataSpec(str(data)), str(plan))
    run = launch.start(job, data_hash=sources.fingerprint(loaded), labels=loaded.labels, supervisor=SUPERVISOR)
    runs.made.append(run)
    runs.at_step(run, 3)
    launch.stop(run)
    assert runs.end(run).state == "stopped"
    return run


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_data, tmp_path / "data")


def test_an_unchanged_data_set_resumes(runs: Runs, data: Path) -> None:
    run = started(runs, data)
    (data / "train.jsonl").touch()
    runs.resume(run)
    assert runs.end(run).state == "finished"


def test_a_changed_text_refuses(runs: Runs, data: Path) -> None:
    run = started(runs, data)
    lines = (data / "train.jsonl").read_text().splitlines(keepends=True)
    (data / "train.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(UserError, match=r"the texts or labels in .* have changed since it started"):
        runs.resume(run)
    assert runs.view(run).state == "stopped"


def test_changed_labels_refuse_and_are_named(runs: Runs, data: Path) -> None:
    run = started(runs, data)
    for path in data.iterdir():
        path.write_text(path.read_text().replace("sadness", "sorrow"))
    with pytest.raises(UserError, match="the labels have changed since it started, from anger, joy, sadness to anger, joy, sorrow"):
        runs.resume(run)


def test_data_that_is_gone_refuses(runs: Runs, data: Path) -> None:
    run = started(runs, data)
    shutil.rmtree(data)
    with pytest.raises(UserError):
        runs.resume(run)
    assert runs.view(run).state == "stopped"


def digest(run: RunFolder) -> str:
    return hashlib.sha256((run.model / "model.safetensors").read_bytes()).hexdigest()


def wait(run: RunFolder, *states: str, step: int = 0) -> state.RunView:
    reader = state.RunReader(run)
    until(lambda: reader.poll() is not None and reader.view.state in (*states, *ENDED) and reader.view.step >= step, "the run", 240)
    return reader.view


@pytest.mark.slow
def test_a_real_training_that_is_killed_twice_ends_in_the_same_weights(runs: Runs, tiny_model: Path, data: Path) -> None:
    job = TrainSpec(DataSpec(str(data)), str(tiny_model), epochs=60, batch_size=16, learning_rate=1e-3, device="cpu", precision="float32")
    whole, run = (launch.start(job, data_hash="", labels=()) for _ in range(2))
    runs.made += [whole, run]
    view = wait(run, "running", step=20)
    assert view.supervisor_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    assert wait(run, "lost").state == "lost"
    launch.resume(run)
    view = wait(run, "running", step=view.step + 40)
    assert view.worker_pid
    os.kill(view.worker_pid, signal.SIGKILL)
    assert wait(run, "failed").state == "failed"
    before = lose_each_file_of_the_newest_checkpoint(run)
    launch.resume(run)
    ended, expected = wait(run, "finished"), wait(whole, "finished")
    assert (ended.state, expected.state) == ("finished", "finished"), (ended.reason, expected.reason)
    assert digest(run) == digest(whole)
    assert [(each.step, each.loss) for each in ended.curve] == [(each.step, each.loss) for each in expected.curve]
    assert ended.epochs == expected.epochs
    assert [each.first_step for each in ended.attempts][2:] == [checkpoints.step_of(before)]


def lose_each_file_of_the_newest_checkpoint(run: RunFolder) -> Path:
    """Take each file away and put it back, the optimizer's for good; return the checkpoint that is left to go on from."""
    newest = checkpoints.latest(run)
    assert newest is not None
    names = {path.name for path in newest.iterdir()}
    assert names == {"COMPLETE", "config.json", "model.safetensors", "optimizer.pt", "position.json", "random-0.pt"}
    for name in sorted(names):
        (newest / name).rename(run.path / "aside")
        assert checkpoints.latest(run) not in (None, newest), name
        (run.path / "aside").rename(newest / name)
        assert checkpoints.latest(run) == newest
    (newest / "optimizer.pt").unlink()
    before = checkpoints.latest(run)
    assert before is not None
    return before


def test_bad_input_is_said_as_it_is(runs: Runs, tiny_model: Path, data: Path) -> None:
    (data / "train.jsonl").write_text('{"text": "one"}\n')
    run = launch.start(BaselineSpec(DataSpec(str(data)), str(tiny_model)), data_hash="", labels=())
    runs.made.append(run)
    view = wait(run, "failed")
    result = run.read_result()
    assert result is not None
    assert (view.state, result.cause, result.exit_code) == ("failed", "bad_input", 2)
    assert "label" in str(view.reason)
    assert "Traceback" not in run.log_file.read_text()


def test_the_load_of_the_process_and_its_children_is_told() -> None:
    readings: list[Telemetry] = []
    with Telemeter(readings.append, interval=0.1):  # type: ignore[arg-type]
        deadline = time.monotonic() + 30
        while len(readings) < 5 and time.monotonic() < deadline:
            sum(range(10_000))
    assert len(readings) >= 5
    assert readings[-1].cpu_percent > 5
    assert 10_000_000 < readings[-1].memory < readings[-1].memory_total
    count = len(readings)
    time.sleep(0.3)
    assert len(readings) == count
    assert readings[-1].gpu_memory is None or "torch" in sys.modules


def test_the_versions_are_recorded(runs: Runs) -> None:
    run = runs.start()
    spec = json.loads(run.spec_file.read_text())
    assert spec["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"torch", "transformers", "emotui"} <= set(spec["versions"])
