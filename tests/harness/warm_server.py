"""A process that has imported what models need, and forks itself for each that is asked for: `warm_server.py SOCKET FOLDER`.

It ends when its folder is gone, and with the test session that it was started for.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import gc
import importlib
import io
import json
import os
import resource
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

LIBRARIES = (
    "torch",
    "transformers",
    "transformers.modeling_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.models.distilbert.modeling_distilbert",
    "sklearn.linear_model",
    "sklearn.feature_extraction.text",
    "sklearn.pipeline",
    "accelerate",
    "pandas",
    "pyarrow.compute",
    "pyarrow.parquet",
)
PAUSE = 2.0
"""Seconds between two looks whether the test session is still there."""
HIGH = 400
"""Descriptors from here on are out of the way of those that a process was started with."""


def serve(address: str, folder: Path) -> dict[str, Any] | None:
    """Fork for each caller until the test session is gone, then return None; in a fork, return what it was asked to be."""
    owner = Path("/proc", (folder / "owner").read_text())
    waiting = selectors.DefaultSelector()
    forks: dict[socket.socket, int] = {}
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(address)
    listening.listen(64)
    waiting.register(listening, selectors.EVENT_READ, None)
    while owner.exists() and folder.exists():
        for key, _ in waiting.select(PAUSE):
            if key.fileobj is listening:
                caller, _ = listening.accept()
                waiting.register(caller, selectors.EVENT_READ, "caller")
            elif key.data == "caller":
                caller = key.fileobj
                assert isinstance(caller, socket.socket)
                if caller in forks:
                    _pass_on(caller, forks, waiting)
                    continue
                request, files = _request(caller)
                if request is None:
                    waiting.unregister(caller)
                    caller.close()
                elif (pid := os.fork()) == 0:
                    waiting.close()
                    listening.close()
                    for each in (*forks, caller):
                        each.close()
                    return request | {"files": files}
                else:
                    for number in files:
                        os.close(number)
                    forks[caller] = pid
                    caller.send(b"forked")
                    waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, caller))
            else:
                pid, caller = key.data
                waiting.unregister(key.fileobj)
                os.close(key.fd)
                _, status = os.waitpid(pid, 0)
                if forks.pop(caller, None) is not None:
                    with contextlib.suppress(OSError):
                        caller.send(str(status).encode())
                    waiting.unregister(caller)
                    caller.close()
    for pid in forks.values():
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    return None


def _pass_on(caller: socket.socket, forks: dict[socket.socket, int], waiting: selectors.DefaultSelector) -> None:
    """Send the fork the signal that its caller got, or kill it with all that it started where the caller is gone."""
    try:
        said = caller.recv(16)
    except OSError:
        said = b""
    if said:
        with contextlib.suppress(OSError):
            os.kill(forks[caller], int(said))
        return
    with contextlib.suppress(OSError):
        os.killpg(forks[caller], signal.SIGKILL)
    del forks[caller]
    waiting.unregister(caller)
    caller.close()


def _request(caller: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    files = array.array("i")
    try:
        said, attached, _, _ = caller.recvmsg(64, socket.CMSG_SPACE(253 * files.itemsize))
    except OSError:
        return None, []
    for _, _, sent in attached:
        files.frombytes(sent[: len(sent) - len(sent) % files.itemsize])
    if not said:
        return None, list(files)
    memory, *rest = files
    body = os.pread(memory, int(said), 0)
    os.close(memory)
    return json.loads(body), rest


def become(request: dict[str, Any]) -> str:
    """Make this fork the process that was asked for and return the module that it runs."""
    os.setsid()
    numbers: list[int] = request["numbers"]
    high = []
    for number in request["files"]:
        high.append(fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, HIGH))
        os.close(number)
    for number, source in zip(numbers, high, strict=True):
        os.dup2(source, number, inheritable=True)
        os.close(source)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    for number, limit in request["limits"].items():
        if resource.getrlimit(int(number)) != tuple(limit):
            resource.setrlimit(int(number), tuple(limit))
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=os.isatty(1), write_through=at_once)
    module, *arguments = request["arguments"]
    sys.executable = request["program"]
    sys.orig_argv[:] = [sys.executable, "-P", "-m", module, *arguments]
    sys.argv[:] = ["-m", *arguments]
    return module


if __name__ == "__main__":
    where, session = sys.argv[1], Path(sys.argv[2])
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    asked = serve(where, session)
    if asked is not None:
        name = become(asked)
        del asked
        runpy.run_module(name, run_name="__main__", alter_sys=True)
