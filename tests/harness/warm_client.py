"""The small program that stands for the interpreter in the tests' processes: it has a forked process do the work, or becomes Python."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

MODULES = ("emotui.core.engine.server", "emotui.core.engine.worker")
"""What is forked."""
PREFIXES = ("HF_", "TRANSFORMERS_", "MODELSCOPE_", "TORCH", "OMP_", "MKL_", "OPENBLAS", "PYTHON", "LC_", "LANG", "LD_", "CUDA", "COV_")
"""How variables begin that are read when a process starts or imports: where they differ, a fork would be another process."""
OWN = ("PYTHONUNBUFFERED", "TORCHINDUCTOR_CACHE_DIR")
"""Those of them that a fork reads itself, or that torch sets to what it would take anyway in a process that compiles."""
COLD = "EMOTUI_TESTS_COLD"
"""The variable with which a process is started anew, as for users."""
SWITCHES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
"""The variables that may be set or not: each way has its server."""
NAMESPACES = ("mnt", "net", "pid", "user")
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
LIMITS = tuple(sorted(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")))
START = 120.0
"""Seconds that a server gets to import its libraries."""


def surroundings(variables: dict[str, str]) -> dict[str, object]:
    """Return what a fork takes over from its server, and so must be alike."""
    read = {name: value for name, value in variables.items() if name.startswith(PREFIXES) and name not in OWN}
    return {
        "variables": {name: value for name, value in read.items() if name not in SWITCHES},
        "user": [os.getuid(), os.geteuid(), os.getgid()],
        "namespaces": [os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES],
    }


def main(python: str, folder: str) -> NoReturn:
    """Run what the arguments say, forked from a server where that is the same as a start."""
    arguments = sys.argv[1:]
    with contextlib.suppress(OSError, ValueError):
        if COLD not in os.environ and arguments[:2] == ["-P", "-m"] and arguments[2:3] and arguments[2] in MODULES:
            expected = json.loads(Path(folder, "surroundings.json").read_text())
            found = surroundings(dict(os.environ))
            if found == expected:
                _hand_over(_connect(python, Path(folder)), arguments[2:])
    os.execv(python, [sys.argv[0], *arguments])


def _connect(python: str, folder: Path) -> socket.socket:
    """Return a connection to the server; the first caller starts it."""
    name = "offline" if os.environ.get(SWITCHES[0]) else "online"
    address = str(folder / f"{name}.socket")
    with contextlib.suppress(OSError):
        return _connected(address)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            return _connected(address)
        Path(address).unlink(missing_ok=True)
        server = [python, "-P", str(Path(__file__).with_name("warm_server.py")), address, str(folder)]
        with (folder / f"{name}.log").open("ab") as log:
            subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                return _connected(address)
            time.sleep(0.05)
    raise OSError("the server did not start")


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _hand_over(connection: socket.socket, arguments: list[str]) -> NoReturn:
    """Have the server fork, pass signals on, and end as the fork ends."""
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    numbers = [number for number in numbers if number != connection.fileno() and os.path.exists(f"/proc/self/fd/{number}")]
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    request = {
        "program": sys.argv[0],
        "arguments": arguments,
        "variables": dict(os.environ),
        "folder": os.getcwd(),
        "numbers": numbers,
        "ignored": [int(number) for number in ignored if number not in (signal.SIGPIPE, signal.SIGXFSZ)],
        "limits": {number: resource.getrlimit(number) for number in LIMITS},
    }
    body = json.dumps(request).encode()
    memory = os.memfd_create("request")  # a packet has too little room
    os.write(memory, body)
    files = array.array("i", [memory, *numbers])
    connection.sendmsg([str(len(body)).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    connection.recv(16)  # the fork is there

    def pass_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            connection.send(str(number).encode())

    for number in PASSED_ON:
        if number not in ignored:
            signal.signal(number, pass_on)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in numbers:  # the other end must see when the fork closes its own
        if number < 3:
            os.dup2(nothing, number)
        else:
            with contextlib.suppress(OSError):
                os.close(number)
    status = int(connection.recv(64) or b"9")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))
