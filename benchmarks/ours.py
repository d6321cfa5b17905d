"""The same work by emotui's own code, timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from emotui.core.data import sources
from emotui.core.events import Event, Finished, Progress, RungDone, Step
from emotui.core.model import baseline, batches, checkpoint, encode, finetune, rung_models
from emotui.core.model.device import Compute
from emotui.core.runs import folder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def hidden_states(model: Path, tokenizer: Any, texts: Sequence[str], compute: Compute) -> tuple[np.ndarray, float]:
    """Return the [CLS] hidden states and the seconds from texts to states, tokenization included."""
    encoder = checkpoint.at(model).encoder(compute.device)
    started = time.perf_counter()
    ids = batches.tokenize(tokenizer, texts, 512)
    states = encode.hidden_states(encoder, ids, tokenizer.padding, compute)
    seconds = time.perf_counter() - started
    if states is None:
        raise RuntimeError("nobody asked to stop")
    return states["cls"], seconds


def logistic_regression(states: np.ndarray, labels: np.ndarray, count: int) -> tuple[rung_models.Head, float]:
    """Return the ladder's logistic regression and the seconds to scale and to fit."""
    started = time.perf_counter()
    scaler = StandardScaler().fit(states)
    regression = LogisticRegression(C=baseline.ENCODER_C, max_iter=baseline.ITERATIONS).fit(scaler.transform(states), labels)
    return rung_models.Head.from_regression(scaler, regression, count), time.perf_counter() - started


def training_steps(source: str, model: str, steps: int) -> tuple[list[float], int]:
    """Return the seconds of the first `steps` steps of a real fine-tuning at batch 64, and its peak memory in bytes."""
    job = TrainSpec(DataSpec(source), model, preset="tutorial", device="cpu", precision="auto")
    run = folder.create(job, data_hash="", labels=(), versions={})
    seconds: list[float] = []

    def emit(event: Event) -> None:
        if isinstance(event, Step):
            seconds.append(event.seconds)

    finetune.train(job, run, emit, lambda: len(seconds) >= steps - 1)
    return seconds, finetune.peak_memory()


def baseline_twice(source: str, model: str) -> dict[str, float]:
    """Return the seconds of a ladder, and of a second one until it starts to fit on cached hidden states."""
    figures: dict[str, float] = {}
    job = BaselineSpec(DataSpec(source), model, device="cpu")
    data = sources.load(job.data)
    for name in ("first", "second"):
        started = time.perf_counter()
        fitting: list[float] = []
        events: list[Event] = []

        def emit(event: Event, events: list[Event] = events, fitting: list[float] = fitting, started: float = started) -> None:
            events.append(event)
            if isinstance(event, Progress) and event.phase == "fit" and event.detail == "hidden states":
                fitting.append(time.perf_counter() - started)

        run = folder.create(job, data_hash=sources.fingerprint(data), labels=data.labels, versions={})
        baseline.fit(job, run, emit, lambda: False)
        tfidf = next(event.rung.seconds for event in events if isinstance(event, RungDone) and event.rung.name == "tfidf")
        last = events[-1]
        figures[f"baseline, {name}, whole ladder, s"] = last.seconds if isinstance(last, Finished) else float("nan")
        figures[f"baseline, {name}, until the fit but TF-IDF, s"] = fitting[-1] - tfidf
    return figures
