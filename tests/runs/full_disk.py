"""Run under `unshare -Urm`: a run whose disk is full for a while. Arguments: an empty folder, a plan as JSON, 'kept' or 'failed'."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from emotui.core.runs import launch, state
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec

SUPERVISOR = (sys.executable, "-P", str(Path(__file__).with_name("fake_supervisor.py")))


def wait_for(reader: state.RunReader, *states: str, step: int = 0) -> state.RunView:
    deadline = time.monotonic() + 60
    while reader.view.state not in states or reader.view.step < step:
        assert time.monotonic() < deadline, reader.view
        time.sleep(0.05)
        reader.poll()
    return reader.view


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return filler


def main() -> None:
    disk, plan, outcome = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    (disk.parent / "plan.json").write_text(plan)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(disk)], check=True)
    os.environ["EMOTUI_HOME"] = str(disk)
    job = TrainSpec(DataSpec("starter"), str(disk.parent / "plan.json"))
    run: RunFolder = launch.start(job, data_hash="", labels=(), supervisor=SUPERVISOR)
    reader = state.RunReader(run)
    before = wait_for(reader, "running", step=3).step
    filler = fill(disk)
    time.sleep(2.5)
    reader.poll()
    # A page of the file had room; then the disk was full and nothing came any more.
    assert reader.view.state == "running", reader.view.reason
    assert reader.view.step < before + 60
    stuck = reader.view.step
    time.sleep(0.5)
    reader.poll()
    assert reader.view.step == stuck
    # Whatever became of the worker meanwhile cannot be read anywhere, so the view must not look as if all were well.
    assert str(reader.view.reason).startswith("the disk is full"), reader.view.reason
    assert reader.view.seconds_left is None
    if outcome == "failed":
        launch.stop(run)
    filler.unlink()
    view = wait_for(reader, "finished", "failed", "stopped")
    assert "nothing new can be written" not in str(view.reason)
    if outcome == "kept":
        assert (view.state, view.attempt) == ("finished", 1), view.reason
    else:
        assert view.state == "failed", view
        assert "the disk is full" in str(view.reason), view.reason
        launch.resume(run, supervisor=SUPERVISOR)
        view = wait_for(reader, "finished")
    assert [each.step for each in view.curve] == list(range(1, view.steps + 1))


if __name__ == "__main__":
    main()
