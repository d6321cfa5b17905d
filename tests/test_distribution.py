"""The tests of one xdist_group stay on one worker: pytest-xdist 3.8 forgets that with pytest 9.2 and says nothing (its issue 1386)."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("probe")
def test_groups_are_known_to_the_workers(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("the tests are not distributed by groups")
    assert request.node.nodeid.endswith("@probe")
