"""Whether logind kills a user's processes at logout, and how to start a run that survives it; standard library only.

Sources: logind.conf(5), systemd.unit(5) for the order of the files, and systemd-run(1).
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..sentences import Setting, Words, phrase

SCOPE = ("systemd-run", "--user", "--scope", "--quiet", "--collect", "--")
"""The command prefix that starts a command outside the scope of the login session."""
_SCOPE = Setting("scope", True)
_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")
"""Folders of settings; earlier ones take precedence."""
_YES = ("1", "yes", "y", "true", "t", "on")
_LINGER = "loginctl enable-linger"


def threat(root: Path = Path("/"), user: str | None = None) -> tuple[str, Words] | None:
    """Return why a run started by this process would be killed when the user logs out, and the remedy; None if it would not.

    Both are sentences without a full stop. `root` replaces / in tests.
    """
    user = user or _user()
    if not (root / "run/systemd/system").exists() or not _kills(root, user):
        return None
    try:
        group = (root / "proc/self/cgroup").read_text("utf-8")
    except OSError:
        group = ""
    cause = f"logind ends the processes of {user} at logout (KillUserProcesses=yes), including runs"
    lingers = stays(root, user)
    if re.search(r"/session-[^/]+\.scope", group):
        start = phrase("Start runs with ", _SCOPE)
        return cause, start if lingers else phrase(start, f", after: {_LINGER}")
    if re.search(r"/user@\d+\.service/", group) and not lingers:
        return cause, f"Keep them with: {_LINGER}"
    return None  # in a service or a container, or already outside the session


def stays(root: Path = Path("/"), user: str | None = None) -> bool:
    """Whether the user's service manager, and with it a scope of its own, outlives the last logout."""
    return (root / "var/lib/systemd/linger" / (user or _user())).exists()


def in_scope(command: Sequence[str]) -> tuple[str, ...]:
    """Return `command` with the prefix that starts it in a scope of its own. Raises UserError if there is no systemd-run."""
    if shutil.which(SCOPE[0]) is None:
        leave = phrase("Leave ", _SCOPE, " out; without systemd nothing ends a run at logout")
        raise UserError(phrase(_SCOPE, " needs systemd-run, which is not installed"), leave)
    return (*SCOPE, *command)


def warning(*, scope: bool, root: Path = Path("/"), user: str | None = None) -> Words:
    """Return the warning for a user who starts a run, with `scope` or without; '' if none is needed."""
    if scope:
        if stays(root, user):
            return ""
        return f"the run is in a scope of its own, which ends with your last session. Keep it with: {_LINGER}"
    found = threat(root, user)
    return phrase(found[0], ". ", found[1]) if found else ""


def _kills(root: Path, user: str) -> bool:
    settings = {"KillUserProcesses": "no", "KillOnlyUsers": "", "KillExcludeUsers": "root"}
    for file in _files(root):
        section = ""
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            name, found, value = (part.strip() for part in line.partition("="))
            if name.startswith("["):
                section = name
            elif section == "[Login]" and found and name in settings:
                # Each line extends the list, and an empty one clears it.
                is_list = name != "KillUserProcesses" and value
                settings[name] = f"{settings[name]} {value}" if is_list else value
    if settings["KillUserProcesses"].lower() not in _YES or user in settings["KillExcludeUsers"].split():
        return False
    return not settings["KillOnlyUsers"] or user in settings["KillOnlyUsers"].split()


def _files(root: Path) -> list[Path]:
    """Return logind's settings files; later ones take precedence."""
    folders = [root / each for each in _FOLDERS]
    main = next((each / "logind.conf" for each in folders if (each / "logind.conf").is_file()), None)
    added = {file.name: file for each in reversed(folders) for file in (each / "logind.conf.d").glob("*.conf")}
    return [*([main] if main else []), *(added[name] for name in sorted(added))]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
