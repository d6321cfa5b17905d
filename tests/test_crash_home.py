"""An error is told also where its traceback can be kept nowhere."""

from __future__ import annotations

import pytest
from emotui.core import crash


@pytest.mark.parametrize("home", ["~nosuch", "/etc/passwd", "/dev/null/x"])
def test_an_error_is_told_whatever_the_home_is(home: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMOTUI_HOME", home)
    error = RuntimeError("so it is")
    told = crash.sentence(error, crash.record(error))
    assert "RuntimeError: so it is" in told
