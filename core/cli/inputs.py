"""Input files named on the command line."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .. import paths
from ..errors import UserError
from ..safe_text import safe_line


@contextmanager
def named(typed: str) -> Generator[Path]:
    """Yield the path of the file that the user typed; for '-' that of a private, temporary copy of stdin.

    Raises UserError if there is no such file, or if stdin is a terminal or cannot be read.
    """
    if typed != "-":
        path = paths.expand(typed)
        if not path.is_file():
            raise UserError(f"there is no file {safe_line(str(path))}")
        yield path
        return
    if sys.stdin.isatty():
        raise UserError("--file - reads a file from stdin, and stdin is a terminal", "Name a FILE, or pipe one in")
    with tempfile.TemporaryDirectory(dir=paths.make_private(paths.cache_folder()), prefix="stdin-") as folder:
        path = Path(folder) / "stdin"
        try:
            with path.open("xb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            raise UserError(f"stdin cannot be kept in {safe_line(folder)}: {error.strerror or error}") from error
        yield path
