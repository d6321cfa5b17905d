"""How long a job will take is measured on a few of its steps, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from emotui.core.errors import UserError
from emotui.core.model import estimate
from emotui.core.questions import AskEstimate
from emotui.core.specs import BaselineSpec, DataSpec, Job, TrainSpec


@pytest.mark.parametrize(("kind", "unit", "most"), [(TrainSpec, "steps", estimate.STEPS), (BaselineSpec, "texts", estimate.TEXTS)])
def test_a_few_steps_are_measured_and_nothing_is_kept(
    emotui_home: Path, tiny_data: Path, tiny_model: Path, kind: type[Job], unit: str, most: int
) -> None:
    told: list[tuple[str, int, int | None, str]] = []
    job = kind(DataSpec(str(tiny_data)), str(tiny_model), device="cpu", precision="float32")
    answer = estimate.estimate(AskEstimate(job=job), lambda *line: told.append(line))
    assert answer.unit == unit
    assert 1 <= answer.measured <= most
    assert answer.before > 0
    assert answer.epoch > 0
    assert {line[3] for line in told} == {unit}
    assert [name for _, _, names in os.walk(emotui_home) for name in names] == []


def test_what_cannot_be_trained_cannot_be_measured(emotui_home: Path, tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        estimate.estimate(AskEstimate(job=TrainSpec(DataSpec(str(tiny_data)), str(tmp_path))), lambda *_: None)


def test_a_layer_that_the_model_has_not_is_named_before_the_start(emotui_home: Path, tiny_data: Path, tiny_model: Path) -> None:
    job = BaselineSpec(DataSpec(str(tiny_data)), str(tiny_model), layer=9, device="cpu", precision="float32")
    with pytest.raises(UserError, match="this model has layers 1 to 2"):
        estimate.estimate(AskEstimate(job=job), lambda *_: None)
