"""The attention weights of any layer and head for a text."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import UserError
from ..questions import AskAttention, AttentionAnswer
from ..runs import rungs
from ..runs.folder import RunFolder
from . import checkpoint, device, saved
from .checkpoint import Checkpoint
from .loading import as_sentence
from .tokenizer import well_formed

Report = Callable[[str, int, int | None, str], None]
LONGEST = 512
"""Tokens for which attention is computed, at most: its size grows with their square."""
MEMORY = 512 << 20
"""Bytes that the attention of all layers may take together; larger models get shorter texts."""


def compute(ask: AskAttention, report: Report) -> AttentionAnswer:
    """Return the attention weights of one layer and head. Raises UserError if the run has no encoder, or no such layer or head."""
    started = time.monotonic()
    run = RunFolder(Path(ask.run))
    rung = rungs.chosen(run, ask.rung)
    folder = rungs.folder_of(run, rung)
    note = saved.read(folder)
    if note.kind in ("static", "tfidf", "most_frequent"):
        raise UserError("this rung has no attention, since no encoder reads the text", "Choose another rung or run")
    text = well_formed(ask.text)
    if not text.strip():
        raise UserError("the text is empty, so there are no tokens to show attention for")
    fine_tuned = note.kind == "classifier"
    found = checkpoint.of_run(run.path) if fine_tuned else checkpoint.find(note.encoder)
    report("attention", 0, None, "tokens")
    layers, tokens, full = _weights(found, None if fine_tuned else found.checked_layer(note.layer), text, note.max_length)
    heads = len(layers[0])
    if not 1 <= ask.layer <= len(layers) or not 0 <= ask.head <= heads:
        raise UserError(
            f"there is no layer {ask.layer}, head {ask.head}: the model has {len(layers)} layers of {heads} heads, 0 is their mean"
        )
    chosen = layers[ask.layer - 1]
    weights = chosen.astype(np.float32).mean(0) if ask.head == 0 else chosen[ask.head - 1]
    return AttentionAnswer(
        tokens=tokens,
        layers=len(layers),
        heads=heads,
        layer=ask.layer,
        head=ask.head,
        weights=weights.astype("<f2").tobytes(),
        run=run.id,
        rung=rung,
        full_length=full,
        seconds=time.monotonic() - started,
    )


@lru_cache(maxsize=1)
def _model(found: Checkpoint, layers: int | None) -> Any:
    """Return a copy of the encoder with eager attention, which returns its weights; the copy that classifies uses a faster kernel."""
    model = found.encoder(layers=layers)
    with as_sentence(found):
        model.set_attn_implementation("eager")
    return model


@lru_cache(maxsize=1)
def _weights(found: Checkpoint, layers: int | None, text: str, limit: int) -> tuple[list[np.ndarray], tuple[str, ...], int]:
    """Return the attention of each layer, float16, shape [heads, tokens, tokens], the tokens, and their number before truncation.

    The result for the last text is cached, so that switching between heads runs the model only once.
    """
    model = _model(found, layers)
    encoding = found.tokenizer.encode([text], min(limit, longest(model.config)))[0]
    ids = torch.tensor([encoding.ids])
    with torch.inference_mode(), device.threads_for(ids.numel()), as_sentence(found):
        given = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True).attentions
    if not given or any(each is None or each.shape[-2:] != (ids.shape[1], ids.shape[1]) for each in given):
        raise UserError(f"{found.name} does not return attention per token", f"Choose a model such as {checkpoint.ENCODERS}")
    return [each[0].to(torch.float16).numpy() for each in given], tuple(encoding.tokens), found.tokenizer.full_length(encoding)


def longest(config: Any) -> int:
    """Return the longest text in tokens: LONGEST, or fewer if the attention of all layers would not fit into MEMORY."""
    heads = getattr(config, "num_attention_heads", 1) * getattr(config, "num_hidden_layers", 1)
    return min(LONGEST, int((MEMORY / (4 * heads)) ** 0.5))
