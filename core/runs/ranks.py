"""The processes that share one training: the worker starts the others on its machine, watches them and does not outlive any of them.

No launcher stands between the supervisor and the worker, so exit codes and signals are told as they are: torchrun makes 1 of all.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cores import cores
from ..errors import UserError
from ..events import Event, Note
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import Job, TrainSpec
from . import endings

LOOPBACK = "127.0.0.1"
PORT = 29_500
"""Of the first machine, where none is given; torch's own choice."""
NODES = "EMOTUI_NODES"
"""Set, to the number of machines, in the processes of a run that has several."""
LISTENING = "EMOTUI_MASTER_SOCKET"
"""The descriptor on which the very first process waits for the others."""
TICK = 0.05
"""Seconds between two looks at the other processes."""
CULPRIT_WAIT = 3.0
"""Seconds to wait for the process that failed first, whose end the others only noticed."""


@dataclass(frozen=True, slots=True)
class World:
    """How many processes a run has, and which of them this machine's are."""

    processes: int
    nodes: int
    node: int
    address: str
    port: int
    """0: any that is free."""

    @property
    def is_alone(self) -> bool:
        return self.processes * self.nodes == 1

    def variables(self, local: int, port: int) -> dict[str, str]:
        """Return the environment of this machine's process `local`: the names are those of torchrun, which accelerate reads."""
        variables = {
            "RANK": str(self.node * self.processes + local),
            "LOCAL_RANK": str(local),
            "WORLD_SIZE": str(self.nodes * self.processes),
            "LOCAL_WORLD_SIZE": str(self.processes),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(port),
            NODES: str(self.nodes),
        }
        if "OMP_NUM_THREADS" not in os.environ:
            variables["OMP_NUM_THREADS"] = str(threads_each(self.processes))
        if is_loopback(self.address):
            name = "lo" if sys.platform == "linux" else "lo0"
            variables |= {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
        return variables


def world_of(job: Job) -> World:
    """Return the processes that a job asks for. Raises UserError for an address that is none."""
    if not isinstance(job, TrainSpec):
        return World(1, 1, 0, LOOPBACK, 0)
    address, port = split_address(job.master) if job.nodes > 1 else (LOOPBACK, 0)
    return World(job.processes, job.nodes, job.node_rank, address, port)


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of 'ADDRESS', 'ADDRESS:PORT' or '[IPv6]:PORT'. Raises UserError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 1 << 16:
        raise UserError(f"{safe_line(text, 60)!r} is not ADDRESS or ADDRESS:PORT, such as 10.0.0.1:{PORT}")
    return host, int(port)


def is_loopback(address: str) -> bool:
    return address in ("localhost", "::1") or address.startswith("127.")


class Ranks:
    """The other processes of a run on this machine, children of this one."""

    def __init__(self, world: World, command: Sequence[str], fail: Callable[[int, str], None]) -> None:
        """Start them with `command`, which started this process, and become the first of them.

        `fail` is called, in a thread, with how one of them ended (its exit code, or minus the signal) and a sentence, when the run
        cannot go on for it; it must end this process. Raises UserError where the port is taken.
        """
        self._world, self._fail = world, fail
        self._deciding = threading.Lock()
        self._left = False
        listening = _listen(world) if world.node == 0 else None
        port = listening.getsockname()[1] if listening is not None else world.port
        self._members = [_Member(local, world, [*command], world.variables(local, port)) for local in range(1, world.processes)]
        os.environ.update(world.variables(0, port))
        if listening is not None:
            os.environ[LISTENING] = str(listening.detach())
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def leave(self) -> None:
        """Watch no more: this process has come to an end of its own, which is the run's."""
        with self._deciding:
            self._left = True

    def wait_for_failure(self) -> None:
        """Wait a little for the other process whose end this one has only noticed: its cause is then told, and this process ends."""
        time.sleep(2 * CULPRIT_WAIT)

    def _watch(self) -> None:
        while not any(member.has_failed for member in self._members):
            if all(member.has_ended for member in self._members):
                return
            time.sleep(TICK)
        deadline = time.monotonic() + CULPRIT_WAIT
        # A signal says enough; what ended by itself may have met with what this process is about to tell as well.
        while ((culprit := self._culprit()) is None or culprit.code > 0) and time.monotonic() < deadline:
            time.sleep(TICK)
        member = culprit or next(each for each in self._members if each.has_failed)
        with self._deciding:
            if not self._left:
                self._fail(member.code, member.sentence(self._world))

    def _culprit(self) -> _Member | None:
        return next((each for each in self._members if each.has_failed and each.code != endings.PEER_LOST), None)


class _Member:
    """One child, and what it said last."""

    def __init__(self, local: int, world: World, command: list[str], variables: dict[str, str]) -> None:
        self.rank = world.node * world.processes + local
        self._source, sink = os.pipe()
        try:
            environment = {**os.environ, **variables, "EMOTUI_EVENTS": str(sink)}
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[sink], env=environment)
        finally:
            os.close(sink)
        with contextlib.suppress(OSError):  # the kernel shall take a worker, not its supervisor
            Path(f"/proc/{self._child.pid}/oom_score_adj").write_text("500", "ascii")

    @property
    def has_ended(self) -> bool:
        return self._child.poll() is not None

    @property
    def has_failed(self) -> bool:
        return self.has_ended and self.code not in (endings.FINISHED, endings.STOPPED)

    @property
    def code(self) -> int:
        return self._child.returncode

    def sentence(self, world: World) -> str:
        """Return what it said, or what can be said of it, without a full stop."""
        name = f"process {self.rank} of {world.nodes * world.processes}"
        said = os.read(self._source, 1 << 16).decode("utf-8", "replace").strip() if select.select([self._source], [], [], 0)[0] else ""
        if self.code < 0:
            number = -self.code
            return f"{name} was ended by {signal.Signals(number).name if number in set(signal.Signals) else f'signal {number}'}"
        return f"{said} (in {name})" if said else f"{name} ended with exit code {self.code} without a message"


