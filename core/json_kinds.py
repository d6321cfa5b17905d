"""Type guards for JSON values: after isinstance alone the type checker does not know what a dict or list contains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a decoded JSON value is an object; its keys are strings in JSON, and in YAML read by a base loader."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return whether a decoded JSON value is an array."""
    return isinstance(value, list)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a list, or a tuple, which is written as one."""
    return isinstance(value, list | tuple)
