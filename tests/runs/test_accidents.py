"""Real processes: whatever ends a worker or its supervisor is named, nothing is lost, and the run goes on to the same end."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from emotui.core.errors import UserError
from emotui.core.runs import checkpoints, launch, lock, log, state
from emotui.core.runs.folder import RunFolder
from emotui.tui.field_names import by_fields
from variants import mostly_slow

from .conftest import SUPERVISOR, Runs, processes_of, until
from .fake_worker import loss_of, states


def whole(runs: Runs, run: RunFolder, steps: int = 40) -> None:
    """Assert that a finished run logged every step once, with the right loss, and has the right weights."""
    expected = states(steps)
    assert runs.losses(run) == {number: loss_of(value) for number, value in enumerate(expected, 1)}
    assert (run.model / "model.safetensors").read_text() == str(expected[-1])
    seqs = [line.seq for line in log.Reader(run.events_file).read()]
    assert seqs == sorted(set(seqs))


def test_a_run_finishes_with_everything_it_logged(runs: Runs) -> None:
    run = runs.start()
    view = runs.end(run)
    assert (view.state, view.reason, view.attempt, view.step, view.steps) == ("finished", "", 1, 40, 40)
    whole(runs, run)
    result = run.read_result()
    assert result is not None
    assert (result.cause, result.step, [row.epoch for row in result.epochs]) == ("finished", 40, [1, 2, 3, 4])
    assert result.finished == view.finished is not None
    glance = state.glance(run)
    assert (glance.state, glance.step, glance.steps, glance.finished, glance.epochs) == ("finished", 40, 40, view.finished, view.epochs)


def test_while_it_runs_the_view_names_its_processes_which_have_a_session_of_their_own(runs: Runs) -> None:
    run = runs.start(steps=400)
    view = runs.at_step(run, 3)
    assert view.state == "running"
    assert view.supervisor_pid and view.worker_pid
    assert os.getsid(view.supervisor_pid) == view.supervisor_pid != os.getsid(0)
    assert os.getpgid(view.worker_pid) == view.worker_pid
    for pid in (view.supervisor_pid, view.worker_pid):
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert psutil.Process(view.supervisor_pid).ppid() != os.getpid()
    assert view.seconds_left is None or 0 <= view.seconds_left < 400
    launch.kill(run)
    assert runs.end(run).state == "stopped"


@pytest.mark.uninstrumented
def test_the_supervisor_loads_no_library_and_is_small(runs: Runs) -> None:
    run = runs.start(steps=400)
    pid = runs.at_step(run, 3).supervisor_pid
    assert pid
    assert "site-packages" not in "".join(each.path for each in psutil.Process(pid).memory_maps())
    assert psutil.Process(pid).memory_full_info().uss < 20e6
    launch.kill(run)


@pytest.mark.parametrize(
    ("accident", "cause", "sentence"),
    [
        ("crash", "crash", "ZeroDivisionError: division by zero in the fake"),
        ("bad_input", "bad_input", "train.jsonl, row 3: the label is missing. Add one, or leave it out with --skip-bad-rows"),
        ("nan", "nan", "the loss is not a number at step 15"),
        ("memory", "oom_kernel", "memory ran out"),
        ("disk", "disk_full", "the disk is full"),
        ("segfault", "crash", "the worker crashed (SIGSEGV)"),
        ("killed", "killed", "the worker was killed (SIGKILL) by something other than emotui"),
        ("quit", "crash", "the worker ended without a result"),
        ("surrogate", "crash", "ValueError: a lone"),
    ],
)
def test_an_accident_is_named_and_not_tried_again(runs: Runs, accident: str, cause: str, sentence: str) -> None:
    run = runs.start(accident=accident)
    view = runs.end(run)
    result = run.read_result()
    assert result is not None
    assert (view.state, result.cause, view.attempt) == ("failed", cause, 1)
    assert sentence in str(view.reason)
    assert "\x1b" not in str(view.reason)
    assert [row.epoch for row in result.epochs] == [1]
    assert max(runs.losses(run)) == 15


def test_why_a_run_failed_is_told_by_options_and_by_fields(runs: Runs) -> None:
    run = runs.start(accident="bad_input")
    view = runs.end(run)
    sound = "train.jsonl, row 3: the label is missing. Add one, or leave it out with"
    told = [note.words for note in view.notes if note.level == "error"]
    for words in (view.reason, state.glance(run).reason, *told):
        assert (str(words), by_fields(words)) == (f"{sound} --skip-bad-rows", f"{sound} the field 'bad rows'")
    result = run.read_result()
    assert told and result is not None and result.reason == f"{sound} --skip-bad-rows"
    run.result_file.unlink()
    assert by_fields(state.view_of(run).reason) == f"{sound} the field 'bad rows'"


def test_a_traceback_is_in_the_log(runs: Runs) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    assert "in accident" in run.log_file.read_text()


def test_a_log_and_what_is_told_of_it_are_safe_whoever_wrote_them(runs: Runs) -> None:
    run = runs.start(accident="hostile")
    view = runs.end(run)
    logged = run.log_file.read_bytes().decode("utf-8", "replace")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", logged + str(view.reason))
    for part in ("␛]52;c;YQ==␇ \ufffd31m \ufffd bold 10%\n20%", "?]0;from a child???", "in accident", "WARNING root: ␛]52"):
        assert part in logged


def test_a_log_is_made_safe_while_its_run_goes_on(runs: Runs) -> None:
    run = runs.start(accident="raw", at=3, steps=100_000)
    until(lambda: b"?]0;raw???" in run.log_file.read_bytes(), "the log to be made safe")
    assert runs.view(run).state == "running"
    launch.kill(run)


ENDLESS = """
import sys
from emotui.core.engine import worker
class Endless:
    def find_spec(self, name, path=None, target=None):
        while name.startswith("emotui.core.model.") and not name.endswith("guard"):
            pass
