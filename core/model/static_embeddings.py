"""Static embeddings: one vector per token, distilled from an encoder, so that classifying a text runs no Transformer.

The method is that of model2vec (Tulkens and van Dongen, 2024, https://github.com/MinishLab/model2vec, MIT): each token goes through the
encoder by itself, between the special tokens of a text; the means of the hidden states are reduced by PCA, and weighted by smooth inverse
frequency (Arora, Liang and Ma, 2017), with frequencies estimated from the token's rank by Zipf's law.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

from .. import writing
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from . import checkpoint, saved, state_cache
from .batches import TokenIds, tokenize
from .extractor import Extractor
from .rung_models import Head
from .tokenizer import Tokenizer

FILE = "static.safetensors"
WIDTH = 256
"""Dimensions of a vector, at most."""
SIF = 1e-4
"""The coefficient a of smooth inverse frequency, a / (a + frequency)."""
LARGEST = 60_000
"""Tokens of a vocabulary that are distilled besides those of the training split; all of a multilingual one would take many minutes."""
_UNUSED = re.compile(r"\[unused\d+\]")
_LARGEST_FILE = 1 << 30
"""Bytes of a file of vectors that is read, at most: 1,000,000 tokens of 256 numbers take 0.5 GB."""


class Vectors:
    """The static vectors of some tokens of a vocabulary."""

    def __init__(self, tokens: np.ndarray, vectors: np.ndarray) -> None:
        self.tokens = tokens
        """int32, shape [n]: their ids, ascending."""
        self.vectors = vectors
        """float16, shape [n, d]."""
        self._wide = np.asarray(vectors, dtype=np.float32)
        self._rows = np.full(int(tokens[-1]) + 1 if len(tokens) else 0, -1, dtype=np.int64)
        self._rows[tokens] = np.arange(len(tokens))

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Return the row of each token's vector, int64, shape [tokens]; -1 for a token without one."""
        known = ids < len(self._rows)
        return np.where(known, self._rows[np.where(known, ids, 0)], -1) if len(self._rows) else np.full(len(ids), -1)

    def features(self, ids: TokenIds) -> np.ndarray:
        """Return the mean vector of each text's tokens, float32, shape [texts, d]; zeros for a text whose tokens have none."""
        rows = self.rows(ids.flat)
        known = rows >= 0
        starts = np.concatenate([[0], np.cumsum(known)])[ids.starts]
        shares = 1 / np.maximum(1, np.diff(starts))
        share_of_each = np.repeat(shares, np.diff(starts)).astype(np.float32)
        means = csr_matrix((share_of_each, rows[known], starts), shape=(len(ids), len(self.vectors)))
        return np.asarray(means @ self._wide, dtype=np.float32)


def tokens_of(tokenizer: Tokenizer, ids: TokenIds) -> np.ndarray:
    """Return the ids of the tokens to distil, ascending, int32: the first LARGEST and those in `ids`, without special and unused ones."""
    added = tokenizer.backend.get_added_tokens_decoder()
    special = {number for number, token in added.items() if token.special} | {tokenizer.unk_token_id, tokenizer.pad_token_id}
    vocabulary = tokenizer.backend.get_vocab(with_added_tokens=True)
    kept = np.array(sorted(number for token, number in vocabulary.items() if number not in special and not _UNUSED.fullmatch(token)))
    seen = np.intersect1d(kept, ids.flat)
    return np.union1d(kept[:LARGEST], seen).astype(np.int32)


def distil(
    extractor: Extractor,
    ids: TokenIds,
    report: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Vectors, bool]:
    """Return static vectors for an encoder's tokens, including all of `ids`, and whether they came from the cache.

    Raises StopRequestedError.
    """
    tokenizer = extractor.model.tokenizer
    tokens = tokens_of(tokenizer, ids)
    chosen = f"static {WIDTH} {SIF} {hashlib.sha256(tokens.tobytes()).hexdigest()}"
    compute = extractor.compute
    key = state_cache.key_of(chosen, extractor.model_hash, "mean", 0, compute.precision, compute.device.type, extractor.layer)
    kept = state_cache.cached(key)
    if kept is not None:
        return Vectors(tokens, np.asarray(kept)), True
    states = extractor.run(_each_alone(tokenizer, tokens), report, should_stop)["mean"]
    vectors = postprocessed(states).astype(np.float16)
    state_cache.keep(key, vectors, state_cache.Note(extractor.model.name, "", "token vectors"))
    return Vectors(tokens, vectors), False


