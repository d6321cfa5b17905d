"""Which rows to label next: a regression on the hidden states of the labelled rows, and an order of the others."""

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
"""Inverse strength of the regression's L2 penalty, for a few hundred labels and hundreds of features of unit variance."""
FOLDS = 5
FEWEST = 10
"""Labels needed for cross-validation."""
FIRST = 2
"""Labels per class up to which rows are ordered by their similarity to the label names."""
SURE = 60
"""Labels from which on the regression's uncertainty is used; with fewer it is mostly chance."""
AHEAD = 40
"""Rows chosen one by one, each given those before it: twice as many as are labelled before the next order."""
STEP = 20
"""Labels after which the order is computed again."""
VALIDATED = 3_000
"""Rows used in cross-validation, at most; of more, a random sample is drawn."""
POINTS = 20
"""Points of the learning curve over earlier labels, at most."""
SEED = 0


@dataclass(frozen=True)
class Pool:
    """Hidden states in the forms that the regression and the strategies use."""

    scaled: np.ndarray
    """Hidden states of zero mean and unit variance, float32, shape [rows, d]."""
    centred: np.ndarray
    """Hidden states of zero mean, float32, shape [rows, d]."""
    mean: np.ndarray
    """The mean hidden state, shape [d]."""

    @property
    def directions(self) -> np.ndarray:
        return query_strategies.unit(self.centred)


@lru_cache(maxsize=1)
def pool(key: str) -> Pool:
    """Return the hidden states cached under `key`. Raises UserError if there are none."""
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
    """Return unlabelled rows, the most useful first, with the regression's predictions for them. Raises UserError."""
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
    """Return the learning curve as (labels, macro-F1 with the first of them), every STEP labels, or about POINTS points for many labels."""
    counts = np.unique(np.linspace(STEP, len(rows), min(POINTS, len(rows) // STEP) + 1).astype(int) // STEP * STEP)
    found = [(int(count), cross_validated(features, rows[:count], labels[:count], classes)[0]) for count in counts if count < len(rows)]
    return [(count, f1) for count, f1 in found if f1 is not None]


def _inside(rows: np.ndarray, labels: np.ndarray, drawn: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of rows among those with hidden states, and their labels; other rows are left out."""
    if not len(drawn):
        if len(rows) and rows.max() >= count:
            raise UserError("the file has other rows than when its hidden states were computed", "Open the queue again")
        return rows, labels
    at = np.minimum(np.searchsorted(drawn, rows), len(drawn) - 1)
    there = drawn[at] == rows
    return at[there], labels[there]


@dataclass(frozen=True)
class Next:
    """An order of the unlabelled rows."""

    rows: np.ndarray
    """Row indices, int64, the most useful first."""
    probabilities: np.ndarray | None
    """The probabilities of all rows, shape [rows, labels]; None as long as there is no regression."""
    by_names: bool


def next_rows(
    states: Pool, names: np.ndarray, rows: np.ndarray, labels: np.ndarray, dropped: np.ndarray, by: QueueOrder, count: int
) -> Next:
    """Return up to `count` rows that are neither labelled (`rows`, with their `labels`) nor `dropped`, the most useful first.

    `names` are the hidden states of the label names, shape [labels, d]. Up to FIRST labels per class, the classes take turns: each
    gets the rows nearest to its name.
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
    """Return a function from features, [rows, d], to probabilities, [rows, classes]; a class without rows gets 0.

    Classes have equal weight however many rows they have: the rows labelled first do not show how frequent the classes are.
    """
    regression = LogisticRegression(C=C, class_weight="balanced", max_iter=100, tol=1e-3, random_state=SEED).fit(features, labels)

    def probabilities(rows: np.ndarray) -> np.ndarray:
        found = np.zeros((len(rows), classes))
        found[:, np.asarray(regression.classes_)] = regression.predict_proba(rows)
        return found

    return probabilities


def predict(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the probabilities of all rows, shape [rows, classes], by a regression fitted on those at `rows`."""
    return fit(features[rows], labels, classes)(features)


def cross_validated(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float | None, int]:
    """Return the cross-validated macro-F1 of the labelled rows, and the number of folds.

    The macro-F1 is None if there are too few rows: a class with a single row cannot be learned from the other folds.
    """
    if len(rows) < FEWEST or len(np.unique(labels)) < 2:
        return None, 0
    random = np.random.default_rng(SEED)
    if len(rows) > VALIDATED:
        some = random.permutation(len(rows))[:VALIDATED]
        rows, labels = rows[some], labels[some]
    fold = np.empty(len(rows), np.int64)
    for label in np.unique(labels):  # each class is spread over all folds as evenly as possible
        own = random.permutation(np.flatnonzero(labels == label))
        fold[own] = (np.arange(len(own)) + random.integers(FOLDS)) % FOLDS
    found = np.full((len(rows), classes), 1.0 / classes)
    for each in range(FOLDS):
        rest = fold != each
        if (~rest).any() and len(np.unique(labels[rest])) > 1:
            found[~rest] = fit(features[rows[rest]], labels[rest], classes)(features[rows[~rest]])
    return measure("labels", labels, found, tuple(map(str, range(classes)))).f1_macro, FOLDS
