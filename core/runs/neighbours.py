"""Who else uses a GPU: runs of this home, and other processes according to nvidia-smi; loads no model library."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass

import psutil

from ..child_processes import ENGINE
from ..cores import cores
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..units import size
from . import folder, identity, lock, state
from .state import RunView

_SMI_TIMEOUT = 10.0
"""Seconds to wait for nvidia-smi, which never answers if a driver hangs."""


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU as torch numbers them, after CUDA_VISIBLE_DEVICES hides and renumbers some. Memory in bytes."""

    device: str
    """'cuda:N'."""
    uuid: str
    name: str
    used: int
    total: int

    @property
    def free(self) -> int:
        return self.total - self.used


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A process that computes on a GPU."""

    device: str
    pid: int | None
    owner: str
    program: str
    memory: int | None
    """Bytes in GPU memory; None if unknown."""
    run: str = ""
    """The run of this home that it belongs to; '' for other processes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The GPUs, and the processes that compute on them."""

    cards: tuple[Card, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    def card(self, device: str) -> str:
        """Return the GPU, 'cuda:N', that a run on `device` will use: for 'auto' the one with the most free memory."""
        if device == "auto":
            return max(self.cards, key=lambda card: card.free).device if self.cards else "cuda:0"
        return "cuda:0" if device == "cuda" else device

    def on(self, device: str) -> tuple[Neighbour, ...]:
        """Return the processes that compute on the GPU that a run on `device` will use."""
        return tuple(each for each in self.neighbours if device != "cpu" and each.device == self.card(device))


def read() -> Reading:
    """Return the GPUs and the processes on them; an empty reading without a GPU."""
    cards = _cards()
    found: list[Neighbour] = []
    runs = _live_runs()
    by_pid = {pid: view.id for view in runs for pid in _family(view)}
    devices = {card.uuid: card.device for card in cards}
    own = _own_engines()
    for pid, uuid, memory in _processes() if cards else ():
        if uuid in devices and pid not in own and pid not in {each.pid for each in found if each.device == devices[uuid]}:
            found.append(Neighbour(devices[uuid], pid, *_who(pid), memory, by_pid.get(pid, "")))
    named = {each.run for each in found}
    for view in runs:  # in a container nvidia-smi lists no processes, and a run that is loading is not on its GPU yet
        device = view.started.device if view.started is not None else view.spec.job.device
        if view.id not in named and device != "cpu" and (cards or device.startswith("cuda")):
            place = Reading(cards).card(device)
            found.append(Neighbour(place, view.worker_pid, *_who(view.worker_pid or os.getpid()), None, view.id))
    return Reading(cards, tuple(found))


def check_processes(processes: int, device: str = "auto") -> None:
    """Raise UserError if there are more processes than GPUs, or than cores if there is no GPU."""
    cards = len(_cards()) if processes > 1 and device != "cpu" else 0
    most, unit = (cards, "GPU") if cards else (cores(), "core")
    if processes > most:
        units = unit if most == 1 else f"{unit}s"
        fewer = phrase("Give ", Setting("processes", most), " or fewer")
        raise UserError(f"{processes:,} processes are more than the {most} {units} of this machine, and would be slower", fewer)


def _cards() -> tuple[Card, ...]:
    rows = _ask("--query-gpu=index,uuid,name,memory.used,memory.total")
    found: list[tuple[str, str, str, int, int]] = []
    for index, uuid, name, used, total in (row for row in rows if len(row) == 5):
        if used.isdigit() and total.isdigit():
            found.append((index, uuid, name, int(used) << 20, int(total) << 20))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        chosen: list[tuple[str, str, str, int, int]] = []
        for word in visible.split(","):
            match = [each for each in found if word.strip() and (each[0] == word.strip() or each[1].startswith(word.strip()))]
            if len(match) != 1:
                break  # CUDA ignores everything from the first invalid entry on
            chosen += match
        found = chosen
    return tuple(Card(f"cuda:{number}", *each[1:]) for number, each in enumerate(found))


def _processes() -> list[tuple[int, str, int | None]]:
    """Return the number, the GPU's uuid and the GPU memory in bytes of each process that computes on a GPU."""
    rows = _ask("--query-compute-apps=pid,gpu_uuid,used_memory")
    return [
        (int(pid), uuid, int(memory) << 20 if memory.isdigit() else None)
        for pid, uuid, memory in (row for row in rows if len(row) == 3)
        if pid.isdigit()
    ]


def _ask(query: str) -> list[list[str]]:
    """Return nvidia-smi's answer as a list of fields per line; [] if there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SMI_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [[field.strip() for field in line.split(",")] for line in answer.stdout.decode("utf-8", "replace").splitlines() if line.strip()]


def _live_runs() -> list[RunView]:
    views: list[RunView] = []
    try:
        for run in folder.list_runs():
            if lock.holder(run.lock_file) is not None:
                views.append(state.glance(run))
    except UserError:
        return views
    return [view for view in views if view.is_live]


def _family(view: RunView) -> set[int]:
    """Return the process numbers of a run's worker and its children."""
    if view.worker_pid is None or identity.of(view.worker_pid) is None:
        return set()
    try:
        return {view.worker_pid, *(child.pid for child in psutil.Process(view.worker_pid).children(recursive=True))}
    except psutil.Error:
        return {view.worker_pid}


def _own_engines() -> set[int]:
    """Return the process numbers of this process's own engines, whose memory is the application's own."""
    found: set[int] = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            found |= {child.pid} if ENGINE in child.cmdline() else set()
    return found


def _who(pid: int) -> tuple[str, str]:
    """Return the owner and the program of a process; '' if unknown."""
    try:
        process = psutil.Process(pid)
        return process.username(), process.name()
    except (psutil.Error, KeyError):
        return "", ""


def describe_gpu_users(reading: Reading, device: str) -> str:
    """Return a sentence, without a full stop, on who uses the GPU that a run on `device` will use; '' if nobody does."""
    here = reading.on(device)
    if not here:
        return ""
    place = reading.card(device)
    card = next((each for each in reading.cards if each.device == place), None)
    detail = f" ({safe_line(card.name)}, {size(card.free)} of {size(card.total)} free)" if card is not None else ""
    return f"{place}{detail} is in use: {', '.join(_user_in_words(each) for each in here)}"


def _user_in_words(neighbour: Neighbour) -> str:
    if neighbour.run:
        words = f"run {neighbour.run}"
    else:
        words = f"process {neighbour.pid}" + (f" ({safe_line(neighbour.program)})" if neighbour.program else "")
    words += f" of {safe_line(neighbour.owner)}" if neighbour.owner else ""
    return words + (f" with {size(neighbour.memory)}" if neighbour.memory is not None else "")
