"""A run folder from elsewhere that holds links, pipes or open folders: nothing is written, deleted or started through it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from emotui.core.cli import main
from emotui.core.data import sources
from emotui.core.engine import client
from emotui.core.errors import UserError
from emotui.core.runs import folder, launch, links
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec


def tree(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        digest.update(f"{path} {status.st_mode} {status.st_ino}\n".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


@pytest.fixture
def victims(tmp_path: Path) -> Path:
    """What a hostile run points at: a file, and folders that look like those of a run."""
    made = tmp_path / "victims"
    for name in ("model", "predictions", "checkpoints/step-1", "checkpoints/best-1", "control"):
        (made / name).mkdir(parents=True, mode=0o700)
    for name in ("file", "model/config.json", "predictions/test.parquet", "checkpoints/step-1/COMPLETE", "control/stop", "control/thesis"):
        (made / name).write_bytes(b"mine")
    return made


@pytest.fixture
def run(emotui_home: Path, tmp_path: Path, tiny_data: Path) -> RunFolder:
    """A run that could be resumed, as it comes out of a tarball."""
    data = DataSpec(str(tiny_data))
    known = sources.load(data)
    made = folder.create(
        TrainSpec(data, str(tmp_path / "no-model")), data_hash=sources.fingerprint(known), labels=known.labels, versions={}
    )
    made.model.mkdir(mode=0o700)
    (made.model / "config.json").write_text("{}")
    (made.path / "predictions").mkdir(mode=0o700)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(made.path, elsewhere)
    elsewhere.chmod(0o700)
    return RunFolder(elsewhere)


def link(name: str, leads: str) -> Callable[[Path, Path], None]:
    def make(run: Path, victims: Path) -> None:
        path = run / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.symlink_to(victims / leads)

    return make


def hard_link(name: str) -> Callable[[Path, Path], None]:
    def make(run: Path, victims: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.link(victims / "file", run / name)

    return make


def pipe(name: str) -> Callable[[Path, Path], None]:
    def make(run: Path, victims: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)

    return make


HOSTILE: dict[str, Callable[[Path, Path], None]] = {
    **{f"{name} a link": link(name, name) for name in ("model", "predictions", "checkpoints", "control")},
    **{
        f"{name} a link": link(name, "file")
        for name in ("events.jsonl", "sent.jsonl", "worker.log", "result.json", "proc.json", "lock", "projection.parquet", ".probe")
    },
    "model/config.json a link": link("model/config.json", "model/config.json"),
    "model/emotui.json a link": link("model/emotui.json", "file"),
    "predictions/test.parquet a link": link("predictions/test.parquet", "predictions/test.parquet"),
    "checkpoints/step-1 a link": link("checkpoints/step-1", "checkpoints/step-1"),
    "checkpoints/best-1 a link": link("checkpoints/best-1", "checkpoints/best-1"),
    "control/stop a link": link("control/stop", "file"),
    "control/thesis a link": link("control/thesis", "control/thesis"),
    "deep inside a link": link("checkpoints/deep", "checkpoints"),
    "a link to nothing": link("later", "nothing"),
    **{f"{name} a hard link": hard_link(name) for name in ("events.jsonl", "sent.jsonl", "worker.log", "model/config.json")},
    **{f"{name} a pipe": pipe(name) for name in ("events.jsonl", "sent.jsonl", "lock", "control/stop")},
    "model open to others": lambda run, victims: (run / "model").chmod(0o777),
    "a file open to others": lambda run, victims: (run / "model" / "config.json").chmod(0o666),
}
COMMANDS = ("resume", "evaluate", "export")


def test_there_are_many_tries() -> None:
    assert len(HOSTILE) * len(COMMANDS) >= 80


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_is_written_through_a_run_from_elsewhere(
    run: RunFolder, victims: Path, tmp_path: Path, hostile: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_engine(*_: object, **__: object) -> None:
        raise AssertionError("the engine was asked")

    monkeypatch.setattr(client, "ask_once", no_engine)
    HOSTILE[hostile](run.path, victims)
    before = tree(tmp_path)
    for words in (["resume", str(run.path)], ["evaluate", str(run.path)], ["export", str(run.path), str(tmp_path / "out")]):
        assert main(words) == 2, words
        said = capsys.readouterr().err
        assert "so nothing is written there" in said and said.count("\n") == 1, said
        assert tree(tmp_path) == before, words


@pytest.mark.parametrize("hostile", [each for each in HOSTILE if each.startswith("control")])
def test_nobody_is_asked_to_stop_through_a_link(run: RunFolder, victims: Path, tmp_path: Path, hostile: str) -> None:
    HOSTILE[hostile](run.path, victims)
    before = tree(tmp_path)
    for ask in (launch.stop, launch.kill):
        with pytest.raises(UserError, match="so nothing is written there"):
            ask(run)
        assert tree(tmp_path) == before


def test_a_run_of_plain_files_passes_and_so_does_one_that_is_gone(run: RunFolder, tmp_path: Path) -> None:
    links.check(run)
    links.check(RunFolder(tmp_path / "gone"))


def test_a_resumed_run_takes_away_its_own_requests_only(runs, emotui_home: Path) -> None:
    run = runs.start(steps=3)
    runs.end(run)
    run.result_file.write_text('{"state": "stopped", "reason": "", "ended": 1.0}')
    run.events_file.unlink()
    for name in ("stop", "kill", "thesis"):
        (run.control / name).write_bytes(b"")
    runs.resume(run)
    assert runs.end(run).state == "finished"
    assert os.listdir(run.control) == ["thesis"]
