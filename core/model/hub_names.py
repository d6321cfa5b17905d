"""Checks file names from a server, an index or a card before a byte is written under them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

PART_BYTES = 255
NAME_BYTES = 1000
DEPTH = 32

_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9])\s*(?:\..*)?", re.IGNORECASE | re.DOTALL)
_HIDDEN_BY_TERMINALS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_OURS = (".emotui", ".cache")
_STAGED = ".incomplete"


def fault(name: object) -> str | None:
    """Return why `name` is not a path inside a folder, as the end of a sentence; None if it is one.

    Such a path has no control or invisible characters, and its parts, separated by /, are neither empty nor '.' nor '..'.
    No honest server lists any other.
    """
    if not isinstance(name, str):
        return "which is no text"
    if not name:
        return "which is empty"
    if any(unicodedata.category(character) in _HIDDEN_BY_TERMINALS for character in name):
        return "which holds control or invisible characters"
    if name.startswith(("/", "\\")):
        return "which is absolute"
    for part in re.split(r"[/\\]", name):
        # A file system that normalises names turns U+2025, the two dot leader, into two dots.
        normal = unicodedata.normalize("NFKC", part).strip()
        if not normal:
            return "which has an empty part"
        if normal in (".", "..") or "/" in normal or "\\" in normal:
            return "which leaves its folder"
    return None


def oddity(name: str) -> str | None:
    """Return why a file cannot be stored under an otherwise valid path, as the end of a sentence; None if it can.

    An honest repository may have such names, so only this file is refused.
    """
    if "\\" in name or ":" in name:
        return "which holds a backslash or a colon"
    if len(name.encode()) > NAME_BYTES:
        return f"which is longer than {NAME_BYTES:,} bytes"
    parts = name.split("/")
    if len(parts) > DEPTH:
        return f"which is more than {DEPTH} folders deep"
    return next((words for words in map(_part_oddity, parts) if words is not None), None)


def _part_oddity(part: str) -> str | None:
    normal = unicodedata.normalize("NFKC", part).casefold()
    if len(part.encode()) > PART_BYTES:
        return f"which has a part of more than {PART_BYTES} bytes"
    if part[-1] in " ." or part[0] == " ":
        return "which has a part that begins or ends with a space or ends with a dot"
    if _DEVICE.fullmatch(normal):
        return "which is the name of a device on some systems"
    if normal.startswith(_OURS) or normal.endswith(_STAGED):
        return "which is kept for the state of a download"
    return None


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two of `names` that are the same file on some system, or of which one is both a file and a folder; None if there are none.

    Names are the same file if they are equal after Unicode normalisation and case folding.
    """
    files: dict[str, str] = {}
    for name in names:
        other = files.setdefault(_folded(name), name)
        if other != name:
            return other, name
    for name in files.values():
        folder = _folded(name)
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            if folder in files:
                return files[folder], name
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
