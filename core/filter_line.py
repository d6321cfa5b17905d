"""Parses a filter line: words, a "phrase", FIELD:value, FIELD>number; a leading - negates. The caller defines the fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .errors import UserError
from .safe_text import safe_line

_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S*)')


LONGEST = 10_000
"""Characters of a filter line, at most."""
_HALF = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """One term of a line as it was written."""

    field: re.Match[str] | None
    """The field before the value; None: a bare word."""
    text: str
    """The value, without its quotation marks."""
    negated: bool


def pieces(line: str, fields: re.Pattern[str]) -> Iterator[Piece]:
    """Yield the terms of a line; `fields` matches a field at the start of a term.

    Raises UserError for an unclosed quotation mark, for a lone surrogate and for a line that is too long.
    """
    if len(line) > LONGEST:
        raise UserError(f"the filter has {len(line):,} characters", f"Write at most {LONGEST:,}")
    if _HALF.search(line):
        raise UserError(f"the filter contains bytes that are not text: {safe_line(line, 60)}", "Type it again")
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        negated = line[at] == "-" and at + 1 < len(line) and not line[at + 1].isspace()
        at += negated
        field = fields.match(line, at)
        at = field.end() if field else at
        value = _VALUE.match(line, at)
        if value is None or (value[1] is None and line.startswith('"', at)):
            raise UserError(f"the filter has an unclosed quotation mark: {safe_line(line[at:], 60)}", 'Close it with "')
        at = value.end()
        text = re.sub(r"\\([\"\\])", r"\1", value[1]) if value[1] is not None else value[2]
        if field is None and not text:
            raise UserError("the filter has an empty pair of quotation marks", 'Write a word between them, or remove ""')
        yield Piece(field, text, negated)
