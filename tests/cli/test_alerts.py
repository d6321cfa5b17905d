"""What a terminal is told of a run that ended or stands still."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from emotui.core import alerts, paths
from emotui.core.cli import follow, machine
from emotui.core.cli.output import Output
from emotui.core.config import Config
from emotui.core.events import Finished, Metrics, Result
from emotui.core.runs import folder, lock, logout
from emotui.core.runs.state import RunView, State
from emotui.core.specs import DataSpec, RunSpec, TrainSpec

METRICS = Metrics("validation", 4, 0.75, 0.70331, 0.6, {}, ((1, 1), (0, 2)))
TEXT = "3f9x: F1 0.9;4;50\x1b]0;x\x07\x9c"
SAFE = "3f9x: F1 0.9,4,50␛]0,x␇\ufffd"
BELL, OSC_9, OSC_777 = "\a", f"\a\x1b]9;emotui: {SAFE}\x1b\\", f"\a\x1b]777;notify;emotui;{SAFE}\x1b\\"


@pytest.mark.parametrize(
    ("variables", "written"),
    [
        ({}, ""),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, ""),
        ({"TERM": "xterm-256color"}, BELL),
        ({"TERM": "linux"}, BELL),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, BELL),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, OSC_9),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, OSC_9),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, OSC_9),
        ({"TERM": "xterm-ghostty"}, OSC_9),
        ({"TERM": "xterm-kitty"}, OSC_9),
        ({"TERM": "xterm-256color", "WT_SESSION": "a-guid"}, OSC_9),
        ({"TERM": "xterm-256color", "ConEmuANSI": "ON"}, OSC_9),
        ({"TERM": "rxvt-unicode-256color"}, OSC_777),
        ({"TERM": "foot"}, OSC_777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, OSC_777),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, BELL),
        ({"TERM": "screen-256color", "LC_TERMINAL": "iTerm2"}, BELL),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux", "VTE_VERSION": "7600"}, BELL),
    ],
)
def test_each_terminal_gets_what_it_is_known_to_understand(variables, written):
    assert alerts.sequence(TEXT, variables) == written


def test_a_long_text_is_cut():
    assert len(alerts.sequence("x" * 10_000, {"TERM": "foot"})) < 300


def view(state: State = "running", folder="/runs/3f9x", **fields) -> RunView:
    spec = RunSpec(id="3f9x", created=0.0, job=TrainSpec(DataSpec("starter")))
    return RunView(id="3f9x", folder=folder, spec=spec, state=state, **fields)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("ended", "news"),
    [
        (view("finished", finished=Finished(METRICS, 1.0)), ["3f9x finished: F1 0.7033"]),
        (view("failed", reason="the loss is not a number at step 15"), ["3f9x failed: the loss is not a number at step 15"]),
        (view("lost", reason="its supervisor was killed"), ["3f9x was lost: its supervisor was killed"]),
        (view("stopped", reason="it was asked to stop"), []),
    ],
)
def test_an_end_is_news_once_and_only_of_a_run_that_was_seen_alive(ended, news):
    seen = alerts.Alerts(Config())
    assert seen.notice([ended]) == []
    assert seen.notice([view("starting")]) == []
    assert seen.notice([view(), view("finished", "/runs/another")]) == []
    assert seen.notice([ended]) == news
    assert seen.notice([ended]) == []
    again = alerts.Alerts(Config())
    again.expect(ended.folder)
    assert again.notice([ended]) == news


def test_silence_is_news_once_until_something_is_heard():
    clock = Clock()
    seen = alerts.Alerts(Config(no_progress_seconds=60), clock)
    told = []
    for seconds, event in ((0, 1.0), (59, 1.0), (2, 1.0), (500, 1.0), (1, 2.0), (59, 2.0), (2, 2.0), (1, None), (61, None)):
        clock.now += seconds
        told.append(seen.notice([view(last_event=event)]))
    silent = ["3f9x: no progress for 60 s"]
    assert told == [[], [], silent, [], [], [], silent, [], silent]


def test_no_news_where_alerts_are_turned_off():
    seen = alerts.Alerts(Config(alerts=False))
    seen.notice([view()])
    assert seen.notice([view("failed", reason="x")]) == []


class Tty(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "owner", "encoding", "written"),
    [
        ("", True, "utf-8", "\a\x1b]777;notify;emotui;{run} failed: the café is closed\x1b\\"),
        ("", True, "ascii", "\a\x1b]777;notify;emotui;{run} failed: the caf? is closed\x1b\\"),
        ("alerts = false", True, "utf-8", ""),
        ("", False, "utf-8", ""),
        ("alerts = 3", True, "utf-8", "\a\x1b]777;notify;emotui;{run} failed: the café is closed\x1b\\"),
    ],
)
def test_whoever_started_a_run_in_the_foreground_hears_of_its_end(emotui_home, monkeypatch, settings, owner, encoding, written):
    """The run has ended before it is looked at; who only watches it knows that it has."""
    monkeypatch.setenv("TERM", "foot")
    monkeypatch.delenv("TMUX", raising=False)
    paths.config_file().write_text(settings)
    run = folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=(), versions={})
    run.result_file.write_bytes(msgspec.json.encode(Result("failed", "the café is closed", 0.0, cause="crash")))
    stderr = Tty(io.BytesIO(), encoding)
    follow.to_the_end(run, Output(io.StringIO(), stderr), ctrl_c=follow.CtrlC() if owner else None)
    stderr.flush()
    said = stderr.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    said = said[said.find("\a") :] if "\a" in said else ""
    assert said.startswith(written.format(run=run.id)) and bool(said) == bool(written)


def test_a_watched_run_that_ends_rings_and_a_file_gets_nothing(emotui_home, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    run = folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=(), versions={})
    for stream, rings in ((Tty(io.BytesIO(), "utf-8"), 1), (io.TextIOWrapper(io.BytesIO(), "utf-8"), 0)):
        run.result_file.unlink(missing_ok=True)

        def end(_: float) -> None:
            run.result_file.write_text(json.dumps({"state": "finished", "reason": "", "ended": 0.0}))

        follow.to_the_end(run, Output(io.StringIO(), stream), sleep=end)
        stream.flush()
        assert stream.buffer.getvalue().count(b"\a") == rings  # type: ignore[attr-defined]
    assert lock.holder(run.lock_file) is None


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        ("alerts = 3", "{file}: alerts must be true or false", "Correct it"),
        ("alerts = ", "cannot read {file}: ", "Correct the file or move it away"),
    ],
)
def test_doctor_names_what_is_wrong_in_the_settings(emotui_home, monkeypatch, content, message, remedy):
    monkeypatch.setattr(logout, "threat", lambda: None)
    assert machine.settings_problems() == []
    file = paths.config_file()
    file.write_text(content)
    (found,) = machine.settings_problems()
    assert (found.level, found.remedy) == ("error", remedy)
    assert found.message.startswith(message.format(file=file))
