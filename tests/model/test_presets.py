"""The tutorial's preset is the tutorial's; 'auto' follows the model's size; nonsense is refused."""

from __future__ import annotations

import msgspec
import pytest
import torch
from emotui.core import hyperparameters
from emotui.core.errors import UserError
from emotui.core.model import presets
from emotui.core.specs import DataSpec, TrainSpec
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

DATA = DataSpec("starter")


def resolve(job: TrainSpec, *, rows: int = 16_000, parameters: int = 22_600_000) -> presets.Settings:
    return presets.resolve(job, rows=rows, validation_rows=2_000, parameters=parameters, max_length=512)


def test_the_tutorials_settings() -> None:
    settings = resolve(TrainSpec(DATA, preset="tutorial"))
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (2, 2e-5, 64)
    assert (settings.job.weight_decay, settings.warmup_steps, settings.evaluations_per_epoch) == (0.01, 0, 1)


def test_auto_gives_a_small_encoder_a_higher_rate() -> None:
    rates = [presets.learning_rate_for(parameters) for parameters in (10**6, 22_600_000, 66_000_000, 110_000_000, 10**9)]
    assert rates == sorted(rates, reverse=True)
    assert rates[1:3] == [3e-4, 5e-5]
    assert 1e-5 <= rates[3] <= 3e-5
    assert resolve(TrainSpec(DATA)).epochs == 2
    assert resolve(TrainSpec(DATA), rows=1_260).epochs > 2


@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_schedules_are_those_of_transformers(schedule: str, warmup: int) -> None:
    settings = resolve(TrainSpec(DATA, preset="tutorial", schedule=schedule, warmup=warmup, max_steps=100))  # type: ignore[arg-type]
    assert settings.warmup_steps == warmup
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.learning_rate)
    make = {
        "linear": lambda: get_linear_schedule_with_warmup(optimizer, warmup, 100),
        "cosine": lambda: get_cosine_schedule_with_warmup(optimizer, warmup, 100),
        "constant": lambda: get_constant_schedule_with_warmup(optimizer, warmup),
    }
    scheduler = make[schedule]()
    for step in range(100):
        # transformers counts warm-up from 0, so that its first step changes nothing; ours counts from 1.
        expected = scheduler.get_last_lr()[0] if step >= warmup else settings.learning_rate * (step + 1) / warmup
        assert settings.rate_at(step) == pytest.approx(expected)
        optimizer.step()
        scheduler.step()


def test_a_warm_up_below_one_is_a_share_of_all_steps() -> None:
    steps = 2 * 250
    assert resolve(TrainSpec(DATA, warmup=0.1)).warmup_steps == steps // 10
    assert resolve(TrainSpec(DATA, warmup=1)).warmup_steps == 1
    assert resolve(TrainSpec(DATA)).warmup_steps == steps // 16


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "epochs: '0'"),
        ({"epochs": 1_001}, "epochs: '1001'"),
        ({"batch_size": 0}, "batch_size: '0'"),
        ({"learning_rate": float("nan")}, "learning_rate: 'nan'"),
        ({"learning_rate": -1e-4}, "learning_rate"),
        ({"patience": 0}, "patience"),
        ({"batch_size": 8, "accumulation": 9}, "accumulation: 9"),
        ({"device": "gpu"}, "device"),
    ],
)
def test_a_spec_with_nonsense_cannot_be_made_nor_read(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TrainSpec(DATA, **values)  # type: ignore[arg-type]
    sound = msgspec.to_builtins(TrainSpec(DATA))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(sound | values, TrainSpec)


def test_more_parts_than_the_presets_batch_has_rows_are_refused() -> None:
    with pytest.raises(UserError, match="--accumulation 65"):
        resolve(TrainSpec(DATA, accumulation=65))


def test_what_a_preset_chooses_is_what_the_table_says_it_does() -> None:
    chosen = presets.choices("auto", rows=10, validation_rows=1, parameters=1)
    rows = hyperparameters.rows(TrainSpec)
    assert {name for name, row in rows.items() if row.by_preset} == chosen.keys() & rows.keys()
