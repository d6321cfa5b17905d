"""A saved run and its predictions, for a few texts or a file of any size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import torch

from .. import writing
from ..data import table_file, text_files
from ..engine.protocol import AskClassify, AskClassifyFile, AskClassifyParts, ClassifyAnswer, FileAnswer, PartsAnswer, Prediction
from ..errors import UserError
from ..safe_text import safe_line
from ..specs import Pooling
from . import checkpoint, device, predictions, saved
from .batches import TokenIds, tokenize
from .inference import logits
from .tokenizer import well_formed

Report = Callable[[str, int, int | None, str], None]
PART = 4_096
"""Rows of a file held in memory at once."""


class Classifier(Protocol):
    """What every saved run can do."""

    labels: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        """Return probabilities, float64, shape [texts, labels], and the tokens that the model saw."""
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
            raise UserError(f"{found.name} has {len(note.labels)} labels and its model {self.model.config.num_labels}. Train the run again")

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        ids = tokenize(self.tokenizer, texts, self.limit)
        with device.threads_for(len(ids.flat)):
            return _softmax(logits(self.model, ids, self.tokenizer.padding, self.compute)), ids


class LogisticRegression:
    """A frozen encoder with a logistic regression on its hidden states."""

    def __init__(self, folder: Path, note: saved.SavedModel, compute: device.Compute) -> None:
        from .baseline import Head

        self.labels, self.limit, self.compute = note.labels, note.max_length, compute
        self.pooling: Pooling = note.pooling
        encoder = checkpoint.find(note.encoder)
        if encoder.hash != note.encoder_hash:
            raise UserError(f"the encoder {safe_line(note.encoder)} has changed since the baseline was made. Make the baseline again")
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
    """Return probabilities, float64, from logits of shape [n, labels]. Raises UserError where these are no numbers."""
    if not np.isfinite(scores).all():
        raise UserError("the run's model makes no numbers of a text. Train the run again")
    return predictions.softmax(scores)


@lru_cache(maxsize=4)
def _load(model: Path, state: object, where: str) -> Classifier:  # noqa: ARG001  (part of the cache key)
    note = saved.read(model)
    # float32 for answers: what is shown is then what evaluation gave to the last shown digit, on every machine.
    compute = device.choose(where, "float32")
    classifier = (FineTuned if note.kind == "classifier" else LogisticRegression)(model, note, compute)
    # The first pass sets up the libraries, which is no part of the time that an answer takes.
    classifier.probabilities(("a",))
    return classifier


def load(run: str, where: str = "auto") -> Classifier:
    """Return the classifier of a run, by its folder, on a device; the newest few stay loaded. Raises UserError where there is none."""
    model = Path(run) / "model"
    try:
        state = checkpoint.stamps(model)
    except OSError:
        state = ()
    return _load(model, state, where)


def predict(classifier: Classifier, texts: Sequence[str]) -> list[Prediction]:
    """Return one prediction a text, in order."""
    if not texts:
        return []
    scores, ids = classifier.probabilities(texts)
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
    """Return the predictions of one run for some texts, and the seconds that they took; without texts its model is only loaded."""
    classifier = load(ask.run)
    started = time.monotonic()
    return ClassifyAnswer(Path(ask.run).name, tuple(predict(classifier, ask.texts)), time.monotonic() - started)


def classify_file(ask: AskClassifyFile, report: Report) -> FileAnswer:
    """Classify a file part by part into another, in order; neither is ever held in memory whole.

    The target appears under its name only when it is complete. Raises UserError for what cannot be read or written.
    """
    started = time.monotonic()
    classifier = load(ask.run)
    target = Path(ask.target)
    done, skipped = 0, 0
    with table_file.Writer(target, classifier.labels) as writer:
        for number, part in enumerate(_parts(ask)):
            writer.write(_stored(ask, number, part.texts) or predict(classifier, part.texts))
            done += len(part.texts)
            skipped += part.skipped
            report("join" if ask.parts else "classify", done, part.total, "rows")
    return FileAnswer(Path(ask.run).name, str(target), done, time.monotonic() - started, skipped)


def classify_parts(ask: AskClassifyParts, report: Report) -> PartsAnswer:
    """Classify one process's share of a file, and keep each part as a file of its own. Raises UserError as `classify_file` does.

    A part has the rows and the batches that it has where one process does all, so that its answers are the same.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    classifier = load(ask.file.run, f"cuda:{ask.index % cards}" if cards else "cpu")
    table_file.Writer(Path(ask.file.target), classifier.labels)  # what cannot be written is said before any work
    rows, kept = 0, 0
    for number, part in enumerate(_parts(ask.file)):
        if number % ask.of != ask.index:
            continue
        if _stored(ask.file, number, part.texts) is not None:
            kept += len(part.texts)
        else:
            content = msgspec.json.encode(predict(classifier, part.texts))
            try:
                writing.write_private(_part_file(ask.file, number), content)
            except OSError as error:
                raise UserError(f"cannot write {safe_line(str(error.filename))}: {error.strerror}", exit_code=1) from error
        rows += len(part.texts)
        report("classify", rows, part.total, "rows")
    return PartsAnswer(rows, kept)


def _parts(ask: AskClassifyFile) -> Iterator[text_files.Part]:
    return text_files.read_texts(Path(ask.source), ask.text_column, part=PART, skip_bad_rows=ask.skip_bad_rows)


def _part_file(ask: AskClassifyFile, number: int) -> Path:
    return Path(ask.parts) / f"{number:06d}.json"


def _stored(ask: AskClassifyFile, number: int, texts: Sequence[str]) -> list[Prediction] | None:
    """Return the predictions of a part that is done, None where it is not, or was made of other texts."""
    if not ask.parts:
        return None
    try:
        found = msgspec.json.decode(_part_file(ask, number).read_bytes(), type=list[Prediction])
    except (OSError, msgspec.MsgspecError):
        return None
    return found if [each.text for each in found] == [well_formed(text) for text in texts] else None
