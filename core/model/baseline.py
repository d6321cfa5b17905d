"""The ladder of baselines: most frequent class, TF-IDF, static embeddings, and logistic regression on frozen hidden states."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from .. import paths, writing
from ..data import sources, unknown_tokens
from ..data.checks import distrusted, find_problems
from ..data.spaces import unspaced
from ..data.table import Dataset
from ..errors import UserError
from ..events import Event, Finished, Note, Progress, Rung, RungDone, Started, notes_on_data
from ..figures.scores import measure
from ..runs import data_record, kept_rows, rungs
from ..runs.folder import RunFolder
from ..runs.learning_curve import FINE_TUNED
from ..runs.learning_curve import write as write_curve
from ..specs import BaselineSpec, Pooling
from . import checkpoint, device, encode, finetune, learning_curve, predictions, static_embeddings
from .batches import TokenIds, tokenize, unknown_share
from .extractor import Extractor, StopRequestedError
from .rung_models import Head, Tfidf
from .saved import SavedModel
from .tokenizer_files import UNLIMITED

TFIDF_C = 10.0
ENCODER_C = 1.0
ITERATIONS = 3_000
PROJECTED_ROWS = 5_000
UNKNOWN_SAMPLE = 2_000
"""Training texts in which unknown tokens are counted, at most."""
Emit = Callable[[Event], None]
Features = dict[str, dict[str, np.ndarray]]
"""By the name of a rung, and by split: what it is fitted on, [rows, d]."""


def fit(job: BaselineSpec, run: RunFolder, emit: Emit, should_stop: Callable[[], bool]) -> bool:
    """Fit the ladder of `job` and save the classifier of each rung in the run's folder.

    Each rung is fitted on the training split and evaluated on validation. Returns False if it was asked to stop before the end.
    """
    begun = time.monotonic()
    data = sources.load(job.data)
    if "validation" not in data.splits:
        raise UserError(f"{data.name} has no validation split, which baselines need")
    compute = device.choose(job.device, job.precision)
    model = checkpoint.find(job.model, offline=job.data.offline)
    limit, layer = model.checked_length(job.max_length), model.checked_layer(job.layer)
    model.try_length(limit)
    problems = find_problems(data, near=False)
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
        untrustworthy=distrusted(problems) + unknown_tokens.distrust(data, unknown_share(model.tokenizer, looked_at)),
        overlay=data.overlay.summary if data.overlay is not None else "",
    )
    emit(started)
    data_hash = sources.fingerprint(data)
    data_record.keep(run, data, data_hash, problems)
    kept_rows.save(run, "validation", data.splits["validation"], data_hash)
    for note in notes_on_data(started):
        emit(note)
    extractor = Extractor(model, limit, compute, layer)
    measured: list[Rung] = []
    try:
        features: Features = {}
        for rung in _climb(job, data, run, extractor, features, emit, should_stop):
            emit(RungDone(rung))
            measured.append(rung)
            if should_stop() and rung.name != _last(job):
                return False
        if job.curve:
            _learning_curve(job, data, run, features, measured, emit, should_stop)
    except StopRequestedError:
        return False
    best = rungs.best(measured) or measured[-1]
    emit(Finished(metrics=best.metrics, seconds=time.monotonic() - begun, peak_memory=finetune.peak_memory()))
    return True


def _poolings(job: BaselineSpec) -> tuple[Pooling, ...]:
    return encode.POOLINGS if job.pooling == "both" else (job.pooling,)


def _last(job: BaselineSpec) -> str:
    return _poolings(job)[-1]


def _climb(
    job: BaselineSpec,
    data: Dataset,
    run: RunFolder,
    extractor: Extractor,
    features: Features,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> Iterator[Rung]:
    """Yield the rungs from the lowest to the highest, each once it is evaluated and saved. Raises StopRequestedError.

    What the rungs on the encoder were fitted on is added to `features`.
    """
    yield _most_frequent(data, run)
    yield _tfidf(data, run, job.seed, emit)
    yield _static(job, data, run, extractor, features, emit, should_stop)
    begun = time.monotonic()
    states, from_cache = _extract(job, data, extractor, _poolings(job), emit, should_stop)
    seconds = time.monotonic() - begun
    features.update({str(each): found for each, found in states.items()})
    for pooling in _poolings(job):
        rung = _regression(job, data, run, extractor, pooling, states[pooling], emit)
        yield msgspec.structs.replace(rung, seconds=rung.seconds + seconds, cached=from_cache)


def _most_frequent(data: Dataset, run: RunFolder) -> Rung:
    """Evaluate the floor that any model must beat: every text gets the most frequent class of the training split."""
    started = time.monotonic()
    train, validation = data.splits["train"], data.splits["validation"]
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(train), 1)), train.label_ids())
    predicted = np.asarray(dummy.predict(np.zeros((len(validation), 1))), dtype=np.int64)
    certain = np.eye(len(data.labels))[predicted]
    metrics = measure("validation", validation.label_ids(), certain, data.labels, certain=True)
    most_frequent = int(np.asarray(dummy.predict(np.zeros((1, 1))))[0])
    note = SavedModel("most_frequent", data.labels, UNLIMITED, text_column=data.text_column, most_frequent=most_frequent)
    _keep(run, data, "most_frequent", None, note, certain)
    return Rung("most_frequent", metrics, time.monotonic() - started)


def _tfidf(data: Dataset, run: RunFolder, seed: int, emit: Emit) -> Rung:
    """Fit logistic regression on TF-IDF of words, or of characters if the texts have no spaces between words."""
    started = time.monotonic()
    train, validation = data.splits["train"], data.splits["validation"]
    emit(Progress("fit", 0, None, "iterations", 0.0, "TF-IDF"))
    texts = train.texts()
    if unspaced(texts):
        emit(Note("info", "the texts have no spaces between words, so TF-IDF uses character uni- and bigrams"))
    model = _counted(texts, train.label_ids(), data.labels, seed)
    probabilities, _ = model.probabilities(validation.texts())
    metrics = measure("validation", validation.label_ids(), probabilities, data.labels)
    _keep(run, data, "tfidf", model, SavedModel("tfidf", data.labels, UNLIMITED, text_column=data.text_column), probabilities)
    return Rung("tfidf", metrics, time.monotonic() - started, int(model.regression.n_iter_.max()))


def _counted(texts: list[str], truth: np.ndarray, labels: tuple[str, ...], seed: int) -> Tfidf:
    """Return logistic regression on the counts of texts, whose classes are `truth`."""
    if unspaced(texts):
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
        features = vectorizer.fit_transform(texts)
    else:
        try:
            vectorizer = TfidfVectorizer()
            features = vectorizer.fit_transform(texts)
        except ValueError:  # no text has a word of two or more letters
            vectorizer = TfidfVectorizer(analyzer="char")
            features = vectorizer.fit_transform(texts)
    return Tfidf(labels, vectorizer, LogisticRegression(C=TFIDF_C, max_iter=ITERATIONS, random_state=seed).fit(features, truth))


def _static(
    job: BaselineSpec,
    data: Dataset,
    run: RunFolder,
    extractor: Extractor,
    features: Features,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> Rung:
    """Fit logistic regression on the mean of static token vectors: the encoder runs once over its vocabulary, not over the texts."""
    started = time.monotonic()
    ids: dict[str, TokenIds] = {}
    for split in ("train", "validation"):
        ids[split] = tokenize(extractor.model.tokenizer, data.splits[split].texts(), extractor.limit)

    def report(done: int, total: int) -> None:
        emit(Progress("extract", done, total, "tokens", time.monotonic() - started, "vocabulary"))

    vectors, was_cached = static_embeddings.distil(extractor, ids["train"], report, should_stop)
    means = features["static"] = {split: vectors.features(each) for split, each in ids.items()}
    head, iterations = _fitted(means["train"], data, "static", job.seed, emit)
    model = static_embeddings.StaticModel(data.labels, extractor.model.tokenizer, extractor.limit, vectors, head)
    probabilities = head.probabilities(means["validation"])
    metrics = measure("validation", data.splits["validation"].label_ids(), probabilities, data.labels)
    _keep(run, data, "static", model, _note(job, data, extractor, "mean", "static"), probabilities)
    return Rung("static", metrics, time.monotonic() - started, iterations, cached=was_cached, shape=means["train"].shape)


class _Savable(Protocol):
    def save(self, folder: Path) -> None: ...


def _keep(run: RunFolder, data: Dataset, rung: str, model: _Savable | None, note: SavedModel, probabilities: np.ndarray) -> None:
    """Store the model of a rung, where it has one, then its note, and its predictions on validation, shape [rows, labels]."""
    folder = paths.make_private(rungs.folder_of(run, rung))
    if model is not None:
        model.save(folder)
    note.write(folder)
    truth = data.splits["validation"].label_ids()
    predictions.save(run.predictions_file(rungs.predicted("validation", rung)), truth, probabilities, data.labels)


def _note(
    job: BaselineSpec, data: Dataset, extractor: Extractor, pooling: Pooling, kind: Literal["logistic_regression", "static"]
) -> SavedModel:
    """Return the note saved with a rung that uses the encoder."""
    return SavedModel(
        kind=kind,
        labels=data.labels,
        max_length=extractor.limit,
        pooling=pooling,
        layer=extractor.layer,
        encoder=job.model,
        encoder_hash=extractor.model_hash,
        precision=extractor.compute.precision,
        text_column=data.text_column,
    )


def _fitted(features: np.ndarray, data: Dataset, rung: str, seed: int, emit: Emit) -> tuple[Head, int]:
    """Return a logistic regression fitted on features of the training split, shape [rows, d], and its number of iterations."""
    emit(Progress("fit", 0, None, "iterations", 0.0, rungs.title(rung)))
    head, iterations = _fit_head(features, data.splits["train"].label_ids(), len(data.labels), seed)
    if iterations >= ITERATIONS:
        emit(Note("warning", f"the {rungs.title(rung)} did not converge within {ITERATIONS} iterations"))
    return head, iterations


def _fit_head(features: np.ndarray, truth: np.ndarray, labels: int, seed: int) -> tuple[Head, int]:
    """Return a logistic regression on features, [rows, d], of the classes `truth`, and how many iterations it took."""
    scaler = StandardScaler().fit(features)
    regression = LogisticRegression(C=ENCODER_C, max_iter=ITERATIONS, random_state=seed).fit(scaler.transform(features), truth)
    return Head.from_regression(scaler, regression, labels), int(regression.n_iter_.max())


def _learning_curve(
    job: BaselineSpec,
    data: Dataset,
    run: RunFolder,
    features: Features,
    measured: Sequence[Rung],
    emit: Emit,
    should_stop: Callable[[], bool],
) -> None:
    """Measure the rungs on ever fewer labels, and keep that. Raises StopRequestedError."""
    train, validation = data.splits["train"], data.splits["validation"]
    texts, asked, truth, labels = train.texts(), validation.texts(), train.label_ids(), data.labels
    fits: dict[str, learning_curve.Fit] = {
        "tfidf": lambda rows, seed: _counted([texts[row] for row in rows], truth[rows], labels, seed).probabilities(asked)[0]
    }
    for name, states in features.items():
        fits[name] = partial(_fit_and_ask, states, truth, len(labels))
    if job.curve_fine_tuned:
        fits[FINE_TUNED] = partial(finetune.fit_and_ask, job, run, should_stop)
    kept = learning_curve.compute(fits, measured, truth, validation.label_ids(), labels, job.seed, emit, should_stop)
    if kept is not None:
        write_curve(run, kept)


def _fit_and_ask(features: dict[str, np.ndarray], truth: np.ndarray, labels: int, rows: np.ndarray, seed: int) -> np.ndarray:
    head, _ = _fit_head(features["train"][rows], truth[rows], labels, seed)
    return head.probabilities(features["validation"])


def _extract(
    job: BaselineSpec, data: Dataset, extractor: Extractor, poolings: Sequence[Pooling], emit: Emit, should_stop: Callable[[], bool]
) -> tuple[dict[Pooling, dict[str, np.ndarray]], bool]:
    """Return the hidden states, by pooling and split, float32, shape [rows, d], and whether all of them came from the cache."""
    states: dict[Pooling, dict[str, np.ndarray]] = {each: {} for each in poolings}
    from_cache, asked = True, extractor.compute.precision
    for split in ("train", "validation"):
        begun = time.monotonic()

        def report(phase: str, done: int, total: int, split: str = split, begun: float = begun) -> None:
            emit(Progress(phase, done, total, "rows", time.monotonic() - begun, split))

        found, was_cached = extractor.states(data.splits[split].texts(), poolings, report, should_stop, data=f"{job.data.source}, {split}")
        from_cache &= was_cached
        for each in poolings:
            states[each][split] = found[each]
    if extractor.compute.precision != asked:
        emit(Note("info", f"the hidden states are in {extractor.compute.precision}, the fastest of what was timed on this machine"))
    extractor.release()
    return states, from_cache


def _regression(
    job: BaselineSpec, data: Dataset, run: RunFolder, extractor: Extractor, pooling: Pooling, states: dict[str, np.ndarray], emit: Emit
) -> Rung:
    """Fit logistic regression on the hidden states of a frozen encoder: `states` by split, shape [rows, d]."""
    started = time.monotonic()
    train, truth = data.splits["train"], data.splits["validation"].label_ids()
    head, iterations = _fitted(states["train"], data, pooling, job.seed, emit)
    probabilities = head.probabilities(states["validation"])
    metrics = measure("validation", truth, probabilities, data.labels)
    seconds = time.monotonic() - started

    emit(Progress("save", 0, 1, "files", 0.0))
    _keep(run, data, pooling, head, _note(job, data, extractor, pooling, "logistic_regression"), probabilities)
    _save_projection(rungs.projected(run, pooling), states["train"], train.label_ids(), data.labels, job.seed)
    return Rung(pooling, metrics, seconds, iterations, shape=states["train"].shape)


def _save_projection(path: Path, states: np.ndarray, truth: np.ndarray, labels: tuple[str, ...], seed: int) -> None:
    """Write the first two principal components of at most PROJECTED_ROWS training texts: x, y (float32) and label (name)."""
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
