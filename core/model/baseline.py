"""The ladder of baselines: most frequent class, TF-IDF, and logistic regression on frozen hidden states."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load, save_file
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from .. import paths, writing
from ..data import sources, unknown_tokens
from ..data.checks import distrusted
from ..data.spaces import unspaced
from ..data.table import Dataset
from ..errors import UserError
from ..events import Event, Finished, Note, Progress, Rung, RungDone, Started, notes_on_data
from ..figures.calibration import losses
from ..figures.scores import measure
from ..plain_files import read_plain
from ..runs import rungs
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from ..specs import BaselineSpec, Pooling
from . import checkpoint, device, encode, predictions
from .batches import tokenize, unknown_share
from .finetune import peak_memory
from .rung_models import Tfidf
from .saved import SavedModel
from .tokenizer_files import UNLIMITED

TFIDF_C = 10.0
ENCODER_C = 1.0
ITERATIONS = 3_000
PROJECTED_ROWS = 5_000
UNKNOWN_SAMPLE = 2_000
"""Training texts of which the tokens that the tokenizer does not know are counted."""
HEAD_FILE = "head.safetensors"
HEAD_LIMIT = 1 << 30
"""Bytes: 10,000 labels on 8,192 hidden units take 0.7 GB."""

Emit = Callable[[Event], None]


class StopRequestedError(Exception):
    """Raised inside the ladder when the run is asked to stop."""


def fit(job: BaselineSpec, run: RunFolder, emit: Emit, should_stop: Callable[[], bool]) -> bool:
    """Climb the ladder as `job` says and keep the last rung's classifier in the run's folder.

    Every rung is fitted on the training split and measured on the validation split. Returns False where it stopped because it was asked to.
    """
    begun = time.monotonic()
    data = sources.load(job.data)
    if "validation" not in data.splits:
        raise UserError(f"{data.name} has no validation split, and baselines are measured on it")
    compute = device.choose(job.device, job.precision)
    model = checkpoint.find(job.model, offline=job.data.offline)
    limit, layer = model.checked_length(job.max_length), model.checked_layer(job.layer)
    model.try_length(limit)
    looked_at = tokenize(model.tokenizer, data.splits["train"].texts()[:UNKNOWN_SAMPLE], limit)
    started = Started(
        device=str(compute.device),
        device_name=compute.name,
        precision=compute.precision,
        labels=data.labels,
        rows={name: len(split) for name, split in data.splits.items()},
        settings={
            "pooling": job.pooling,
            "layer": layer,
            "max_length": limit,
            "seed": job.seed,
            "tfidf_c": TFIDF_C,
            "encoder_c": ENCODER_C,
            "max_iterations": ITERATIONS,
        },
        parameters=model.parameters,
        model=job.model,
        untrustworthy=distrusted(data) + unknown_tokens.distrust(data, unknown_share(model.tokenizer, looked_at)),
        overlay=data.overlay.told if data.overlay is not None else "",
    )
    emit(started)
    for note in notes_on_data(started):
        emit(note)
    try:
        emit(RungDone(_most_frequent(data, run)))
        _pause(should_stop)
        emit(RungDone(_tfidf(data, run, job.seed, emit)))
        _pause(should_stop)
        extractor = Extractor(model, limit, compute, layer)
        rung = _encoder(job, data, run, extractor, emit, should_stop)
        emit(RungDone(rung))
    except StopRequestedError:
        return False
    emit(Finished(metrics=rung.metrics, seconds=time.monotonic() - begun, peak_memory=peak_memory()))
    return True


def _pause(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise StopRequestedError


def _most_frequent(data: Dataset, run: RunFolder) -> Rung:
    """The rung to be above at all: every text gets the training split's most frequent class."""
    started = time.monotonic()
    train, validation = data.splits["train"], data.splits["validation"]
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(train), 1)), train.label_ids())
    predicted = np.asarray(dummy.predict(np.zeros((len(validation), 1))), dtype=np.int64)
    metrics = measure("validation", validation.label_ids(), predicted, data.labels)
    most_frequent = int(np.asarray(dummy.predict(np.zeros((1, 1))))[0])
    note = SavedModel("most_frequent", data.labels, UNLIMITED, text_column=data.text_column, most_frequent=most_frequent)
    note.write(paths.make_private(rungs.folder_of(run, "most_frequent")))
    certain = np.eye(len(data.labels))[predicted]
    predictions.save(run.predictions_file(rungs.predicted("validation", "most_frequent")), validation.label_ids(), certain, data.labels)
    return Rung("most_frequent", metrics, time.monotonic() - started)


