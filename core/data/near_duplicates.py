"""Finds near-duplicates: a retweet with one more word, a template with another name in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SIMILAR = 0.8
"""Jaccard index of the pieces of two texts from which on they are nearly the same."""
PIECE = 5
"""Characters of a piece."""
MOST_ROWS = 100_000
"""Rows of a data set, at most: they take about ten seconds and 200 MB."""
CHARACTERS = 2_000
"""Characters of a text that are looked at."""
_HASHES = 64
_BANDS = 16
_SLICE = 5_000
_SEED = 1


def earlier_of(texts: Sequence[str]) -> Any:
    """Return for each text the position of an earlier one that is nearly the same, -1 where none is; int64, shape [texts].

    Texts that are equal are not compared: only the first of them is. Candidates share one of 16 bands of a MinHash (Broder,
    1997; banded as by Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3), so that one at the
    threshold is missed once in 5,000 times; each is then compared piece by piece, so that none is told by mistake. A text
    has at most 16 candidates, the first of each band's group, which bounds the time.
    """
    import numpy as np

    found = np.full(len(texts), -1, np.int64)
    distinct = [at for at, first in enumerate(_first(texts)) if at == first]
    if len(distinct) < 2:
        return found
    signatures = _signatures([texts[at] for at in distinct])
    width = signatures.shape[1] // _BANDS
    candidates: list[set[int]] = [set() for _ in distinct]
    for band in range(_BANDS):
        part = np.ascontiguousarray(signatures[:, band * width : (band + 1) * width])
        _, first, group = np.unique(part.view(np.dtype((np.void, part.itemsize * width))).ravel(), return_index=True, return_inverse=True)
        leader = first[group]
        for at in np.flatnonzero(leader < np.arange(len(leader))).tolist():
            candidates[at].add(int(leader[at]))
    for at, others in enumerate(candidates):
        if others:
            own = pieces(texts[distinct[at]])
            near = next((other for other in sorted(others) if jaccard(own, pieces(texts[distinct[other]])) >= SIMILAR), None)
            if near is not None:
                found[distinct[at]] = distinct[near]
    return found


def pieces(text: str) -> set[str]:
    """Return all runs of PIECE characters of a text; the text itself where it is shorter."""
    text = text[:CHARACTERS]
    return {text[at : at + PIECE] for at in range(max(1, len(text) - PIECE + 1))}


def jaccard(first: set[str], second: set[str]) -> float:
    """Return how many of the pieces in either are in both, in [0, 1] (Jaccard, 1901)."""
    both = len(first & second)
    return both / (len(first) + len(second) - both)


def _first(texts: Sequence[str]) -> list[int]:
    """Return for each text the position of the first that is equal."""
    seen: dict[str, int] = {}
    return [seen.setdefault(text, at) for at, text in enumerate(texts)]


_known: tuple[Any, Any] | None = None
"""Hashes of the texts of last time, ascending, and their MinHashes: a label that changes, or a row that goes, changes hardly a text."""


def _signatures(texts: Sequence[str]) -> Any:
    """Return the MinHash of each text, uint32, shape [texts, _HASHES]; those of last time's texts are kept."""
    import numpy as np

    global _known  # one pair, replaced at once, so that any thread may read it
    hashes = np.fromiter(map(hash, texts), np.int64, len(texts))
    found = np.empty((len(texts), _HASHES), np.uint32)
    new = np.ones(len(texts), bool)
    if (known := _known) is not None:
        at = np.minimum(np.searchsorted(known[0], hashes), len(known[0]) - 1)
        new = known[0][at] != hashes
        found[~new] = known[1][at[~new]]
    if new.any():
        found[new] = _computed([texts[at] for at in np.flatnonzero(new).tolist()])
    order = np.argsort(hashes)
    _known = hashes[order], found[order]
    return found


def _computed(texts: Sequence[str]) -> Any:
    import numpy as np
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - it has no types

    parts: list[Any] = []
    for start in range(0, len(texts), _SLICE):
        sets = [list(pieces(text)) for text in texts[start : start + _SLICE]]
        parts.append(np.asarray(RMinHash.digests_from_token_sets(sets, _HASHES, _SEED), np.uint32))
    return np.concatenate(parts)
