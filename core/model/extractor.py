"""Hidden states of one frozen encoder, from the cache if possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..specs import Pooling
from . import checkpoint, device, encode, state_cache, trials
from .batches import TokenIds, tokenize


class StopRequestedError(Exception):
    """Raised while computing hidden states when the run is asked to stop."""


class Extractor:
    """Hidden states of one frozen encoder, from the cache if possible; the encoder is loaded only when needed."""

    def __init__(self, model: checkpoint.Checkpoint, limit: int, compute: device.Compute, layer: int | None = None) -> None:
        self.model, self.limit, self.compute, self.layer = model, limit, compute, layer
        self.model_hash = model.hash
        self._encoder: Any = None

    def states(
        self,
        texts: list[str],
        poolings: Sequence[Pooling],
        report: Callable[[str, int, int], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        use_cache: bool = True,
        data: str = "",
    ) -> tuple[dict[Pooling, np.ndarray], bool]:
        """Return hidden states by pooling, float32, shape [texts, d], and whether they came from the cache.

        `data` names the texts in the listing of the cache. Raises StopRequestedError.
        """
        text_hash = state_cache.texts_hash(texts)
        keys = {each: self.key(text_hash, each) for each in encode.POOLINGS}
        notify = report or (lambda *_: None)
        if use_cache:
            found: dict[Pooling, np.ndarray] = {each: kept for each in poolings if (kept := state_cache.cached(keys[each])) is not None}
            if len(found) == len(poolings):
                notify("extract", len(texts), len(texts))
                return found, True
        ids = tokenize(self.model.tokenizer, texts, self.limit, lambda done, total: notify("tokenize", done, total))
        if self.compute.is_open:
            before = self.compute.precision
            self._choose_precision(ids)
            if self.compute.precision != before:  # under which there may be something in the cache
                return self.states(texts, poolings, report, should_stop, use_cache=use_cache, data=data)
        states = self.run(ids, lambda done, total: notify("extract", done, total), should_stop)
        if use_cache:
            for each, array in states.items():
                state_cache.keep(keys[each], array, state_cache.Note(self.model.name, data, "[CLS]" if each == "cls" else each))
        return {each: states[each] for each in poolings}, False

    def run(
        self, ids: TokenIds, report: Callable[[int, int], None] | None = None, should_stop: Callable[[], bool] = lambda: False
    ) -> dict[Pooling, np.ndarray]:
        """Return the hidden states of token ids by pooling, float32, shape [texts, d]. Raises StopRequestedError."""
        self._load()
        states = encode.hidden_states(self._encoder, ids, self.model.tokenizer.padding, self.compute, report, stop=should_stop)
        if states is None:
            raise StopRequestedError
        return states

    def _load(self) -> None:
        if self._encoder is None:
            self._encoder = self.model.encoder(self.compute.device, self.layer)

    def _choose_precision(self, ids: TokenIds) -> None:
        """Choose the precision for the first texts, which then holds for all."""
        self._load()
        self.compute = trials.forward(self._encoder, self.model.name, ids, self.model.tokenizer.padding, self.compute)
        self.compute = replace(self.compute, is_open=False)

    def key(self, text_hash: str, pooling: Pooling) -> str:
        compute = self.compute
        return state_cache.key_of(text_hash, self.model_hash, pooling, self.limit, compute.precision, compute.device.type, self.layer)

    def release(self) -> None:
        """Free the encoder's memory."""
        self._encoder = None
