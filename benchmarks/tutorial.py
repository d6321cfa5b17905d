"""The tutorial's way, with today's names of the same settings: what emotui is measured against.

Every text is padded to the longest, all is in float32, features are unscaled, saga has up to 3,000 iterations, and Trainer trains.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, Value
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments


def encode(model: Path, texts: Sequence[str], labels: Sequence[int], names: Sequence[str], padded_to: int) -> Dataset:
    """Return a data set with input_ids and attention_mask, every text padded to `padded_to` tokens."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    data = Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)
    return data.map(
        lambda batch: tokenizer(batch["text"], padding="max_length", max_length=padded_to, truncation=True), batched=True, batch_size=None
    )


def hidden_states(model: Path, data: Dataset) -> tuple[np.ndarray, float]:
    """Return the [CLS] hidden states, [n, d], and the seconds it took."""
    encoder = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
    data = data.with_format("torch", columns=["input_ids", "attention_mask", "label"])
    started = time.perf_counter()

    def extract(batch: dict[str, torch.Tensor]) -> dict[str, Any]:
        with torch.no_grad():
            output = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        return {"hidden_state": output.last_hidden_state[:, 0].cpu().numpy()}

    hidden = data.map(extract, batched=True, new_fingerprint=f"{time.time_ns()}")
    states = np.array(hidden.with_format("numpy")["hidden_state"])
    return states, time.perf_counter() - started


def logistic_regression(states: np.ndarray, labels: np.ndarray, iterations: int) -> tuple[LogisticRegression, float]:
    """Return the tutorial's logistic regression and the seconds it took to fit."""
    started = time.perf_counter()
    regression = LogisticRegression(max_iter=iterations, solver="saga").fit(states, labels)
    return regression, time.perf_counter() - started


class _StepClock(TrainerCallback):
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def training_steps(model: Path, data: Dataset, labels: int, steps: int, folder: Path) -> list[float]:
    """Return the seconds of each of `steps` optimizer steps at batch 64 by Trainer with the tutorial's settings."""
    clock = _StepClock()
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        learning_rate=2e-5,
        per_device_train_batch_size=64,
        weight_decay=0.01,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        log_level="error",
        use_cpu=True,
    )
    classifier = AutoModelForSequenceClassification.from_pretrained(model, num_labels=labels, dtype=torch.float32)
    Trainer(model=classifier, args=arguments, train_dataset=data, callbacks=[clock]).train()
    return clock.seconds
