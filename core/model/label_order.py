"""Which rows to label next: a regression on the hidden states of those that have a label, and an order of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..errors import UserError
from ..figures import neighbours, query_strategies
from ..figures.scores import measure
from ..questions import AskQueue, QueueAnswer, QueueOrder
from . import state_cache

C = 0.01
"""Inverse strength of the regression's L2 penalty, on features of unit variance: a few hundred labels, hundreds of features."""
FOLDS = 5
FEWEST = 10
"""Labels from which on they are cross-validated."""
FIRST = 2
"""Labels a class, up to which the order is that of the label names."""
SURE = 60
"""Labels from which on the regression's own uncertainty is believed: before, it is mostly chance."""
AHEAD = 40
"""Rows that are chosen one by one, each in the light of those before: twice as many as are labelled until the next order."""
STEP = 20
"""Labels after which the order is made anew."""
VALIDATED = 3_000
"""Rows that are cross-validated, at most: more are drawn at random."""
POINTS = 20
"""Of the curve of what was labelled before, at most."""
SEED = 0


@dataclass(frozen=True)
class Pool:
    """Hidden states as the regression and the strategies take them."""

    scaled: np.ndarray
    """Of zero mean and unit variance, float32, shape [rows, d]."""
    centred: np.ndarray
    """Of zero mean."""
    mean: np.ndarray
    """Shape [d]."""

    @property
    def directions(self) -> np.ndarray:
        return query_strategies.unit(self.centred)


@lru_cache(maxsize=1)
def pool(key: str) -> Pool:
    """Return the hidden states that the cache keeps under `key`. Raises UserError where it has none."""
    kept = state_cache.cached(key)
    if kept is None:
        raise UserError("the hidden states of the rows are not in the cache any more", "Open the queue again to compute them", exit_code=1)
    return pool_of(np.asarray(kept, np.float32))


def pool_of(states: np.ndarray) -> Pool:
    """Return hidden states, shape [rows, d], scaled and centred."""
    mean = states.mean(0)
    centred = states - mean
    deviation = centred.std(0)
    return Pool((centred / np.where(deviation > 0, deviation, 1.0)).astype(np.float32), centred, mean)


def order(ask: AskQueue) -> QueueAnswer:
    """Return rows without a label, the most useful first, with what the regression says of them. Raises UserError."""
    started = time.monotonic()
    states = pool(ask.states)
    drawn = np.asarray(ask.drawn, np.int64)
    names = state_cache.cached(ask.names)
    if names is None:
        raise UserError("the label names' hidden states are not in the cache any more", "Open the queue again", exit_code=1)
    rows, labels = _inside(np.asarray(ask.rows, np.int64), np.asarray(ask.labels, np.int64), drawn, len(states.scaled))
    dropped, _ = _inside(np.asarray(ask.dropped, np.int64), np.zeros(len(ask.dropped), np.int64), drawn, len(states.scaled))
    found = next_rows(states, np.asarray(names), rows, labels, dropped, ask.order, ask.count)
    predicted = found.probabilities[found.rows] if found.probabilities is not None else np.zeros((0, 1))
    f1, folds = cross_validated(states.scaled, rows, labels, len(names))
    curve = _curve(states.scaled, rows, labels, len(names)) if ask.with_curve else []
    return QueueAnswer(
        order=tuple((drawn[found.rows] if len(drawn) else found.rows).tolist()),
        predicted=tuple(predicted.argmax(1).tolist()),
        probability=tuple(round(float(each), 4) for each in predicted.max(1)),
        f1_macro=f1,
        folds=folds,
        curve=(*curve, *([(len(rows), f1)] if f1 is not None else [])),
        labelled=len(rows),
        by_names=found.by_names,
        seconds=time.monotonic() - started,
    )


