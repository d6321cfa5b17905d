"""Splits rows at random by class, with identical texts kept together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arrays import codes


def stratified(texts: Any, labels: Any, shares: Sequence[float], seed: int) -> list[Any]:
    """Return the ascending row indices (int64) of a part for each share, and last those of the rest.

    texts: chunked Arrow string array, labels: int64 array, both of shape [rows]. Each part gets its share of every
    class, as near as whole rows allow, and at least one row of a class with as many different texts as parts. Rows with the
    same text go to the same part, so a text that is repeated often may keep its class from being met exactly.
    """
    import numpy as np

    group = codes(texts)
    sizes = np.bincount(group)
    first = np.full(len(sizes), len(group), dtype=np.int64)
    np.minimum.at(first, group, np.arange(len(group)))
    group_label = labels[first]
    random = np.random.default_rng(seed)
    order = random.permutation(len(sizes))
    part_of = np.full(len(sizes), len(shares), dtype=np.int64)
    members = {int(label): order[group_label[order] == label] for label in np.unique(group_label)}
    rows = {label: int(sizes[each].sum()) for label, each in members.items()}
    for part, share in enumerate(shares):
        wanted = _quotas(rows, share)
        for label, each in members.items():
            open_groups = each[part_of[each] == len(shares)]
            target = max(wanted[label], int(len(each) > len(shares)))
            _fill(open_groups, sizes, target, part_of, part)
    part_of_row = part_of[group]
    return [np.flatnonzero(part_of_row == part) for part in range(len(shares) + 1)]


def _quotas(rows: dict[int, int], share: float) -> dict[int, int]:
    """Return whole rows of each class that add up to the share of all, by largest remainder."""
    exact = {label: count * share for label, count in rows.items()}
    quotas = {label: int(value) for label, value in exact.items()}
    missing = round(sum(rows.values()) * share) - sum(quotas.values())
    for label in sorted(exact, key=lambda each: (quotas[each] - exact[each], each))[:missing]:
        quotas[label] += 1
    return quotas


def _fill(groups: Any, sizes: Any, target: int, part_of: Any, part: int) -> None:
    """Assign groups to a part, in order, as long as they fit; at least one row is left for the others."""
    taken = 0
    for position, group in enumerate(groups):
        if taken >= target or position == len(groups) - 1:
            return
        if taken + sizes[group] <= target or (taken == 0 and sizes[group] <= 2 * target):
            part_of[group] = part
            taken += int(sizes[group])
