"""Curves of a run as plain numbers: smoothed, and their least, greatest and last values. Pure Python: screens take it, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of a run over its steps."""

    steps: tuple[int, ...]
    """Ascending."""
    values: Values
    """None: a measurement that was not finite."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least, the greatest and the last value of a curve, each with the first step at which it was reached."""

    least: float
    least_at: int
    greatest: float
    greatest_at: int
    last: float | None
    """None where the last measurement was not finite."""
    last_at: int
    points: int
    """Measurements that were finite; the others are left out of the least and the greatest."""


def smoothed(values: Sequence[float | None], weight: float) -> Values:
    """Return the exponential moving average with `weight` on the past, corrected for its start; None stays None.

    The correction divides by 1 - weight^n, as Adam does (Kingma and Ba, 2015) and as TensorBoard does.
    """
    if not weight:
        return tuple(values)
    average, total = 0.0, 0.0
    out: list[float | None] = []
    for value in values:
        if value is None:
            out.append(None)
            continue
        average = weight * average + (1 - weight) * value
        total = weight * total + (1 - weight)
        out.append(average / total)
    return tuple(out)


def extremes(curve: Curve) -> Extremes | None:
    """Return the extremes of a curve; None for one without a finite value."""
    known = [(step, value) for step, value in zip(curve.steps, curve.values, strict=True) if value is not None and math.isfinite(value)]
    if not known:
        return None
    least_at, least = min(known, key=lambda point: point[1])
    greatest_at, greatest = max(known, key=lambda point: point[1])
    last = curve.values[-1]
    finite = last is not None and math.isfinite(last)
    return Extremes(least, least_at, greatest, greatest_at, last if finite else None, curve.steps[-1], len(known))