def _each_alone(tokenizer: Tokenizer, tokens: np.ndarray) -> TokenIds:
    """Return one text per token: the token between the special tokens that the tokenizer puts around a text."""
    pattern = tokenizer.encode(["a"])[0]
    own = [at for at, special in enumerate(pattern.special_tokens_mask) if not special]
    before, after = pattern.ids[: own[0]], pattern.ids[own[-1] + 1 :]
    texts = np.empty((len(tokens), len(before) + 1 + len(after)), dtype=np.int32)
    texts[:, : len(before)], texts[:, len(before)], texts[:, len(before) + 1 :] = before, tokens, after
    length = texts.shape[1]
    return TokenIds(texts.ravel(), np.arange(len(tokens) + 1, dtype=np.int64) * length, np.full(len(tokens), length, dtype=np.int64))


def postprocessed(states: np.ndarray) -> np.ndarray:
    """Return the first principal components, shape [n, WIDTH], of hidden states [n, d]; each row is weighted by SIF for its rank."""
    width = min(WIDTH, *states.shape)
    components = PCA(width, svd_solver="covariance_eigh").fit_transform(states)
    ranked = 1 / np.arange(2, len(states) + 2)
    return components * (SIF / (SIF + ranked / ranked.sum()))[:, None]


class StaticModel:
    """Logistic regression on the mean static vector of a text's tokens."""

    def __init__(self, labels: tuple[str, ...], tokenizer: Tokenizer, limit: int, vectors: Vectors, head: Head) -> None:
        self.labels, self.tokenizer, self.limit, self.vectors, self.head = labels, tokenizer, limit, vectors, head

    def features(self, texts: Sequence[str]) -> np.ndarray:
        """Return the mean vector of each text's tokens, float32, shape [texts, d]."""
        return self.vectors.features(tokenize(self.tokenizer, texts, self.limit))

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        ids = tokenize(self.tokenizer, texts, self.limit)
        return self.head.probabilities(self.vectors.features(ids)), ids

    def save(self, folder: Path) -> None:
        """Write static.safetensors and head.safetensors. Raises OSError."""
        self.head.save(folder)
        writing.write_private(folder / FILE, save({"tokens": self.vectors.tokens, "vectors": np.ascontiguousarray(self.vectors.vectors)}))

    @classmethod
    def load(cls, folder: Path, note: saved.SavedModel) -> StaticModel:
        """Return what `save` wrote, with its encoder's tokenizer. Raises UserError if it cannot be read, or its parts do not match."""
        encoder = checkpoint.find(note.encoder)
        if encoder.hash != note.encoder_hash:
            raise UserError(f"the encoder {safe_line(note.encoder)} has changed since the baseline was made", "Fit the baseline again")
        try:
            arrays = load(read_plain(folder / FILE, _LARGEST_FILE))
            tokens, vectors = arrays["tokens"], arrays["vectors"]
            _check(tokens, vectors, encoder.tokenizer.size)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise UserError(f"{safe_line(str(folder))} cannot be read: {safe_line(str(error), 120)}", "Fit the baseline again") from error
        head = Head.load(folder)
        head.check(len(note.labels), vectors.shape[1])
        return cls(note.labels, encoder.tokenizer, encoder.checked_length(note.max_length), Vectors(tokens, vectors), head)


def _check(tokens: np.ndarray, vectors: np.ndarray, size: int) -> None:
    """Raise ValueError unless `tokens` are ids below `size` in ascending order, each with a finite vector."""
    if tokens.dtype != np.int32 or vectors.dtype != np.float16 or tokens.ndim != 1 or vectors.ndim != 2 or len(tokens) != len(vectors):
        raise ValueError("its vectors do not fit its tokens")
    if len(tokens) and (tokens[0] < 0 or tokens[-1] >= size or (np.diff(tokens) <= 0).any()):
        raise ValueError("its tokens are not those of its tokenizer")
    if not np.isfinite(vectors).all():
        raise ValueError("its vectors are NaN or infinite")
