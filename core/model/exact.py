"""The exact contribution of each word of a text to a linear model's score: the weight of each term times its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.words import Span, spans
from ..questions import Rest, WhyAnswer
from .pieces import Pieces, weighed
from .rung_models import Tfidf
from .static_embeddings import StaticModel

_SPACES = re.compile(r"\s\s+")


def contributions(model: Tfidf, text: str, label: int) -> WhyAnswer:
    """Return the contribution of each word to the score of a class; with the intercept they add up to the score.

    A term's contribution is its weight times its TF-IDF value, divided equally among its occurrences in the text, and each of these
    equally among its characters. Terms whose occurrences are not found in the text as written are listed separately.
    """
    row: Any = model.vectorizer.transform([text])
    weights, intercept = _weights(model, label)
    by_term = dict(zip(row.indices.tolist(), (row.data * weights[row.indices]).tolist(), strict=True))
    places: dict[int, list[Span]] = {}
    for term, span in _terms(model, text):
        column = model.vectorizer.vocabulary_.get(term)
        if column is not None and by_term.get(column):
            places.setdefault(column, []).append(span)
    words = spans(text)
    of_character = np.full(len(text), -1)
    for at, word in enumerate(words):
        of_character[word.start : word.stop] = at
    values, rest = np.zeros(len(words)), 0.0
    for column, value in by_term.items():
        here = [of_character[start:stop] for start, stop in places.get(column, ())]
        seen = np.concatenate([each[each >= 0] for each in here]) if here else np.empty(0, np.int64)
        if len(seen):
            np.add.at(values, seen, value / len(seen))
        else:
            rest += value
    score = intercept + sum(by_term.values())
    return WhyAnswer(
        text=text,
        method="exact",
        words=weighed(words, values),
        score=score,
        rest=(Rest("terms elsewhere", rest),) if rest else (),
        baseline=intercept,
        gap=float(values.sum()) + rest - (score - intercept),
        tokens=len(words),
    )


def of_static(model: StaticModel, text: str, label: int) -> WhyAnswer:
    """Return what each word adds to the score of a class on static embeddings: that of its tokens, each an equal share of the text."""
    pieces = Pieces.of(model.tokenizer, text, model.limit)
    weight, bias = model.head.folded()
    if len(model.labels) == 2:
        weight, bias = weight - weight[::-1], bias - bias[::-1]
    rows = model.vectors.rows(np.asarray(pieces.ids))
    known = rows >= 0
    by_token = np.zeros(len(rows))
    by_token[known] = model.vectors.vectors[rows[known]].astype(np.float64) @ weight[label] / max(1, int(known.sum()))
    values, rest = pieces.by_word(by_token), tuple(each for each in pieces.rest(by_token) if each.weight)
    logits = model.head.logits(model.features([text]))[0]
    score = float(logits[label] - logits[1 - label] if len(logits) == 2 else logits[label])
    gap = float(by_token.sum()) - (score - float(bias[label]))
    return pieces.answer(text, "exact", values, score, rest=rest, baseline=float(bias[label]), gap=gap)


def _weights(model: Tfidf, label: int) -> tuple[np.ndarray, float]:
    """Return the weights, shape [terms], and the intercept of the score of a class; zeros for a class without training rows."""
    coef, intercept = np.asarray(model.regression.coef_), np.asarray(model.regression.intercept_)
    classes = np.asarray(model.regression.classes_).tolist()
    if label not in classes:
        return np.zeros(coef.shape[1]), 0.0
    at = classes.index(label)
    if len(classes) == 2:  # a single row gives the log-odds of the second class
        sign = 1.0 if at else -1.0
        return sign * coef[0], sign * float(intercept[0])
    return coef[at], float(intercept[at])


def _terms(model: Tfidf, text: str) -> Iterator[tuple[str, Span]]:
    """Yield the terms of a text as the vectorizer splits it, each with its span."""
    vectorizer = model.vectorizer
    if vectorizer.analyzer == "word":
        for match in re.compile(vectorizer.token_pattern).finditer(text):
            yield match[0].lower(), Span(match.start(), match.end())
        return
    written, origin = "", []
    for start, stop, character in _characters(text):
        lower = character.lower()
        written += lower
        origin += [(start, stop)] * len(lower)
    least, most = vectorizer.ngram_range
    for length in range(least, most + 1):
        for at in range(len(written) - length + 1):
            yield written[at : at + length], Span(origin[at][0], origin[at + length - 1][1])


def _characters(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, end and character of each character of a text; a run of spaces counts as one."""
    at = 0
    for match in _SPACES.finditer(text):
        yield from ((place, place + 1, text[place]) for place in range(at, match.start()))
        yield match.start(), match.end(), " "
        at = match.end()
    yield from ((place, place + 1, text[place]) for place in range(at, len(text)))
