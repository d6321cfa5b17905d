"""What a tokenizer and a model turn a text into: three lanes of tokens, padded batches, shapes and norms by layer."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import sources
from ..errors import UserError
from ..questions import (
    AskBatch,
    AskLengths,
    AskPath,
    AskTokens,
    BatchAnswer,
    Lane,
    Layer,
    LengthsAnswer,
    PathAnswer,
    Shapes,
    Subwords,
    TokensAnswer,
)
from . import checkpoint
from .batches import tokenize
from .checkpoint import Checkpoint
from .model_config import REMEDY
from .tokenizer import Tokenizer, well_formed

if TYPE_CHECKING:
    import torch

Report = Callable[[str, int, int | None, str], None]
CLS_VALUES = 8


@lru_cache(maxsize=2)
def _encoder(model: Checkpoint) -> Any:
    return model.encoder()


@lru_cache(maxsize=2)
def _classifier(model: Checkpoint) -> Any:
    return model.classifier()


def lane(tokens: list[str]) -> Lane:
    """Return tokens with their ids: each token's index in the sorted set of all tokens of the text, as in the tutorial."""
    vocabulary = {token: index for index, token in enumerate(sorted(set(tokens)))}
    return Lane(tuple(tokens), vocabulary, tuple(vocabulary[token] for token in tokens), (len(tokens), len(vocabulary)))


def describe(ask: AskTokens) -> TokensAnswer:
    """Return the characters, words and subwords of a text; with `shapes` also the shapes of the model's inputs and outputs."""
    started = time.monotonic()
    model = checkpoint.find(ask.model, offline=ask.offline)
    tokenizer = model.tokenizer
    limit = model.checked_length(ask.max_length)
    text = well_formed(ask.text)
    return TokensAnswer(
        text=text,
        model=ask.model,
        characters=lane(list(text)),
        words=lane(text.split()),
        subwords=_subwords(tokenizer, text, limit, model.limit),
        shapes=_shapes(model, tokenizer, text, limit) if ask.shapes else None,
        seconds=time.monotonic() - started,
    )


def _subwords(tokenizer: Tokenizer, text: str, limit: int, model_max_length: int) -> Subwords:
    encoding = tokenizer.encode([text], limit)[0]
    special = encoding.special_tokens_mask
    own = [token for token, flag in zip(encoding.tokens, special, strict=True) if not flag]
    ends = [end for (_, end), flag in zip(encoding.offsets, special, strict=True) if not flag]
    full_length = tokenizer.full_length(encoding)
    return Subwords(
        tokens=tuple(encoding.tokens),
        ids=tuple(encoding.ids),
        offsets=tuple(encoding.offsets),
        special=tuple(special),
        attention_mask=tuple(encoding.attention_mask),
        vocab_size=tokenizer.vocab_size,
        model_max_length=model_max_length,
        input_names=tokenizer.input_names,
        round_trip=tokenizer.join(own),
        unknown=encoding.ids.count(tokenizer.unk_token_id) if tokenizer.unk_token_id is not None else 0,
        full_length=full_length,
        cut_at=max(ends, default=0) if full_length > len(encoding.ids) else None,
    )


def _shapes(model: Checkpoint, tokenizer: Tokenizer, text: str, limit: int) -> Shapes:
    import torch

    from .loading import as_sentence

    encoder = _encoder(model)
    inputs = _inputs(tokenizer, text, limit)
    with torch.inference_mode(), as_sentence(model):
        output = encoder(**inputs, output_hidden_states=True)
    ids = inputs["input_ids"]
    return Shapes(
        input_ids=tuple(ids.shape),
        one_hot=(*ids.shape, int(encoder.config.vocab_size)),
        embeddings=tuple(output.hidden_states[0].shape),
        hidden_state=tuple(output.last_hidden_state.shape),
    )


def _inputs(tokenizer: Tokenizer, text: str, limit: int) -> dict[str, torch.Tensor]:
    import torch

    encoding = tokenizer.encode([text], limit)[0]
    return {"input_ids": torch.tensor([encoding.ids]), "attention_mask": torch.tensor([encoding.attention_mask])}


