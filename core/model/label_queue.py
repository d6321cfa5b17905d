"""Answers the label queue's questions to an encoder or to runs: hidden states, rows near a text, and rows on which runs disagree."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..data import labelling, sources
from ..errors import UserError
from ..figures import neighbours, query_strategies
from ..questions import AskClassify, AskDisagreement, AskNear, AskStates, DisagreementAnswer, NearAnswer, StatesAnswer
from . import checkpoint, classify, device, label_order, state_cache
from .extractor import Extractor

Report = Callable[[str, int, int | None, str], None]
MOST = 20_000
"""Rows of a file for which hidden states are computed, at most; of more, a random sample is drawn."""
SEED = 0
PART = 200
"""Texts that a run classifies between two reports of progress."""


def states(ask: AskStates, report: Report) -> StatesAnswer:
    """Compute the hidden states of a file's rows and of its label names, and cache them. Raises UserError."""
    started = time.monotonic()
    source = sources.load_source(ask.data)
    texts = labelling.texts_of(source)
    drawn = drawn_rows(len(texts))
    if len(drawn):
        texts = [texts[row] for row in drawn]
    extractor = _extractor(ask.model, offline=ask.data.offline)
    _, cached = extractor.states(texts, ("mean",), lambda phase, done, total: report(phase, done, total, "rows"), data=ask.data.source)
    _, names_cached = extractor.states(list(source.labels), ("mean",), data=f"{ask.data.source}, label names")
    extractor.release()
    keys = [extractor.key(state_cache.texts_hash(each), "mean") for each in (texts, list(source.labels))]
    if any(state_cache.cached(key) is None for key in keys):
        raise UserError(
            "hidden states cannot be kept: the disk is full, or they are more than the cache may take",
            "Free some space, or raise cache_mib in config.toml",
            exit_code=1,
        )
    return StatesAnswer(keys[0], keys[1], tuple(drawn.tolist()), time.monotonic() - started, cached and names_cached)


def drawn_rows(rows: int, most: int = MOST) -> np.ndarray:
    """Return the ascending indices of the rows, out of `rows`, that get hidden states; empty if all do."""
    return np.sort(np.random.default_rng(SEED).permutation(rows)[:most]) if rows > most else np.zeros(0, np.int64)


def near(ask: AskNear) -> NearAnswer:
    """Return the rows whose hidden states are nearest to those of a text. Raises UserError."""
    pool = label_order.pool(ask.states)
    extractor = _encoder(ask.model, _stamp(ask.model))
    found, _ = extractor.states([ask.text], ("mean",), use_cache=False)
    nearest = neighbours.nearest(pool.centred, found["mean"][0] - pool.mean, ask.count)
    drawn = np.asarray(ask.drawn, np.int64)
    rows = drawn[nearest.rows] if len(drawn) else nearest.rows
    return NearAnswer(tuple(rows.tolist()), tuple(nearest.distances.tolist()))


def disagreement(ask: AskDisagreement, report: Report) -> DisagreementAnswer:
    """Return rows ordered by how far the runs disagree on them. Raises UserError for runs that cannot classify or differ in labels."""
    started = time.monotonic()
    texts = labelling.texts_of(sources.load_source(ask.data))
    answers: list[np.ndarray] = []
    labels: tuple[str, ...] = ()
    for run in ask.runs:
        found: list[list[float]] = []
        for start in range(0, len(ask.rows), PART):
            report(f"classify by {Path(run).name}", start, len(ask.rows), "rows")
            part = tuple(texts[row] for row in ask.rows[start : start + PART])
            for prediction in classify.classify(AskClassify(run=run, texts=part)).predictions:
                labels = labels or tuple(prediction.probabilities)
                if tuple(prediction.probabilities) != labels:
                    raise UserError("the runs have different labels, so their disagreement cannot be measured")
                found.append(list(prediction.probabilities.values()))
        answers.append(np.array(found))
    divergence = query_strategies.disagreement(np.stack(answers))
    order = np.argsort(-divergence, kind="stable")
    return DisagreementAnswer(
        tuple(ask.rows[at] for at in order), tuple(round(float(divergence[at]), 4) for at in order), time.monotonic() - started
    )


def _extractor(model: str, *, offline: bool = False) -> Extractor:
    found = checkpoint.find(model, offline=offline)
    return Extractor(found, found.checked_length(None), device.choose("auto", "auto"))


@lru_cache(maxsize=1)
def _encoder(model: str, stamp: Any) -> Extractor:  # noqa: ARG001 - part of the cache key
    return _extractor(model)


def _stamp(model: str) -> object:
    return checkpoint.find(model).hash
