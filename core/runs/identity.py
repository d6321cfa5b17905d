"""Identifies a process by its number, its start and the machine's boot, because numbers are reused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_MOST = 1 << 31
"""Above any process number. Numbers of 1 and less are not processes to signal: in system calls they mean a group, or all."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of one boot of the machine."""

    pid: int
    started: str
    """Clock ticks from boot to its start; on systems other than Linux, its start as ps prints it."""
    boot: str

    def is_alive(self) -> bool:
        """Whether exactly this process still runs; a zombie does not."""
        return self.boot == boot_id() and self.started == start_of(self.pid)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def of(pid: int) -> Identity | None:
    """Return the identity of a running process; None if there is none."""
    started = start_of(pid)
    return None if started is None else Identity(pid, started, boot_id())


def from_json(value: object) -> Identity | None:
    """Return the identity that `to_json` wrote; None for anything else."""
    match value:
        case {"pid": int(pid), "started": str(started), "boot": str(boot)} if 1 < pid < _MOST:
            return Identity(pid, started, boot)
        case _:
            return None


def start_of(pid: int) -> str | None:
    """Return when a process started; None if it does not run."""
    if sys.platform != "linux":
        return _ask("ps", "-o", "lstart=", "-p", str(pid)) or None
    try:
        # The name in parentheses may contain spaces and parentheses; field 3 is the state, field 22 the start.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def members(*, group: int, session: int) -> list[int]:
    """Return the processes of a group within a session, on Linux; [] elsewhere.

    The numbers of a group and of a session are not reused while a process is left in them, so both together identify a group whose
    leader has ended.
    """
    if sys.platform != "linux":
        return []
    found: list[int] = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            if os.getpgid(pid) == group and os.getsid(pid) == session:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def boot_id() -> str:
    """Return a string that identifies this boot of the machine."""
    if sys.platform != "linux":
        return _ask("sysctl", "-n", "kern.boottime")
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _ask(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout.strip()
