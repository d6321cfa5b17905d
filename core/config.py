"""What the user has set in config.toml: own keys, and what happens when a run has something to tell; standard library only."""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import UserError

NO_PROGRESS = 300.0
"""Seconds without an event that count as no progress: loading and measuring a large model on a CPU tell nothing for minutes."""
_EXAMPLES = {
    "keys": 'a table, such as:\n[keys]\nquit = "Q"',
    "alerts": "true or false",
    "on_event": 'a command as text, such as "notify.sh"',
    "no_progress_seconds": "a number of seconds of 1 or more, such as 300",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings, each at its default where the file does not name it."""

    keys: dict[str, Any] = field(default_factory=dict)
    """The table [keys] as it stands there; the application knows which actions there are."""
    alerts: bool = True
    """Whether the terminal rings and shows a notification when a run ends or stands still."""
    on_event: str = ""
    """A shell command that gets each event of a run as JSON on its stdin; empty: none."""
    no_progress_seconds: float = NO_PROGRESS
    """Seconds without an event after which a run is said to stand still."""


def read(file: Path) -> Config:
    """Return what `file` says; the defaults where there is none. Raises UserError for what is wrong in it.

    A command is only taken from a file that nobody else may write.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}. Correct the file or move it away") from error
    for name, value in content.items():
        if name not in _EXAMPLES:
            raise UserError(f"{file}: there is no setting '{name}'. There are: {', '.join(_EXAMPLES)}")
        if not _fits(name, value):
            raise UserError(f"{file}: {name} must be {_EXAMPLES[name]}")
    if content.get("on_event"):
        _check_owner(file)
    return Config(**content)


def _fits(name: str, value: object) -> bool:
    match name, value:
        case ("keys", dict()) | ("alerts", bool()):
            return True
        case "on_event", str():
            return "\0" not in value
        case "no_progress_seconds", int() | float():
            return not isinstance(value, bool) and 1 <= value < float("inf")
        case _:
            return False


def _check_owner(file: Path) -> None:
    status = file.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise UserError(
            f"{file} names a command and belongs to another user (uid {status.st_uid}). Set EMOTUI_CONFIG to a file of your own"
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(f"{file} names a command, and others may write in it. Close it with: chmod go-w {file}")
