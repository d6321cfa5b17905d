"""Real runs with a worker whose job is small: started, waited for, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from emotui.core.events import Step
from emotui.core.runs import folder, launch, lock, state
from emotui.core.runs.folder import RunFolder
from emotui.core.runs.state import RunView
from emotui.core.specs import DataSpec, TrainSpec

SUPERVISOR = (sys.executable, "-P", str(Path(__file__).with_name("fake_supervisor.py")))
ENDED = ("stopped", "finished", "failed", "lost")


def processes_of(run: RunFolder) -> list[psutil.Process]:
    """Return every process that names the run's folder, as all of them do: supervisor, worker and its children."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and str(run.path) in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(condition: Callable[[], object], what: str = "it", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what} in vain"
        time.sleep(0.02)


class Runs:
    """Makes runs, looks at them and remembers them."""

    def __init__(self, plans: Path) -> None:
        self.plans = plans
        self.made: list[RunFolder] = []

    def job(self, **plan: object) -> TrainSpec:
        path = self.plans / f"plan-{len(self.made)}.json"
        path.write_text(json.dumps(plan))
        return TrainSpec(DataSpec("starter"), str(path))

    def start(self, *, processes: int = 1, **plan: object) -> RunFolder:
        job = msgspec.structs.replace(self.job(**plan), processes=processes)
        run = launch.start(job, data_hash="", labels=("a", "b"), supervisor=SUPERVISOR)
        self.made.append(run)
        return run

    def resume(self, run: RunFolder) -> None:
        launch.resume(run, supervisor=SUPERVISOR)

    def view(self, run: RunFolder) -> RunView:
        reader = state.RunReader(run)
        reader.poll()
        return reader.view

    def at_step(self, run: RunFolder, step: int) -> RunView:
        until(lambda: self.view(run).step >= step or self.view(run).state in ENDED, f"step {step}")
        return self.view(run)

    def end(self, run: RunFolder) -> RunView:
        """Wait until the run has ended and nothing of it is left, and return how."""
        until(lambda: self.view(run).state in ENDED, "the run's end")
        until(lambda: not processes_of(run), "the end of its processes", 20)
        # A process that is ending loses its command line, by which it was found, before the files that it holds.
        until(lambda: lock.holder(run.lock_file) is None, "the lock's release", 20)
        return self.view(run)

    def losses(self, run: RunFolder) -> dict[int, float | None]:
        return {each.step: each.loss for each in self.view(run).curve if isinstance(each, Step)}


@pytest.fixture
def runs(emotui_home: Path, tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    for run in [*made.made, *folder.list_runs()]:
        for process in processes_of(run):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