def pad(ask: AskBatch) -> BatchAnswer:
    """Return texts padded to the longest of them. Raises UserError for no text or more than 64."""
    if not 1 <= len(ask.texts) <= 64:
        raise UserError(f"a batch may have 1 to 64 texts, not {len(ask.texts)}")
    model = checkpoint.find(ask.model, offline=ask.offline)
    tokenizer = model.tokenizer
    limit = model.checked_length(ask.max_length)
    texts = ask.texts
    encodings = tokenizer.encode(texts, limit)
    full_lengths = tuple(tokenizer.full_length(each) for each in encodings)
    lengths = np.array([len(each.ids) for each in encodings])
    padded_to, fixed = int(lengths.max()), ask.fixed_length or limit
    pad_token = tokenizer.backend.id_to_token(tokenizer.padding) or ""
    for each in encodings:
        each.pad(padded_to, pad_id=tokenizer.padding, pad_token=pad_token)
    return BatchAnswer(
        tokens=tuple(tuple(each.tokens) for each in encodings),
        ids=tuple(tuple(each.ids) for each in encodings),
        attention_mask=tuple(tuple(each.attention_mask) for each in encodings),
        lengths=tuple(lengths.tolist()),
        full_lengths=full_lengths,
        padded_to=padded_to,
        padding_share=float(1 - lengths.sum() / (len(texts) * padded_to)),
        fixed_length=fixed,
        padding_share_fixed=float(1 - np.minimum(lengths, fixed).sum() / (len(texts) * fixed)),
    )


def trace(ask: AskPath) -> PathAnswer:
    """Return the path of a text through a model: the shape after each stage, and the mean L2 norm over its tokens."""
    import torch

    from .device import threads_for
    from .loading import as_sentence

    fine_tuned = bool(ask.run) and (Path(ask.run) / "model" / "config.json").is_file()
    found = checkpoint.of_run(Path(ask.run)) if fine_tuned else checkpoint.find(ask.model, offline=ask.offline)
    tokenizer = found.tokenizer
    limit = found.checked_length(ask.max_length)
    inputs = _inputs(tokenizer, ask.text, limit)
    model = _classifier(found) if fine_tuned else _encoder(found)
    with torch.inference_mode(), threads_for(inputs["input_ids"].numel()), as_sentence(found):
        output = model(**inputs, output_hidden_states=True)
    states = output.hidden_states
    if not all(torch.isfinite(each).all() for each in (*states, *([output.logits] if fine_tuned else []))):
        raise UserError(f"{found.name} returns NaN or infinity for this text", REMEDY)
    ids = inputs["input_ids"]
    norms = [tuple(float(each) for each in state[0].norm(dim=-1)) for state in states]
    layers = [Layer("ids", tuple(ids.shape)), Layer("one-hot", (*ids.shape, int(model.config.vocab_size)))]
    for index, state in enumerate(states):
        layers.append(Layer(f"layer {index}" if index else "embeddings", tuple(state.shape), float(np.mean(norms[index]))))
    first = states[-1][0, 0]
    layers.append(Layer("[CLS]", tuple(first.shape), float(first.norm())))
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    if fine_tuned:
        labels = tuple(model.config.id2label[index] for index in range(model.config.num_labels))
        scores = tuple(float(each) for each in output.logits[0])
        layers.append(Layer("logits", tuple(output.logits[0].shape), float(output.logits[0].norm())))
    return PathAnswer(
        tokens=tuple(tokenizer.backend.id_to_token(each) or "" for each in ids[0].tolist()),
        layers=tuple(layers),
        token_norms=tuple(norms),
        cls=tuple(float(each) for each in first[:CLS_VALUES]),
        logits=scores,
        labels=labels,
        architecture=type(model).__name__,
        parameters=sum(each.numel() for each in model.parameters()),
    )


def count(ask: AskLengths, report: Report) -> LengthsAnswer:
    """Return the number of tokens of each text of a data set, special tokens included and without truncation."""
    started = time.monotonic()
    model = checkpoint.find(ask.model, offline=ask.data.offline)
    tokenizer, limit = model.tokenizer, model.limit
    data = sources.load(ask.data)
    total, done, unknown, tokens_seen = sum(len(split) for split in data.splits.values()), 0, 0, 0
    tokens: dict[str, tuple[int, ...]] = {}
    unknown_of: dict[str, tuple[int, ...]] = {}
    for name, split in data.splits.items():
        ids = tokenize(tokenizer, split.texts(), limit, lambda part, _, before=done: report("tokenize", before + part, total, "rows"))
        tokens[name] = tuple(int(each) for each in ids.full_lengths)
        tokens_seen += len(ids.flat)
        if tokenizer.unk_token_id is not None:
            before = np.concatenate([[0], np.cumsum(ids.flat == tokenizer.unk_token_id)])
            unknown += int(before[-1])
            unknown_of[name] = tuple(np.diff(before[ids.starts]).tolist())
        done += len(split)
    return LengthsAnswer(limit, tokens, unknown / max(1, tokens_seen), time.monotonic() - started, unknown_of, tokenizer.specials)
