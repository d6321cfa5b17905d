"""Measures a saved run on a split of its data and keeps the prediction of every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from ..data import sources
from ..engine.protocol import AskEvaluate, EvaluateAnswer, ScoredRow
from ..errors import UserError
from ..runs import links, rungs
from ..runs.folder import RunFolder
from . import classify, predictions
from .metrics import bootstrap, measure

Report = Callable[[str, int, int | None, str], None]
PART = 2_000


def evaluate(ask: AskEvaluate, report: Report) -> EvaluateAnswer:
    """Return the metrics of a run on one split, with bootstrap intervals and the rows of the highest and lowest loss.

    The data is read again from where the run read it. Raises UserError where it has changed since, or has no such split.
    """
    started = time.monotonic()
    run = RunFolder(Path(ask.run))
    links.check(run)
    spec = run.read_spec()
    data = sources.load(spec.job.data)
    if spec.data_hash and sources.fingerprint(data) != spec.data_hash:
        raise UserError(f"the data set {data.name} has changed since the run {run.id} was made. Train again on the data as it is now")
    if ask.split not in data.splits:
        raise UserError(f"{data.name} has no split {ask.split!r}. It has: {', '.join(data.splits)}")
    split = data.splits[ask.split]
    rung = rungs.chosen(run, ask.rung)
    classifier = classify.load(ask.run, rung=rung)
    texts, truth = split.texts(), split.label_ids()
    parts: list[np.ndarray] = []
    for start in range(0, len(texts), PART):
        parts.append(classifier.probabilities(texts[start : start + PART])[0])
        report("evaluate", min(start + PART, len(texts)), len(texts), "rows")
    probabilities = np.concatenate(parts)
    predicted, losses = probabilities.argmax(1), predictions.losses(probabilities, truth)
    metrics = measure(ask.split, truth, predicted, data.labels, float(losses.mean()))
    metrics = msgspec.structs.replace(metrics, intervals=bootstrap(truth, predicted, data.labels, ask.resamples))
    path = run.predictions_file(ask.split if rung in ("", "encoder") else f"{ask.split}-{rung}")
    predictions.save(path, truth, probabilities, data.labels)

    def scored(index: int) -> ScoredRow:
        best = int(predicted[index])
        return ScoredRow(
            row=index,
            text=texts[index],
            label=data.labels[truth[index]],
            prediction=data.labels[best],
            probability=float(probabilities[index, best]),
            loss=float(losses[index]),
        )

    order = np.argsort(-losses, kind="stable")
    return EvaluateAnswer(
        run=run.id,
        rung=rung,
        split=ask.split,
        metrics=metrics,
        highest_loss=tuple(scored(int(index)) for index in order[: ask.worst]),
        lowest_loss=tuple(scored(int(index)) for index in order[::-1][: ask.worst]),
        predictions=str(path),
        seconds=time.monotonic() - started,
    )
