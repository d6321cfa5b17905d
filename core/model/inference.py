"""Logits of a classifier for many texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .batches import TokenIds, by_length
from .device import Compute
from .first_token import first_token_only


@torch.inference_mode()
def logits(model: Any, ids: TokenIds, pad_id: int, compute: Compute, report: Callable[[int, int], None] | None = None) -> np.ndarray:
    """Return the logits of a model in evaluation mode, float32, shape [n, labels], in the order of the texts.

    Texts are grouped by length; apart from rounding, a text's logits do not depend on the others.
    """
    scores = np.zeros((len(ids), model.config.num_labels), dtype=np.float32)
    done, reported = 0, time.monotonic()
    for group in by_length(ids.lengths, compute.tokens):
        with compute.autocast(), first_token_only(model):
            output = model(**ids.pad(group, pad_id, compute.device)).logits
        scores[group] = output.float().cpu().numpy()
        done += len(group)
        if report and (time.monotonic() - reported > 0.5 or done == len(ids)):
            reported = time.monotonic()
            report(done, len(ids))
    return scores
