"""Filters the output to the terminal: only text without control characters, and the application's own sequences."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from ..core.safe_text import UNSAFE, safe_line, safe_text, without_floods

_WORDS = f"[^{UNSAFE}\t\n]"
_UNSAFE = re.compile(f"[{UNSAFE}\t\n]")
_FRAME_PART = r"\x1b\[\d{1,5};\d{1,5}H|\x1b\[[\d;]{0,120}m|\r?\n"
_FRAME = re.compile(rf"\x1b\[\d{{1,5}};\d{{1,5}}H(?:{_WORDS}++|{_FRAME_PART})*+")
"""A frame: it begins with a cursor position, and contains positions, styles, line ends and text."""
_MODES = "7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048"
_CONTROL_PART = (
    rf"\x1b\[\?(?:{_MODES})(?:[hl]|\$p)"
    r"|\x1b\[[<>=?]\d{0,3}u"  # the keyboard of kitty
    r"|\x07"
    r"|\x1b\]52;c;[A-Za-z0-9+/]*+={0,2}\x07"  # the clipboard, in base64
    r"|\x1b\]22;[a-z-]{1,24}\x07"  # the pointer's shape
    rf"|\x1b\](?:9;|777;notify;){_WORDS}{{0,400}}+\x1b\\"  # notifications
)
_CONTROL = re.compile(rf"(?:{_CONTROL_PART})++")
_KNOWN_IN_FRAME = re.compile(rf"({_FRAME_PART})|[{UNSAFE}\t]")


class CleanText(LineFilter):
    """Replaces control characters and removes links in everything that is drawn, whatever a widget was given.

    This is a last safeguard. Outside text must be made safe earlier, where its width is still to be computed.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 Textual names it
        return [segment if is_clean(segment) else _cleaned(segment) for segment in segments]


def is_clean(segment: Segment) -> bool:
    text, style, control = segment
    return (
        not control
        and not _UNSAFE.search(text)
        and (text.isascii() or without_floods(text) is text)
        and (style is None or not _acts(style))
    )


def _acts(style: Style) -> bool:
    """Whether a click on text of this style opens or runs something, which is never so for the application's own text."""
    return bool(style.link) or any(name.startswith("@") for name in style.meta)


def _cleaned(segment: Segment) -> Segment:
    text, style, _ = segment
    if style is not None and _acts(style):
        meta = {name: value for name, value in style.meta.items() if not name.startswith("@")}
        style = style.clear_meta_and_links() + Style(meta=meta)
    safe = without_floods(safe_line(text)) if _UNSAFE.search(text) else without_floods(text)
    return Segment(set_cell_size(safe, cell_len(text)), style)


def known(data: str) -> str:
    """Return `data` if it is a frame or a sequence that the application sends; otherwise its known parts, with replacements for the rest.

    A frame may contain only sequences that position and style text, so that no text in it can change a mode or the clipboard.
    """
    if _FRAME.fullmatch(data) or _CONTROL.fullmatch(data):
        return data
    return _KNOWN_IN_FRAME.sub(lambda match: match[0] if match[1] else safe_text(match[0]).replace("\t", " "), data)
