"""A disk that is full for a while costs no event, and is named where it ends a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("full_disk.py")


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [({"steps": 200, "every": 1000}, "kept"), ({"steps": 200, "every": 30}, "failed")],
    ids=["events are kept and written when there is room", "a checkpoint that does not fit ends the run, which resumes"],
)
@pytest.mark.slow
def test_a_full_disk(plan: dict[str, int], outcome: str, tmp_path: Path, emotui_home: Path) -> None:
    if not shutil.which("unshare") or subprocess.run(["unshare", "-Urm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("a file system of the test's own needs user namespaces")
    disk = tmp_path / "disk"
    disk.mkdir()
    # A namespace of processes too: whatever the script leaves ends with it.
    done = subprocess.run(
        ["unshare", "-Urmpf", "--mount-proc", "--kill-child", sys.executable, str(SCRIPT), str(disk), json.dumps(plan), outcome],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
