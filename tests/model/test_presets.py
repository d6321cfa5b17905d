"""The tutorial's preset is the tutorial's; 'auto' follows the model's size; nonsense is refused."""

from __future__ import annotations

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import presets
from emotui.core.specs import DataSpec, TrainSpec
from transformers import get_linear_schedule_with_warmup

DATA = DataSpec("starter")


def resolve(job: TrainSpec, *, rows: int = 16_000, parameters: int = 22_600_000) -> presets.Settings:
    return presets.resolve(job, rows=rows, validation_rows=2_000, parameters=parameters, max_length=512)


def test_the_tutorials_settings() -> None:
    settings = resolve(TrainSpec(DATA, preset="tutorial"))
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (2, 2e-5, 64)
    assert (settings.weight_decay, settings.warmup_steps, settings.evaluations_per_epoch) == (0.01, 0, 1)


def test_auto_gives_a_small_encoder_a_higher_rate() -> None:
    rates = [presets.learning_rate_for(parameters) for parameters in (10**6, 22_600_000, 66_000_000, 110_000_000, 10**9)]
    assert rates == sorted(rates, reverse=True)
    assert rates[1:3] == [3e-4, 5e-5]
    assert 1e-5 <= rates[3] <= 3e-5
    assert resolve(TrainSpec(DATA)).epochs == 2
    assert resolve(TrainSpec(DATA), rows=1_260).epochs > 2


@pytest.mark.parametrize("warmup", [0, 7])
def test_the_schedule_is_transformers_linear_one(warmup: int) -> None:
    settings = resolve(TrainSpec(DATA, preset="tutorial"))
    settings = presets.Settings(**{**{f: getattr(settings, f) for f in settings.__struct_fields__}, "warmup_steps": warmup})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.learning_rate)
    scheduler = get_linear_schedule_with_warmup(optimizer, warmup, 100)
    for step in range(100):
        # transformers counts warm-up from 0, so that its first step changes nothing; ours counts from 1.
        expected = scheduler.get_last_lr()[0] if step >= warmup else settings.learning_rate * (step + 1) / warmup
        assert settings.rate_at(step, 100) == pytest.approx(expected)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (TrainSpec(DATA, epochs=0), "--epochs 0"),
        (TrainSpec(DATA, batch_size=0), "--batch-size 0"),
        (TrainSpec(DATA, learning_rate=float("nan")), "--lr nan"),
        (TrainSpec(DATA, learning_rate=-1e-4), "--lr"),
        (TrainSpec(DATA, accumulation=65), "--accumulation 65"),
    ],
)
def test_nonsense_is_refused_by_name(job: TrainSpec, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        resolve(job)
