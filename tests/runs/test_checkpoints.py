"""A checkpoint counts only while every file that it had is there in full."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from emotui.core.runs import checkpoints


@dataclass
class Run:
    checkpoints: Path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "checkpoints")


def make(run: Run, step: int, *, complete: bool = True) -> Path:
    folder = run.checkpoints / f"step-{step}"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(100))
    (folder / "deep" / "optimizer.pt").write_bytes(bytes(10))
    (folder / "empty.json").touch()
    if complete:
        checkpoints.mark_complete(folder)
    return folder


def test_the_newest_by_number_counts(run: Run) -> None:
    assert checkpoints.latest(run) is None
    for step in (9, 100, 20):
        make(run, step)
    make(run, 300, complete=False)
    (run.checkpoints / "step-x").mkdir()
    (run.checkpoints / "step-999").write_text("a file")
    latest = checkpoints.latest(run)
    assert latest == run.checkpoints / "step-100"
    assert latest is not None and checkpoints.step_of(latest) == 100


@pytest.mark.parametrize("name", ["model.safetensors", "deep/optimizer.pt", "empty.json", "COMPLETE"])
@pytest.mark.parametrize("how", ["gone", "short", "long"])
def test_a_missing_or_changed_file_makes_it_incomplete(run: Run, name: str, how: str) -> None:
    make(run, 1)
    file = make(run, 2) / name
    assert checkpoints.latest(run) == run.checkpoints / "step-2"
    if how == "gone":
        file.unlink()
    elif how == "short":
        os.truncate(file, max(0, file.stat().st_size - 1))
        if name == "empty.json":
            return
    else:
        with file.open("ab") as out:
            out.write(b"x")
    assert checkpoints.latest(run) == run.checkpoints / "step-1"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {}}', '{"files": 3}', '{"files": {"../other": null}}', "\x00"])
def test_a_list_that_makes_no_sense_does_not_count(run: Run, content: str) -> None:
    (make(run, 1) / "COMPLETE").write_text(content)
    assert checkpoints.latest(run) is None


def test_pruning_keeps_the_newest_complete_ones_and_what_is_being_written(run: Run) -> None:
    for step in (1, 2, 3, 4):
        make(run, step, complete=step != 2)
    make(run, 5, complete=False)
    checkpoints.prune(run, 2)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-3", "step-4", "step-5"]
    checkpoints.prune(run, 0)
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-5"]
    checkpoints.prune(run, 2)
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-5"]


def test_a_complete_checkpoint_is_marked_anew_when_it_is_written_again(run: Run) -> None:
    folder = make(run, 1)
    (folder / "model.safetensors").write_bytes(bytes(50))
    assert not checkpoints.is_complete(folder)
    checkpoints.mark_complete(folder)
    assert checkpoints.is_complete(folder)
    assert (folder / "COMPLETE").stat().st_mode & 0o777 == 0o600


def test_another_name_has_no_step(run: Run) -> None:
    with pytest.raises(ValueError, match="not named"):
        checkpoints.step_of(run.checkpoints / "best")


def test_pruning_the_best_weights_keeps_those_of_one_step_and_what_is_not_emotuis(run: Run, tmp_path: Path) -> None:
    for name in ("best-1", "best-2", "best-30", "best-x", "better-3", "step-1"):
        (run.checkpoints / name).mkdir(parents=True)
        (run.checkpoints / name / "model.safetensors").write_bytes(b"x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "model.safetensors").write_bytes(b"x")
    (run.checkpoints / "best-4").symlink_to(elsewhere)
    assert checkpoints.best_folder(run, 2) == run.checkpoints / "best-2"

    checkpoints.prune_best(run, 2)
    assert {each.name for each in run.checkpoints.iterdir()} == {"best-2", "best-4", "best-x", "better-3", "step-1"}
    linked = Run(tmp_path / "linked")
    linked.checkpoints.symlink_to(run.checkpoints)
    checkpoints.prune_best(linked, None)
    assert (run.checkpoints / "best-2").is_dir() and (elsewhere / "model.safetensors").is_file()
    checkpoints.prune_best(run, None)
    assert {each.name for each in run.checkpoints.iterdir()} == {"best-4", "best-x", "better-3", "step-1"}
