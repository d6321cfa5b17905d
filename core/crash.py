"""Keeps the traceback of an unexpected error in a private file, which the one sentence on the screen names."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
import traceback
from pathlib import Path

from . import paths
from .errors import UserError
from .safe_text import safe_line, safe_text

KEPT = 20
"""How many files are kept; older ones are removed when another is written."""
LONGEST = 200_000
"""Characters of a file; a longer traceback keeps its beginning and its end."""


def folder() -> Path:
    return paths.home() / "logs"


def described(error: BaseException) -> str:
    """Return the error's traceback as safe text: program lines and the message, never the values of variables."""
    try:
        lines = "".join(traceback.TracebackException.from_exception(error, capture_locals=False, compact=True).format())
    except Exception as another:  # an error whose own message cannot be made
        lines = f"{type(error).__name__}, whose traceback cannot be shown ({type(another).__name__})\n"
    text = safe_text(lines)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n…\n{text[-LONGEST // 2 :]}"


def last_words(error: BaseException) -> str:
    """Return the last line of an error's message, one safe line of at most 300 cells."""
    try:
        lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    except Exception:  # an error whose own message cannot be made
        lines = []
    return safe_line(lines[-1] if lines else type(error).__name__, 300)


def record(error: BaseException) -> Path | None:
    """Write the error's traceback to a new file that only its user can read, and return its path; None where that is impossible."""
    from .writing import write_private

    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        path = folder() / f"crash-{stamp}-{os.getpid()}-{secrets.token_hex(2)}.txt"
        paths.make_private(path.parent)
        head = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} emotui {_version()}, Python {sys.version.split()[0]}\n\n"
        write_private(path, (head + described(error)).encode("utf-8", "backslashreplace"))
        _forget_old()
    except (OSError, UserError):
        return None
    return path


def sentence(error: BaseException, path: Path | None) -> str:
    """Return the sentence for the user: the error, and the file from `record` with the details."""
    try:
        what = safe_line(f"{type(error).__name__}: {error}", 300)
    except Exception:  # an error whose own message cannot be made
        what = type(error).__name__
    where = f"The details are in {path}" if path is not None else f"No details could be written{_into()}"
    return f"unexpected error: {what}. {safe_line(where)}"


def _into() -> str:
    try:
        return f" to {folder()}"
    except UserError:  # there is no such home folder
        return ""


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("emotui")
    except PackageNotFoundError:
        return "(not installed)"


def _forget_old() -> None:
    for old in sorted(folder().glob("crash-*.txt"))[:-KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
