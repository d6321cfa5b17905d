"""Finds faults of individual rows: labels doubted by confident learning, near-duplicates with different labels, outliers, truncation."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ..data import kept_faults, near_duplicates, splitting
from ..data.checks import folded, not_looked_for
from ..data.sources import fingerprint, load
from ..data.spaces import unspaced
from ..data.table import Dataset, Split
from ..errors import UserError
from ..figures.scores import measure
from ..questions import AskFaults, Fault, FaultsAnswer
from ..safe_text import safe_line
from ..units import count, percent
from . import checkpoint, device
from .batches import tokenize
from .extractor import Extractor

Report = Callable[[str, int, int | None, str], None]
FOLDS = 5
SEED = 0
NEIGHBOURS = 10
REFERENCE = 20_000
"""Training rows that rows are compared with to find outliers, at most."""
FENCE = 3.0
"""Interquartile ranges above the third quartile beyond which a distance is far out (Tukey, 1977)."""
FEWEST = 10
"""Training rows of a class below which it is too small to learn from."""
SMALL_SHARE = 0.02
"""A class with less than this share of the mean class size is too small."""
_NAMES = {"tfidf": "TF-IDF", "mean": "the mean of the hidden states", "cls": "the hidden state of [CLS]"}


def find(ask: AskFaults, report: Report) -> FaultsAnswer:
    """Return the faults of a data set by kind and split, each with its rows.

    Rows that were decided by hand are trusted and not reported. Raises UserError if the data or the model cannot be read.
    """
    started = time.monotonic()
    data = load(ask.data)
    model = _model(ask)
    features = _features(data, model, report)
    best, probabilities, scores = _probabilities(data, features, report)
    faults: list[Fault] = []
    ranking: dict[str, tuple[int, ...]] = {}
    for name, split in data.splits.items():
        open_rows = _undecided(data, name)
        ranking[name], fault = _labels(split, probabilities[name], open_rows, best)
        faults += [fault] if fault is not None else []
    report("compare texts", 0, None, "rows")
    faults += _near_conflicts(data)
    if "mean" in features:
        report("look for outliers", 0, None, "rows")
        faults += _outliers(data, features["mean"])
    faults += _small_classes(data)
    if model is not None:
        faults += _cut(data, model)
    left_out = not_looked_for(data)
    answer = FaultsAnswer(tuple(faults), best, scores, ranking, time.monotonic() - started, (left_out,) if left_out else ())
    kept_faults.save(fingerprint(data), data, ask.model if model is not None else "", answer)
    return answer


def _model(ask: AskFaults) -> checkpoint.Checkpoint | None:
    try:
        return checkpoint.find(ask.model, offline=ask.data.offline)
    except UserError:
        if ask.model != "starter":
            raise
        return None


def _features(data: Dataset, model: checkpoint.Checkpoint | None, report: Report) -> dict[str, dict[str, Any]]:
    """Return features for predicting labels, by name and split, each of shape [rows, features].

    Hidden states are computed for all rows of the source, so that the cache serves them whatever rows are left out by hand.
    """
    source = data.overlay.source if data.overlay is not None else data
    found: dict[str, dict[str, Any]] = {}
    texts = data.splits["train"].texts()
    counted = TfidfVectorizer(analyzer="char", ngram_range=(1, 2)) if unspaced(texts) else TfidfVectorizer(sublinear_tf=True)
    try:
        counted.fit(texts)
    except ValueError:  # no text has a word of two or more letters
        counted = TfidfVectorizer(analyzer="char").fit(texts)
    found["tfidf"] = {name: counted.transform(split.texts()) for name, split in data.splits.items()}
    if model is None:
        return found
    extractor = Extractor(model, model.checked_length(None), device.choose("auto", "auto"))
    for name, split in source.splits.items():
        states, _ = extractor.states(
            split.texts(),
            ("cls", "mean"),
            lambda phase, done, total, name=name: report(f"{phase} {name}", done, total, "rows"),
            data=f"{data.spec.source if data.spec else data.name}, {name}",
        )
        kept = data.overlay.kept.get(name) if data.overlay is not None else None
        for pooling, array in states.items():
            found.setdefault(pooling, {})[name] = np.asarray(array) if kept is None else np.asarray(array)[kept]
    extractor.release()
    return found


def _probabilities(
    data: Dataset, features: dict[str, dict[str, Any]], report: Report
) -> tuple[str, dict[str, np.ndarray], dict[str, float]]:
    """Return the name of the best features, the probabilities from them by split, shape [rows, labels], and the macro-F1 of each kind.

    No row is predicted by a regression fitted on it or on a row of the same text: training rows are predicted out of fold, the other
    splits by a regression on all training rows.
    """
    train, labels = data.splits["train"], len(data.labels)
    truth = train.label_ids()
    folds = splitting.stratified(train.table.column("text"), truth, [1 / FOLDS] * (FOLDS - 1), SEED)
    out_of_fold: dict[str, np.ndarray] = {}
    done, total = 0, FOLDS * len(features) + 1
    for name, by_split in features.items():
        found = out_of_fold[name] = np.full((len(train), labels), 1 / labels)
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(train)), fold)
            if len(fold) and len(np.unique(truth[rest])) > 1:
                found[fold] = _fitted(name, by_split["train"][rest], truth[rest], labels)(by_split["train"][fold])
            done += 1
            report("fit", done, total, "regressions")
    scores = {name: measure("train", truth, found, data.labels).f1_macro for name, found in out_of_fold.items()}
    best = max(scores, key=lambda name: scores[name])
    predict = _fitted(best, features[best]["train"], truth, labels)
    report("fit", total, total, "regressions")
    return best, {name: out_of_fold[best] if name == "train" else predict(features[best][name]) for name in data.splits}, scores


def _fitted(name: str, features: Any, truth: np.ndarray, labels: int) -> Callable[[Any], np.ndarray]:
    """Return a function from features to probabilities, shape [rows, labels]; a class without rows gets 0."""
    scaler = None if name == "tfidf" else StandardScaler().fit(features)
    regression = LogisticRegression(C=10.0 if name == "tfidf" else 0.1, max_iter=300, tol=1e-3, random_state=SEED)
    regression.fit(features if scaler is None else scaler.transform(features), truth)

    def predict(rows: Any) -> np.ndarray:
        found = np.zeros((rows.shape[0], labels))
        found[:, np.asarray(regression.classes_)] = regression.predict_proba(rows if scaler is None else scaler.transform(rows))
        return found

    return predict


def _undecided(data: Dataset, name: str) -> np.ndarray:
    """Return the positions of the rows of a split that were not decided by hand."""
    decided = data.overlay.decisions_in(name) if data.overlay is not None else {}
    return np.setdiff1d(np.arange(len(data.splits[name])), np.fromiter(decided, np.int64, len(decided)))


def _labels(split: Split, probabilities: np.ndarray, rows: np.ndarray, best: str) -> tuple[tuple[int, ...], Fault | None]:
    """Return all rows ranked by how doubtful their labels are, and the fault of those that are likely wrong; None if there are none.

    Confident learning (Northcutt, Jiang and Chuang, 2021, doi 10.1613/jair.1.12125) as in cleanlab: the estimated noise rates of the
    classes give the number of likely errors; rows are ranked by self-confidence, the predicted probability of the given label.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given, shares = split.label_ids()[rows], probabilities[rows]
    if len(rows) < 2 or len(np.unique(given)) < 2:
        return tuple(rows.tolist()), None
    quality = np.asarray(get_label_quality_scores(given, shares, method="self_confidence", adjust_pred_probs=False))
    order = np.argsort(quality, kind="stable")
    doubted = np.asarray(find_label_issues(given, shares, filter_by="prune_by_noise_rate", n_jobs=1), bool) & (shares.argmax(1) != given)
    suspects = [int(at) for at in order if doubted[at]]
    ranking = tuple(rows[order].tolist())
    if not suspects:
        return ranking, None
    return ranking, Fault(
        "label",
        split.name,
        tuple(int(rows[at]) for at in suspects),
        f"{split.name}: the labels of {count(len(suspects), 'row')} are probably wrong ({percent(len(suspects) / len(split))})",
        f"confident learning on {'out-of-fold ' if split.name == 'train' else ''}probabilities of a logistic regression on {_NAMES[best]}",
        tuple(split.labels[int(shares[at].argmax())] for at in suspects),
        tuple(round(float(shares[at].max()), 4) for at in suspects),
    )


