"""Maps a model's tokens to the words of a text, so that values of tokens can be added up to values of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.words import Span, spans
from ..questions import Rest, WhyAnswer, WordWeight
from .tokenizer import Tokenizer


def cut_text(text: str, cut_at: int | None) -> str:
    """Return the part of a text that the model sees."""
    return text if cut_at is None else text[:cut_at]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokens that a model sees of a text, and the words that they are part of."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    special: tuple[bool, ...]
    word: tuple[int | None, ...]
    """The index in `words` of each token's word; None for special tokens and for tokens outside words."""
    words: tuple[Span, ...]
    """The words that the model sees; the last one may be cut."""
    cut_at: int | None
    """The index of the first character that the model does not see; None if it sees all."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, text: str, limit: int) -> Pieces:
        """Return the tokens of `text`, truncated to `limit`. Raises UserError if the tokenizer finds none in it."""
        encoding = tokenizer.encode([text], limit)[0]
        special = [bool(each) for each in encoding.special_tokens_mask]
        ends = [end for (_, end), flag in zip(encoding.offsets, special, strict=True) if not flag]
        cut_at = max(ends, default=0) if tokenizer.full_length(encoding) > len(encoding.ids) else None
        words = spans(cut_text(text, cut_at))
        of_token: list[int | None] = []
        first = 0
        for (start, end), flag in zip(encoding.offsets, special, strict=True):
            while first < len(words) and words[first].stop <= start:
                first += 1
            of_token.append(None if flag else _largest_share(words, first, start, end))
        return cls(tuple(encoding.tokens), tuple(encoding.ids), tuple(special), tuple(of_token), tuple(words), cut_at)

    def by_word(self, by_token: np.ndarray) -> np.ndarray:
        """Return the sums of values of shape [tokens] over the tokens of each word, float64, shape [words]."""
        found = np.zeros(len(self.words))
        for word, value in zip(self.word, by_token, strict=True):
            if word is not None:
                found[word] += value
        return found

    def rest(self, by_token: np.ndarray) -> tuple[Rest, ...]:
        """Return the values of the tokens that belong to no word."""
        pairs = zip(self.tokens, self.word, by_token.tolist(), strict=True)
        return tuple(Rest(token, value) for token, word, value in pairs if word is None)

    def answer(self, text: str, method: Any, values: np.ndarray, score: float, **more: Any) -> WhyAnswer:
        """Return an answer with the weights `values`, shape [words], of these words."""
        return WhyAnswer(
            text=text, method=method, words=weighed(self.words, values), score=score, cut_at=self.cut_at, tokens=len(self.ids), **more
        )


def weighed(words: Sequence[Span], values: np.ndarray) -> tuple[WordWeight, ...]:
    """Return words with their weights `values`, shape [words]."""
    return tuple(WordWeight(*word, value) for word, value in zip(words, values.tolist(), strict=True))


def _largest_share(words: Sequence[Span], first: int, start: int, end: int) -> int | None:
    """Return the index of the word, from `first` on, that shares the most characters with [start, end); None if none shares any."""
    best, most = None, 0
    for at in range(first, len(words)):
        if words[at].start >= end:
            break
        shared = min(end, words[at].stop) - max(start, words[at].start)
        if shared > most:
            best, most = at, shared
    return best
