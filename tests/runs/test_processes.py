"""Real trainings by two processes, on one machine and on two: the steps of one process, stopped, killed and resumed."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import psutil
import pyarrow.parquet as pq
import pytest
import warm
from emotui.core.engine.client import Session
from emotui.core.events import Step
from emotui.core.questions import AskClassify
from emotui.core.runs import checkpoints, launch, state
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec

from .conftest import ENDED, Runs, until

pytestmark = pytest.mark.timeout(600)  # every process imports torch, one after the other where cores are few


def job_of(data: Path, model: Path, **more: object) -> TrainSpec:
    common = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu", "precision": "float32"}
    return TrainSpec(DataSpec(str(data)), str(model), **{**common, **more})


def start(runs: Runs, job: TrainSpec) -> RunFolder:
    run = launch.start(job, data_hash="", labels=())
    runs.made.append(run)
    return run


def wait(run: RunFolder, *states: str, step: int = 0) -> state.RunView:
    reader = state.RunReader(run)
    until(lambda: reader.poll() is not None and reader.view.state in (*states, *ENDED) and reader.view.step >= step, "the run", 240)
    return reader.view


def losses(view: state.RunView) -> list[tuple[int, float | None]]:
    return [(each.step, each.loss) for each in view.curve if isinstance(each, Step)]


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_and_predict_as_one(runs: Runs, tiny_data: Path, still_model: Path) -> None:
    one, two = (start(runs, job_of(tiny_data, still_model, processes=count)) for count in (1, 2))
    expected, view = wait(one, "finished"), wait(two, "finished")
    assert (expected.state, view.state) == ("finished", "finished"), (expected.reason, view.reason)
    assert view.started is not None and view.finished is not None and expected.finished is not None
    assert view.started.settings["processes"] == 2
    assert losses(view)[0][1] == pytest.approx(losses(expected)[0][1], rel=1e-6)
    assert [loss for _, loss in losses(view)] == pytest.approx([loss for _, loss in losses(expected)], rel=1e-3)
    assert view.finished.metrics.loss == pytest.approx(expected.finished.metrics.loss, rel=1e-3)
    assert [row.train_loss for row in view.epochs] == pytest.approx([row.train_loss for row in expected.epochs], rel=1e-3)

    saved = pq.read_table(two.predictions_file("validation")).to_pylist()
    texts = [msgspec.json.decode(line)["text"] for line in (tiny_data / "validation.jsonl").read_bytes().splitlines()]
    with Session() as engine:
        answers = engine.ask(AskClassify(str(two.path), tuple(texts))).predictions
    assert [row["prediction"] for row in saved] == [each.label for each in answers]
    for row, answer in zip(saved, answers, strict=True):
        assert row["probabilities"] == pytest.approx(list(answer.probabilities.values()), abs=1e-12)


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_go_on_to_the_same_end(
    runs: Runs, tiny_data: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(warm.COLD, "1")  # the one to be killed is looked for among the worker's children
    job = job_of(tiny_data, tiny_model, processes=2, batch_size=4, epochs=40)
    run = start(runs, job)
    view = wait(run, "running", step=30)
    assert view.worker_pid
    (member,) = psutil.Process(view.worker_pid).children()
    member.kill()
    whole = start(runs, job)
    view = runs.end(run)
    assert (view.state, view.reason) == (
        "failed",
        "the worker was killed (SIGKILL) by something other than emotui: process 1 of 2 was ended by SIGKILL",
    )
    latest = checkpoints.latest(run)
    assert latest and {"random-0.pt", "random-1.pt"} <= {each.name for each in latest.iterdir()}
    launch.resume(run)
    ended, expected = wait(run, "finished"), wait(whole, "finished")
    assert (ended.state, expected.state) == ("finished", "finished"), (ended.reason, expected.reason)
    assert losses(ended) == losses(expected)
    assert (run.model / "model.safetensors").read_bytes() == (whole.model / "model.safetensors").read_bytes()


def test_two_machines_that_were_not_started_alike_are_refused(runs: Runs, tiny_data: Path, still_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        master = f"127.0.0.1:{free.getsockname()[1]}"
    job = job_of(tiny_data, still_model, nodes=2, master=master, epochs=1)
    first, second = (start(runs, msgspec.structs.replace(job, node_rank=rank, seed=rank)) for rank in (0, 1))
    refused = "the settings on machine 1 and on machine 0 differ. Make them equal and start all machines again"
    for run in (first, second):
        view = wait(run)
        assert (view.state, view.reason, view.step) == ("failed", refused, 0)


@pytest.mark.slow
def test_two_machines_share_a_training_stop_together_and_go_on(runs: Runs, tiny_data: Path, still_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        master = f"127.0.0.1:{free.getsockname()[1]}"
    job = job_of(tiny_data, still_model, batch_size=4, epochs=40)
    one = start(runs, job)
    first, second = (start(runs, msgspec.structs.replace(job, nodes=2, node_rank=rank, master=master)) for rank in (0, 1))
    wait(second, "running", step=3)
    launch.stop(second)
    views = [wait(first), wait(second)]
    assert [view.state for view in views] == ["stopped", "stopped"], [view.reason for view in views]
    assert views[0].step == views[1].step < 920
    assert checkpoints.latest(first) and not checkpoints.latest(second)

    for run in (first, second):
        launch.resume(run)
    views = [wait(first, "finished"), wait(second, "finished")]
    assert [view.state for view in views] == ["finished", "finished"], [view.reason for view in views]
    assert views[0].finished == views[1].finished
    assert (first.model / "model.safetensors").is_file() and not second.model.exists()
    expected = wait(one, "finished")
    assert losses(views[0])[0][1] == pytest.approx(losses(expected)[0][1], rel=1e-6)
    assert [loss for _, loss in losses(views[0])][:12] == pytest.approx([loss for _, loss in losses(expected)][:12], rel=1e-3)