def _near_conflicts(data: Dataset) -> list[Fault]:
    """Return the faults of equal or nearly equal texts with different labels, with all rows of such pairs."""
    rows = [(name, at, folded(text)) for name, split in data.splits.items() for at, text in enumerate(split.texts())]
    if len(rows) > near_duplicates.MOST_ROWS:
        return []
    texts = [text for _, _, text in rows]
    labels = np.concatenate([split.label_ids() for split in data.splits.values()])
    first: dict[str, int] = {}
    near = near_duplicates.earlier_of(texts)
    found: dict[str, set[int]] = defaultdict(set)
    for at, text in enumerate(texts):
        for other in {first.setdefault(text, at), int(near[at])} - {-1, at}:
            if labels[other] != labels[at]:
                for each in (other, at):
                    found[rows[each][0]].add(rows[each][1])
    how = "80 % of the character 5-grams are the same, but the labels differ"
    open_rows = {name: set(_undecided(data, name).tolist()) for name in found}
    undecided = {name: sorted(found[name] & open_rows[name]) for name in data.splits if name in found}
    return [
        Fault("near_conflict", name, tuple(each), f"{name}: {count(len(each), 'row')} nearly the same as one of another label", how)
        for name, each in undecided.items()
        if each
    ]


def _outliers(data: Dataset, states: dict[str, Any]) -> list[Fault]:
    """Return the faults of rows that are far from all training rows."""
    train = states["train"]
    chosen = np.arange(len(train))
    if len(train) > REFERENCE:
        chosen = np.sort(np.random.default_rng(SEED).permutation(len(train))[:REFERENCE])
    if len(chosen) <= NEIGHBOURS + 1:
        return []
    scaler = StandardScaler().fit(train)
    reference = _unit(np.asarray(scaler.transform(train[chosen])))
    own = dict(zip(chosen.tolist(), range(len(chosen)), strict=True))
    far = {
        name: _distances(_unit(np.asarray(scaler.transform(each))), reference, own if name == "train" else {})
        for name, each in states.items()
    }
    low, high = np.quantile(far["train"], [0.25, 0.75])
    limit = high + FENCE * (high - low)
    found = []
    for name, distances in far.items():
        rows = _undecided(data, name)
        rows = rows[distances[rows] > limit]
        if len(rows):
            message = f"{name}: {count(len(rows), 'row')} unlike all others ({percent(len(rows) / len(distances))})"
            how = f"mean cosine distance of hidden states to the {NEIGHBOURS} nearest training rows, {FENCE:.0f} quartile ranges out"
            found.append(Fault("outlier", name, tuple(rows[np.argsort(-distances[rows], kind="stable")].tolist()), message, how))
    return found


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _distances(rows: np.ndarray, reference: np.ndarray, own: dict[int, int]) -> np.ndarray:
    """Return the mean cosine distance to the nearest rows of `reference`, shape [rows]; `own` maps a row to its own index there."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), 1_000):
        near = 1.0 - rows[start : start + 1_000] @ reference.T
        for at in range(len(near)):
            if start + at in own:
                near[at, own[start + at]] = np.inf
        nearest = np.partition(near, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        found[start : start + 1_000] = nearest.mean(1)
    return found


def _small_classes(data: Dataset) -> list[Fault]:
    train = data.splits["train"]
    counts = np.asarray(train.counts())
    fewest = max(FEWEST, SMALL_SHARE * len(train) / len(data.labels))
    small = [at for at in np.argsort(counts, kind="stable").tolist() if 0 < counts[at] < fewest]
    if not small:
        return []
    names = ", ".join(f"{safe_line(data.labels[at], 30)} ({counts[at]:,})" for at in small[:5]) + (" and others" if len(small) > 5 else "")
    rows = np.flatnonzero(np.isin(train.label_ids(), small))
    how = f"fewer than {fewest:,.0f} training rows"
    return [Fault("small_class", "train", tuple(rows.tolist()), f"train: too few rows of {names} to learn from", how)]


def _cut(data: Dataset, model: checkpoint.Checkpoint) -> list[Fault]:
    limit = model.checked_length(None)
    found = []
    for name, split in data.splits.items():
        lengths = tokenize(model.tokenizer, split.texts(), limit).full_lengths
        rows = np.flatnonzero(lengths > limit)
        if len(rows):
            message = f"{name}: {count(len(rows), 'text')} cut at {limit:,} tokens ({percent(len(rows) / len(split))})"
            found.append(Fault("cut", name, tuple(rows[np.argsort(-lengths[rows], kind="stable")].tolist()), message, "the model's limit"))
    return found
