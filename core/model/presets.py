"""The settings that each preset of fine-tuning chooses."""

from __future__ import annotations

import math
import sys
from typing import Any

import msgspec

from .. import hyperparameters
from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import TrainSpec

SMALL = 5_000
"""Rows below which a data set is small and needs more epochs and smaller batches to learn at all."""


class Settings(msgspec.Struct, frozen=True):
    """All hyper-parameters of a fine-tuning: those that the job gives, and the resolved values of the others."""

    job: TrainSpec
    epochs: int
    steps: int
    """Optimizer steps of the whole training."""
    learning_rate: float
    batch_size: int
    """Rows per optimizer step, over all processes and micro-batches."""
    warmup_steps: int
    max_length: int
    evaluations_per_epoch: int
    max_gradient_norm: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def rate_at(self, step: int) -> float:
        """Return the learning rate of optimizer step `step` (0-based): a linear warm-up, then the job's schedule.

        The schedules are transformers' `get_linear_schedule_with_warmup`, `get_cosine_schedule_with_warmup` and
        `get_constant_schedule_with_warmup`, except that the warm-up counts from 1, so that its first step has a rate above 0.
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = min(1.0, (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))
        match self.job.schedule:
            case "constant":
                return self.learning_rate
            case "cosine":
                return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            case "linear":
                return self.learning_rate * (1 - done)

    def shown(self) -> dict[str, Any]:
        """Return every hyper-parameter that the result depends on, by name; None for those not in use."""
        named = {name: getattr(self.job, name) for name in hyperparameters.rows(TrainSpec) if name not in ("preset", "device", "precision")}
        resolved = msgspec.structs.asdict(self)
        del resolved["job"]
        return named | resolved


def learning_rate_for(parameters: int) -> float:
    """Return a peak learning rate for an encoder with that many parameters.

    A power law through two points: 3e-4 at 22.6 M parameters, the best of those tried on the emotion tweets, and 5e-5 at 66 M,
    the usual choice for DistilBERT-base (Sun et al., 2019, find 2e-5 to 5e-5 for BERT); kept within 1e-5 and 5e-4.
    """
    exponent = math.log(3e-4 / 5e-5) / math.log(66e6 / 22.6e6)
    return float(f"{min(5e-4, max(1e-5, 5e-5 * (66e6 / max(1, parameters)) ** exponent)):.1e}")


def choices(preset: str, *, rows: int, validation_rows: int, parameters: int | None) -> dict[str, Any]:
    """Return the values that a preset chooses, by hyper-parameter: those of the tutorial, or by the size of model and data.

    A value that depends on the number of `parameters` is None if that is unknown.
    """
    tutorial = preset == "tutorial"
    return {
        "epochs": 2 if tutorial or rows >= SMALL else 4,
        "batch_size": 64 if tutorial or rows >= SMALL else 32,
        "warmup": 0 if tutorial else 1 / 16,
        "learning_rate": 2e-5 if tutorial else learning_rate_for(parameters) if parameters is not None else None,
        "evaluations_per_epoch": 1 if tutorial or validation_rows * 8 > rows else 4,
    }


def resolve(job: TrainSpec, *, rows: int, validation_rows: int, parameters: int, max_length: int) -> Settings:
    """Return the settings of a job: those that it gives, and the choices of its preset for the others.

    Raises UserError if a batch has fewer rows than micro-batches.
    """
    chosen = choices(job.preset, rows=rows, validation_rows=validation_rows, parameters=parameters)
    for name, row in hyperparameters.rows(TrainSpec).items():
        if row.by_preset and getattr(job, name) is not None:
            chosen[name] = getattr(job, name)
    if job.accumulation > chosen["batch_size"]:
        parts = Setting("accumulation", job.accumulation)
        raise UserError(phrase(parts, f" is out of range: 1 to the batch size, {chosen['batch_size']}"))
    steps = min(chosen["epochs"] * math.ceil(rows / chosen["batch_size"]), job.max_steps or sys.maxsize)
    warmup = chosen.pop("warmup")
    warmup_steps = int(warmup if warmup >= 1 else warmup * steps)
    return Settings(job=job, steps=steps, warmup_steps=warmup_steps, max_length=max_length, **chosen)
