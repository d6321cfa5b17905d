"""Escapes outside text for Markdown, so that it is rendered as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .safe_text import safe_line

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "@": "&#64;"}
"""What begins HTML, formulas and user names in the dialects of Markdown that have them."""
_SPECIAL = re.compile(r"[\\`*\[\]|~#!&<>$@]|(?<![^\W_])_|_(?![^\W_])|(?<=\w):(?=//)|(?<=www)\.|^[-+=](?=\s|[-+=]|$)|(?<=\d)[.)](?=\s)")
"""Also an underscore at the edge of a word, the punctuation of a URL, and what begins a list or underlines a heading."""


def escape(value: object) -> str:
    """Return a value as one safe line of Markdown, for a paragraph, a heading or the cell of a table."""
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0]) or f"\\{match[0]}", safe_line(str(value)))


def code(value: object) -> str:
    """Return a value as one safe line of code within a paragraph, with more backticks around it than are in it."""
    text = safe_line(str(value))
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if len(fence) > 1 else ""
    return f"{fence}{space}{text}{space}{fence}"


def table(heads: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> list[str]:
    """Return the lines of a table; whatever is in its cells is escaped."""
    return [
        f"| {' | '.join(map(escape, heads))} |",
        f"| {' | '.join('---' for _ in heads)} |",
        *(f"| {' | '.join(map(escape, row))} |" for row in rows),
    ]
