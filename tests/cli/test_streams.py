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
from variants import one_in

pytestmark = pytest.mark.uninstrumented  # coverage writes a file at the end of each process, and says so where it cannot

COMMAND = (sys.executable, "-P", "-m", "emotui.tui")
CALLS = {
    "data": ("data starter --no-tokens", 0),
    "check": ("check starter --json", 0),
    "overlay": ("overlay show starter --json", 0),
    "label": ("label --help", 0),
    "tokens": ("tokens", 2),
    "baseline": ("baseline /no/such/data", 2),
    "train": ("train starter --model /no/such/model", 2),
    "evaluate": ("evaluate nosuch", 2),
    "predict": ("predict nosuch", 2),
    "runs": ("runs", 0),
    "show": ("show fine77", 0),
    "watch": ("watch fine77 --json", 0),
    "stop": ("stop fine77 --json", 0),
    "resume": ("resume nosuch", 2),
    "errors": ("errors nosuch", 2),
    "why": ("why nosuch 'a text'", 2),
    "behaviour": ("behaviour nosuch", 2),
    "cases": ("cases list fine77 --json", 0),
    "compare": ("compare --help", 0),
    "report": ('report fine77 --overwrite --out "$TMPDIR"', 0),
    "export": ("export fine77 ''", 2),
    "download": ("download ms:no/such --offline", 2),
    "cache": ("cache --json", 0),
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
    "errors": ("errors {run} --resamples 10", 0),
    "behaviour": ("behaviour {run} --rows 4", 0),
    "why": ("why {run} 'i feel great' --neighbours 3 --attention 1", 0),
    "predict": ("predict {run} 'i feel great' --json", 0),
    "export": ("export {run} {new}", 0),
    "doctor": ("doctor", 0),
}
"""The same for what has to load a model first."""
QUICK = ["watch"]
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
    assert set(COMMANDS) <= {name for name, (_, code) in (CALLS | WORKING).items() if code == 0} | {"download", "resume"}


def each_with_some(names: list[str], others: list[str], some: int) -> list[tuple[str, str]]:
    """Return pairs in which every name stands with `some` of the others, and every other with about as many names."""
    return [(name, others[(place * some + step) % len(others)]) for place, name in enumerate(names) for step in range(some)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", QUICK)
def test_a_fault_of_a_stream(name: str, fault: str, home: Path, tmp_path: Path) -> None:
    words, code = CALLS[name]
    check(call(words, fault, tmp_path), fault, code)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault"), each_with_some(sorted(CALLS.keys() - set(QUICK)), list(FAULTS), 6))
def test_a_fault_of_a_stream_in_every_command(name: str, fault: str, home: Path, tmp_path: Path) -> None:
    words, code = CALLS[name]
    check(call(words, fault, tmp_path), fault, code)


SURROUNDINGS = {
    "no more may be written to a file": "ulimit -f 0; {}",
    "few files may be open": "ulimit -n 64; {}",
    "hardly any file may be open": "ulimit -n 10; {}",
    "little memory": "ulimit -v 500000; {}",
    "a small stack": "ulimit -s 256; {}",
    "a locale without Unicode": "export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0; {}",
    "an unknown locale": "export LC_ALL=xx_YY.none PYTHONUTF8=0; {}",
    "Latin-1": "export PYTHONIOENCODING=latin-1 PYTHONUTF8=0; {}",
    "a Chinese encoding": "export PYTHONIOENCODING=gbk; {}",
    "a Japanese encoding": "export PYTHONIOENCODING=iso2022_jp; {}",
    "an unknown home": "export EMOTUI_HOME='~nosuch'; {}",
    "a home that is a file": "export EMOTUI_HOME=/etc/passwd; {}",
    "a home below a file": "export EMOTUI_HOME=/etc/passwd/x; {}",
    "a home that is a device": "export EMOTUI_HOME=/dev/null; {}",
    "a home where nothing can be written": "export EMOTUI_HOME=/proc/x; {}",
    "a home with control characters": "export EMOTUI_HOME=\"$TMPDIR\"/$'a\\nb\\e[2J\\x9b'; {}",
    "a relative home": 'cd "$TMPDIR"; export EMOTUI_HOME=relative; {}',
    "no home": 'unset HOME EMOTUI_HOME; export XDG_DATA_HOME="$TMPDIR/xdg"; {}',
    "settings that are a folder": "export EMOTUI_CONFIG=/tmp; {}",
    "settings that are a program": "export EMOTUI_CONFIG=/bin/ls; {}",
    "no environment": "exec env -i {}",
    "no folder for temporary files": "export TMPDIR=/no/such/folder; {}",
    "an odd terminal": "export TERM=$'x\\ny' COLUMNS=-5 LINES=abc; {}",
    "no terminal": "unset TERM; export COLUMNS=99999999999999999999; {}",
    "a folder that is gone": 'mkdir "$TMPDIR/gone" && cd "$TMPDIR/gone" && rmdir "$TMPDIR/gone"; {}',
    "a stdin that is full": "{} </dev/full",
    "a stdin that can only be written": "{} 0>/dev/null",
}
"""What a command may find around it. It goes on, or says in a sentence why it cannot."""


def look(words: str, around: str, tmp_path: Path) -> None:
    """Call a command and check how it ended and that what it says is a sentence in the encoding."""
    script = SURROUNDINGS[around].format(f"{shlex.join(COMMAND)} {words}")
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    answer = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, env=environ, cwd=tmp_path)
    said = answer.stdout + answer.stderr
    assert answer.returncode in (0, 1, 2), said
    assert not re.search(rb"Traceback|Exception ignored|did not expect|[\x00-\x08\x0b-\x1f\x7f]", said), said
    if "locale" in around or around in ("Latin-1", "a Japanese encoding"):
        assert said.isascii()
    if answer.returncode and words != "doctor":
        assert answer.stderr.splitlines()[-1].startswith(b"emotui: "), said


