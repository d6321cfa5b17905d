"""Every command whose streams are closed, full or left by their reader, or whose surroundings are odd: a sentence, the right code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from emotui.core.cli import COMMANDS
from run_folders import write_train_run

COMMAND = (sys.executable, "-P", "-m", "emotui.tui")
CALLS = {
    "data": ("data starter --no-tokens", 0),
    "check": ("check starter --json", 0),
    "tokens": ("tokens", 2),
    "baseline": ("baseline /no/such/data", 2),
    "train": ("train starter --model /no/such/model", 2),
    "evaluate": ("evaluate nosuch", 2),
    "predict": ("predict nosuch", 2),
    "runs": ("runs", 0),
    "show": ("show fine77", 0),
    "watch": ("watch fine77 --json", 0),
    "stop": ("stop fine77", 0),
    "resume": ("resume nosuch", 2),
    "export": ("export fine77 ''", 2),
    "download": ("download ms:no/such --offline", 2),
    "doctor": ("doctor --help", 0),
    "no command": ("", 0),
    "help": ("--help", 0),
    "version": ("--version", 0),
    "an unknown command": ("nosuch", 2),
}
"""By command: how it is called, and the exit code where all three streams are there."""
WORKING = {
    "data": ("data {data} --model {model}", 0),
    "tokens": ("tokens 'i feel great' --model {model}", 0),
    "baseline": ("baseline {data} --model {model} --device cpu", 0),
    "train": ("train {data} --model {model} --epochs 1 --device cpu", 0),
    "evaluate": ("evaluate {run} --resamples 10", 0),
    "predict": ("predict {run} 'i feel great' --json", 0),
    "export": ("export {run} {new}", 0),
    "resume": ("resume {run}", 0),
    "doctor": ("doctor", 0),
}
"""The same for what has to load a model first."""
QUICK = ["help", "runs"]
"""What stands for all where time is short."""
SAME, UNWRITTEN = "the same code", "1 where there is something to write"
FAULTS = {
    "stdin closed": ("{} <&-", SAME),
    "stdout closed": ("{} >&-", UNWRITTEN),
    "stderr closed": ("{} 2>&-", SAME),
    "stdin and stdout closed": ("{} <&- >&-", UNWRITTEN),
    "stdout and stderr closed": ("{} >&- 2>&-", UNWRITTEN),
    "all closed": ("{} <&- >&- 2>&-", UNWRITTEN),
    "stdout cannot be written": ("{} 1</dev/null", UNWRITTEN),
    "stdout full": ("{} >/dev/full", UNWRITTEN),
    "stderr full": ("{} 2>/dev/full", SAME),
    "both full": ("{} >/dev/full 2>&1", UNWRITTEN),
    "no more may be written to a file": ('(ulimit -f 0; {} >"$TMPDIR/file")', UNWRITTEN),
    "nobody reads stdout": ("{} | true", SAME),
    "the reader leaves after a line": ("{} | head -1", SAME),
    "nobody reads stderr": ("{} 2>&1 >/dev/null | true", SAME),
    "the reader of both leaves": ("{} 2>&1 | head -1", SAME),
    "the folder is gone": ('(mkdir "$TMPDIR/gone" && cd "$TMPDIR/gone" && rmdir "$TMPDIR/gone"; {})', SAME),
}
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def call(words: str, fault: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command under a shell that does what the fault says."""
    script = "set -o pipefail\n" + FAULTS.get(fault, ("{}", SAME))[0].format(f"{shlex.join(COMMAND)} {words}")
    environ = {**os.environ, "TMPDIR": str(tmp_path), **variables}
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, env=environ)


def check(answer: subprocess.CompletedProcess[bytes], fault: str, code: int) -> None:
    said = answer.stdout + answer.stderr
    assert not re.search(rb"Traceback|Exception ignored|did not expect|Error:", said), said.decode()
    right = 1 if code == 0 and FAULTS[fault][1] == UNWRITTEN else code
    assert answer.returncode == right, said.decode()
    is_heard = "stderr" not in fault and "both" not in fault and fault != "all closed"
    if right and is_heard:
        assert answer.stderr.splitlines()[-1].startswith(b"emotui: ")


@pytest.fixture
def home(emotui_home: Path) -> Path:
    write_train_run(emotui_home / "runs", "fine77")
    return emotui_home


def test_every_command_is_in_the_table() -> None:
    assert set(COMMANDS) <= set(CALLS)
    assert set(COMMANDS) <= {name for name, (_, code) in (CALLS | WORKING).items() if code == 0} | {"download"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", QUICK)
def test_a_fault_of_a_stream(name: str, fault: str, home: Path, tmp_path: Path) -> None:
    words, code = CALLS[name]
    check(call(words, fault, tmp_path), fault, code)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", sorted(CALLS.keys() - set(QUICK)))
def test_a_fault_of_a_stream_in_every_command(name: str, fault: str, home: Path, tmp_path: Path) -> None:
    words, code = CALLS[name]
    check(call(words, fault, tmp_path), fault, code)
