"""Hidden states of many texts by a frozen encoder, kept on disk so that they are computed once."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import paths, writing
from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import Pooling
from .batches import TokenIds, by_length
from .device import Compute

POOLINGS: tuple[Pooling, ...] = ("cls", "mean")
Report = Callable[[int, int], None]


def pool(hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Return one vector a text, [B, d] in float32, from hidden states [B, L, d] and the attention mask [B, L].

    'cls' takes the first token's, as the tutorial does; 'mean' averages over the tokens that are not padding.
    """
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).float()
    return (hidden * weights).sum(1) / weights.sum(1)


@torch.inference_mode()
def hidden_states(
    encoder: Any, ids: TokenIds, pad_id: int, compute: Compute, report: Report | None = None, *, stop: Callable[[], bool] = lambda: False
) -> dict[Pooling, np.ndarray] | None:
    """Return the pooled hidden states of the last layer, float32, shape [n, d], for every pooling.

    Texts are grouped by length under a token budget: what is computed on padding is close to nothing.
    `report` is called with (texts done, texts in all); None is returned where `stop` asked to stop.
    """
    width = encoder.config.hidden_size
    states: dict[Pooling, np.ndarray] = {each: np.empty((len(ids), width), dtype=np.float32) for each in POOLINGS}
    done, told = 0, time.monotonic()
    for group in by_length(ids.lengths, compute.tokens):
        inputs = ids.pad(group, pad_id, compute.device)
        with compute.autocast():
            hidden = encoder(**inputs).last_hidden_state
        for each in POOLINGS:
            states[each][group] = pool(hidden, inputs["attention_mask"], each).cpu().numpy()
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


def texts_hash(texts: Sequence[str]) -> str:
    """Return a sha256 in hex over texts in order, each with its length so that their borders count."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


def cache_key(texts: str, model: str, pooling: Pooling, limit: int, precision: str, device: str, layer: int | None = None) -> str:
    """Return the file name that stands for one array of hidden states."""
    return hashlib.sha256(f"1 {texts} {model} {pooling} {limit} {precision} {device} {layer or 'last'}".encode()).hexdigest()[:32]


def cached(key: str) -> np.ndarray | None:
    """Return the array kept under `key`, memory-mapped; None where there is none that is whole."""
    path = _cache_path(key)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None


def keep(key: str, states: np.ndarray) -> None:
    """Keep an array under `key`. A full disk is no error: it is computed again next time."""
    path = _cache_path(key)
    paths.make_private(path.parent)
    with contextlib.suppress(OSError), writing.replacing(path, private=True) as file:
        np.save(file, states, allow_pickle=False)


def _cache_path(key: str) -> Path:
    return paths.cache_folder() / "hidden_states" / f"{key}.npy"
