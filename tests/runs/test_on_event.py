"""The user's own command is told what becomes of a run, and does it no harm whatever it does."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from emotui.core import config
from emotui.core.errors import UserError
from emotui.core.runs import launch, on_event
from emotui.core.runs.folder import RunFolder
from variants import mostly_slow

from .conftest import Runs, until
from .fake_worker import metrics


@pytest.fixture
def heard(emotui_home: Path, tmp_path: Path) -> Path:
    """A folder into which the command of config.toml writes each event, a file each."""
    folder = tmp_path / "heard"
    folder.mkdir()
    # The name comes last, so that a file that is there is whole.
    settings(tmp_path, f"at=$(mktemp {folder}/.XXXXXX) && cat > $at && mv $at $at.json; ln -s $at.json {folder}/$(basename $at | tr -d .)")
    return folder


def settings(folder: Path, command: str, **more: object) -> None:
    lines = [f"on_event = {json.dumps(command)}", *(f"{name} = {value}" for name, value in more.items())]
    (folder / "config.toml").write_text("\n".join(lines) + "\n")


def events(heard: Path) -> list[dict[str, Any]]:
    found = [json.loads(each.read_text()) for each in heard.iterdir() if not each.name.startswith(".")]
    return sorted(found, key=lambda each: each["time"])


def told(heard: Path, count: int) -> list[dict[str, Any]]:
    until(lambda: len(events(heard)) >= count, f"{count} events")
    return events(heard)


def lines_of(run: RunFolder) -> str:
    return run.log_file.read_text()


def test_a_finished_run_is_told_with_its_figures(runs: Runs, heard: Path) -> None:
    run = runs.start()
    runs.end(run)
    (event,) = told(heard, 1)
    assert abs(event.pop("time") - time.time()) < 3600
    assert event == {
        "event": "finished",
        "run": run.id,
        "folder": str(run.path),
        "task": "fine-tune",
        "data": "starter",
        "model": str(run.read_spec().job.model),
        "state": "finished",
        "reason": "",
        "step": 40,
        "steps": 40,
        "f1_weighted": metrics().f1_weighted,
    }


@pytest.mark.parametrize(
    ("accident", "event", "reason"),
    [("crash", "failed", "ZeroDivisionError: division by zero in the fake"), ("nan", "nan", "the loss is not a number at step 15")],
)
def test_a_failed_run_is_told_with_its_reason(runs: Runs, heard: Path, accident: str, event: str, reason: str) -> None:
    run = runs.start(accident=accident)
    runs.end(run)
    (labelling_of,) = told(heard, 1)
    assert (labelling_of["event"], labelling_of["state"], labelling_of["step"], labelling_of["f1_weighted"]) == (event, "failed", 15, 0.5)
    assert reason in labelling_of["reason"]


def test_a_stopped_run_is_told_and_its_resumption_is_another_event(runs: Runs, heard: Path) -> None:
    run = runs.start(steps=60)
    runs.at_step(run, 3)
    launch.stop(run)
    assert runs.end(run).state == "stopped"
    told(heard, 1)
    runs.resume(run)
    runs.end(run)
    assert [each["event"] for each in told(heard, 2)] == ["stopped", "finished"]


def test_a_worker_that_stands_still_is_told_once_for_each_silence(runs: Runs, heard: Path, tmp_path: Path) -> None:
    command = json.loads((tmp_path / "config.toml").read_text().partition("= ")[2])
    settings(tmp_path, command, no_progress_seconds=1)
    run = runs.start(steps=100_000, seconds=0.01, every=100_000)
    view = runs.at_step(run, 3)
    assert view.worker_pid
    for _ in range(2):
        os.kill(view.worker_pid, signal.SIGSTOP)
        until(lambda: any(each["step"] == runs.view(run).step for each in events(heard)), "news of the silence")
        time.sleep(2.5)
        os.kill(view.worker_pid, signal.SIGCONT)
        runs.at_step(run, runs.view(run).step + 5)
    launch.kill(run)
    runs.end(run)
    silences = [each for each in events(heard) if each["event"] == "no_progress"]
    assert len({each["step"] for each in silences}) == len(silences) >= 2
    assert {(each["state"], each["reason"]) for each in silences} == {("running", "no progress for 1 s")}


def test_a_stuck_worker_that_tells_its_load_makes_no_progress(runs: Runs, heard: Path, tmp_path: Path) -> None:
    command = json.loads((tmp_path / "config.toml").read_text().partition("= ")[2])
    settings(tmp_path, command, no_progress_seconds=5)
    run = runs.start(seconds=600)
    until(lambda: len(runs.view(run).telemetry) > 1, "readings of the load")
    assert told(heard, 1)[0]["event"] == "no_progress"
    launch.kill(run)
    runs.end(run)


@pytest.mark.parametrize(
    ("command", "said"),
    mostly_slow(
        [
            ("sleep 600 & sleep 600", "it did not end within 1 s and was killed"),
            ("yes", "it did not end within 1 s and was killed"),
            ("trap '' TERM HUP INT; while :; do :; done", "it did not end within 1 s and was killed"),
            ("/nowhere/notify.sh", "it ended with exit code 127"),
            ("exec <&-; exit 3", "it ended with exit code 3"),
            ("kill -9 $$", "it was killed by signal 9"),
        ]
    ),
)
def test_a_command_that_misbehaves_harms_nothing(runs: Runs, tmp_path: Path, command: str, said: str) -> None:
    settings(tmp_path, command, no_progress_seconds=1)
    run = runs.start(steps=20, seconds=0.2)
    view = runs.at_step(run, 2)
    assert view.worker_pid
    os.kill(view.worker_pid, signal.SIGSTOP)
    until(lambda: "on_event for 'no_progress': " + said in lines_of(run), "the note in the log")
    os.kill(view.worker_pid, signal.SIGCONT)
    view = runs.end(run)
    assert (view.state, view.step) == ("finished", 20)
    until(lambda: f"on_event for 'finished': {said}" in lines_of(run), "the note in the log")
    assert run.log_file.stat().st_size < 10_000
    going = lambda: [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] and command in each.info["cmdline"]]  # noqa: E731
    until(lambda: not going(), "the command's end")


def test_a_hanging_command_does_not_keep_the_run_from_being_resumed(runs: Runs, tmp_path: Path) -> None:
    settings(tmp_path, "sleep 600")
    run = runs.start(accident="crash")
    assert runs.end(run).state == "failed"
    runs.resume(run)
    assert runs.end(run).state == "finished"


def test_what_the_supervisor_notes_is_not_taken_for_the_workers_last_word(runs: Runs, tmp_path: Path) -> None:
    settings(tmp_path, "exit 3", no_progress_seconds=1)
    run = runs.start(accident="segfault", seconds=0.2)
    view = runs.at_step(run, 2)
    assert view.worker_pid
    os.kill(view.worker_pid, signal.SIGSTOP)
    until(lambda: "on_event for 'no_progress'" in lines_of(run), "the note in the log")
    os.kill(view.worker_pid, signal.SIGCONT)
    assert "on_event" not in str(runs.end(run).reason)


def test_settings_that_went_wrong_later_cost_the_alert_and_not_the_run(runs: Runs, tmp_path: Path) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    settings(tmp_path, "true", alerts='"loud"')
    with pytest.raises(UserError, match="alerts must be true or false"):
        runs.resume(run)
    supervisor = on_event.OnEvent(run, seconds=1.0, clock=time.time)
    assert not supervisor._config.on_event


def test_the_command_gets_nothing_of_the_runs_descriptors_and_no_terminal(emotui_home: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    assert on_event.carry_out(f"ls /proc/self/fd > {seen}; cat >> {seen}", b"{}\n", 30.0) == ""
    assert seen.read_text().splitlines() == ["0", "1", "2", "3", "{}"]  # 3 is the folder that ls reads


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("on_event = 3", "on_event must be a command as text"),
        ("alerts = 1", "alerts must be true or false"),
        ("no_progress_seconds = 0", "no_progress_seconds must be a number of seconds of 1 or more"),
        ("no_progress_seconds = nan", "no_progress_seconds must be"),
        ("no_progress_seconds = true", "no_progress_seconds must be"),
        ("keys = 3", "keys must be a table"),
        ("on_evnt = 'x'", "there is no setting 'on_evnt'. The settings are: keys, alerts, on_event, no_progress_seconds"),
        ("alerts = ", "cannot read"),
    ],
)
def test_a_wrong_setting_is_said_in_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(UserError) as error:
        config.read(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_no_file_and_an_empty_file_are_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert config.read(file) == config.Config()
    file.write_text("")
    assert config.read(file) == config.Config({}, True, "", 300.0)


def test_a_command_is_not_taken_from_a_file_that_others_may_write(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("alerts = false")
    file.chmod(0o666)
    assert not config.read(file).alerts
    file.write_text("on_event = 'true'")
    with pytest.raises(UserError, match=r"other users may write to .*config.toml. Protect it with: chmod go-w"):
        config.read(file)
    file.chmod(0o644)
    assert config.read(file).on_event == "true"