def _tfidf(data: Dataset, run: RunFolder, seed: int, emit: Emit) -> Rung:
    """Logistic regression on counts of words, or of characters where words have no spaces between them: no Transformer is needed."""
    started = time.monotonic()
    train, validation = data.splits["train"], data.splits["validation"]
    emit(Progress("fit", 0, None, "iterations", 0.0, "TF-IDF"))
    texts = train.texts()
    if unspaced(texts):
        emit(Note("info", "the texts have no spaces between words, so TF-IDF counts characters, one and two at a time"))
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
        features = vectorizer.fit_transform(texts)
    else:
        try:
            vectorizer = TfidfVectorizer()
            features = vectorizer.fit_transform(texts)
        except ValueError:  # no text has a word of two letters
            vectorizer = TfidfVectorizer(analyzer="char")
            features = vectorizer.fit_transform(texts)
    regression = LogisticRegression(C=TFIDF_C, max_iter=ITERATIONS, random_state=seed).fit(features, train.label_ids())
    model = Tfidf(data.labels, vectorizer, regression)
    probabilities, _ = model.probabilities(validation.texts())
    truth = validation.label_ids()
    metrics = measure("validation", truth, probabilities.argmax(1), data.labels, float(losses(probabilities, truth).mean()))
    folder = paths.make_private(rungs.folder_of(run, "tfidf"))
    model.save(folder)
    SavedModel("tfidf", data.labels, UNLIMITED, text_column=data.text_column).write(folder)
    predictions.save(run.predictions_file(rungs.predicted("validation", "tfidf")), truth, probabilities, data.labels)
    return Rung("tfidf", metrics, time.monotonic() - started, int(regression.n_iter_.max()))


