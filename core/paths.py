"""Every folder emotui writes to, private to its user."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import UserError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def home() -> Path:
    """Return the folder of runs, downloads and caches: $EMOTUI_HOME, else the XDG data folder."""
    given = os.environ.get("EMOTUI_HOME")
    if given:
        return Path(given).expanduser().absolute()
    data_home = os.environ.get("XDG_DATA_HOME")
    return (Path(data_home).expanduser() if data_home else Path.home() / ".local" / "share") / "emotui"


def config_file() -> Path:
    """Return the path of config.toml, which may not exist."""
    given = os.environ.get("EMOTUI_CONFIG")
    if given:
        return Path(given).expanduser().absolute()
    config_home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config_home).expanduser() if config_home else Path.home() / ".config") / "emotui" / "config.toml"


def runs_folder() -> Path:
    return home() / "runs"


def downloads_folder() -> Path:
    return home() / "downloads"


def cache_folder() -> Path:
    return home() / "cache"


def make_private(folder: Path) -> Path:
    """Create `folder` and its missing parents with mode 0700, whatever the umask, and return it.

    Raises UserError where the folder cannot be made, or belongs to someone else, or others may write in it.
    """
    missing = [folder]
    while not missing[-1].exists() and missing[-1] != missing[-1].parent:
        missing.append(missing[-1].parent)
    try:
        for each in reversed(missing):
            if not each.exists():
                each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
                each.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise UserError(
            f"cannot create the folder {folder}: {error.strerror or error}. Set EMOTUI_HOME to a folder you can write to"
        ) from error
    check_private(folder)
    if folder.is_relative_to(home()) and folder != home():
        check_private(home())  # whoever may write there could put another folder in this one's place
    return folder


def check_private(folder: Path) -> None:
    """Raise UserError unless `folder` is ours and nobody else may write in it."""
    try:
        status = folder.stat()
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise UserError(f"{folder} is a file, and a folder is needed there. Move it away or set EMOTUI_HOME")
    if status.st_uid != os.geteuid():
        raise UserError(f"the folder {folder} belongs to another user (uid {status.st_uid}). Set EMOTUI_HOME to a folder of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(f"others may write in the folder {folder}. Close it with: chmod go-w {folder}")


def write_private(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to the disk and rename it: readers see the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
