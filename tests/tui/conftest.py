"""What the tests of screens share."""

from __future__ import annotations

import frames
import pytest


@pytest.fixture(autouse=True)
def _frames_on_demand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.node.get_closest_marker("every_frame"):
        frames.skip(monkeypatch)
