"""The short form of `make torture`: every accident once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .torture import ACCIDENTS, WITH_A_DISK, has_namespaces

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("torture"), pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report() -> str:
    """What `make torture` says of every accident at one moment."""
    command = [sys.executable, "-m", "tests.runs.torture", "--moments", "1"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=800)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", [*ACCIDENTS, *WITH_A_DISK])
def test_an_accident_costs_nothing(name: str, report: str) -> None:
    if name in WITH_A_DISK and not has_namespaces():
        pytest.skip("a file system of the test's own needs user namespaces")
    assert f"{name:<32}{1:>6}{1:>13}{1:>14}{0:>13}{0:>9}" in report, report
