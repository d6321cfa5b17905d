"""Variants of a costly test: the first few run at every change, the others among the slow tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(variants: Iterable[Any], quick: int = 1) -> list[Any]:
    """Return the variants as parameters of a test, a tuple as several; all but the first `quick` are marked slow."""
    return [
        pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=() if number < quick else pytest.mark.slow)
        for number, each in enumerate(variants)
    ]


def one_in(step: int, variants: Iterable[Any]) -> list[Any]:
    """Return the variants as parameters of a test; one in `step` runs at every change, the others are marked slow."""
    return [pytest.param(each, marks=() if number % step == 0 else pytest.mark.slow) for number, each in enumerate(variants)]


def sizes(variants: Iterable[tuple[int, int]], quick: int = 1) -> list[Any]:
    """Return the sizes of a terminal, each one parameter, all but the first `quick` marked slow."""
    return mostly_slow(((size,) for size in variants), quick)
