"""Who starts a run on a card that is in use is told by whom, and may choose another."""

from __future__ import annotations

import getpass
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from emotui.core.cli import cards
from emotui.core.cli.output import Output
from emotui.core.events import AttemptStarted, Line, Started
from emotui.core.runs import folder, lock, neighbours
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec

GPUS = "0, GPU-aaa, NVIDIA H100, 20480, 81920\n1, GPU-bbb, NVIDIA H100, 100, 81920\n"


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts an nvidia-smi on the PATH which answers with these lines."""

    def put(gpus: str, processes: str = "", code: int = 0) -> None:
        script = tmp_path / "bin" / "nvidia-smi"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            "#!/bin/sh\n"
            'case "$1 $2" in\n'
            f'"--query-gpu=index,uuid,name,memory.used,memory.total --format=csv,noheader,nounits") cat <<"."\n{gpus}.\n;;\n'
            f'"--query-compute-apps=pid,gpu_uuid,used_memory --format=csv,noheader,nounits") cat <<"."\n{processes}.\n;;\n'
            f"*) exit 9;;\nesac\nexit {code}\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return put


@pytest.fixture
def worker() -> Iterator[int]:
    """The number of a process that stands for another run's worker."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.kill()
    process.communicate()


def live_run(worker: int, device: str, *, started: bool = True) -> RunFolder:
    """Make a run that goes on with this worker; a process of the test's own holds its lock."""
    run = folder.create(TrainSpec(DataSpec("starter"), device=device), data_hash="", labels=("a", "b"), versions={})
    events = [AttemptStarted(worker)]
    events += [Started("cuda:0" if device in ("auto", "cuda") else device, "", "bf16", ("a", "b"), {}, {}, 4)] if started else []
    lines = [Line(1, number, 1.0, event) for number, event in enumerate(events, 1)]
    run.events_file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return run


@pytest.fixture
def holder(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "holder", lambda _: os.getpid())


def said(job=None, answer: str | None = None, monkeypatch: pytest.MonkeyPatch | None = None):
    """Settle a job; return the device it ends up with and what was said."""
    stderr = io.StringIO()
    if answer is not None:
        assert monkeypatch is not None
        stdin = io.StringIO(answer)
        stdin.isatty = stderr.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", stdin)
    settled = cards.choose_gpu(job or BaselineSpec(DataSpec("starter")), Output(io.StringIO(), stderr))
    return settled.device, stderr.getvalue()


def test_another_process_is_named_with_its_owner_and_memory(emotui_home, nvidia, worker):
    nvidia(GPUS, f"{worker}, GPU-bbb, 2048\n99999999, GPU-bbb, [N/A]\n")
    device, words = said()
    assert device == "auto"  # no terminal: it is told and goes on
    program, owner = psutil.Process(worker).name(), getpass.getuser()
    assert words == (
        f"cuda:1 (NVIDIA H100, 85.8 GB of 85.9 GB free) is in use: process {worker} ({program}) of {owner} with 2.1 GB, "
        "process 99999999. Choose another with --device, such as cuda:0; this run goes on\n"
    )


def test_auto_takes_the_card_with_the_most_free_memory_and_an_empty_one_is_not_spoken_of(emotui_home, nvidia, worker):
    nvidia(GPUS, f"{worker}, GPU-aaa, 20000\n")
    assert said() == ("auto", "")
    assert said(TrainSpec(DataSpec("starter"), device="cuda:1")) == ("cuda:1", "")
    assert said(TrainSpec(DataSpec("starter"), device="cpu")) == ("cpu", "")
    for device in ("cuda", "cuda:0"):
        assert (
            f"cuda:0 (NVIDIA H100, 64.4 GB of 85.9 GB free) is in use: process {worker}"
            in said(TrainSpec(DataSpec("starter"), device=device))[1]
        )


def test_a_run_of_this_home_is_named_by_its_id(holder, nvidia, worker):
    run = live_run(worker, "cuda:0")
    nvidia(GPUS, f"{worker}, GPU-aaa, 20000\n")
    words = said(TrainSpec(DataSpec("starter"), device="cuda"))[1]
    assert f"is in use: run {run.id} of {getpass.getuser()} with 21.0 GB. Choose" in words