def _encoder(
    job: BaselineSpec,
    data: Dataset,
    run: RunFolder,
    extractor: Extractor,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> Rung:
    """Logistic regression on the hidden states of a frozen encoder."""
    started = time.monotonic()
    states, from_cache = {}, True
    for split in ("train", "validation"):
        begun = time.monotonic()

        def report(phase: str, done: int, total: int, split: str = split, begun: float = begun) -> None:
            emit(Progress(phase, done, total, "rows", time.monotonic() - begun, split))

        states[split], was_cached = extractor.states(data.splits[split].texts(), job.pooling, report, should_stop)
        from_cache &= was_cached
    extractor.release()
    emit(Progress("fit", 0, None, "iterations", 0.0, "hidden states"))
    train, truth = data.splits["train"], data.splits["validation"].label_ids()
    scaler = StandardScaler().fit(states["train"])
    regression = LogisticRegression(C=ENCODER_C, max_iter=ITERATIONS, random_state=job.seed)
    regression.fit(scaler.transform(states["train"]), train.label_ids())
    iterations = int(regression.n_iter_.max())
    if iterations >= ITERATIONS:
        emit(Note("warning", f"the logistic regression had not converged after {ITERATIONS} iterations"))
    head = Head.from_regression(scaler, regression, len(data.labels))
    probabilities = head.probabilities(states["validation"])
    metrics = measure("validation", truth, probabilities.argmax(1), data.labels, float(losses(probabilities, truth).mean()))
    seconds = time.monotonic() - started

    emit(Progress("save", 0, 1, "files", 0.0))
    paths.make_private(run.model)
    head.save(run.model)
    SavedModel(
        kind="logistic_regression",
        labels=data.labels,
        max_length=extractor.limit,
        pooling=job.pooling,
        layer=extractor.layer,
        encoder=job.model,
        encoder_hash=extractor.model_hash,
        precision=extractor.compute.precision,
        text_column=data.text_column,
    ).write(run.model)
    predictions.save(run.predictions_file("validation"), truth, probabilities, data.labels)
    _save_projection(run.path / "projection.parquet", states["train"], train.label_ids(), data.labels, job.seed)
    return Rung("encoder", metrics, seconds, iterations, from_cache, shape=states["train"].shape)


class Extractor:
    """Hidden states by one frozen encoder, from the cache where it has them; the encoder is loaded only when needed."""

    def __init__(self, model: checkpoint.Checkpoint, limit: int, compute: device.Compute, layer: int | None = None) -> None:
        self.model, self.limit, self.compute, self.layer = model, limit, compute, layer
        self.model_hash = model.hash
        self._encoder: Any = None

    def states(
        self,
        texts: list[str],
        pooling: Pooling,
        report: Callable[[str, int, int], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        use_cache: bool = True,
    ) -> tuple[np.ndarray, bool]:
        """Return hidden states, float32, shape [texts, d], and whether they came from the cache. Raises StopRequestedError."""
        text_hash = encode.texts_hash(texts)
        keys = {each: self._key(text_hash, each) for each in encode.POOLINGS}
        tell = report or (lambda *_: None)
        if use_cache and (found := encode.cached(keys[pooling])) is not None:
            tell("extract", len(texts), len(texts))
            return found, True
        ids = tokenize(self.model.tokenizer, texts, self.limit, lambda done, total: tell("tokenize", done, total))
        if self._encoder is None:
            self._encoder = self.model.encoder(self.compute.device, self.layer)
        states = encode.hidden_states(
            self._encoder,
            ids,
            self.model.tokenizer.padding,
            self.compute,
            lambda done, total: tell("extract", done, total),
            stop=should_stop,
        )
        if states is None:
            raise StopRequestedError
        if use_cache:
            for each, array in states.items():
                encode.keep(keys[each], array)
        return states[pooling], False

    def _key(self, text_hash: str, pooling: Pooling) -> str:
        compute = self.compute
        return encode.cache_key(text_hash, self.model_hash, pooling, self.limit, compute.precision, compute.device.type, self.layer)

    def release(self) -> None:
        """Let go of the encoder's memory."""
        self._encoder = None


class Head:
    """Multinomial logistic regression on standardised features, rebuilt by its formula; no pickle is involved."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> None:
        self.coef, self.intercept, self.mean, self.scale = coef, intercept, mean, scale

    @classmethod
    def from_regression(cls, scaler: StandardScaler, regression: LogisticRegression, labels: int) -> Head:
        """Return a head for all `labels`; one that the training split lacks gets a probability of 0."""
        fitted, offsets, classes = (np.asarray(each) for each in (regression.coef_, regression.intercept_, regression.classes_))
        coef = np.zeros((labels, fitted.shape[1]))
        intercept = np.full(labels, -1e4)
        if len(classes) == 2:  # scikit-learn keeps one row of coefficients for two classes
            coef[classes[1]], intercept[classes[1]] = fitted[0], offsets[0]
            intercept[classes[0]] = 0.0
        else:
            coef[classes], intercept[classes] = fitted, offsets
        return cls(coef, intercept, np.asarray(scaler.mean_), np.asarray(scaler.scale_))

    def logits(self, states: np.ndarray) -> np.ndarray:
        """Return coef @ (states - mean) / scale + intercept, float64, shape [n, labels]."""
        return (states - self.mean) / self.scale @ self.coef.T + self.intercept

    def probabilities(self, states: np.ndarray) -> np.ndarray:
        """Return the softmax of the logits, float64, shape [n, labels]."""
        return predictions.softmax(self.logits(states))

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weight [labels, d] and bias [labels] of the same function on features that are not standardised."""
        weight = self.coef / self.scale
        return weight, self.intercept - weight @ self.mean

    def save(self, folder: Path) -> None:
        path = folder / HEAD_FILE
        save_file({"coef": self.coef, "intercept": self.intercept, "mean": self.mean, "scale": self.scale}, path)
        path.chmod(paths.PRIVATE_FILE)

    @classmethod
    def load(cls, folder: Path) -> Head:
        """Return the head kept in a run's model folder. Raises UserError where it cannot be read, or is none."""
        path = folder / HEAD_FILE
        try:
            arrays = load(read_plain(path, HEAD_LIMIT))
            found = cls(arrays["coef"], arrays["intercept"], arrays["mean"], arrays["scale"])
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise UserError(f"{safe_line(str(path))} cannot be read: {safe_line(str(error), 120)}. Make the baseline again") from error
        sound = all(np.issubdtype(each.dtype, np.floating) and np.isfinite(each).all() for each in arrays.values())
        if not sound or found.coef.ndim != 2 or not (found.scale > 0).all():
            raise UserError(f"{safe_line(str(path))} holds what is no logistic regression. Make the baseline again")
        return found

    def check(self, labels: int, width: int) -> None:
        """Raise UserError unless the head is one for so many labels, on hidden states of this width."""
        if (self.coef.shape, self.intercept.shape) != ((labels, width), (labels,)) or not self.mean.shape == self.scale.shape == (width,):
            raise UserError(
                f"the baseline's head has the shape {self.coef.shape}, and {labels} labels on {width} hidden units are needed. "
                "Make the baseline again"
            )


def _save_projection(path: Path, states: np.ndarray, truth: np.ndarray, labels: tuple[str, ...], seed: int) -> None:
    """Write the first two principal components of up to PROJECTED_ROWS training texts: x, y (float32) and label (name)."""
    chosen = np.random.default_rng(seed).permutation(len(states))[:PROJECTED_ROWS]
    if len(chosen) < 2:
        return
    pca = PCA(2, random_state=seed)
    points = pca.fit_transform(states[chosen]).astype(np.float32)
    explained = json.dumps([round(float(each), 4) for each in pca.explained_variance_ratio_])
    names = np.asarray(labels, dtype=object)[truth[chosen]]
    table = pa.table({"x": points[:, 0], "y": points[:, 1], "label": pa.array(names, pa.string())}, metadata={"explained": explained})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    writing.write_private(path, sink.getvalue().to_pybytes())
