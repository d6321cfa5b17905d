"""Run folders are private, found by what people write, and never someone else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from emotui.core import paths
from emotui.core.errors import UserError
from emotui.core.runs import folder, state
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec, Job, TrainSpec

pytestmark = pytest.mark.usefixtures("emotui_home")
TRAIN, BASELINE = TrainSpec(DataSpec("starter")), BaselineSpec(DataSpec("starter"))


def make(job: Job = TRAIN, created: float = 1.0) -> RunFolder:
    return folder.create(job, data_hash="abc", labels=("a", "b"), versions={"torch": "1"}, clock=lambda: created)


def test_a_new_run_is_private_and_has_its_spec(emotui_home: Path) -> None:
    old = os.umask(0)
    try:
        run = make()
    finally:
        os.umask(old)
    assert run.path.parent == emotui_home / "runs"
    for path in (run.path, *run.path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0
    spec = run.read_spec()
    assert (spec.id, spec.created, spec.job, spec.data_hash, spec.labels) == (run.id, 1.0, TRAIN, "abc", ("a", "b"))
    assert run.read_result() is None


def test_runs_are_listed_newest_first_and_damaged_ones_last() -> None:
    assert folder.list_runs() == []
    first, third, second = make(created=1.0), make(created=3.0), make(BASELINE, created=2.0)
    (paths.runs_folder() / "empty").mkdir(mode=0o700)
    broken = make(created=4.0)
    broken.spec_file.write_text("{")
    assert folder.list_runs() == [third, second, first, broken]
    assert folder.find("last") == third


def test_a_run_is_found_by_id_start_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = make(), make()
    assert folder.find(run.id) == run
    assert folder.find(run.id[:4]) == run
    assert folder.find(str(other.path)) == other
    monkeypatch.chdir(other.path.parent)
    assert folder.find(f"./{other.id}") == other


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nothing", "there is no run 'nothing'"),
        ("", "cannot be empty"),
        ("..", "is not a run"),
        ("/nowhere/at/all", "cannot read the folder"),
    ],
)
def test_what_is_no_run_is_said_in_a_sentence(ref: str, message: str) -> None:
    make()
    with pytest.raises(UserError, match=message):
        folder.find(ref)


def test_the_start_of_two_runs_names_both() -> None:
    for name in ("bcdf-fine-tune", "bcdg-fine-tune"):
        run = make()
        run.path.rename(run.path.with_name(name))
    with pytest.raises(UserError, match=r"the start of 2 runs: bcd[fg]-fine-tune, bcd[fg]-fine-tune"):
        folder.find("bcd")


def test_no_runs_at_all_is_said() -> None:
    with pytest.raises(UserError, match="there are no runs yet"):
        folder.find("last")


def test_a_run_that_others_may_write_in_is_refused_and_listed_as_unreadable() -> None:
    run = make()
    run.path.chmod(0o770)
    with pytest.raises(UserError, match="other users may write"):
        folder.find(run.id)
    with pytest.raises(UserError, match="other users may write"):
        folder.find(str(run.path))
    assert folder.list_runs() == [run]
    assert state.glance(run).state == "unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_run_of_another_user_is_refused_and_listed_as_unreadable() -> None:
    run = make()
    os.chown(run.path, 12345, 12345)
    with pytest.raises(UserError, match=r"belongs to another user \(uid 12345\)\. Copy it"):
        folder.find(run.id)
    assert folder.list_runs() == [run]
    assert not state.glance(run).has_spec


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_home_that_another_user_has_closed_is_said(emotui_home: Path) -> None:
    emotui_home.mkdir(parents=True, mode=0o700)
    os.seteuid(12345)
    try:
        with pytest.raises(UserError, match=r"cannot create the folder .*Permission denied. Set EMOTUI_HOME"):
            make()
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_said(emotui_home: Path) -> None:
    emotui_home.parent.mkdir(exist_ok=True)
    emotui_home.write_text("a file")
    with pytest.raises(UserError, match="Set EMOTUI_HOME"):
        make()
