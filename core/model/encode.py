"""Hidden states of many texts from a frozen encoder."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import Pooling
from .batches import TokenIds, by_length
from .device import Compute

POOLINGS: tuple[Pooling, ...] = ("cls", "mean")
Report = Callable[[int, int], None]


def pool(hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Return one vector per text, float32, shape [B, d], from hidden states [B, L, d] and the attention mask [B, L].

    'cls' takes the first token's, as the tutorial does; 'mean' averages over all tokens but padding.
    """
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).float()
    return (hidden * weights).sum(1) / weights.sum(1)


@torch.inference_mode()
def one_batch(encoder: Any, ids: TokenIds, group: np.ndarray, pad_id: int, compute: Compute) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last layer's hidden states of the texts `group`, [B, L, d], and their attention mask, [B, L]."""
    inputs = ids.pad(group, pad_id, compute.device)
    with compute.autocast():
        return encoder(**inputs).last_hidden_state, inputs["attention_mask"]


@torch.inference_mode()
def hidden_states(
    encoder: Any, ids: TokenIds, pad_id: int, compute: Compute, report: Report | None = None, *, stop: Callable[[], bool] = lambda: False
) -> dict[Pooling, np.ndarray] | None:
    """Return the pooled hidden states of the last layer, float32, shape [n, d], for each pooling.

    Texts are grouped by length under a token budget, so that hardly anything is computed on padding.
    `report` is called with (texts done, texts in all). Returns None if `stop` asked to stop.
    """
    width = encoder.config.hidden_size
    states: dict[Pooling, np.ndarray] = {each: np.empty((len(ids), width), dtype=np.float32) for each in POOLINGS}
    done, told = 0, time.monotonic()
    for group in by_length(ids.lengths, compute.tokens):
        hidden, mask = one_batch(encoder, ids, group, pad_id, compute)
        for each in POOLINGS:
            states[each][group] = pool(hidden, mask, each).cpu().numpy()
        done += len(group)
        if stop():
            return None
        if report and (time.monotonic() - told > 0.5 or done == len(ids)):
            told = time.monotonic()
            report(done, len(ids))
    if not all(np.isfinite(each).all() for each in states.values()):
        raise UserError(
            "the encoder returns NaN or infinity for a text", phrase("Choose another model, or ", Setting("precision", "float32"))
        )
    return states
