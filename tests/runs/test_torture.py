"""The short form of `make torture`: every accident once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .torture import ACCIDENTS, WITH_A_DISK, has_namespaces

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [*ACCIDENTS, *WITH_A_DISK])
def test_an_accident_costs_nothing(name: str) -> None:
    if name in WITH_A_DISK and not has_namespaces():
        pytest.skip("a file system of the test's own needs user namespaces")
    done = subprocess.run(
        [sys.executable, "-m", "tests.runs.torture", "--moments", "1", "--only", name],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name:<32}{1:>6}{1:>13}{1:>14}{0:>13}{0:>9}" in done.stdout
