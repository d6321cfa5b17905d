"""A command's output: results on stdout, messages on stderr, both safe for a terminal."""

from __future__ import annotations

import shutil
import sys
from functools import cache
from typing import Any, NamedTuple, TextIO

from .. import standard_streams
from ..errors import UserError
from ..json_kinds import is_object, is_sequence
from ..safe_text import escape_json, safe_text


class Glyphs(NamedTuple):
    """The characters that text graphics are drawn with."""

    bar: str
    """Fractions of a cell in ascending order, the full cell last."""
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
        """Write to the given streams, by default those of this process."""
        self.stdout = stdout or sys.stdout
        self.stderr = standard_streams.unfailing(stderr or sys.stderr)
        self.glyphs = UNICODE if draws_unicode(self.stdout) else ASCII
        self.width = max(40, min(160, shutil.get_terminal_size((100, 24)).columns))
        """Cells per line; 100 without a terminal."""
        self.is_read = True
        """False as soon as the reader of stdout has closed it, as `head` does; later lines are dropped."""

    def line(self, text: str = "") -> None:
        """Write one line of results. Raises UserError if stdout cannot be written."""
        self._write(fitted(self.stdout, safe_text(text)) + "\n")

    def lines(self, texts: list[str]) -> None:
        for text in texts:
            self.line(text)

    def json(self, value: Any) -> None:
        """Write one JSON object on a line of its own. A number that is not finite becomes null; a byte of a file's name that
        is not UTF-8 becomes U+FFFD. Raises UserError as `line` does.
        """
        import msgspec

        try:
            encoded = msgspec.json.encode(value)
        except UnicodeEncodeError:
            encoded = msgspec.json.encode(_unicode(msgspec.to_builtins(value)))
        text = escape_json(encoded.decode())
        if not is_utf8(self.stdout):
            text = "".join(each if each.isascii() else _json_escape(each) for each in text)
        self._write(text + "\n")

    def text(self, text: str) -> None:
        """Write lines that end in a newline, such as a help text. Raises UserError as `line` does."""
        self._write(fitted(self.stdout, safe_text(text)))

    def flush(self) -> None:
        """Write what is buffered. Raises UserError as `line` does."""
        self._write("", flush=True)

    def message(self, text: str) -> None:
        """Write one line to stderr."""
        write_line(self.stderr, text)
        self.stderr.flush()

    def _write(self, text: str, *, flush: bool = False) -> None:
        if not self.is_read:
            return
        try:
            self.stdout.write(text)
            if flush:
                self.stdout.flush()
        except BrokenPipeError:
            self.is_read = False
            standard_streams.abandon(self.stdout)
        except OSError as error:
            self.is_read = False
            standard_streams.abandon(self.stdout)
            raise UserError(f"stdout cannot be written: {error.strerror or error}", exit_code=1) from error


def is_utf8(stream: TextIO) -> bool:
    return _codec(stream.encoding or "ascii") == "utf-8"


@cache
def _codec(encoding: str) -> str:
    import codecs

    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "ascii"


def draws_unicode(stream: TextIO) -> bool:
    """Whether the stream's encoding has the characters used to draw bars and boxes."""
    return _draws(_codec(stream.encoding or "ascii"))


@cache
def _draws(codec: str) -> bool:
    try:
        "".join((*UNICODE.bar, UNICODE.limit, UNICODE.ellipsis)).encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def fitted(stream: TextIO, text: str) -> str:
    """Return `text` with escapes for characters that the stream's encoding lacks.

    If the encoding lacks the drawing characters, everything but ASCII is escaped: it is unknown how such a terminal would act on it.
    """
    if is_utf8(stream):
        return text
    codec = _codec(stream.encoding or "ascii")
    if not _draws(codec):
        text, codec = text.replace("…", "~"), "ascii"
    return text.encode(codec, "backslashreplace").decode(codec)


def write_line(stream: TextIO, text: str) -> None:
    """Write `text` as one line of safe text, with escapes for characters that the stream's encoding lacks."""
    stream.write(fitted(stream, safe_text(text)) + "\n")


def _unicode(value: Any) -> Any:
    """Return a JSON value without lone surrogates, which UTF-8 cannot encode."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if is_object(value):
        return {_unicode(key): _unicode(each) for key, each in value.items()}
    return [_unicode(each) for each in value] if is_sequence(value) else value


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
