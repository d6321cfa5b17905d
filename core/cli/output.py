"""Where a command writes: data to stdout, talk to stderr, both harmless for a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Any, NamedTuple, TextIO

from ..safe_text import escape_json, safe_text


class Glyphs(NamedTuple):
    """The characters that text graphics are drawn with."""

    bar: str
    """Parts of a cell in ascending order, a full cell last."""
    rule: str
    whisker_low: str
    whisker_high: str
    whisker: str
    box: str
    median: str
    limit: str
    ellipsis: str


UNICODE = Glyphs("▏▎▍▌▋▊▉█", "─", "├", "┤", "─", "▒", "█", "┊", "…")
ASCII = Glyphs("#", "-", "|", "|", "-", "=", "#", ":", "~")


class Output:
    """The two streams of one command."""

    def __init__(self, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        """Write to the given streams, or to this process's own."""
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.glyphs = UNICODE if draws_unicode(self.stdout) else ASCII
        self.width = max(40, min(160, shutil.get_terminal_size((100, 24)).columns))
        """Cells of a line; 100 where there is no terminal."""

    def line(self, text: str = "") -> None:
        """Write one line of data."""
        write_line(self.stdout, text)

    def lines(self, texts: list[str]) -> None:
        for text in texts:
            self.line(text)

    def json(self, value: Any) -> None:
        """Write one JSON object on a line of its own. A number that is not finite becomes null."""
        import msgspec

        text = escape_json(msgspec.json.encode(value).decode())
        if not draws_unicode(self.stdout):
            text = "".join(each if each.isascii() else _json_escape(each) for each in text)
        self.stdout.write(text + "\n")

    def flush(self) -> None:
        self.stdout.flush()

    def say(self, text: str) -> None:
        """Write one line of talk."""
        write_line(self.stderr, text)
        self.stderr.flush()


def draws_unicode(stream: TextIO) -> bool:
    """Whether the stream's encoding has the characters that graphics are drawn with."""
    try:
        "".join((*UNICODE.bar, UNICODE.limit, UNICODE.ellipsis)).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_line(stream: TextIO, text: str) -> None:
    """Write `text` as safe text; what the stream's encoding lacks is written as an escape."""
    text = safe_text(text)
    if not draws_unicode(stream):
        text = text.replace("…", "~").encode(stream.encoding or "ascii", "backslashreplace").decode(stream.encoding or "ascii")
    stream.write(text + "\n")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
