"""Quotes words for a shell, so that bash and zsh pass on exactly these words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .safe_text import UNSAFE

_BARE = re.compile(r"[\w@%+:,./-][\w@%+=:,./-]*", re.ASCII)
"""No '=' in front, which zsh expands to the path of a command."""
_UNSAFE = re.compile(f"[{UNSAFE}\t\n]")
_ESCAPES = {"\n": r"\n", "\t": r"\t", "\r": r"\r", "\\": r"\\", "'": r"\x27", "!": r"\x21"}
"""In $'…' history expansion of interactive shells acts on ' and !."""


def quote(word: str) -> str:
    """Return `word` as one safe line that a shell reads as this word: bare, in single quotes, or as $'…' where it has control characters.

    Bytes that are no UTF-8 are half surrogates in `word`, as Python reads names of files. A NUL can be in no argument, and is left out.
    """
    word = word.replace("\0", "")
    if _BARE.fullmatch(word):
        return word
    if not _UNSAFE.search(word):
        return "'" + word.replace("'", "'\\''") + "'"
    return "$'" + "".join(map(_escaped, word)) + "'"


def command(words: Iterable[str]) -> str:
    """Return a command line of these words."""
    return " ".join(map(quote, words))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if not _UNSAFE.match(character):
        return character
    try:
        encoded = character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        encoded = "\ufffd".encode()
    return "".join(f"\\x{byte:02x}" for byte in encoded)
