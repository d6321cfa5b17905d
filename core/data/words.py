"""Splits a text into words: at spaces and punctuation, and into single characters in scripts without spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from .spaces import has_spaces_between

_JOINING = "'’-"
"""Stand within a word where letters are on both sides."""
_Kind = Literal["space", "letter", "alone", "sign", "mark"]


class Span(NamedTuple):
    """A word of a text, in characters."""

    start: int
    stop: int


def spans(text: str) -> list[Span]:
    """Return the words of `text` in order: runs of letters and digits, of other signs, and single characters of unspaced scripts.

    Marks, joiners and variation selectors belong to what they follow, so that an emoji or a letter with its vowel signs stays whole.
    """
    found: list[Span] = []
    start = 0
    running: _Kind = "space"
    for at, character in enumerate(text):
        kind = _kind(character)
        if kind == "mark":
            if running == "space":
                start, running = at, "sign"
            continue
        if character in _JOINING and running == "letter" and at + 1 < len(text) and _kind(text[at + 1]) == "letter":
            continue
        if kind == running != "alone":
            continue
        if running != "space":
            found.append(Span(start, at))
        start, running = at, kind
    if running != "space":
        found.append(Span(start, len(text)))
    return found


def counted(texts: Iterable[str]) -> dict[str, int]:
    """Return how often each word stands in the texts, in lower case; signs that are no words are left out."""
    numbers: dict[str, int] = {}
    for text in texts:
        for start, stop in spans(text):
            if _kind(text[start]) in ("letter", "alone"):
                word = text[start:stop].lower()
                numbers[word] = numbers.get(word, 0) + 1
    return numbers


@lru_cache(maxsize=8_192)
def _kind(character: str) -> _Kind:
    if character.isspace():
        return "space"
    category = unicodedata.category(character)
    if category[0] == "M" or category == "Cf":
        return "mark"
    if not has_spaces_between(character):
        return "alone" if category[0] in "LN" else "sign"
    return "letter" if category[0] in "LN" or character == "_" else "sign"
