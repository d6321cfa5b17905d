"""Texts of the token inspector about the engine's answers. It knows no screen."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ...core.data.spaces import without_spaces
from ...core.questions import PathAnswer, TokensAnswer
from ...core.units import size
from ..widgets.model_path import Stage
from ..widgets.subword_table import Subword
from .token_pieces import pieces_of

_ONE_HOT_BYTES = 8
"""Bytes per entry of a one-hot matrix: torch's one_hot returns int64."""


def counts(answer: TokensAnswer, colors: Mapping[str, str], *, roomy: bool) -> Text:
    """Return the number of characters, words and subwords, and the shape of each as one-hot vectors; with an empty last line if `roomy`."""
    words, subwords, characters = answer.words, answer.subwords, answer.characters
    shown = Text(no_wrap=True, overflow="ellipsis")

    def row(name: str, amount: str, shape: tuple[int, int]) -> None:
        shown.append(f"{name:<12}", "bold").append(f"{amount:<24}")
        shown.append("one-hot ", "dim").append(f"{list(shape)}  {size(shape[0] * shape[1] * _ONE_HOT_BYTES)}\n")

    row("characters", f"{len(characters.tokens):,}, {len(characters.vocabulary):,} distinct", characters.one_hot)
    unspaced = without_spaces(answer.text)
    counted = f"{len(words.tokens):,}, " + ("the text has no spaces" if unspaced else f"{len(words.vocabulary):,} distinct")
    row("words", counted, words.one_hot)
    limit = subwords.model_max_length
    row("subwords", f"{subwords.full_length:,} of {limit:,}", (len(subwords.tokens), subwords.vocab_size))
    shown.rstrip()
    if subwords.cut_at is not None:
        cut = subwords.full_length - len(subwords.tokens)
        shown.append(f"\n✂ cut at {len(subwords.tokens):,}: the model does not see the last {cut:,} tokens", f"bold {colors['warning']}")
    if subwords.unknown:
        shown.append(f"\n{subwords.unknown} unknown: the vocabulary has no pieces for them", f"bold {colors['error']}")
    if roomy:
        shown.append("\n")
    return shown


def subword_rows(answer: TokensAnswer) -> tuple[Subword, ...]:
    """Return the rows of the table of subwords."""
    own = answer.subwords
    columns = zip(own.tokens, own.ids, own.offsets, own.special, own.attention_mask, strict=True)
    pieces = {piece.index: piece for piece in pieces_of(answer)}
    return tuple(
        Subword(token, number, *offset, bool(special), mask, pieces[index].unknown)
        for index, (token, number, offset, special, mask) in enumerate(columns)
    )


def stages(path: PathAnswer, one: int | None) -> tuple[Stage, ...]:
    """Return the stages with their norms: that of the token at position `one`, or the mean over all tokens if it is None."""
    states = iter(path.token_norms)
    found: list[Stage] = []
    for layer in path.layers:
        norm = layer.norm
        if len(layer.shape) == 3 and norm is not None:
            norms = next(states, ())
            norm = norms[one] if one is not None and one < len(norms) else norm
        found.append(Stage(layer.name, layer.shape, norm))
    return tuple(found)
