"""Draws with the characters of the terminal's locale, for locales that have only ASCII or Latin-1."""

from __future__ import annotations

import locale
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

SAMPLE = "─│╭╮⠿▏▉▲●"
"""One character of each kind that the application draws with."""
_SIGNS = {
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾⎯", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻", "|"),
    **dict.fromkeys("▔▀", '"'),
    **dict.fromkeys("▁▂_", "_"),
    **dict.fromkeys("▏▎▍▌▕▐", "|"),
    **dict.fromkeys("▃▄▅", "="),
    **dict.fromkeys("▆▇█▉▊▋▇■▰", "#"),
    **dict.fromkeys("░▒▱", ":"),
    **dict.fromkeys("▓▪", "#"),
    **dict.fromkeys("●•∙·", "o"),
    **dict.fromkeys("○◌◦", "."),
    **dict.fromkeys("◆◈", "x"),
    **dict.fromkeys("▲△▴", "^"),
    **dict.fromkeys("▼▽▾", "v"),
    **dict.fromkeys("▶▷▸►❯›»", ">"),
    **dict.fromkeys("◀◁◂◄❮‹«", "<"),
    **dict.fromkeys("♥", "h"),
    **dict.fromkeys("★☆✦✶", "*"),
    **dict.fromkeys("✓✔", "+"),
    **dict.fromkeys("✗✘×✕", "x"),
    **dict.fromkeys("…", "~"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    **dict.fromkeys("–—−‐‑", "-"),
    **dict.fromkeys("→⟶⇒", ">"),
    **dict.fromkeys("←⟵", "<"),
    **dict.fromkeys("↑⇧", "^"),
    **dict.fromkeys("↓", "v"),
    "↵": "/",
    "⏎": "/",
    "␣": "_",
    "≤": "<",
    "≥": ">",
    "≈": "~",
    "±": "+",
    "\u00a0": " ",
}
"""Replacements of characters; those that appear side by side, such as the glyphs of classes, have different ones."""
_DOTS = (("", " "), ("⠁⠈⠉", "'"), ("⣀⡀⢀", "."), ("⠒⠂⠐⠤⠄⠠", "-"))


def encoding() -> str:
    """Return the encoding of the locale, even if Python itself uses another one."""
    return locale.getencoding()


def has(encoding: str, text: str) -> bool:
    """Whether an encoding has all characters of `text`."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class AsciiOnly(LineFilter):
    """Replaces each character that `encoding` lacks by another of the same width."""

    def __init__(self, encoding: str = "ascii") -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 Textual names it
        return [
            segment if segment.text.isascii() else Segment(replaced(segment.text, self._encoding), segment.style, segment.control)
            for segment in segments
        ]


def replaced(text: str, encoding: str) -> str:
    """Return `text` in characters of `encoding`, of the same width in cells."""
    return set_cell_size("".join(_sign(character, encoding) for character in text), cell_len(text))


@lru_cache(4096)
def _sign(character: str, encoding: str) -> str:
    if has(encoding, character):
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if "\u2500" <= character <= "\u257f":
        return "+"  # a corner or a crossing of lines
    if "\u2800" <= character <= "\u28ff":
        return next((sign for dots, sign in _DOTS if character in dots), ":" if (ord(character) & 0xFF).bit_count() < 6 else "#")
    return "?" * cell_len(character)
