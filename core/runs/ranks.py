"""The processes of a distributed training: the worker starts the others on its machine, watches them and outlives none of them.

Without a launcher between supervisor and worker, exit codes and signals are passed on unchanged; torchrun would turn them all into 1.
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
"""The default port of the first machine, as in torch."""
NODES = "EMOTUI_NODES"
"""The environment variable with the number of machines, set in the processes of a run on several."""
LISTENING = "EMOTUI_MASTER_SOCKET"
"""The environment variable with the descriptor on which the very first process listens for the others."""
TICK = 0.05
"""Seconds between checks of the other processes."""
CULPRIT_WAIT = 3.0
"""Seconds to wait for the exit of the process that failed first, after another one has noticed it."""


@dataclass(frozen=True, slots=True)
class World:
    """The number of processes of a run, and which of them belong to this machine."""

    processes: int
    nodes: int
    node: int
    address: str
    port: int
    """The port; 0 for any free one."""

    @property
    def is_alone(self) -> bool:
        return self.processes * self.nodes == 1

    def variables(self, local: int, port: int) -> dict[str, str]:
        """Return the environment variables of this machine's process `local`, named as by torchrun, which accelerate reads."""
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
    """Return the processes that a job asks for. Raises UserError for an invalid address."""
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

        `fail` is called in a thread when one of them has failed, with its exit code (or minus the signal) and a sentence; it must end
        this process. Raises UserError if the port is in use.
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
        """Stop watching, because this process ends by itself and the run with it."""
        with self._deciding:
            self._left = True

    def wait_for_failure(self) -> None:
        """Wait up to CULPRIT_WAIT for another process that has failed, so that its cause is reported and not its effect on this one."""
        time.sleep(2 * CULPRIT_WAIT)

    def _watch(self) -> None:
        while not any(member.has_failed for member in self._members):
            if all(member.has_ended for member in self._members):
                return
            time.sleep(TICK)
        deadline = time.monotonic() + CULPRIT_WAIT
        # A signal is clear; a process that ended by itself may have hit the same error that this one is about to report.
        while ((culprit := self._culprit()) is None or culprit.code > 0) and time.monotonic() < deadline:
            time.sleep(TICK)
        member = culprit or next(each for each in self._members if each.has_failed)
        with self._deciding:
            if not self._left:
                self._fail(member.code, member.sentence(self._world))

    def _culprit(self) -> _Member | None:
        return next((each for each in self._members if each.has_failed and each.code != endings.PEER_LOST), None)


class _Member:
    """A child process, and the last error that it reported."""

    def __init__(self, local: int, world: World, command: list[str], variables: dict[str, str]) -> None:
        self.rank = world.node * world.processes + local
        self._source, sink = os.pipe()
        try:
            environment = {**os.environ, **variables, "EMOTUI_EVENTS": str(sink)}
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[sink], env=environment)
        finally:
            os.close(sink)
        with contextlib.suppress(OSError):  # the kernel should kill a worker rather than its supervisor
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
        """Return a sentence, without a full stop, on how it ended: its own last error, or its exit code."""
        name = f"process {self.rank} of {world.nodes * world.processes}"
        message = os.read(self._source, 1 << 16).decode("utf-8", "replace").strip() if select.select([self._source], [], [], 0)[0] else ""
        if self.code < 0:
            number = -self.code
            return f"{name} was ended by {signal.Signals(number).name if number in set(signal.Signals) else f'signal {number}'}"
        return f"{message} (in {name})" if message else f"{name} ended with exit code {self.code} without a message"


class SecondaryChannel:
    """The channel of a process other than the first: it sends only errors, and ends the process with the first."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = descriptor
        os.set_inheritable(descriptor, False)
        self.is_orphaned = False
        threading.Thread(target=self._watch, name="first", daemon=True).start()

    def emit(self, event: Event) -> None:
        """Send an event if it is an error; the first process sends all others."""
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
    """End this process as another one ended, with its exit code or by the signal -code, so that the supervisor sees the same."""
    if code < 0:
        faulthandler.disable()
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        time.sleep(1)
    os._exit(code if code > 0 else endings.CRASHED)


def _listen(world: World) -> socket.socket:
    """Return a socket that listens only on the first machine's address; torch itself would listen on all addresses."""
    try:
        family, *_, address = socket.getaddrinfo(world.address, world.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((address[0], world.port), family=family, backlog=1_024)
    except OSError as error:
        problem = f"cannot listen on {safe_line(world.address, 60)}, port {world.port}: {error.strerror or error}"
        raise UserError(problem, phrase("Give another ", Setting("master"))) from error


def threads_each(processes: int) -> int:
    """Return the number of threads per process; more threads than cores in all would be slower."""
    return max(1, cores() // processes)
