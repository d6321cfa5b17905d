"""Five hundred runs are looked at every second: what did not change is not read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import run_folders as folders
from emotui.core.runs.folder import RunFolder
from emotui.tui import run_watch
from emotui.tui.run_watch import RunWatch


def test_runs_that_do_not_change_are_read_once(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = emotui_home / "runs"
    folders.write_train_run(runs)
    folders.write_run(runs, "lost11", folders.train_spec(), folders.train_events(upto=20), state=None, created=folders.STARTED - 10)
    watch = RunWatch()
    seen = watch.poll()
    assert seen is not None
    assert [(view.id, view.state, view.step) for view in seen] == [("fine77", "finished", 0), ("lost11", "lost", 20)]
    read: list[Path] = []
    opened = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), opened(path))[1])
    glanced: list[str] = []
    glance = run_watch.glance
    monkeypatch.setattr(run_watch, "glance", lambda folder: (glanced.append(folder.id), glance(folder))[1])
    for _ in range(3):
        assert watch.poll() is None
    assert (read, glanced) == ([], [])
    with folders.held(runs / "lost11"):  # somebody goes on with it
        seen = watch.poll()
        assert seen is not None and seen[1].state == "running"


def test_a_run_that_was_removed_is_gone_and_another_in_its_place_is_new(emotui_home: Path) -> None:
    runs = emotui_home / "runs"
    first = folders.write_train_run(runs, "same22")
    watch = RunWatch()
    watch.poll()
    for part in sorted(first.rglob("*"), reverse=True):
        part.rmdir() if part.is_dir() else os.unlink(part)
    first.rmdir()
    assert watch.poll() == ()
    folders.write_baseline_run(runs, "same22", created=folders.STARTED + 5)
    seen = watch.poll()
    assert seen is not None
    assert seen[0].spec == RunFolder(first).read_spec()
