"""A run of several processes ends with any of them: with its reason, with its own exit code, and with nobody left behind."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from emotui.core.errors import UserError
from emotui.core.runs import launch, ranks
from emotui.core.runs.folder import RunFolder
from variants import mostly_slow

from .conftest import Runs, until
from .test_accidents import whole


def member_of(runs: Runs, run: RunFolder, rank: int) -> psutil.Process:
    """Return a process that the worker of a run that is at step 12 or further has started."""
    first = runs.at_step(run, 12).worker_pid
    assert first
    until(lambda: len(psutil.Process(first).children()) == 2)
    return sorted(psutil.Process(first).children(), key=lambda each: each.pid)[rank - 1]


def test_the_first_process_alone_tells_and_writes(runs: Runs) -> None:
    run = runs.start(processes=3)
    assert runs.end(run).state == "finished"
    whole(runs, run)


def test_a_killed_process_ends_the_run_with_its_reason(runs: Runs) -> None:
    run = runs.start(processes=3, steps=10_000)
    member_of(runs, run, 2).kill()
    view = runs.end(run)
    assert view.state == "failed"
    assert view.reason == "the worker was killed (SIGKILL) by something other than emotui: process 2 of 3 was ended by SIGKILL"
    runs.resume(run)
    assert runs.at_step(run, view.step).state == "running"
    launch.kill(run)
    assert runs.end(run).state == "stopped"


def test_the_others_do_not_outlive_the_first(runs: Runs) -> None:
    run = runs.start(processes=3, steps=10_000)
    member = member_of(runs, run, 1)
    parent = member.parent()
    assert parent
    parent.kill()
    view = runs.end(run)
    assert (view.state, view.reason) == ("failed", "the worker was killed (SIGKILL) by something other than emotui")


def test_the_others_do_not_outlive_worker_and_supervisor_killed_at_once(runs: Runs) -> None:
    run = runs.start(processes=3, steps=10_000)
    member_of(runs, run, 1)
    view = runs.view(run)
    assert view.supervisor_pid and view.worker_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    os.kill(view.worker_pid, signal.SIGKILL)
    assert runs.end(run).state == "lost"


def test_several_processes_of_a_killed_supervisor_save_themselves(runs: Runs) -> None:
    run = runs.start(processes=3, steps=10_000)
    member_of(runs, run, 1)
    view = runs.view(run)
    assert view.supervisor_pid
    os.kill(view.supervisor_pid, signal.SIGKILL)
    until(lambda: runs.view(run).state == "lost")
    view = runs.end(run)
    assert (run.checkpoints / f"step-{view.step}" / "COMPLETE").exists()


@pytest.mark.parametrize(
    ("accident", "cause", "code", "sentence"),
    mostly_slow(
        [
            ("crash", "crash", 1, "ZeroDivisionError: division by zero in the fake (in process 1 of 2)"),
            ("disk", "disk_full", 6, "the disk is full"),
            ("segfault", "crash", -11, "the worker crashed (SIGSEGV): process 1 of 2 was ended by SIGSEGV"),
        ]
    ),
)
def test_an_accident_of_another_process_is_told_as_the_first_ones_would_be(
    runs: Runs, accident: str, cause: str, code: int, sentence: str
) -> None:
    run = runs.start(processes=2, accident=accident, rank="1", steps=10_000)
    view = runs.end(run)
    result = run.read_result()
    assert result is not None
    assert (view.state, result.cause, result.exit_code) == ("failed", cause, code)
    assert sentence in str(view.reason)


def test_a_lack_of_gpu_memory_in_another_process_is_tried_again(runs: Runs) -> None:
    run = runs.start(processes=2, accident="oom", fits=2, rank="1", steps=400, seconds=0.01)
    view = runs.end(run)
    assert (view.state, view.attempt) == ("finished", 2)
    assert view.started is not None
    assert view.started.settings["batch_split"] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", ("10.0.0.1", 29500)),
        ("gpu-1:1234", ("gpu-1", 1234)),
        ("[fe80::1]:1234", ("fe80::1", 1234)),
        ("fe80::1", ("fe80::1", 29500)),
    ],
)
def test_an_address_has_a_port(text: str, expected: tuple[str, int]) -> None:
    assert ranks.split_address(text) == expected


@pytest.mark.parametrize("text", ["", ":1", "host:", "host:x", "host:0", "host:65536"])
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UserError, match="is not ADDRESS"):
        ranks.split_address(text)
