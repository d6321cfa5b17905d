"""Filters of rows: words, regex:…, label:joy, len>40, and of a run's predictions loss>1 or wrong; a leading - negates."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from ..errors import UserError
from ..filter_line import pieces
from ..safe_text import safe_line
from .arrays import mask, strings
from .faults import shown
from .stats import character_counts, word_counts
from .table import Dataset, Split

Kind = Literal["word", "regex", "label", "split", "words", "chars", "tokens", "predicted", "wrong", "loss", "confidence"]
SYNTAX = 'words, "a phrase", regex:PATTERN, label:NAME, split:NAME, len>40 (words), chars>200, tokens>64; a leading - negates'
JUDGED = "predicted:NAME, wrong, loss>1.5, confidence<0.6"
"""Terms on a run's prediction for a row."""

_FIELD = re.compile(r"(regex|label|split|predicted):|(len|words|chars|tokens|loss|confidence)(>=|<=|>|<|=)|(wrong)(?=\s|$)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?|\.[0-9]{1,12}")
_COMPARE = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq}


class Term(msgspec.Struct, frozen=True):
    """One condition on a row."""

    kind: Kind
    value: str
    """What to look for; the number of a length, a loss or a confidence."""
    compare: str = ""
    """Of a number: '>', '<', '>=', '<=' or '='."""
    negated: bool = False


class Query(msgspec.Struct, frozen=True):
    """Conditions that a row must all meet; without any, every row matches."""

    terms: tuple[Term, ...] = ()

    @property
    def is_of_run(self) -> bool:
        """Whether a term is about a run's predictions."""
        return any(term.kind in ("predicted", "wrong", "loss", "confidence") for term in self.terms)


class Verdicts(Protocol):
    """A run's predictions for each row of a split; arrays of shape [rows]."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def predicted(self) -> Any:
        """Label ids, int64."""
        ...

    @property
    def right(self) -> Any: ...
    @property
    def loss(self) -> Any: ...
    @property
    def confidence(self) -> Any: ...


def parse(line: str) -> Query:
    """Return the conditions that a line of terms asks for. Raises UserError where it is not one.

    Words are found anywhere in a text, whatever their case. Patterns are those of RE2, and case counts ((?i) turns that off).
    label:, split: and predicted: take several names with commas between them. A bare wrong asks for the rows that a run gets wrong;
    "wrong" in quotation marks is a word.
    """
    return Query(tuple(_term(piece.field, piece.text, negated=piece.negated) for piece in pieces(line, _FIELD)))


def _term(field: re.Match[str] | None, text: str, *, negated: bool) -> Term:
    if field is None and text.startswith("regex:"):
        return _regex(text.removeprefix("regex:"), negated=negated)
    if field is None:
        return Term("word", text, negated=negated)
    if field[4]:
        return Term("wrong", "", negated=negated)
    if not text:
        raise UserError(f"the filter's {field[0]} needs something after it, as in: {SYNTAX}")
    name = (field[1] or field[2]).lower()
    match name:
        case "regex":
            return _regex(text, negated=negated)
        case "label" | "split" | "predicted":
            return Term(name, text, negated=negated)
        case "loss" | "confidence":
            if not _NUMBER.fullmatch(text):
                raise UserError(f"the filter's {field[0]} needs a number after it, such as 0.6, not {shown(text)}")
            return Term(name, text, field[3], negated=negated)
        case _:
            if not re.fullmatch(r"[0-9]{1,9}", text):
                raise UserError(f"the filter's {field[0]} needs a whole number after it, not {shown(text)}")
            kind: Kind = "words" if name in ("len", "words") else "chars" if name == "chars" else "tokens"
            return Term(kind, text, field[3], negated=negated)


def _regex(pattern: str, *, negated: bool) -> Term:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pattern:
        raise UserError("the filter's regex: needs a pattern after it")
    try:
        pc.call_function("match_substring_regex", [strings([""])], pc.MatchSubstringOptions(pattern))
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise UserError(f"the filter's pattern {shown(pattern)} is not valid: {safe_line(str(error), 120)}") from error
    return Term("regex", pattern, negated=negated)


def select(
    dataset: Dataset,
    query: Query,
    *,
    split: str | None = None,
    tokens: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Return the ascending row indices (int64, shape [matches]) that meet the query, of one split or of all.

    `tokens` is the token count of every row by split, which tokens> needs (LengthsAnswer.tokens).
    Raises UserError for a label or split that is not there, or where the token counts are missing, and for what only a run knows.
    """
    names = [split] if split is not None else list(dataset.splits)
    return {name: rows(dataset.splits[name], query, tuple(dataset.splits), tokens=tokens) for name in names}


