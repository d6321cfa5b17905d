"""The three standard streams: present, and failing in a way that can be reported, however the process was started."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO, cast


def prepare() -> None:
    """Open each standard stream that this process was started without, as one that cannot be read from or written to.

    Otherwise the next file that is opened would get the stream's number, and a library's output would end up in it.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)
    if sys.stdin is None:
        sys.stdin = _opened(0, "r")
    if sys.stdout is None:
        sys.stdout = _opened(1, "w")
    if sys.stderr is None:
        sys.stderr = _opened(2, "w")


def _opened(descriptor: int, mode: str) -> TextIO:
    return cast("TextIO", open(descriptor, mode, encoding="utf-8", errors="backslashreplace", closefd=False))


def abandon(stream: TextIO) -> None:
    """Discard what is buffered and cannot be written, so that it does not fail again when the process ends."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
            stream.flush()


class Unfailing(io.TextIOBase):
    """A stream that drops what it cannot write: nobody is there to read it, and the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._stream.encoding or "ascii"

    def write(self, text: str, /) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            abandon(self._stream)
            return len(text)

    def flush(self) -> None:
        abandon(self._stream)

    def isatty(self) -> bool:
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        return self._stream.fileno()


def unfailing(stream: TextIO) -> TextIO:
    """Return a stream that writes to `stream` and never fails."""
    return cast("TextIO", stream if isinstance(stream, Unfailing) else Unfailing(stream))