def _curve(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int) -> list[tuple[int, float]]:
    """Return the F1 with the first labels, after each STEP of them, or at POINTS moments where they are many."""
    counts = np.unique(np.linspace(STEP, len(rows), min(POINTS, len(rows) // STEP) + 1).astype(int) // STEP * STEP)
    found = [(int(count), cross_validated(features, rows[:count], labels[:count], classes)[0]) for count in counts if count < len(rows)]
    return [(count, f1) for count, f1 in found if f1 is not None]


def _inside(rows: np.ndarray, labels: np.ndarray, drawn: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of rows among those that have hidden states, with their labels; others are left out."""
    if not len(drawn):
        if len(rows) and rows.max() >= count:
            raise UserError("the file has other rows than when its hidden states were computed", "Open the queue again")
        return rows, labels
    at = np.minimum(np.searchsorted(drawn, rows), len(drawn) - 1)
    there = drawn[at] == rows
    return at[there], labels[there]


@dataclass(frozen=True)
class Next:
    """An order of the rows without a label."""

    rows: np.ndarray
    """int64, the most useful first."""
    probabilities: np.ndarray | None
    """Of all rows, shape [rows, labels]; None before there is a regression."""
    by_names: bool


def next_rows(
    states: Pool, names: np.ndarray, rows: np.ndarray, labels: np.ndarray, dropped: np.ndarray, by: QueueOrder, count: int
) -> Next:
    """Return up to `count` rows that are neither labelled (`rows`, with their `labels`) nor `dropped`, the most useful first.

    `names` are the hidden states of the label names, shape [labels, d]. Up to FIRST labels a class the order takes turns between the
    classes: the rows nearest to each one's name.
    """
    probabilities = predict(states.scaled, rows, labels, len(names)) if len(np.unique(labels)) > 1 else None
    gone = np.union1d(rows, dropped).astype(np.int64)
    if len(rows) < FIRST * len(names) or probabilities is None:
        return Next(_by_names(states, names, gone, labels)[:count], probabilities, by_names=True)
    match by:
        case "uncertain":
            worth = -query_strategies.margins(probabilities)
            ahead = np.zeros(0, np.int64)
        case "different":
            ahead = query_strategies.farthest_first(states.directions, gone, AHEAD)
            worth = np.zeros(len(states.scaled))
        case _:
            design = query_strategies.Design(states.scaled, gone)
            worth = design.gains if len(rows) < SURE else -query_strategies.margins(probabilities)
            counts = np.bincount(labels, minlength=len(names))
            ahead = (
                query_strategies.informative(design, AHEAD)
                if len(rows) < SURE
                else query_strategies.in_turns(design, probabilities, counts, AHEAD)
            )
    rest = np.argsort(-worth, kind="stable")
    found = np.concatenate([ahead, rest[~np.isin(rest, np.concatenate([gone, ahead]))]])
    return Next(found[:count], probabilities, by_names=False)


def _by_names(states: Pool, names: np.ndarray, gone: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the rows nearest to each label name in turn, the class with the fewest labels first."""
    near = [neighbours.nearest(states.centred, name - states.mean, len(states.centred)).rows for name in names]
    turns = np.argsort(np.bincount(labels, minlength=len(names)), kind="stable")
    found = np.stack([near[name] for name in turns], axis=1).ravel()
    _, first = np.unique(found, return_index=True)
    found = found[np.sort(first)]
    return found[~np.isin(found, gone)]


def fit(features: np.ndarray, labels: np.ndarray, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from features, [rows, d], to probabilities, [rows, classes]; a class that was not seen gets 0.

    The classes weigh the same, however many rows each has: what is labelled first is no picture of how frequent they are.
    """
    regression = LogisticRegression(C=C, class_weight="balanced", max_iter=100, tol=1e-3, random_state=SEED).fit(features, labels)

    def probabilities(rows: np.ndarray) -> np.ndarray:
        found = np.zeros((len(rows), classes))
        found[:, np.asarray(regression.classes_)] = regression.predict_proba(rows)
        return found

    return probabilities


def predict(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the probabilities of all rows, [rows, classes], by a regression on those at `rows`."""
    return fit(features[rows], labels, classes)(features)


def cross_validated(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float | None, int]:
    """Return the macro-F1 of the labelled rows, each predicted by a regression on the other folds, and the folds.

    None where they are too few: a class that has one row cannot be learned from the others.
    """
    if len(rows) < FEWEST or len(np.unique(labels)) < 2:
        return None, 0
    random = np.random.default_rng(SEED)
    if len(rows) > VALIDATED:
        some = random.permutation(len(rows))[:VALIDATED]
        rows, labels = rows[some], labels[some]
    fold = np.empty(len(rows), np.int64)
    for label in np.unique(labels):  # each class over all folds, as evenly as its rows allow
        own = random.permutation(np.flatnonzero(labels == label))
        fold[own] = (np.arange(len(own)) + random.integers(FOLDS)) % FOLDS
    found = np.full((len(rows), classes), 1.0 / classes)
    for each in range(FOLDS):
        rest = fold != each
        if (~rest).any() and len(np.unique(labels[rest])) > 1:
            found[~rest] = fit(features[rows[rest]], labels[rest], classes)(features[rows[~rest]])
    return measure("labels", labels, found, tuple(map(str, range(classes)))).f1_macro, FOLDS
