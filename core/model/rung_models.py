"""The models of the baselines as they are saved and loaded: most frequent class, TF-IDF, and the regression on hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from .. import paths, writing
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from . import predictions, saved

TERMS_FILE, ARRAYS_FILE, HEAD_FILE = "tfidf.json", "tfidf.safetensors", "head.safetensors"
_LARGEST = 1 << 30
"""Bytes of a file of terms or weights that is read, at most: 10,000 labels with 8,192 hidden units take 0.7 GB."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lengths of texts in words; these models do not truncate."""

    lengths: np.ndarray
    """int64, shape [n]."""

    @property
    def full_lengths(self) -> np.ndarray:
        return self.lengths


class MostFrequent:
    """Predicts the most frequent class of the training split for every text."""

    def __init__(self, note: saved.SavedModel) -> None:
        self.labels = note.labels
        self._answer = note.most_frequent

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, Counts]:
        scores = np.zeros((len(texts), len(self.labels)))
        scores[:, self._answer] = 1.0
        return scores, Counts(np.array([len(text.split()) for text in texts], dtype=np.int64))


class _Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The saved settings of a vectorizer; others have scikit-learn's defaults."""

    terms: tuple[str, ...]
    """Terms in the order of the columns."""
    analyzer: Literal["word", "char", "char_wb"] = "word"
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    sublinear_tf: bool = False


class Tfidf:
    """Logistic regression on TF-IDF of words or characters."""

    def __init__(self, labels: tuple[str, ...], vectorizer: TfidfVectorizer, regression: LogisticRegression) -> None:
        self.labels, self.vectorizer, self.regression = labels, vectorizer, regression
        self._words = vectorizer.build_analyzer()

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, Counts]:
        scores = np.zeros((len(texts), len(self.labels)))
        scores[:, self.regression.classes_] = self.regression.predict_proba(self.vectorizer.transform(texts))
        return scores, Counts(np.array([len(self._words(text)) for text in texts], dtype=np.int64))

    def save(self, folder: Path) -> None:
        """Write tfidf.json and tfidf.safetensors. Raises OSError."""
        vectorizer, regression = self.vectorizer, self.regression
        known = {name: getattr(vectorizer, name) for name in ("analyzer", "ngram_range", "lowercase", "sublinear_tf")}
        terms = _Terms(tuple(str(term) for term in vectorizer.get_feature_names_out()), **known)
        arrays = {"idf": vectorizer.idf_, "coef": regression.coef_, "intercept": regression.intercept_}
        arrays["classes"] = np.asarray(regression.classes_, dtype=np.int64)
        writing.write_private(folder / TERMS_FILE, msgspec.json.encode(terms))
        writing.write_private(folder / ARRAYS_FILE, save({name: np.ascontiguousarray(each) for name, each in arrays.items()}))

    @classmethod
    def load(cls, folder: Path, labels: tuple[str, ...]) -> Tfidf:
        """Return what `save` wrote. Raises UserError if it cannot be read, or its parts do not fit together."""
        try:
            terms = msgspec.json.decode(read_plain(folder / TERMS_FILE, _LARGEST), type=_Terms)
            arrays = load(read_plain(folder / ARRAYS_FILE, _LARGEST))
            _check(terms, arrays, len(labels))
        except (OSError, ValueError, KeyError, SafetensorError, RecursionError) as error:
            raise UserError(f"{folder} cannot be read: {error}", "Fit the baseline again") from error
        known = {field: getattr(terms, field) for field in ("analyzer", "ngram_range", "lowercase", "sublinear_tf")}
        vectorizer = TfidfVectorizer(vocabulary={term: at for at, term in enumerate(terms.terms)}, **known)
        vectorizer.idf_ = arrays["idf"]
        regression: Any = LogisticRegression()
        regression.coef_, regression.intercept_, regression.classes_ = arrays["coef"], arrays["intercept"], arrays["classes"]
        return cls(labels, vectorizer, regression)


def _check(terms: _Terms, arrays: dict[str, np.ndarray], labels: int) -> None:
    """Raise ValueError unless the arrays have one column per term, and rows for existing classes."""
    least, most = terms.ngram_range
    classes, width = arrays["classes"], len(terms.terms)
    rows = 1 if len(classes) == 2 else len(classes)
    shapes = {"idf": (width,), "coef": (rows, width), "intercept": (rows,)}
    if any(arrays[name].shape != shape or arrays[name].dtype != np.float64 for name, shape in shapes.items()):
        raise ValueError("its numbers do not fit its terms")
    if not 1 <= least <= most <= 10 or len(set(terms.terms)) != width:
        raise ValueError("its terms are not a vocabulary")
    if len(classes) < 2 or len(np.unique(classes)) < len(classes) or classes.min() < 0 or classes.max() >= labels:
        raise ValueError("its classes are not the run's")


class Head:
    """Multinomial logistic regression on standardised features, computed from its formula; no pickle is involved."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> None:
        self.coef, self.intercept, self.mean, self.scale = coef, intercept, mean, scale

    @classmethod
    def from_regression(cls, scaler: StandardScaler, regression: LogisticRegression, labels: int) -> Head:
        """Return a head for all `labels`; labels that the training split lacks get a probability of 0."""
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
        """Return weight [labels, d] and bias [labels] of the same function of features that are not standardised."""
        weight = self.coef / self.scale
        return weight, self.intercept - weight @ self.mean

    def save(self, folder: Path) -> None:
        path = folder / HEAD_FILE
        save_file({"coef": self.coef, "intercept": self.intercept, "mean": self.mean, "scale": self.scale}, path)
        path.chmod(paths.PRIVATE_FILE)

    @classmethod
    def load(cls, folder: Path) -> Head:
        """Return the head saved in a run's model folder. Raises UserError if it cannot be read, or is not a head."""
        path = folder / HEAD_FILE
        try:
            arrays = load(read_plain(path, _LARGEST))
            found = cls(arrays["coef"], arrays["intercept"], arrays["mean"], arrays["scale"])
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise UserError(f"{safe_line(str(path))} cannot be read: {safe_line(str(error), 120)}", "Fit the baseline again") from error
        sound = all(np.issubdtype(each.dtype, np.floating) and np.isfinite(each).all() for each in arrays.values())
        if not sound or found.coef.ndim != 2 or not (found.scale > 0).all():
            raise UserError(f"{safe_line(str(path))} does not contain a logistic regression", "Fit the baseline again")
        return found

    def check(self, labels: int, width: int) -> None:
        """Raise UserError unless the head has that many labels, and takes hidden states of this width."""
        if (self.coef.shape, self.intercept.shape) != ((labels, width), (labels,)) or not self.mean.shape == self.scale.shape == (width,):
            raise UserError(
                f"the baseline's head has the shape {self.coef.shape}, but {labels} labels and {width} hidden units need another",
                "Fit the baseline again",
            )