def rows(
    part: Split,
    query: Query,
    splits: tuple[str, ...],
    *,
    tokens: Mapping[str, Sequence[int]] | None = None,
    verdicts: Verdicts | None = None,
) -> Any:
    """Return the ascending indices (int64, shape [matches]) of the rows of a split that meet the query.

    `splits` are the names of all splits, and `verdicts` what a run says of each row of this one, which loss> needs and so on.
    Raises UserError as `select` does.
    """
    import numpy as np

    met = np.ones(len(part), dtype=bool)
    for term in query.terms:
        met &= _met(part, term, splits, tokens, verdicts) ^ term.negated
    return np.flatnonzero(met)


def splits_of(query: Query, splits: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the `splits` in which rows can meet a query. Raises UserError for a split that is not among them."""
    left = splits
    for term in query.terms:
        if term.kind == "split":
            named = _named(term, splits)
            left = tuple(name for name in left if (name in named) != term.negated)
    return left


def _met(split: Split, term: Term, splits: tuple[str, ...], tokens: Mapping[str, Sequence[int]] | None, verdicts: Verdicts | None) -> Any:
    """Return which rows of a split meet a term, its negation aside; bool, shape [rows]."""
    import numpy as np
    import pyarrow.compute as pc

    match term.kind:
        case "word":
            return _search(split, "match_substring", pc.MatchSubstringOptions(term.value, ignore_case=True))
        case "regex":
            return _search(split, "match_substring_regex", pc.MatchSubstringOptions(term.value))
        case "label":
            return np.isin(split.label_ids(), [split.labels.index(name) for name in _named(term, split.labels)])
        case "split":
            return np.full(len(split), split.name in _named(term, splits))
        case "predicted" | "wrong" | "loss" | "confidence":
            return _judged(term, verdicts)
        case "words":
            lengths = word_counts(split)
        case "chars":
            lengths = character_counts(split)
        case "tokens":
            if tokens is None or split.name not in tokens:
                raise UserError("the tokens have not been counted yet; until then filter by len> (words) or chars>")
            lengths = np.asarray(tokens[split.name])
    return _COMPARE[term.compare](lengths, int(term.value))


def _judged(term: Term, verdicts: Verdicts | None) -> Any:
    import numpy as np

    if verdicts is None:
        meant = ', or write "wrong" in quotation marks for the word' if term.kind == "wrong" else ""
        raise UserError(
            f"{term.kind} is about a run's predictions, and no run is open here", f"Open one on the errors screen (key 5){meant}"
        )
    match term.kind:
        case "predicted":
            return np.isin(verdicts.predicted, [verdicts.labels.index(name) for name in _named(term, verdicts.labels)])
        case "wrong":
            return ~verdicts.right
        case "loss":
            return _COMPARE[term.compare](verdicts.loss, float(term.value))
        case _:
            return _COMPARE[term.compare](verdicts.confidence, float(term.value))


def _search(split: Split, function: str, options: Any) -> Any:
    import pyarrow.compute as pc

    return mask(pc.call_function(function, [split.table.column("text")], options))


def _named(term: Term, names: tuple[str, ...]) -> list[str]:
    """Return the names that a term lists, whatever their case; a name may itself hold commas."""
    by_case = {name.lower(): name for name in names}
    if term.value.lower() in by_case:
        return [by_case[term.value.lower()]]
    wanted = [part.strip().lower() for part in term.value.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in by_case]
    if unknown or not wanted:
        what = unknown[0] if unknown else term.value
        kind = "label" if term.kind == "predicted" else term.kind
        raise UserError(f"there is no {kind} {shown(what)}: choose from {safe_line(', '.join(names), 160)}")
    return [by_case[part] for part in wanted]
