"""Makes outside text harmless for a terminal: what would act on it is replaced by visible characters."""

from __future__ import annotations

import re
import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
UNSAFE = f"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ufeff\ufff9-\ufffb\ud800-\udfff"
"""The inside of a regular expression's brackets: what would act on a terminal or is not a character; without tab and newline."""
_UNSAFE = re.compile(f"[{UNSAFE}]")
MARKS = 6
"""Most accents and the like on one character; the flags of emoji have as many, and no language stacks more."""
PARTS = 10
"""Most marks and joined characters on one character; a family of four emoji of their own skin tones has as many."""
_MAY_FLOOD = re.compile(f"[^\x00-\u02ff\u2500-\u28ff\u3030-\u3098\u309b-\ua66e\uac00-\ud7a3]{{{MARKS + 1}}}")
"""More than MARKS characters in a row of which none is Latin, Chinese, Japanese, Korean or a sign that graphics are drawn with."""
_JOINER = "\u200d"
_LINE_BREAKS = re.compile(r"\r\n|\r|\n|\u2028|\u2029|\x0b|\x0c|\x85")


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def safe_text(text: str) -> str:
    """Return `text` with control, bidi and surrogate characters replaced; newlines and tabs stay.

    C0 controls become their pictures (ESC is shown as ␛), everything else U+FFFD, so that the length in characters is kept.
    """
    return _UNSAFE.sub(_stand_in, text)


def safe_line(text: str, width: int | None = None) -> str:
    """Return `text` as one safe line: breaks become ⏎, tabs spaces; cut to `width` terminal cells with … if given."""
    if width is not None:
        text = text[: 4 * width + 16]
    line = without_floods(safe_text(_LINE_BREAKS.sub("⏎", text)).replace("\t", " "))
    return line if width is None else cut(line, width)


def without_floods(text: str) -> str:
    """Return `text` with at most MARKS marks, and PARTS marks and joined characters, on each character; the rest is dropped.

    More would overflow into the lines above and below, or hide any number of characters in one cell.
    """
    if text.isascii() or not _MAY_FLOOD.search(text):
        return text
    kept: list[str] = []
    marks, parts, is_joined = 0, 0, False
    for character in text:
        is_mark = _is_mark(character)
        marks = marks + 1 if is_mark else 0
        parts = parts + 1 if is_mark or is_joined else 0
        is_joined = character == _JOINER
        if marks <= MARKS and parts <= PARTS:
            kept.append(character)
    return "".join(kept)


def escape_json(text: str) -> str:
    """Return JSON `text` with the unsafe characters as JSON escapes; its values stay the same."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def cell_width(text: str) -> int:
    """Return the number of terminal cells of `text`: 2 for wide East Asian characters, 0 for combining marks."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me") or character in "\u200b\u200c\u200d" or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_mark(character: str) -> bool:
    """Return whether terminals may draw a character over the one before it, or not at all."""
    category = unicodedata.category(character)
    return category[0] == "M" or (category == "Cf" and character > "\u1fff") or "\u1160" <= character <= "\u11ff"


def cut(line: str, width: int) -> str:
    """Return `line` cut to at most `width` cells; … ends it where something was cut."""
    if cell_width(line) <= width:
        return line
    used = 0
    kept: list[str] = []
    for character in line:
        used += _character_width(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def pad(line: str, width: int) -> str:
    """Return `line` cut or filled with spaces to exactly `width` cells."""
    line = cut(line, width)
    return line + " " * (width - cell_width(line))
