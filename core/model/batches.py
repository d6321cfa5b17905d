"""Token ids of many texts without padding, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch

CHUNK = 2_000
"""Texts tokenized in one call, so that progress can be reported in between."""


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Token ids of n texts in one array: text i is flat[starts[i]:starts[i + 1]]."""

    flat: np.ndarray
    """int32, shape [sum of lengths]."""
    starts: np.ndarray
    """int64, shape [n + 1]."""
    full_lengths: np.ndarray
    """int64, shape [n]: tokens before truncation."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int64, shape [n]."""
        return np.diff(self.starts)

    def of(self, indices: np.ndarray) -> TokenIds:
        """Return those of some texts, in the order of `indices`."""
        lengths = self.lengths[indices]
        flat = [self.flat[self.starts[i] : self.starts[i + 1]] for i in indices]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return TokenIds(np.concatenate(flat) if flat else self.flat[:0], starts, self.full_lengths[indices])

    def pad(self, indices: np.ndarray, pad_id: int, device: Any = "cpu") -> dict[str, torch.Tensor]:
        """Return input_ids and attention_mask of some texts, int64, shape [len(indices), longest of them]."""
        import torch  # only where it is needed: showing tokens does without it

        lengths = self.starts[indices + 1] - self.starts[indices]
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, pad_id, dtype=np.int64)
        ids[mask] = np.concatenate([self.flat[self.starts[i] : self.starts[i + 1]] for i in indices])
        return {"input_ids": torch.from_numpy(ids).to(device), "attention_mask": torch.from_numpy(mask.astype(np.int64)).to(device)}


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], limit: int, report: Callable[[int, int], None] | None = None) -> TokenIds:
    """Return the token ids of `texts`, special tokens included, each truncated to `limit` tokens.

    `report` is called with (texts done, texts in all).
    """
    pieces: list[np.ndarray] = []
    lengths: list[int] = []
    full: list[int] = []
    for start in range(0, len(texts), CHUNK):
        for encoding in tokenizer.encode(texts[start : start + CHUNK], limit):
            pieces.append(np.asarray(encoding.ids, dtype=np.int32))
            lengths.append(len(encoding.ids))
            full.append(tokenizer.full_length(encoding))
        if report:
            report(min(start + CHUNK, len(texts)), len(texts))
    flat = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
    return TokenIds(flat, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64), np.asarray(full, dtype=np.int64))


def unknown_share(tokenizer: Tokenizer, ids: TokenIds) -> float:
    """Return the share, in [0, 1], of unknown tokens among those that are not special."""
    if tokenizer.unk_token_id is None:
        return 0.0
    return float((ids.flat == tokenizer.unk_token_id).sum() / max(1, len(ids.flat) - tokenizer.specials * len(ids)))


def by_length(lengths: np.ndarray, token_budget: int) -> list[np.ndarray]:
    """Return groups of indices, longest texts first, each of at most `token_budget` tokens including padding, and at least one text."""
    order = np.argsort(-lengths, kind="stable")
    groups: list[np.ndarray] = []
    start = 0
    while start < len(order):
        rows = max(1, token_budget // max(1, int(lengths[order[start]])))
        groups.append(order[start : start + rows])
        start += rows
    return groups


def epoch_batches(lengths: np.ndarray, batch_size: int, seed: int, epoch: int, window: int = 50) -> list[np.ndarray]:
    """Return one epoch's batches of row indices, random but with texts of similar length in each batch.

    Rows are shuffled, sorted by length within windows of `window` batches and cut into batches, which are then shuffled.
    The order depends on (seed, epoch) alone, so a resumed run sees the same one.
    """
    random = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = random.permutation(len(lengths))
    batches: list[np.ndarray] = []
    for start in range(0, len(order), window * batch_size):
        part = order[start : start + window * batch_size]
        part = part[np.argsort(-lengths[part], kind="stable")]
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]
