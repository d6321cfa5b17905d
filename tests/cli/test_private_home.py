"""The folders that emotui writes to: whose they are, and what is said where they cannot be used."""

from __future__ import annotations

import pytest
from emotui.core import paths
from emotui.core.cli import main
from emotui.core.errors import UserError


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_home_that_others_may_write_in_is_refused(emotui_home, mode):
    runs = paths.make_private(paths.runs_folder())
    emotui_home.chmod(mode)
    with pytest.raises(UserError, match=f"others may write in the folder {emotui_home}. Close it with: chmod go-w"):
        paths.make_private(runs)
    emotui_home.chmod(0o755)
    assert paths.make_private(runs) == runs


def test_the_folders_above_the_home_and_outside_it_are_not_looked_at(emotui_home, tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o700)
    own = open_to_all / "own"
    own.mkdir(mode=0o700)
    open_to_all.chmod(0o777)
    assert paths.make_private(own) == own


def test_doctor_names_the_home_and_not_the_installation(emotui_home, capsys):
    emotui_home.write_text("a file")
    assert main(["doctor"]) == 1
    errors = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  error: ")]
    assert errors == [f"  error: {emotui_home} is a file, and a folder is needed there. Move it away or set EMOTUI_HOME"]
