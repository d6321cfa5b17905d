"""Events fold into one view, whatever attempts there were, and the state follows from result, lock and processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from emotui.core import events as e
from emotui.core.errors import UserError
from emotui.core.runs import folder, identity, lock, log, state
from emotui.core.runs.fold import LONGEST_NOTE, Fold
from emotui.core.runs.folder import RunFolder
from emotui.core.safe_text import safe_line
from emotui.core.specs import BaselineSpec, DataSpec, RunSpec, TrainSpec

METRICS = e.Metrics("validation", 4, 0.5, 0.5, 0.5, {}, ((1,),))
_CLASS = e.ClassMetrics(0.5, 0.5, 0.5, 2)
MEASURED = e.Metrics("validation", 4, 0.5, 0.5, 0.5, {"a": _CLASS, "b": _CLASS}, ((1, 1), (1, 1)))
STARTED = e.Started("cpu", "a processor", "float32", ("a", "b"), {"train": 10}, {}, 100, 1)


def step(number: int, loss: float = 0.5) -> e.Step:
    return e.Step(number, number / 10, loss, 0.1, None, 1, 1, 0.1)


def evaluated(number: int) -> e.Evaluated:
    return e.Evaluated(number, number / 10, METRICS)


def epoch(number: int, at: int) -> e.EpochDone:
    return e.EpochDone(at, e.EpochRow(number, 0.5, 0.5, 0.5, 0.5, 0.5))


def fold_of(*each: e.Event, seconds: float = 1.0) -> Fold:
    fold, attempt = Fold(), 0
    for number, event in enumerate(each, 1):
        attempt += isinstance(event, e.AttemptStarted)
        fold.apply([e.Line(attempt, number, number * seconds, event)])
    return fold


def begun(resumed_step: int = 0, reason: str = "") -> e.AttemptStarted:
    return e.AttemptStarted(123, reason=reason, resumed_step=resumed_step)


def test_a_new_attempt_takes_back_what_came_after_its_checkpoint() -> None:
    fold = fold_of(
        begun(),
        STARTED,
        *(step(number) for number in range(1, 8)),
        evaluated(3),
        e.Padding(4, 10, 1),
        epoch(1, 3),
        e.CheckpointSaved(4, 0.1),
        e.Padding(6, 20, 4),
        evaluated(6),
        epoch(2, 6),
        begun(4, "resumed"),
    )
    assert [each.step for each in fold.of_step(e.Step)] == [1, 2, 3, 4]
    assert [each.step for each in fold.of_step(e.Evaluated)] == [3]
    assert [each.row.epoch for each in fold.of_step(e.EpochDone)] == [1]
    assert [each.step for each in fold.of_step(e.CheckpointSaved)] == [4]
    assert fold.of_step(e.Padding) == [e.Padding(4, 10, 1)]
    assert (fold.attempt, fold.step, fold.attempts) == (2, 4, [(1, 0, ""), (2, 4, "resumed")])
    assert not fold.has_reported


def test_the_last_word_on_a_step_counts() -> None:
    fold = fold_of(begun(), *(step(number, 1.0) for number in (1, 2, 3)), step(2, 0.25), evaluated(2), evaluated(2))
    assert [(each.step, each.loss) for each in fold.of_step(e.Step)] == [(1, 1.0), (2, 0.25)]
    assert len(fold.of_step(e.Evaluated)) == 1


def test_rungs_begin_anew_with_each_attempt() -> None:
    rung = e.Rung("tfidf", METRICS, 1.0)
    fold = fold_of(begun(), e.RungDone(rung), begun(), e.RungDone(rung))
    assert fold.rungs == [rung]


def test_a_phase_ends_with_the_first_step() -> None:
    phase = e.Progress("tokenize", 1, 2, "rows", 1.0)
    assert fold_of(begun(), STARTED, phase).progress == phase
    assert fold_of(begun(), STARTED, phase, step(1)).progress is None


def test_only_the_newest_readings_are_kept() -> None:
    fold = fold_of(begun(), *(e.Telemetry(float(number), 1, 2) for number in range(200)))
    assert [each.cpu_percent for each in fold.telemetry] == [float(number) for number in range(80, 200)]


def test_the_time_left_is_the_pace_of_the_wall_clock_times_the_steps_left() -> None:
    fold = fold_of(begun(), STARTED, *(step(number) for number in range(1, 11)), seconds=3.0)
    assert fold.seconds_left() == pytest.approx(90 * 3.0)
    assert fold_of(begun(), STARTED, step(1)).seconds_left() is None
    assert fold_of(begun(), STARTED, step(1), step(2), seconds=-1.0).seconds_left() is None


def timed(*each: tuple[float, e.Event]) -> Fold:
    """Return a fold of events with the seconds at which they were told."""
    fold = Fold()
    fold.apply([e.Line(1, number, time, event) for number, (time, event) in enumerate(each, 1)])
    return fold


def test_after_a_slow_phase_the_time_left_follows_the_newest_steps() -> None:
    slow = [(10.0 * number, step(number)) for number in range(1, 31)]
    fast = [(300.0 + number, step(30 + number)) for number in range(1, 31)]
    assert timed((0, begun()), (0, STARTED), *slow).seconds_left() == pytest.approx(70 * 10.0)
    assert timed((0, begun()), (0, STARTED), *slow, *fast).seconds_left() == pytest.approx(40 * 1.0)
    assert timed(
        (0, begun()), (0, STARTED), *fast, *((331.0 + 9.0 * n, step(60 + n)) for n in range(1, 31))
    ).seconds_left() == pytest.approx(10 * 9.0)


def test_evaluations_and_checkpoints_of_the_steps_left_are_counted() -> None:
    events: list[tuple[float, e.Event]] = [(0, begun()), (0, STARTED)]
    now = 0.0
    for number in range(1, 51):
        now += 2.0
        events.append((now, step(number)))
        if number % 10 == 0:
            now += 30.0
            events.append((now, evaluated(number)))
    # 49 steps of 2 s, and four pauses of 30 s in them; the fifth is not over.
    assert timed(*events).seconds_left() == pytest.approx(50 * (2.0 + 4 * 30.0 / 49))


def test_a_phase_is_left_as_long_as_its_newest_reports_say() -> None:
    reports = [e.Progress("extract", done, 1_000, "rows", 10.0 * done) for done in range(1, 31)]
    reports += [e.Progress("extract", 30 + 10 * more, 1_000, "rows", 300.0 + more) for more in range(1, 31)]
    fold = timed((0, begun()), *((each.seconds, each) for each in reports))
    assert fold.phase_seconds_left() == pytest.approx((1_000 - 330) * 0.1)
    fold.apply([e.Line(1, 99, 999.0, e.Progress("fit", 5, 10, "iterations", 1.0))])
    assert fold.phase_seconds_left() == pytest.approx(1.0)


def test_a_hundred_thousand_events_fold_fast_and_grow_cheaply(emotui_home: Path) -> None:
    run = folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=(), versions={})
    with run.events_file.open("wb") as file:
        for number in range(1, 100_001):
            file.write(msgspec.json.encode(e.Line(1, number, float(number), step(number))) + b"\n")
    reader = state.RunReader(run)
    began = time.process_time()
    reader.poll()
    assert len(reader.view.curve) == 100_000
    assert time.process_time() - began < 3
    out = log.Writer(run.events_file, seq=100_000, clock=time.time)
    began = time.process_time()
    for number in range(20):
        out.add(msgspec.json.encode(step(100_001 + number)), attempt=1)
        assert reader.poll()
        assert reader.view.step == 100_001 + number
        assert not reader.poll()
    assert time.process_time() - began < 1


@pytest.fixture
def run(emotui_home: Path) -> RunFolder:
    return folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=("a", "b"), versions={})


def standing(run: RunFolder) -> tuple[str, str]:
    reader = state.RunReader(run)
    reader.poll()
    glance = state.glance(run)
    assert (glance.state, glance.reason) == (reader.view.state, reader.view.reason)
    return reader.view.state, str(reader.view.reason)


def dead_process() -> dict[str, object]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = identity.of(child.pid)
    child.communicate(b"\n")
    assert who is not None and not who.is_alive()
    return who.to_json()


def write(run: RunFolder, *each: e.Event) -> None:
    out = log.Writer(run.events_file, seq=0, clock=lambda: 1.0)
    for event in each:
        out.add(msgspec.json.encode(event), attempt=1)


def test_a_run_whose_launcher_lives_is_starting(run: RunFolder) -> None:
    assert standing(run) == ("starting", "")


def test_a_run_whose_launcher_died_was_never_started(run: RunFolder) -> None:
    run.write_processes({"launcher": dead_process()})
    assert standing(run) == ("lost", "it was never started")
    run.proc_file.unlink()
    assert standing(run) == ("lost", "it was never started")


HOLD = """
import sys
from pathlib import Path
from emotui.core.runs import lock
lock.hold(Path(sys.argv[1]))
print("held", flush=True)
input()
"""


def test_a_held_lock_is_a_living_run_and_a_free_one_a_lost_run(run: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run.lock_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert lock.holder(run.lock_file) == holder.pid
        assert lock.hold(run.lock_file) is None
        assert standing(run) == ("starting", "")
        supervisor = identity.of(holder.pid)
        assert supervisor
        run.write_processes({"supervisor": supervisor.to_json()})
        write(run, begun(), e.Progress("load", 0, None, "files", 0.0))
        assert standing(run) == ("running", "")
        holder.kill()
    assert lock.holder(run.lock_file) is None
    assert standing(run) == ("lost", f"its supervisor was killed; continue with: emotui resume {run.id}")


def test_another_start_of_the_machine_is_named(run: RunFolder) -> None:
    run.write_processes({"supervisor": {**dead_process(), "boot": "another"}})
    assert standing(run)[1].startswith("the machine was restarted while it ran")


def test_a_recycled_number_is_no_living_process(run: RunFolder) -> None:
    me = identity.of(os.getpid())
    assert me is not None and me.is_alive()
    recycled = identity.Identity(me.pid, str(int(me.started) - 1), me.boot)
    assert not recycled.is_alive()
    run.write_processes({"supervisor": dead_process(), "worker": recycled.to_json()})
    assert standing(run)[0] == "lost"
    run.write_processes({"supervisor": dead_process(), "worker": me.to_json()})
    assert standing(run) == ("running", "its supervisor was killed; the worker saves a checkpoint and ends")


def test_the_log_says_how_it_ended_where_the_result_is_missing(run: RunFolder) -> None:
    run.write_processes({"supervisor": dead_process()})
    write(run, begun(), STARTED, step(1), e.AttemptEnded(1, None, "crash", "ValueError: no"))
    assert standing(run) == ("failed", "ValueError: no")


def test_the_result_outranks_everything(run: RunFolder) -> None:
    run.result_file.write_bytes(msgspec.json.encode(e.Result("failed", "the disk is full", 12.0, "disk_full", step=3, steps=9)))
    assert standing(run) == ("failed", "the disk is full")
    assert state.glance(run).step == 3
    run.result_file.write_text("{")
    assert standing(run)[0] == "unreadable"


def test_a_ladder_tells_the_time_left_of_its_phase(emotui_home: Path) -> None:
    run = folder.create(BaselineSpec(DataSpec("starter")), data_hash="", labels=(), versions={})
    me = identity.of(os.getpid())
    assert me
    run.write_processes({"supervisor": dead_process(), "worker": me.to_json()})
    write(run, begun(), e.Progress("extract", 25, 100, "rows", 5.0))
    reader = state.RunReader(run)
    reader.poll()
    assert reader.view.seconds_left == pytest.approx(15.0)


def test_a_worker_that_is_gone_is_no_longer_named(run: RunFolder) -> None:
    run.write_processes({"supervisor": dead_process()})
    write(run, begun(), step(1))
    reader = state.RunReader(run)
    reader.poll()
    assert reader.view.worker_pid is None
    assert json.loads(run.proc_file.read_text())["supervisor"]


def viewed(run: RunFolder) -> state.RunView:
    reader = state.RunReader(run)
    reader.poll()
    return reader.view


def test_a_view_tells_all_that_the_events_told(run: RunFolder) -> None:
    measured = msgspec.structs.replace(MEASURED, accuracy=0.75)
    told: tuple[e.Event, ...] = (
        begun(reason="first"),
        STARTED,
        e.Note("info", "a note"),
        step(1),
        step(2),
        e.Evaluated(2, 0.2, MEASURED),
        e.Evaluated(3, 0.3, measured),
        epoch(1, 2),
        e.CheckpointSaved(2, 0.1),
        e.Telemetry(50.0, 1, 2),
    )
    write(run, *told)
    me = identity.of(os.getpid())
    assert me is not None
    run.write_processes({"supervisor": dead_process(), "worker": me.to_json()})
    view = viewed(run)
    assert (view.id, view.folder, view.spec) == (run.id, str(run.path), run.read_spec())
    assert (view.state, view.is_live, view.is_whole, view.has_spec, view.faults) == ("running", True, True, True, ())
    assert (view.attempt, view.step, view.steps, view.started) == (1, 2, 100, STARTED)
    assert view.curve == (step(1), step(2))
    assert view.evaluations == (told[5], told[6])
    assert [each.epoch for each in view.epochs] == [1]
    assert [each.step for each in view.checkpoints] == [2]
    assert view.telemetry == (told[9],)
    assert [each.message for each in view.notes] == ["a note"]
    assert view.attempts == (state.Attempt(1, 0, "first"),)
    assert (view.finished, view.rungs, view.progress, view.supervisor_pid) == (None, (), None, None)
    assert (view.worker_pid, view.last_event, view.ended) == (123, 1.0, None)
    assert view.measured == measured
    assert view.score("accuracy") == 0.75
    assert view.task == "fine-tune"

    glance = state.glance(run)
    assert (glance.curve, glance.evaluations, glance.telemetry, glance.is_whole) == ((), (), (), False)
    assert glance == msgspec.structs.replace(view, by_step={}, telemetry=(), is_whole=False)
    assert glance.score("f1_weighted") == 0.5  # of the newest epoch: a list reads no metrics


def test_a_phase_is_told_while_the_run_lives(run: RunFolder) -> None:
    phase = e.Progress("tokenize", 1, 2, "rows", 1.0)
    write(run, begun(), STARTED, phase)
    assert viewed(run).progress == phase
    run.write_processes({"supervisor": dead_process()})
    assert viewed(run).progress is None


def test_a_result_is_told_by_the_view_and_by_the_glance(run: RunFolder) -> None:
    rung = e.Rung("tfidf", MEASURED, 1.0)
    row = e.EpochRow(1, 0.5, 0.5, 0.5, 0.5, 0.5)
    finished = e.Finished(MEASURED, 1.0, 9, 0.1)
    result = e.Result("stopped", "as asked", 12.0, "stopped", attempt=2, step=3, steps=9, finished=finished, rungs=(rung,), epochs=(row,))
    run.result_file.write_bytes(msgspec.json.encode(result))
    glance = state.glance(run)
    assert (glance.id, glance.folder, glance.spec) == (run.id, str(run.path), run.read_spec())
    assert (glance.state, glance.reason, glance.attempt, glance.step, glance.steps) == ("stopped", "as asked", 2, 3, 9)
    assert (glance.epochs, glance.rungs, glance.finished, glance.ended, glance.is_whole) == ((row,), (rung,), finished, 12.0, False)
    view = viewed(run)
    assert (view.state, view.reason, view.ended, view.finished, view.is_live) == ("stopped", "as asked", 12.0, finished, False)
    assert view.measured == MEASURED


def test_a_long_reason_is_cut(run: RunFolder) -> None:
    run.result_file.write_bytes(msgspec.json.encode(e.Result("failed", "x" * 100_000, 12.0, "crash")))
    assert standing(run) == ("failed", "x" * LONGEST_NOTE)


def test_the_named_rung_stands_for_a_baseline_and_else_the_best(run: RunFolder) -> None:
    better = msgspec.structs.replace(MEASURED, f1_macro=0.8, accuracy=0.9)
    ladder = (e.Rung("tfidf", MEASURED, 1.0), e.Rung("mean", better, 1.0))
    view = msgspec.structs.replace(viewed(run), rungs=ladder)
    assert view.best_rung == ladder[1]
    assert view.rung("tfidf") == ladder[0]
    assert view.rung("unknown") == ladder[1]
    assert view.measured == better
    assert view.measured_by("tfidf") == MEASURED
    assert view.measured_by("unknown") == better
    assert view.score("accuracy") == 0.9


def test_what_stands_for_a_run_is_its_end_before_its_epochs(run: RunFolder) -> None:
    view = viewed(run)
    assert view.measured is None
    assert view.score("accuracy") is None
    later = msgspec.structs.replace(MEASURED, accuracy=0.75)
    evaluated_ = msgspec.structs.replace(view, by_step={e.Evaluated: (evaluated(1), e.Evaluated(2, 0.2, later))})
    assert evaluated_.measured == later
    ended = msgspec.structs.replace(MEASURED, accuracy=0.25)
    assert msgspec.structs.replace(evaluated_, finished=e.Finished(ended, 1.0, 9, 0.1)).measured == ended


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (e.AttemptEnded(0, None, "finished", "done"), ("finished", "done")),
        (e.AttemptEnded(0, None, "stopped", "as asked"), ("stopped", "as asked")),
        (e.AttemptEnded(1, None, "crash", "no"), ("failed", "no")),
        (e.Finished(MEASURED, 1.0, 9, 0.1), ("finished", "")),
        (step(7), ("lost", "its supervisor was killed at step 7; continue with: emotui resume ")),
    ],
)
def test_the_last_event_says_how_a_run_ended(run: RunFolder, event: e.Event, expected: tuple[str, str]) -> None:
    run.write_processes({"supervisor": dead_process()})
    write(run, begun(), STARTED, event)
    found, reason = standing(run)
    assert (found, reason.removesuffix(run.id)) == expected
    assert viewed(run).ended == (1.0 if isinstance(event, e.AttemptEnded) else None)


def test_a_folder_that_went_is_told(run: RunFolder) -> None:
    reader = state.RunReader(run)
    shutil.rmtree(run.path)
    reader.poll()
    assert (reader.view.state, reader.view.reason) == ("lost", f"its folder {run.path} is gone")
    with pytest.raises(UserError, match=re.escape(f"there is no run {run.path}. List the runs with: emotui runs")):
        state.RunReader(run)
    with pytest.raises(UserError, match="there is no run"):
        state.RunReader(RunFolder(run.path.with_name("x" * 200)))


def test_the_path_of_a_run_that_is_not_there_is_cut(emotui_home: Path) -> None:
    with pytest.raises(UserError) as caught:
        state.RunReader(RunFolder(emotui_home / "x" / ("y" * 250)))
    shown = str(caught.value).removeprefix("there is no run ").removesuffix(". List the runs with: emotui runs")
    assert shown == safe_line(str(emotui_home / "x" / ("y" * 250)), 160)


def test_settings_of_another_version_are_named(run: RunFolder) -> None:
    spec = json.loads(run.spec_file.read_text())
    spec["job"] |= {"colour": "red", "shape": "round"}
    run.spec_file.write_text(json.dumps(spec))
    sentence = "spec.json was written by another version of emotui, with settings that this one does not know: "
    assert viewed(run).faults == (f"{sentence}job.colour, job.shape",) or viewed(run).faults == (f"{sentence}colour, shape",)


def test_a_run_without_a_readable_spec_says_why_and_stands_for_nothing(run: RunFolder) -> None:
    run.spec_file.write_text("{")
    os.utime(run.path, (1_000.0, 1_000.0))
    view = viewed(run)
    assert (view.state, view.has_spec, view.task, view.seconds_left) == ("unreadable", False, "", None)
    assert "spec.json" in str(view.reason)
    assert view.spec == RunSpec(run.id, 1_000.0, TrainSpec(DataSpec(""), ""))
    os.utime(run.path, (-5.0, -5.0))
    assert state.blank_spec(run).created == 0.0
    shutil.rmtree(run.path)
    assert state.blank_spec(run).created == 0.0


def test_events_that_cannot_be_read_make_a_run_unreadable_unless_it_has_a_result(run: RunFolder) -> None:
    run.events_file.mkdir()
    found, reason = standing(run)
    assert (found, str(run.events_file) in reason, "None" in reason) == ("unreadable", True, False)
    assert viewed(run).faults == ()  # the reason says it
    run.result_file.write_bytes(msgspec.json.encode(e.Result("finished", "", 12.0, "finished")))
    view = viewed(run)
    assert (view.state, view.faults) == ("finished", (reason,))
    run.events_file.rmdir()
    reader = state.RunReader(run)
    reader.poll()
    assert reader.view.faults == ()


def test_events_that_the_disk_refuses_are_told_in_the_systems_words(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: log.Reader) -> list[e.Line]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(log.Reader, "read", read)
    assert standing(run) == ("unreadable", f"{run.events_file}: Input/output error")


def test_a_poll_tells_whether_anything_changed(run: RunFolder) -> None:
    reader = state.RunReader(run)
    assert reader.poll()
    assert reader.view.state == "starting"
    assert not reader.poll()
    write(run, begun(), STARTED)
    assert reader.poll()
    assert reader.view.started == STARTED
    assert not reader.poll()
    run.write_processes({"supervisor": dead_process()})
    assert reader.poll()  # the state alone
    assert reader.view.state == "lost"
    run.result_file.write_bytes(msgspec.json.encode(e.Result("finished", "", 12.0, "finished")))
    assert reader.poll()
    assert reader.view.state == "finished"
    assert not reader.poll()
    run.result_file.write_bytes(msgspec.json.encode(e.Result("finished", "", 13.0, "finished")))
    assert reader.poll()  # the result alone
    assert reader.view.ended == 13.0


def test_a_log_that_begins_anew_is_folded_anew(run: RunFolder) -> None:
    write(run, begun(), STARTED, step(1), step(2))
    reader = state.RunReader(run)
    reader.poll()
    assert [each.step for each in reader.view.curve] == [1, 2]
    run.events_file.unlink()
    write(run, begun(), step(5))
    assert reader.poll()
    assert [each.step for each in reader.view.curve] == [5]


@pytest.fixture
def held(run: RunFolder) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run.lock_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        yield holder
        holder.kill()


def test_a_worker_that_holds_the_lock_is_an_orphan(run: RunFolder, held: subprocess.Popen[bytes]) -> None:
    write(run, e.AttemptStarted(held.pid), STARTED)
    assert standing(run) == ("running", "its supervisor was killed; the worker saves a checkpoint and ends")
    assert viewed(run).supervisor_pid is None


def test_the_supervisor_and_its_problem_are_named(run: RunFolder, held: subprocess.Popen[bytes]) -> None:
    run.write_processes({"problem": "p" * 300})
    assert standing(run) == ("starting", safe_line("p" * 300, 200))
    assert viewed(run).supervisor_pid == held.pid


def test_the_supervisor_is_named_by_its_file_where_the_lock_names_nobody(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "holder", lambda path: 0)
    assert viewed(run).supervisor_pid is None
    me = identity.of(os.getpid())
    assert me is not None
    run.write_processes({"supervisor": me.to_json()})
    assert viewed(run).supervisor_pid == me.pid


class Disk(NamedTuple):
    f_blocks: int
    f_bavail: int
    f_bfree: int


@pytest.mark.parametrize(
    ("disk", "user", "cannot_write", "is_full"),
    [
        (Disk(10, 0, 5), 1_000, False, True),
        (Disk(10, 0, 5), 0, False, False),
        (Disk(10, 5, 0), 0, False, True),
        (Disk(10, 5, 0), 1_000, False, False),
        (Disk(1, 0, 0), 0, False, True),
        (Disk(10, 1, 1), 0, False, False),
        (Disk(0, 0, 0), 0, False, False),  # a file system that counts no blocks
        (Disk(10, 5, 5), 0, True, True),
        (None, 0, True, False),
    ],
)
def test_a_full_disk_is_told_of_a_run_that_lives(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, disk: Disk | None, user: int, *, cannot_write: bool, is_full: bool
) -> None:
    real = os.geteuid()
    asked: list[Path] = []

    def statvfs(folder: Path) -> Disk:
        assert folder == run.path
        asked.append(folder)
        if disk is None:
            raise OSError
        return disk

    def takes(folder: Path) -> bool:
        assert folder == run.path
        return cannot_write

    monkeypatch.setattr(lock, "holder", lambda path: 1)
    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.setattr(os, "geteuid", lambda: user if asked else real)
    monkeypatch.setattr(log, "cannot_write", takes)
    reason = viewed(run).reason
    assert str(reason).startswith("the disk is full") is is_full
    assert bool(reason) is is_full


def test_the_disk_is_looked_at_every_two_seconds(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks = [1_000.0], []
    monkeypatch.setattr(lock, "holder", lambda path: 1)
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(state, "_is_full", lambda path: looks.append(now[0]) is None)
    reader = state.RunReader(run)
    for seconds in (0.0, 1.9, 0.1, 1.0, 1.0):
        now[0] += seconds
        reader.poll()
        assert str(reader.view.reason).startswith("the disk is full")
    assert looks == pytest.approx([1_000.0, 1_002.0, 1_004.0])


def test_the_time_left_is_that_of_a_running_run(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "holder", lambda path: 1)
    clock = iter(float(number) for number in range(99))
    out = log.Writer(run.events_file, seq=0, clock=lambda: next(clock))
    for event in (begun(), STARTED, *(step(number) for number in range(1, 11))):
        out.add(msgspec.json.encode(event), attempt=1)
    assert viewed(run).seconds_left == pytest.approx(90.0)
    out.add(msgspec.json.encode(e.Progress("evaluate", 1, 2, "rows", 1.0)), attempt=1)
    assert viewed(run).seconds_left == pytest.approx(90.0, rel=0.2)
    run.write_processes({"problem": "something"})
    assert viewed(run).seconds_left is None


def test_a_phase_of_a_training_has_no_time_left(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "holder", lambda path: 1)
    write(run, begun(), STARTED, e.Progress("tokenize", 25, 100, "rows", 5.0))
    assert viewed(run).seconds_left is None
