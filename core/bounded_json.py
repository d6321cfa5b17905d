"""Reads JSON from others, bounded in size and in the number of its values, so that it cannot exhaust memory or time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import UserError
from .json_kinds import is_object
from .plain_files import read_plain
from .safe_text import safe_line

MARKS = (b",", b":", b"[", b"{")
"""One of these precedes each value but the first, so their number bounds the objects that are made."""
_DIGITS = 308
"""Digits of the largest integer that a float can hold."""


def read_object(path: Path, *, size: int, values: int, remedy: str, follow: bool = False) -> dict[str, Any] | None:
    """Return the JSON object in `path`, of at most `size` bytes and about `values` values; None where there is no such file.

    Raises UserError, with `remedy` as its last sentence, for anything else that is there.
    """
    try:
        raw = read_plain(path, size, follow=follow)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{_name(path)} cannot be read: {error.strerror or error}") from error
    return decode_object(raw, _name(path), values=values, remedy=remedy)


def decode_object(raw: bytes, name: str, *, values: int, remedy: str) -> dict[str, Any]:
    """Return a JSON object. Raises UserError for what is no JSON, no object, or has more than about `values` values."""
    if sum(raw.count(mark) for mark in MARKS) > values:
        raise UserError(f"{name} holds more than {values:,} values, more than such a file needs", remedy)
    try:
        found = json.loads(raw, parse_constant=_refuse, parse_int=_integer)
        if b"\\u" in raw:
            json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate is no character
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is not valid JSON", remedy) from error
    if not is_object(found):
        raise UserError(f"{name} is not a JSON object", remedy)
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int:
    """Return an integer that a float can hold, so that the two can be compared. Raises ValueError."""
    if len(digits) > _DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _name(path: Path) -> str:
    return safe_line(str(path), 200)
