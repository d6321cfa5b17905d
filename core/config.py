"""What the user has set in config.toml: keys, alerts and limits; standard library only."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ownership
from .errors import UserError
from .plain_files import read_plain
from .safe_text import safe_line

LONGEST_LINE = 64
"""The longest line of a text file that is read, in MiB."""
NO_PROGRESS = 300.0
"""Seconds without an event that count as no progress: loading and evaluating a large model on a CPU emit nothing for minutes."""
CACHE = 4_096
"""What the cache of hidden states may take, in MiB: 16,000 texts by an encoder of MiniLM's width take 49."""
_LARGEST = 1 << 20
"""The largest config.toml that is read, in bytes."""
_EXAMPLES = {
    "keys": 'a table, such as:\n[keys]\nquit = "Q"',
    "alerts": "true or false",
    "on_event": 'a command as text, such as "notify.sh"',
    "no_progress_seconds": "a number of seconds of 1 or more, such as 300",
    "longest_line_mib": "a whole number from 1 to 1024, such as 64",
    "cache_mib": "a whole number from 1 to 100000000, such as 4096",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings, each at its default where the file does not name it."""

    keys: dict[str, Any] = field(default_factory=dict)
    """The table [keys] as written; the application knows the actions."""
    alerts: bool = True
    """Whether the terminal rings and shows a notification when a run ends or makes no progress."""
    on_event: str = ""
    """A shell command that gets each event of a run as JSON on its stdin; empty: none."""
    no_progress_seconds: float = NO_PROGRESS
    """Seconds without an event after which a run is reported to make no progress."""
    longest_line_mib: int = LONGEST_LINE
    """The longest line of a data set or a text file that is read, in MiB."""
    cache_mib: int = CACHE
    """What the cache of hidden states may take, in MiB; those unused for longest go first."""


def read(file: Path) -> Config:
    """Return the settings in `file`; the defaults where there is no such file. Raises UserError for what is wrong in it.

    A command is accepted only if nobody else may change the file or what the command runs.
    """
    try:
        content = tomllib.loads(read_plain(file, _LARGEST, follow=True).decode("utf-8"))
    except FileNotFoundError:
        return Config()
    except RecursionError as error:
        raise UserError(f"cannot read {file}: its values are nested too deep", "Correct the file or move it away") from error
    except (OSError, ValueError) as error:  # of tomllib and of the encoding
        raise UserError(f"cannot read {file}: {safe_line(str(error), 200)}", "Correct the file or move it away") from error
    for name, value in content.items():
        if name not in _EXAMPLES:
            raise UserError(f"{file}: there is no setting '{safe_line(name, 60)}'", f"The settings are: {', '.join(_EXAMPLES)}")
        if not _fits(name, value):
            raise UserError(f"{file}: {name} must be {_EXAMPLES[name]}")
    if content.get("on_event"):
        check_command(file, content["on_event"])
    return Config(**content)


def _fits(name: str, value: object) -> bool:
    match name, value:
        case ("keys", dict()) | ("alerts", bool()):
            return True
        case "on_event", str():
            return "\0" not in value
        case "no_progress_seconds", int() | float():
            return not isinstance(value, bool) and 1 <= value < float("inf")
        case "longest_line_mib", int():
            return not isinstance(value, bool) and 1 <= value <= 1024
        case "cache_mib", int():
            return not isinstance(value, bool) and 1 <= value <= 100_000_000
        case _:
            return False


def check_command(file: Path, command: str) -> None:
    """Raise UserError where others may change `file`, which names a command, or what the command runs."""
    ownership.check(file.absolute(), "on_event is set in config.toml, and")
    ownership.check_command(command, file.absolute().parent, "on_event:")
