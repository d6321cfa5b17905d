"""Variants of a costly test: the first few run at every change, the others among the slow tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(variants: Iterable[Any], quick: int = 1) -> list[Any]:
    """Return the variants as parameters of a test, all but the first `quick` marked slow."""
    return [each if number < quick else _slow(each) for number, each in enumerate(variants)]


def _slow(variant: Any) -> Any:
    values = variant if isinstance(variant, tuple) else (variant,)
    return pytest.param(*values, marks=pytest.mark.slow)


def sizes(variants: Iterable[tuple[int, int]], quick: int = 1) -> list[Any]:
    """Return the sizes of a terminal, each one parameter, all but the first `quick` marked slow."""
    return [size if number < quick else pytest.param(size, marks=pytest.mark.slow) for number, size in enumerate(variants)]
