"""One bad run hides no other: each fault of a folder is a sentence in every command and a line in the application."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import bad_runs
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import run_folders as folders
from emotui.core import cli, writing
from emotui.core.errors import UserError
from emotui.core.runs import folder, launch, state, tables
from hostile import RAW, drawn
from monitor import Classifier, application, settle
from variants import one_in

COMMANDS = (
    ("runs",),
    ("runs", "--json"),
    ("show", "bad"),
    ("show", "bad", "--json"),
    ("watch", "bad"),
    ("watch", "bad", "--json"),
    ("stop", "bad"),
    ("resume", "bad"),
)
ENGINE = (("predict", "bad", "a text"), ("export", "bad", "out"), ("evaluate", "bad"))
"""They are tried where the spec cannot be read: the engine is not started for those."""
GROUPS = 8
SHORT = ("an event of the time 1e308", "labels that are not the spec's", "a step of 1e300")
"""Faults that the application met with its end before, and that cost little to show; all faults are tried among the slow tests."""


def spoken(captured: tuple[str, str]) -> None:
    for stream in captured:
        assert "Traceback" not in stream
        assert "did not expect" not in stream
        assert not RAW.search(stream.replace("\t", " "))


@pytest.mark.parametrize("name", one_in(4, bad_runs.FAULTS))
def test_every_command_goes_on(name: str, emotui_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = emotui_home / "runs"
    folders.write_train_run(runs, "good")
    fault, ended = bad_runs.FAULTS[name]
    bad_runs.write(runs, "bad", fault, ended=ended)
    listed = {}
    for command in COMMANDS:
        code = cli.main(command)
        out, err = capsys.readouterr()
        spoken((out, err))
        assert code in (0, 1, 2), (command, out, err)
        if command[0] == "runs":
            assert code == 0, err
            assert "good" in out and "bad" in out, (command, out)
            listed |= {run["run"]: run for run in json.loads(out)["runs"]} if "--json" in command else {}
        if command == ("show", "bad") and listed["bad"]["state"] == "unreadable":
            assert "unreadable: " in out
        if command[0] == "resume":
            assert code != 0 and err.strip(), out
    assert listed["good"]["state"] == "finished"
    if listed["bad"]["state"] == "unreadable":
        assert listed["bad"]["reason"]
        assert listed["bad"]["folder"] == str(runs / "bad")
    if listed["bad"]["task"] is None:
        for command in ENGINE:
            assert cli.main(command) == 2, command
            out, err = capsys.readouterr()
            spoken((out, err))
            assert re.match(r"emotui: .+\n", err), err


@pytest.mark.parametrize("group", [-1, *(pytest.param(group, marks=pytest.mark.slow) for group in range(GROUPS))])
async def test_the_application_shows_them_all(group: int, emotui_home: Path) -> None:
    runs = emotui_home / "runs"
    folders.write_train_run(runs, "good")
    chosen = list(bad_runs.FAULTS)[group::GROUPS] if group >= 0 else SHORT
    for number, name in enumerate(chosen):
        fault, ended = bad_runs.FAULTS[name]
        bad_runs.write(runs, f"bad{number}", fault, ended=ended)
    async with application(Classifier(folders.LABELS, {}), "3", size=(80, 24)) as (app, pilot):
        assert {view.id for view in app.state.runs} == {"good", *(f"bad{number}" for number in range(len(chosen)))}
        for _ in range(len(chosen) + 1):
            await pilot.press("right_square_bracket")
            await settle(pilot)
            await pilot.press("w")
            await settle(pilot)
            assert not any(RAW.search(line) for line in drawn(app))
            if app.current_mode == "errors":
                await pilot.press("right_square_bracket", "3")
                await settle(pilot)
            app.screen.query_one("#runs").focus()
            await pilot.press("j")
            await settle(pilot)
        assert app.return_code in (None, 0)


def test_what_the_supervisor_cannot_write_to_is_said_before_it_begins(emotui_home: Path) -> None:
    run = folder.create(bad_runs.JOB, data_hash="", labels=(), versions={})
    for path, what in ((run.events_file, "a symbolic link"), (run.lock_file, "a symbolic link"), (run.checkpoints, "a symbolic link")):
        kept = path.with_name("kept")
        if path.exists():
            path.rename(kept)
        path.symlink_to("/nowhere/at/all")
        with pytest.raises(UserError, match=what):
            launch.resume(run)
        path.unlink()


def test_a_run_that_cannot_be_made_leaves_nothing(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_private", full)
    with pytest.raises(UserError, match="cannot create a run"):
        folder.create(bad_runs.JOB, data_hash="", labels=(), versions={})
    assert list((emotui_home / "runs").iterdir()) == []


def test_a_run_that_cannot_be_read_but_is_alive_can_be_stopped(emotui_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = folders.write_run(emotui_home / "runs", "bad", bad_runs.JOB, folders.train_events(steps=40, upto=30), state=None)
    (bad / "spec.json").write_text("{")
    with folders.held(bad):
        assert cli.main(["stop", "bad"]) == 0
    assert (bad / "control" / "stop").exists()
    assert "was asked to stop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"probabilities": [[1.0]]}, "one probability a label"),
        ({"probabilities": [[0.5, float("nan")]]}, "not finite"),
        ({"probabilities": ["half"]}, "cannot be read"),
        ({"label": ["c"]}, "not those of the run"),
        ({"label": [None]}, "lacks values"),
        ({"row": [-1]}, "negative"),
        ({"row": [10**30]}, "cannot be read"),
        ({"loss": [float("inf")]}, "not finite"),
        ({"loss": None}, "0 columns 'loss'"),
    ],
)
def test_predictions_of_another_shape_are_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    columns: dict[str, Any] = {"row": [0], "label": ["a"], "prediction": ["b"], "probabilities": [[0.5, 0.5]], "loss": [0.7]}
    kept = {name: value for name, value in (columns | changes).items() if value is not None}
    if kept["row"] == [10**30]:
        kept["row"] = pa.array([Decimal(10**30)])
    file = tmp_path / "validation.parquet"
    parquet.write_table(pa.table(kept), file)
    with pytest.raises(UserError, match=said):
        tables.read_predictions(file, ("a", "b"))


LIMITED = """
import resource, sys
from emotui.core.runs import folder, log
from emotui.core.runs.supervise import Supervisor
from pathlib import Path
run = folder.RunFolder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
worker = [sys.executable, "-c", "import os, json; pipe = int(os.environ['EMOTUI_EVENTS'])\\n"
    "for n in range(300): os.write(pipe, (json.dumps({'kind': 'note', 'level': 'info', 'message': 'x' * 200}) + chr(10)).encode())"]
seen = []
class Watched(Supervisor):
    def requested(self):
        asked = super().requested()
        seen.append(self.run.read_processes().get("problem", ""))
        return asked
Watched(run, worker).supervise(lambda: None)
"""


def test_a_file_that_may_not_grow_ends_the_run_with_a_reason(emotui_home: Path) -> None:
    run = folder.create(bad_runs.JOB, data_hash="", labels=(), versions={})
    subprocess.run([sys.executable, "-c", LIMITED, str(run.path)], check=True, timeout=120)
    view = state.view_of(run)
    assert view.state == "failed"
    assert "events.jsonl does not take what happens: File too large (ulimit -f)" in str(view.reason)