worker.IMPORT_SECONDS = 0.2
sys.meta_path.insert(0, Endless())
getattr(worker, sys.argv[1])(None, None)
"""


@pytest.mark.parametrize("task", ["fit_baselines", "fine_tune"])
def test_a_worker_whose_libraries_never_come_is_ended(task: str) -> None:
    assert subprocess.run([sys.executable, "-P", "-c", ENDLESS, task], check=False).returncode == -signal.SIGPROF


def test_the_kernels_memory_killer_is_told_from_other_kills(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MEMORY_KILLS", "1")
    run = runs.start(accident="killed")
    view = runs.end(run)
    assert "the kernel killed the worker because memory ran out" in str(view.reason)


def test_out_of_gpu_memory_is_tried_again_with_batches_cut_in_two(runs: Runs) -> None:
    run = runs.start(accident="oom", fits=4)
    view = runs.end(run)
    assert view.state == "finished"
    assert [(each.number, each.first_step) for each in view.attempts] == [(1, 0), (2, 10), (3, 10)]
    assert view.attempts[1].reason == "the GPU ran out of memory; batches are now split into 2 times as many parts"
    assert view.started is not None
    assert view.started.settings["batch_split"] == 4
    whole(runs, run)


def test_what_never_fits_the_gpu_fails_in_the_end(runs: Runs) -> None:
    run = runs.start(accident="oom", fits=10_000, seconds=0.001)
    view = runs.end(run)
    assert (view.state, view.attempt) == ("failed", 5)
    assert "the GPU ran out of memory" in str(view.reason)


def test_running_out_before_training_is_not_tried_again(runs: Runs) -> None:
    run = runs.start(accident="oom", fits=8, silent=True)
    assert (runs.end(run).state, runs.view(run).attempt) == ("failed", 1)


def test_stop_saves_at_the_next_step_and_resume_goes_on(runs: Runs) -> None:
    run = runs.start()
    runs.at_step(run, 5)
    launch.stop(run)
    launch.stop(run)
    view = runs.end(run)
    assert view.state == "stopped"
    assert view.reason == f"it was asked to stop; saved at step {view.step}"
    assert checkpoints.latest(run) == run.checkpoints / f"step-{view.step}"
    launch.kill(run)
    assert not (run.control / "kill").exists()
    runs.resume(run)
    assert (runs.view(run).attempt, runs.view(run).state) == (2, "starting")
    after = runs.end(run)
    assert (after.state, after.attempt, after.attempts[1].first_step) == ("finished", 2, view.step)
    whole(runs, run)
    with pytest.raises(UserError, match="is finished"):
        runs.resume(run)


def test_a_worker_that_does_not_listen_is_ended_with_its_children(runs: Runs) -> None:
    run = runs.start(deaf=True, steps=10_000, children=2)
    runs.at_step(run, 12)
    assert len(processes_of(run)) >= 4
    launch.stop(run)
    view = runs.end(run)
    assert view.state == "stopped"
    assert "did not stop within 1.5 s" in str(view.reason)


def test_kill_ends_a_run_at_once(runs: Runs) -> None:
    run = runs.start(steps=10_000, children=1)
    runs.at_step(run, 12)
    launch.kill(run)
    view = runs.end(run)
    assert view.state == "stopped"
    assert "killed as asked" in str(view.reason)
    assert checkpoints.latest(run) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_stops_the_run(runs: Runs, number: int) -> None:
    run = runs.start(steps=10_000)
    view = runs.at_step(run, 3)
    assert view.supervisor_pid
    os.kill(view.supervisor_pid, number)
    assert runs.end(run).state == "stopped"


def test_a_hang_up_ends_nothing(runs: Runs) -> None:
    run = runs.start()
    view = runs.at_step(run, 3)
    assert view.supervisor_pid and view.worker_pid
    for pid in (view.supervisor_pid, view.worker_pid):
        os.kill(pid, signal.SIGHUP)
    os.killpg(view.worker_pid, signal.SIGHUP)
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_sigterm_to_the_worker_saves_it(runs: Runs) -> None:
    run = runs.start(steps=10_000)
    view = runs.at_step(run, 3)
    assert view.worker_pid
    os.kill(view.worker_pid, signal.SIGTERM)
    ended = runs.end(run)
    assert ended.state == "stopped"
    assert "by a signal from outside emotui" in str(ended.reason)


def test_a_killed_worker_fails_and_resumes_to_the_same_weights(runs: Runs) -> None:
    run = runs.start(children=1)
    view = runs.at_step(run, 14)
    assert view.worker_pid
    os.kill(view.worker_pid, signal.SIGKILL)
    assert runs.end(run).state == "failed"
    runs.resume(run)
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_the_worker_of_a_killed_supervisor_saves_itself_and_no_event_is_lost(runs: Runs) -> None:
    run = runs.start(children=1)
    view = runs.at_step(run, 14)
    assert view.supervisor_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    seen = set()
    while (view := runs.view(run)).state not in ("lost", "stopped"):
        seen.add(view.state)
        time.sleep(0.005)
    assert seen <= {"running"}
    view = runs.end(run)
    assert view.state == "lost"
    assert "its supervisor was killed" in str(view.reason)
    assert f"emotui resume {run.id}" in str(view.reason)
    assert checkpoints.latest(run) == run.checkpoints / f"step-{view.step}"
    assert list(runs.losses(run)) == list(range(1, view.step + 1))
    runs.resume(run)
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_both_killed_at_once_leaves_a_lost_run_that_resumes_without_a_lost_event(runs: Runs) -> None:
    """The supervisor stands still for a while first, so that events are in the pipe when both are killed."""
    run = runs.start(children=1)
    view = runs.at_step(run, 14)
    assert view.supervisor_pid and view.worker_pid
    os.kill(view.supervisor_pid, signal.SIGSTOP)
    until(lambda: (run.checkpoints / "step-30" / "COMPLETE").exists())
    os.kill(view.worker_pid, signal.SIGKILL)
    os.kill(view.supervisor_pid, signal.SIGKILL)
    until(lambda: runs.view(run).state == "lost")
    assert runs.view(run).step < 30
    runs.resume(run)
    view = runs.end(run)
    assert view.state == "finished"
    assert view.attempts[1].first_step >= 30
    whole(runs, run)
    assert not run.journal_file.exists()


def test_resuming_waits_for_the_worker_of_a_killed_supervisor(runs: Runs) -> None:
    run = runs.start(seconds=0.3, steps=20)
    view = runs.at_step(run, 3)
    assert view.supervisor_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    runs.resume(run)
    assert runs.end(run).state == "finished"
    whole(runs, run, 20)


def test_an_orphan_that_does_not_end_is_ended(runs: Runs) -> None:
    run = runs.start(deaf=True, steps=10_000)
    view = runs.at_step(run, 3)
    assert view.supervisor_pid and view.worker_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    until(lambda: lock.holder(run.lock_file) == view.worker_pid)
    launch.stop(run)
    launch.kill(run)
    assert runs.end(run).state == "lost"


def test_a_finished_run_is_finished_although_its_supervisor_died_before_the_result(runs: Runs) -> None:
    run = runs.start()
    runs.end(run)
    run.result_file.unlink()
    lines = run.events_file.read_bytes().splitlines(keepends=True)
    assert b"attempt_ended" in lines[-1]
    run.events_file.write_bytes(b"".join(lines[:-1]))
    assert runs.view(run).state == "finished"
    runs.resume(run)
    assert runs.end(run).state == "finished"
    result = run.read_result()
    assert result is not None
    assert (result.state, result.attempt) == ("finished", 1)
    whole(runs, run)


def test_two_that_resume_at_once_make_one_attempt(runs: Runs) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    outcomes: list[str] = []

    def go_on() -> None:
        try:
            runs.resume(run)
            outcomes.append("ok")
        except UserError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs.end(run)
    assert outcomes.count("ok") == 1
    assert all("is already running" in each for each in outcomes if each != "ok")
    assert runs.view(run).attempt == 2


def test_the_starter_may_die_and_its_run_goes_on(runs: Runs, tmp_path: Path) -> None:
    """A process in a terminal of its own starts a run; the terminal is closed."""
    script = tmp_path / "starter.py"
    script.write_text(
        "import sys, time, json, signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "from emotui.core.runs import launch\n"
        "from emotui.core.specs import DataSpec, TrainSpec\n"
        "job = TrainSpec(DataSpec('starter'), sys.argv[1])\n"
        "run = launch.start(job, data_hash='', labels=('a', 'b'), supervisor=json.loads(sys.argv[2]))\n"
        "open(sys.argv[3], 'w').write(str(run.path))\n"
        "time.sleep(600)\n"
    )
    plan, told = runs.job().model, tmp_path / "told"
    master, slave = os.openpty()
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, runpy, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); runpy.run_path(sys.argv.pop(1))",
            str(script),
            plan,
            json.dumps(SUPERVISOR),
            str(told),
        ],
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    until(lambda: told.exists() and told.read_text())
    os.close(master)
    assert starter.wait(20) == -signal.SIGHUP
    run = RunFolder(Path(told.read_text()))
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_the_starter_may_die_before_its_run_has_begun(runs: Runs, emotui_home: Path) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    source, sink = os.pipe()
    starter = subprocess.Popen([*SUPERVISOR, str(run.path), "--ready", str(sink)], pass_fds=[sink], stdin=subprocess.DEVNULL)
    os.close(sink)
    os.close(source)
    assert starter.wait(30) == 0
    until(lambda: runs.view(run).attempt == 2)
    assert runs.end(run).state == "finished"


@pytest.mark.parametrize("seed", mostly_slow(range(3)))
def test_kills_at_random_moments_lose_nothing(runs: Runs, seed: int) -> None:
    moments = random.Random(seed)
    run = runs.start(every=5)
    for _ in range(3):
        time.sleep(moments.uniform(0.2, 0.9))
        view = runs.view(run)
        victim = moments.choice([view.supervisor_pid, view.worker_pid])
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if runs.end(run).state != "finished":
            runs.resume(run)
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_a_clock_that_is_set_back_changes_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    monkeypatch.setenv("FAKE_CLOCK_OFFSET", "-86400")
    runs.resume(run)
    assert runs.end(run).state == "finished"
    lines = log.Reader(run.events_file).read()
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1].time < lines[0].time
    whole(runs, run)


def test_garbage_and_a_torn_line_in_the_log_do_not_stop_a_resume(runs: Runs) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    run.result_file.unlink()
    with run.events_file.open("ab") as file:
        file.write(b'\x00\xff garbage\n[1]\n{"attempt":1,"seq":999999,"time":1.0,"event":{"kind":"st')
    runs.resume(run)
    assert runs.end(run).state == "finished"
    whole(runs, run)


@pytest.mark.parametrize("broken", mostly_slow(["COMPLETE", "short", "state.json", "more.bin", "all"], 2))
def test_a_checkpoint_that_lacks_a_file_does_not_count(runs: Runs, broken: str) -> None:
    run = runs.start(at=35, accident="crash")
    runs.end(run)
    newest = checkpoints.latest(run)
    assert newest is not None and newest.name == "step-30"
    for folder in [newest] if broken != "all" else list(run.checkpoints.iterdir()):
        if broken == "short":
            (folder / "more.bin").write_bytes(bytes(999))
        else:
            (folder / (broken if broken != "all" else "COMPLETE")).unlink()
    runs.resume(run)
    view = runs.end(run)
    assert view.state == "finished"
    assert view.attempts[1].first_step == (0 if broken == "all" else 20)
    whole(runs, run)


@pytest.mark.parametrize(("name", "value"), [("learning_rate", 0.25), ("model", "another")])
def test_a_changed_setting_refuses_to_resume(runs: Runs, name: str, value: float | str) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    spec = json.loads(run.spec_file.read_text())
    was = spec["job"][name] or 0.5
    run.spec_file.write_text(json.dumps(spec | {"job": spec["job"] | {name: value}}))
    with pytest.raises(UserError, match=re.escape(f"{name} was {was} when it started, but is {value} in spec.json now")):
        runs.resume(run)
    assert runs.view(run).state == "failed"


def test_a_run_folder_that_is_gone_is_lost_and_its_worker_ended(runs: Runs, tmp_path: Path) -> None:
    run = runs.start(steps=10_000)
    view = runs.at_step(run, 3)
    reader = state.RunReader(run)
    run.path.rename(tmp_path / "elsewhere")
    reader.poll()
    assert reader.view.state == "lost"
    assert "is gone" in str(reader.view.reason)
    until(lambda: not any(psutil.pid_exists(pid) for pid in (view.supervisor_pid, view.worker_pid) if pid))


def test_a_supervisor_that_cannot_begin_says_why(runs: Runs, tmp_path: Path) -> None:
    failing = (sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr); sys.exit(1)")
    with pytest.raises(UserError, match="no such luck"):
        launch.start(runs.job(), data_hash="", labels=(), supervisor=failing)
    with pytest.raises(UserError, match="cannot be started"):
        launch.start(runs.job(), data_hash="", labels=(), supervisor=(str(tmp_path / "nothing"),))


def test_everything_in_a_run_is_private_whatever_the_umask(runs: Runs) -> None:
    old = os.umask(0)
    try:
        run = runs.start(accident="crash")
        runs.end(run)
    finally:
        os.umask(old)
    found = [run.path, *run.path.rglob("*")]
    assert len(found) > 8
    for path in found:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
