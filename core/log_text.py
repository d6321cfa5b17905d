"""Keeps log files harmless: people read them with `less -R` and `cat`, and they contain text from models and data sets."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import TextIO

from .safe_text import safe_text

_COLORS = re.compile(r"\x1b\[[\d;:]*m")
_UNSAFE = re.compile(
    rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]"
)
"""What `safe_text` replaces, as UTF-8."""
_PART = 1 << 20
"""Bytes read at once; parts overlap, so that a character across two of them is found."""


def clean(text: str) -> str:
    """Return what a program wrote for a terminal as plain lines: without colours, each state of a progress bar on its own line."""
    if "\x1b" in text:
        text = _COLORS.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return safe_text(text)


class _LogStream(io.TextIOWrapper):
    """A stream into a log that writes only safe text. What the disk has no room for is lost, and the writer goes on."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            super().write(clean(text))
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def write_safely() -> None:
    """Make everything that this process writes to stdout and stderr, which lead to a log, safe text.

    What a library writes outside Python stays as it is until `sanitize` replaces it.
    """
    sys.stdout, sys.stderr = _log_stream(1), _log_stream(2)


def _log_stream(descriptor: int) -> TextIO:
    # The descriptor stays open: native libraries write to it too.
    return _LogStream(open(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", line_buffering=True)


def sanitize(path: Path, start: int = 0) -> int:
    """Replace in a log, from byte `start` on, what would act on a terminal, and return where to start the next time.

    No byte moves, so that others may append meanwhile. What cannot be replaced stays; emotui itself shows logs as safe text.
    """
    at = start
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return start
    try:
        while part := os.pread(descriptor, _PART, at):
            for found in _UNSAFE.finditer(part):
                os.pwrite(descriptor, b"?" * len(found[0]), at + found.start())
            at += len(part)
            if len(part) < _PART:
                break
            at -= 2
    except OSError:
        return at
    finally:
        os.close(descriptor)
    return max(start, at - 2)