class SecondaryChannel:
    """The end of the pipe of a process that is not the first: it tells errors only, and does not outlive the first."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = descriptor
        os.set_inheritable(descriptor, False)
        self.is_orphaned = False
        threading.Thread(target=self._watch, name="first", daemon=True).start()

    def emit(self, event: Event) -> None:
        """Take an event; all but errors are the first process's to tell."""
        match event:
            case Note(level="error", message=message):
                with contextlib.suppress(OSError):
                    os.write(self._pipe, safe_line(message, 1_000).encode("utf-8", "replace") + b"\n")
            case _:
                return

    def close(self) -> None:
        """Do nothing: the pipe closes with the process."""

    def _watch(self) -> None:
        pipe = select.poll()
        pipe.register(self._pipe, 0)  # errors are always reported
        pipe.poll()
        os.kill(os.getpid(), signal.SIGKILL)


def end_as(code: int) -> None:
    """End this process as another one ended: with an exit code, or by the signal -code, so that its supervisor sees the same."""
    if code < 0:
        faulthandler.disable()
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        time.sleep(1)
    os._exit(code if code > 0 else endings.CRASHED)


def _listen(world: World) -> socket.socket:
    """Return a socket that listens on the first machine's address alone; torch itself would listen on all."""
    try:
        family, *_, address = socket.getaddrinfo(world.address, world.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((address[0], world.port), family=family, backlog=1_024)
    except OSError as error:
        problem = f"cannot listen on {safe_line(world.address, 60)}, port {world.port}: {error.strerror or error}"
        raise UserError(problem, phrase("Give another ", Setting("master"))) from error


def threads_each(processes: int) -> int:
    """Return the threads that each of some processes should compute with: more than there are cores are slower."""
    return max(1, cores() // processes)
