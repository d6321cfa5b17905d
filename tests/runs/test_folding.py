"""Events fold into one view, whatever attempts there were, and the state follows from result, lock and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from emotui.core import events as e
from emotui.core.runs import folder, identity, lock, log, state
from emotui.core.runs.fold import Fold
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec

METRICS = e.Metrics("validation", 4, 0.5, 0.5, 0.5, {}, ((1,),))
STARTED = e.Started("cpu", "a processor", "float32", ("a", "b"), {"train": 10}, {}, 100, 1)


def step(number: int, loss: float = 0.5) -> e.Step:
    return e.Step(number, number / 10, loss, 0.1, None, 1, 1, 0.1)


def evaluated(number: int) -> e.Evaluated:
    return e.Evaluated(number, number / 10, METRICS)


def epoch(number: int, at: int) -> e.EpochDone:
    return e.EpochDone(e.EpochRow(number, 0.5, 0.5, 0.5, 0.5, 0.5), at)


def fold_of(*each: e.Event, seconds: float = 1.0) -> Fold:
    fold, attempt = Fold(), 0
    for number, event in enumerate(each, 1):
        attempt += isinstance(event, e.AttemptStarted)
        fold.take([e.Line(attempt, number, number * seconds, event)])
    return fold


def begun(resumed_step: int = 0, reason: str = "") -> e.AttemptStarted:
    return e.AttemptStarted(123, reason=reason, resumed_step=resumed_step)


def test_a_new_attempt_takes_back_what_came_after_its_checkpoint() -> None:
    fold = fold_of(
        begun(),
        STARTED,
        *(step(number) for number in range(1, 8)),
        evaluated(3),
        epoch(1, 3),
        e.CheckpointSaved(4, 0.1),
        evaluated(6),
        epoch(2, 6),
        begun(4, "resumed"),
    )
    assert [each.step for each in fold.curve] == [1, 2, 3, 4]
    assert [each.step for each in fold.evaluations] == [3]
    assert [each.row.epoch for each in fold.epochs] == [1]
    assert [each.step for each in fold.checkpoints] == [4]
    assert (fold.attempt, fold.step, fold.attempts) == (2, 4, [(1, 0, ""), (2, 4, "resumed")])
    assert not fold.has_reported


def test_the_last_word_on_a_step_counts() -> None:
    fold = fold_of(begun(), *(step(number, 1.0) for number in (1, 2, 3)), step(2, 0.25), evaluated(2), evaluated(2))
    assert [(each.step, each.loss) for each in fold.curve] == [(1, 1.0), (2, 0.25)]
    assert len(fold.evaluations) == 1


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
    fold.take([e.Line(1, number, time, event) for number, (time, event) in enumerate(each, 1)])
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
    fold.take([e.Line(1, 99, 999.0, e.Progress("fit", 5, 10, "iterations", 1.0))])
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
    return folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=("a",), versions={})


def standing(run: RunFolder) -> tuple[str, str]:
    reader = state.RunReader(run)
    reader.poll()
    glance = state.glance(run)
    assert (glance.state, glance.reason) == (reader.view.state, reader.view.reason)
    return reader.view.state, reader.view.reason


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
    assert standing(run) == ("lost", f"its supervisor was killed; go on with: emotui resume {run.id}")


def test_another_start_of_the_machine_is_named(run: RunFolder) -> None:
    run.write_processes({"supervisor": {**dead_process(), "boot": "another"}})
    assert standing(run)[1].startswith("the machine was started again while it ran")


def test_a_recycled_number_is_no_living_process(run: RunFolder) -> None:
    me = identity.of(os.getpid())
    assert me is not None and me.is_alive()
    recycled = identity.Identity(me.pid, str(int(me.started) - 1), me.boot)
    assert not recycled.is_alive()
    run.write_processes({"supervisor": dead_process(), "worker": recycled.to_json()})
    assert standing(run)[0] == "lost"
    run.write_processes({"supervisor": dead_process(), "worker": me.to_json()})
    assert standing(run) == ("running", "its supervisor was killed; the worker saves itself and ends")


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
