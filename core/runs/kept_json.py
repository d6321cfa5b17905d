"""JSON files, of one struct each, in which what was measured later is stored with a run."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from .. import paths, writing
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line

Kept = TypeVar("Kept", bound=msgspec.Struct)


def write(path: Path, kept: msgspec.Struct) -> Path:
    """Write a struct to `path`, replacing what was there. Raises UserError if it cannot be written."""
    try:
        paths.make_private(path.parent)
        writing.write_private(path, msgspec.json.format(msgspec.json.encode(kept), indent=1))
    except OSError as error:
        raise UserError(f"cannot write {safe_line(str(path), 160)}: {error.strerror or error}", "Free some space", exit_code=1) from error
    return path


def read(path: Path, kind: type[Kept], largest: int, remedy: str) -> Kept | None:
    """Return the struct of type `kind` in `path`; None if there is no such file.

    It reads a file, so do not call it on the event loop. Raises UserError for a file that is damaged or longer than `largest` bytes,
    with the `remedy` as it is to be said.
    """
    try:
        return msgspec.json.decode(read_plain(path, largest), type=kind)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{safe_line(str(path), 160)} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        why = safe_line(str(error), 120)
        raise UserError(f"{safe_line(str(path), 160)} is damaged: {why}", remedy) from error