def test_the_engine_of_this_very_process_is_no_neighbour(emotui_home, nvidia):
    engine = subprocess.Popen([sys.executable, "-c", "input()", "emotui.core.engine.server"], stdin=subprocess.PIPE)
    try:
        nvidia(GPUS, f"{engine.pid}, GPU-aaa, 20000\n")
        assert said(TrainSpec(DataSpec("starter"), device="cuda:0"))[1] == ""
    finally:
        engine.communicate(b"\n")


@pytest.mark.parametrize("started", [True, False])
def test_a_run_that_nvidia_does_not_tell_of_is_known_all_the_same(holder, nvidia, worker, started):
    """In a container there are no process numbers, and a run that is loading is not on the card yet."""
    run = live_run(worker, "cuda:0", started=started)
    nvidia(GPUS)
    assert f"is in use: run {run.id} of {getpass.getuser()}. Choose" in said(TrainSpec(DataSpec("starter"), device="cuda:0"))[1]
    assert said(TrainSpec(DataSpec("starter"), device="cuda:1"))[1] == ""


def test_a_run_on_the_processor_is_nobodys_neighbour(holder, nvidia, worker):
    live_run(worker, "cpu")
    nvidia(GPUS)
    assert said(TrainSpec(DataSpec("starter"), device="cuda:0"))[1] == ""


def test_a_run_is_known_without_nvidia_smi(holder, worker, monkeypatch, tmp_path):
    run = live_run(worker, "cuda:0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said()[1].startswith(f"cuda:0 is in use: run {run.id} of ")
    assert said()[1].endswith("Choose another with --device cpu; this run goes on\n")


@pytest.mark.parametrize(
    ("answer", "device"),
    [("\n", "auto"), ("1\n", "auto"), ("cuda:0\n", "cuda:0"), ("0\n", "cuda:0"), ("what\n0\n", "cuda:0"), ("", "auto")],
)
def test_a_person_is_asked_where_there_is_another_card(emotui_home, nvidia, worker, monkeypatch, answer, device):
    nvidia(GPUS, f"{worker}, GPU-bbb, 2048\n")
    settled, words = said(answer=answer, monkeypatch=monkeypatch)
    assert settled == device
    assert "Enter continues, or type another card (cuda:0), Ctrl+C quits: " in words


def test_whoever_named_a_card_is_told_and_not_asked(emotui_home, nvidia, worker, monkeypatch):
    nvidia(GPUS, f"{worker}, GPU-bbb, 2048\n")
    settled, words = said(TrainSpec(DataSpec("starter"), device="cuda:1"), answer="0\n", monkeypatch=monkeypatch)
    assert settled == "cuda:1"
    assert "is in use" in words and "enter goes on" not in words


@pytest.mark.parametrize(
    ("visible", "devices"),
    [
        ("1,0", {"cuda:0": "GPU-bbb", "cuda:1": "GPU-aaa"}),
        ("GPU-b", {"cuda:0": "GPU-bbb"}),
        ("0,7,1", {"cuda:0": "GPU-aaa"}),
        ("GPU-", {}),
        ("-1", {}),
        ("", {}),
    ],
)
def test_cards_are_numbered_as_torch_numbers_them(emotui_home, nvidia, monkeypatch, visible, devices):
    nvidia(GPUS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert {card.device: card.uuid for card in neighbours.read().cards} == devices


@pytest.mark.parametrize(("gpus", "code"), [("", 0), (GPUS, 9), ("garbage\n\n1, 2\n", 0), ("0, GPU-aaa, H100, [N/A], [N/A]\n", 0)])
def test_what_nvidia_cannot_tell_is_no_card(emotui_home, nvidia, gpus, code):
    nvidia(gpus, "x, y, z\n", code)
    assert neighbours.read() == neighbours.Reading()


def test_no_model_library_is_loaded_to_look():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from emotui.core.cli import cards; from emotui.core.runs import neighbours; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"torch", "transformers", "sklearn", "pyarrow"} & set(done.stdout.split())
