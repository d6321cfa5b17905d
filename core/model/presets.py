"""What the presets of fine-tuning stand for."""

from __future__ import annotations

import math

import msgspec

from ..errors import UserError
from ..specs import TrainSpec

SMALL = 5_000
"""Rows under which a data set is small: more epochs and smaller batches are then needed to learn at all."""


class Settings(msgspec.Struct, frozen=True):
    """Every hyperparameter of a fine-tuning, resolved."""

    epochs: int
    learning_rate: float
    batch_size: int
    """Rows of one optimizer step, over all processes and parts."""
    accumulation: int
    warmup_steps: int
    max_length: int
    seed: int
    evaluations_per_epoch: int
    patience: int | None = None
    """Measurements without a better macro-F1 after which the training ends with the best weights; None: it ends with the last."""
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def rate_at(self, step: int, steps: int) -> float:
        """Return the learning rate of optimizer step `step` (0-based): linear warm-up, then linear decay to 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        return self.learning_rate * max(0, steps - step) / max(1, steps - self.warmup_steps)


def learning_rate_for(parameters: int) -> float:
    """Return a peak learning rate for an encoder of that many parameters.

    A power law through two points: 3e-4 at 22.6 M parameters, the best of those tried on the emotion tweets, and 5e-5 at 66 M,
    the usual choice for DistilBERT-base (Sun et al., 2019, find 2e-5 to 5e-5 for BERT); kept within 1e-5 and 5e-4.
    """
    exponent = math.log(3e-4 / 5e-5) / math.log(66e6 / 22.6e6)
    return float(f"{min(5e-4, max(1e-5, 5e-5 * (66e6 / max(1, parameters)) ** exponent)):.1e}")


def resolve(job: TrainSpec, *, rows: int, validation_rows: int, parameters: int, max_length: int) -> Settings:
    """Return the settings of a job: the tutorial's own, or 'auto' by the size of model and data; what the job names wins.

    Raises UserError where a value makes no sense.
    """
    tutorial = job.preset == "tutorial"
    batch_size = job.batch_size if job.batch_size is not None else 64 if tutorial or rows >= SMALL else 32
    epochs = job.epochs if job.epochs is not None else 2 if tutorial or rows >= SMALL else 4
    rate = job.learning_rate if job.learning_rate is not None else 2e-5 if tutorial else learning_rate_for(parameters)
    if not 1 <= epochs <= 1_000:
        raise UserError(f"--epochs {epochs} is out of range: 1 to 1000")
    if not 1 <= batch_size <= 65_536:
        raise UserError(f"--batch-size {batch_size} is out of range: 1 to 65536 rows")
    if not (math.isfinite(rate) and 0 < rate <= 1):
        raise UserError(f"--lr {rate} is out of range: above 0 and at most 1, such as 5e-5")
    if not 1 <= job.accumulation <= batch_size:
        raise UserError(f"--accumulation {job.accumulation} is out of range: 1 to the batch size, {batch_size}")
    if job.patience is not None and job.patience < 1:
        raise UserError(f"--patience {job.patience} is out of range: 1 measurement or more")
    steps = epochs * math.ceil(rows / batch_size)
    return Settings(
        epochs=epochs,
        learning_rate=rate,
        batch_size=batch_size,
        accumulation=job.accumulation,
        warmup_steps=0 if tutorial else steps // 16,
        max_length=max_length,
        seed=job.seed,
        patience=job.patience,
        evaluations_per_epoch=1 if tutorial or validation_rows * 8 > rows else 4,
    )
