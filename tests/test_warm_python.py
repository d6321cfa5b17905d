"""The program that stands for the interpreter in the tests: a process that it forks behaves as one that was started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import warm
import warm_client
from emotui.core import child_processes

pytestmark = [
    pytest.mark.skipif(warm.PROGRAM not in os.environ, reason="every process is started anew"),
    pytest.mark.usefixtures("emotui_home"),
]


@contextmanager
def engine(**variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start an engine as the application does; yield it, and the process that does the work, once it has answered."""
    program = Path(os.environ[warm.PROGRAM])
    command = [str(program), "-P", "-m", child_processes.ENGINE]
    own = {name: value for name, value in child_processes.environment().items() if not name.startswith(warm_client.PREFIXES)}
    read = json.loads((program.parents[1] / "surroundings.json").read_text())["variables"]  # libraries that a test loads here set others
    with subprocess.Popen(
        command,
        env=own | read | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"{}\n")
        process.stdin.flush()
        assert b"error" in process.stdout.readline()
        pipe = os.fstat(process.stdout.fileno()).st_ino
        holders = {int(path.parts[2]) for path in Path("/proc").glob("[0-9]*/fd/*") if _inode(path) == pipe}
        (worker,) = holders - {os.getpid()}
        yield process, worker
        process.kill()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def test_it_is_a_fork_and_ends_with_its_questions() -> None:
    with engine() as (process, worker):
        assert worker != process.pid
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_variable_that_libraries_read_when_they_are_imported_makes_it_a_start() -> None:
    with engine(HF_ENDPOINT="http://127.0.0.1:9") as (process, worker):
        assert worker == process.pid


def test_a_signal_ends_it_as_it_ends_a_start() -> None:
    codes = []
    for variables in ({}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        with engine(**variables) as (process, _):
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(60))
    assert codes[0] == codes[1]


def test_it_does_not_outlive_the_process_that_was_started() -> None:
    with engine() as (process, worker):
        process.kill()
        deadline = time.monotonic() + 60
        while Path(f"/proc/{worker}/cmdline").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(f"/proc/{worker}").exists()