@pytest.mark.parametrize("around", one_in(3, SURROUNDINGS))
def test_surroundings(around: str, home: Path, tmp_path: Path) -> None:
    look("show fine77", around, tmp_path)


BEYOND_US = {("check", "little memory"), ("data", "little memory")}
"""Where a library ends the process itself: rensa's threads abort where they get no memory."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "around"),
    [pair for pair in each_with_some(sorted(CALLS.keys() - {"show"}), list(SURROUNDINGS), 5) if pair not in BEYOND_US],
)
def test_surroundings_of_every_command(name: str, around: str, home: Path, tmp_path: Path) -> None:
    look(CALLS[name][0], around, tmp_path)


@pytest.fixture(scope="module")
def trained(tiny_data: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, str]:
    """Return a data set, a model, and the home and id of a run that was trained on them."""
    home = tmp_path_factory.mktemp("trained") / "home"
    words = ["train", str(tiny_data), "--model", str(tiny_model), "--epochs", "1", "--device", "cpu", "--json"]
    environ = {**os.environ, "EMOTUI_HOME": str(home), "EMOTUI_CONFIG": str(home.parent / "config.toml"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*COMMAND, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, env=environ)
    assert done.returncode == 0, done.stderr
    return tiny_data, tiny_model, home, next((home / "runs").iterdir()).name


UNCERTAIN = ("no more may be written to a file", "the reader leaves after a line")
"""Faults after which a command that works may fail or not: it depends on what it has to write."""


def filled_in(words: str, trained: tuple[Path, Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    data, model, home, run = trained
    monkeypatch.setenv("EMOTUI_HOME", str(home))
    monkeypatch.setenv("EMOTUI_CONFIG", str(home.parent / "config.toml"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return words.format(data=data, model=model, run=run, new=tmp_path / "new")


@pytest.mark.slow
@pytest.mark.xdist_group("streams")
@pytest.mark.parametrize(("name", "fault"), each_with_some(list(WORKING), [name for name in FAULTS if name not in UNCERTAIN], 3))
def test_a_fault_of_a_stream_while_a_model_is_loaded(
    name: str, fault: str, trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, code = WORKING[name]
    check(call(filled_in(words, trained, tmp_path, monkeypatch), fault, tmp_path), fault, code)


@pytest.mark.slow
@pytest.mark.xdist_group("streams")
@pytest.mark.parametrize(
    ("name", "around"),
    each_with_some(["tokens", "predict", "evaluate", "export", "doctor"], [name for name in SURROUNDINGS if "home" not in name], 5),
)
def test_surroundings_while_a_model_is_loaded(name: str, around: str, trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(filled_in(WORKING[name][0], trained, tmp_path, monkeypatch), around, tmp_path)


def test_an_engine_whose_log_has_no_room_answers(home: Path, tmp_path: Path, tiny_model: Path) -> None:
    look(f"tokens 'i feel great' --model {tiny_model}", "no more may be written to a file", tmp_path)


@pytest.mark.slow
def test_an_engine_whose_folder_is_gone_answers(home: Path, tmp_path: Path, tiny_model: Path) -> None:
    answer = call(f"tokens 'i feel great' --model {tiny_model}", "the folder is gone", tmp_path)
    assert answer.returncode == 0, answer.stderr
