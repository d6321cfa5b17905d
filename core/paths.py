"""Every folder emotui writes to, private to its user."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import UserError
from .safe_text import safe_line
from .symbolic_links import resolve

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
LONGEST_NAME = 255
"""Bytes of one part of a path."""
LONGEST = 4_096
"""Characters of a path; Linux takes as many bytes."""


def expand(typed: str) -> Path:
    """Return a typed or configured path as an absolute one, with ~ and ~user expanded.

    Raises UserError for an empty path, for an unknown user, and for what cannot be the name of a file.
    """
    if not typed:
        raise UserError("the path is empty", "Write the name of a file or folder, or . for the folder you are in")
    if len(typed) > LONGEST:
        raise UserError(f"{safe_line(typed, 60)} is not a path: its {len(typed):,} characters are too many")
    if any(map(is_too_long, typed.split("/"))):
        raise UserError(f"{safe_line(typed, 60)} is not a path: one of its names is longer than {LONGEST_NAME} bytes")
    if "\0" in typed:
        raise UserError(f"{safe_line(typed, 120)} is not a path: it contains a NUL character")
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError as error:
        who = safe_line(typed.partition("/")[0], 60)
        raise UserError(
            f"{who} has no home folder on this machine", f"Write the whole path, or ./{who} if that is the name of a file"
        ) from error
    except OSError as error:  # the working folder was removed
        raise UserError(f"the current folder no longer exists: {error.strerror or error}", "Change to another one") from error


def is_too_long(name: str) -> bool:
    """Return whether a name, one part of a path, is too long for file systems."""
    return len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME


def home() -> Path:
    """Return the folder of runs, downloads and caches: $EMOTUI_HOME, else the XDG data folder. Raises UserError as `expand` does."""
    given = os.environ.get("EMOTUI_HOME")
    return _set_to(given, "EMOTUI_HOME") if given else _xdg("XDG_DATA_HOME", "~/.local/share") / "emotui"


def config_file() -> Path:
    """Return the path of config.toml, which may not exist. Raises UserError as `expand` does."""
    given = os.environ.get("EMOTUI_CONFIG")
    return _set_to(given, "EMOTUI_CONFIG") if given else _xdg("XDG_CONFIG_HOME", "~/.config") / "emotui" / "config.toml"


def _xdg(variable: str, usual: str) -> Path:
    return _set_to(os.environ.get(variable) or usual, variable)


def _set_to(value: str, variable: str) -> Path:
    try:
        return expand(value)
    except UserError as error:
        raise UserError(f"{variable}: {error}") from error


def runs_folder() -> Path:
    return home() / "runs"


def downloads_folder() -> Path:
    return home() / "downloads"


def cache_folder() -> Path:
    return home() / "cache"


def make_private(folder: Path) -> Path:
    """Create `folder` and its missing parents with mode 0700, whatever the umask, and return it.

    Raises UserError where the folder cannot be created, belongs to someone else or is writable by others, and where a link of
    another user leads there from a folder open to several.
    """
    missing = [folder]
    try:
        resolve(folder)
        while not missing[-1].exists() and missing[-1] != missing[-1].parent:
            missing.append(missing[-1].parent)
        for each in reversed(missing):
            if not each.exists():
                each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
                each.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise UserError(
            f"cannot create the folder {folder}: {error.strerror or error}", "Set EMOTUI_HOME to a folder you can write to"
        ) from error
    check_private(folder)
    if folder.is_relative_to(home()) and folder != home():
        check_private(home())  # whoever may write there could replace this folder
    return folder


def check_private(folder: Path, remedy: str = "Set EMOTUI_HOME to a folder of your own") -> None:
    """Raise UserError unless `folder` is this user's and only this user may write to it; `remedy` is for one of another user."""
    try:
        status = folder.stat()
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise UserError(f"{folder} is a file, not a folder", "Move it away or set EMOTUI_HOME")
    if status.st_uid != os.geteuid():
        raise UserError(f"the folder {folder} belongs to another user (uid {status.st_uid})", remedy)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(f"other users may write to the folder {folder}", f"Protect it with: chmod go-w {folder}")
