"""Aligns the engine's tokens with the characters and words of their text."""

from __future__ import annotations

import re

from ...core.questions import TokensAnswer
from ..widgets.token_lanes import Piece

_WORD = re.compile(r"\S+")


def pieces_of(answer: TokensAnswer) -> tuple[Piece, ...]:
    """Return the pieces of the text in order: each subword with its characters, and the characters between subwords."""
    text, subwords = answer.text, answer.subwords
    words = {match.start(): match[0] for match in _WORD.finditer(text)}
    pieces: list[Piece] = []
    at = 0

    def word_of(start: int, stop: int) -> tuple[bool, str]:
        for position in range(start, stop):
            if position in words:
                return True, words[position]
        return False, ""

    def between(stop: int, *, cut: bool) -> None:
        nonlocal at
        for part in re.findall(r"\s+|\S+", text[at:stop]):
            starts, word = word_of(at, at + len(part))
            pieces.append(Piece(part, word_starts=starts, word=word, cut=cut))
            at += len(part)

    unknown = _unknown_id(answer)
    for index, (token, number, offset, special) in enumerate(
        zip(subwords.tokens, subwords.ids, subwords.offsets, subwords.special, strict=True)
    ):
        start, stop = offset
        if special and start == stop:
            if index:
                between(len(text) if subwords.cut_at is None else max(at, subwords.cut_at), cut=False)
            pieces.append(Piece("", token, number, special=True, index=index))
            continue
        between(max(at, start), cut=False)
        starts, word = word_of(max(at, start), stop)
        pieces.append(
            Piece(text[max(at, start) : stop], token, number, unknown=number == unknown, word_starts=starts, word=word, index=index)
        )
        at = max(at, stop)
    between(len(text), cut=subwords.cut_at is not None)
    return tuple(pieces)


def _unknown_id(answer: TokensAnswer) -> int | None:
    """Return the id of the unknown token, found by its name, [UNK] or <unk>; None if there is none."""
    if not answer.subwords.unknown:
        return None
    for token, number in zip(answer.subwords.tokens, answer.subwords.ids, strict=True):
        if token.casefold() in ("[unk]", "<unk>"):
            return number
    return None
