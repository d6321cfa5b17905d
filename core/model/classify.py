"""Loads the classifier of a run and predicts the labels of texts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from ..errors import UserError
from ..figures import calibration
from ..questions import UNSURE, AskClassify, ClassifyAnswer, Prediction
from ..runs import rungs, temperature
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import Pooling
from ..units import count
from . import checkpoint, device, predictions, saved
from .batches import TokenIds, tokenize
from .inference import logits
from .tokenizer import well_formed


class Lengths(Protocol):
    """Lengths of texts in tokens, or in words if the model has no tokenizer; int64, shape [n]."""

    @property
    def lengths(self) -> np.ndarray:
        """The lengths that the model saw."""
        ...

    @property
    def full_lengths(self) -> np.ndarray:
        """The lengths before truncation."""
        ...


class Classifier(Protocol):
    """The interface of all classifiers of runs."""

    labels: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, Lengths]:
        """Return probabilities, float64, shape [texts, labels], and the lengths of the texts."""
        ...


class FineTuned:
    """A fine-tuned encoder with its head."""

    def __init__(self, folder: Path, note: saved.SavedModel, compute: device.Compute) -> None:
        self.labels, self.limit, self.compute = note.labels, note.max_length, compute
        found = checkpoint.of_run(folder.parent)
        found.checked_length(note.max_length)
        self.tokenizer = found.tokenizer
        self.model = found.classifier(device=compute.device)
        if self.model.config.num_labels != len(note.labels):
            raise UserError(
                f"{found.name} names {count(len(note.labels), 'label')}, but its model has {self.model.config.num_labels}", "Train it again"
            )

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        ids = tokenize(self.tokenizer, texts, self.limit)
        with device.threads_for(len(ids.flat)):
            return _softmax(logits(self.model, ids, self.tokenizer.padding, self.compute)), ids


class LogisticRegression:
    """A frozen encoder with a logistic regression on its hidden states."""

    def __init__(self, folder: Path, note: saved.SavedModel, compute: device.Compute) -> None:
        from .rung_models import Head

        self.labels, self.limit, self.compute = note.labels, note.max_length, compute
        self.pooling: Pooling = note.pooling
        encoder = checkpoint.find(note.encoder)
        if encoder.hash != note.encoder_hash:
            raise UserError(f"the encoder {safe_line(note.encoder)} has changed since the baseline was made", "Fit the baseline again")
        self.head = Head.load(folder)
        encoder.checked_length(note.max_length)
        self.tokenizer = encoder.tokenizer
        self.encoder = encoder.encoder(compute.device, encoder.checked_layer(note.layer))
        self.head.check(len(note.labels), self.encoder.config.hidden_size)

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        from .encode import hidden_states

        ids = tokenize(self.tokenizer, texts, self.limit)
        with device.threads_for(len(ids.flat)):
            states = hidden_states(self.encoder, ids, self.tokenizer.padding, self.compute)
        if states is None:
            raise RuntimeError("nobody asked to stop")
        return _softmax(self.head.logits(states[self.pooling])), ids


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Return probabilities, float64, from logits of shape [n, labels]. Raises UserError if they are not finite."""
    if not np.isfinite(scores).all():
        raise UserError("the run's model returns NaN or infinity for a text", "Train the run again")
    return predictions.softmax(scores)


@lru_cache(maxsize=4)
def _load(model: Path, state: object, where: str) -> Classifier:  # noqa: ARG001  (part of the cache key)
    note = saved.read(model)
    if note.kind in ("tfidf", "most_frequent"):
        from .rung_models import MostFrequent, Tfidf

        return MostFrequent(note) if note.kind == "most_frequent" else Tfidf.load(model, note.labels)
    if note.kind == "onnx":
        from .onnx_model import OnnxModel

        return OnnxModel(model, note)
    if note.kind == "static":
        from .static_embeddings import StaticModel

        return StaticModel.load(model, note)
    # Predictions use float32, so that every shown digit equals that of the evaluation, on any machine.
    compute = device.choose(where, "float32")
    classifier = (FineTuned if note.kind == "classifier" else LogisticRegression)(model, note, compute)
    # The first pass initialises the libraries, which should not count as time of an answer.
    classifier.probabilities(("a",))
    return classifier


def load(run: str, where: str = "auto", rung: str = "") -> Classifier:
    """Return the classifier of a run, given its folder, on device `where`; the last few stay loaded. Raises UserError if there is none.

    For a baseline it is that of `rung`, by default the best one.
    """
    made = RunFolder(Path(run))
    model = rungs.folder_of(made, rungs.chosen(made, rung))
    try:
        state = checkpoint.stamps(model)
    except OSError:
        state = ()
    return _load(model, state, where)


def heat_of(run: RunFolder, rung: str) -> float:
    """Return the temperature stored with a run, or with a rung of it; 1 if there is none. Raises UserError if its file is damaged."""
    kept = temperature.read(run, rung)
    return 1.0 if kept is None else kept.temperature


def check_threshold(threshold: float | None, labels: Sequence[str]) -> None:
    """Raise UserError if a class is named like the answer for uncertain texts, so that the two could be confused."""
    if threshold is not None and UNSURE in labels:
        problem = f"the run has a class called {UNSURE!r}, which is also the label of answers below the threshold"
        raise UserError(problem, phrase("Leave ", Setting("threshold"), " out"))


def apply_threshold(prediction: Prediction, threshold: float | None) -> Prediction:
    """Return the prediction, with the label UNSURE if its probability is below `threshold`."""
    if threshold is None or max(prediction.probabilities.values()) >= threshold:
        return prediction
    return msgspec.structs.replace(prediction, label=UNSURE)


def predict(classifier: Classifier, texts: Sequence[str], heat: float = 1.0) -> list[Prediction]:
    """Return one prediction per text, in order; logits are divided by the temperature `heat`."""
    if not texts:
        return []
    scores, ids = classifier.probabilities(texts)
    scores = calibration.heated(scores, heat)
    best = scores.argmax(1)
    return [
        Prediction(
            text=well_formed(text),
            label=classifier.labels[best[i]],
            probabilities={name: float(scores[i, j]) for j, name in enumerate(classifier.labels)},
            tokens=int(ids.lengths[i]),
            truncated=bool(ids.full_lengths[i] > ids.lengths[i]),
        )
        for i, text in enumerate(texts)
    ]


def classify(ask: AskClassify) -> ClassifyAnswer:
    """Return the predictions of one run for some texts, and the seconds taken; without texts its model is only loaded."""
    run = RunFolder(Path(ask.run))
    rung = rungs.chosen(run, ask.rung)
    classifier = load(ask.run, rung=rung)
    check_threshold(ask.threshold, classifier.labels)
    started = time.monotonic()
    heat = heat_of(run, rung)
    predictions = tuple(apply_threshold(each, ask.threshold) for each in predict(classifier, ask.texts, heat))
    return ClassifyAnswer(run.id, predictions, time.monotonic() - started, rung, heat)
