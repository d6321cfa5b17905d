"""Each hyper-parameter acts as its name says, against an independent computation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emotui.core import paths
from emotui.core.events import EpochDone, Evaluated, Event, Started, Step
from emotui.core.model import device, finetune
from emotui.core.model.training_loop import Training
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec

pytestmark = pytest.mark.usefixtures("emotui_home")


def job_of(data: Path, model: Path, **settings: Any) -> TrainSpec:
    defaults: dict[str, Any] = {"batch_size": 16, "epochs": 2, "learning_rate": 2e-3, "device": "cpu", "precision": "float32"}
    return TrainSpec(DataSpec(str(data)), str(model), **{**defaults, **settings})


def prepared(data: Path, model: Path, events: list[Event] | None = None, **settings: Any) -> Training:
    """Return a training that stands before its first step."""
    job = job_of(data, model, **settings)
    told = events if events is not None else []
    run = RunFolder(paths.runs_folder() / "test")
    training, _ = finetune.prepare(job, run, told.append, lambda: False, device.choose("cpu", "float32", training=True))
    return training


def test_weight_decay_is_that_of_adamw_and_spares_biases_and_normalisations(still_model: Path, tiny_data: Path) -> None:
    groups = prepared(tiny_data, still_model, weight_decay=0.25).optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.25, 0.0]
    assert all(each.ndim > 1 for each in groups[0]["params"])
    assert all(each.ndim == 1 for each in groups[1]["params"])


def test_every_hyperparameter_is_told_when_a_run_starts(tiny_model: Path, tiny_data: Path) -> None:
    shown = prepared(tiny_data, tiny_model, weight_decay=0.25).settings.shown()
    assert shown["weight_decay"] == 0.25
    assert shown["seed"] == 0
    assert shown["learning_rate"] == 2e-3
    assert "device" not in shown


@pytest.mark.parametrize(("asked", "taken"), [(4, 4), (6, 6), (7, 7), (12, 12), (50, 12)])
def test_max_steps_ends_a_training_within_an_epoch_and_never_makes_it_longer(
    tiny_model: Path, tiny_data: Path, asked: int, taken: int
) -> None:
    events: list[Event] = []
    job = job_of(tiny_data, tiny_model, max_steps=asked)  # two epochs of 6 steps
    run = folder.create(job, data_hash="", labels=(), versions={})
    assert finetune.train(job, run, events.append, lambda: False)
    assert [event.step for event in events if isinstance(event, Step)] == list(range(1, taken + 1))
    assert next(event.steps for event in events if isinstance(event, Started)) == taken
    assert [event.step for event in events if isinstance(event, Evaluated)][-1] == taken
    assert len([event for event in events if isinstance(event, EpochDone)]) == taken // 6
    rates = [event.learning_rate for event in events if isinstance(event, Step)]
    assert rates[-1] == pytest.approx(2e-3 / taken)  # it falls to 0 over the steps that there are
