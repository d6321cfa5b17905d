"""The folders that emotui writes to: whose they are, and what is said where they cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from emotui.core import paths
from emotui.core.cli import main
from emotui.core.errors import UserError


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_home_that_others_may_write_in_is_refused(emotui_home, mode):
    runs = paths.make_private(paths.runs_folder())
    emotui_home.chmod(mode)
    with pytest.raises(UserError, match=f"other users may write to the folder {emotui_home}. Protect it with: chmod go-w"):
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
@pytest.mark.parametrize("below", ["", "home"])
def test_a_home_that_another_users_link_leads_to_is_refused(emotui_home, tmp_path, monkeypatch, below):
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    link = tmp_path / "shared" / "link"
    link.symlink_to(tmp_path / "mine")
    monkeypatch.setenv("EMOTUI_HOME", str(link / below))
    paths.make_private(paths.runs_folder()).rmdir()  # by a link of one's own
    os.lchown(link, 54_321, 54_321)
    with pytest.raises(UserError, match=r"is a link that another user \(uid 54321\) has made in a folder"):
        paths.make_private(paths.runs_folder())
    assert not (tmp_path / "mine" / below / "runs").exists()


def test_doctor_names_the_home_and_not_the_installation(emotui_home, capsys):
    emotui_home.write_text("a file")
    assert main(["doctor"]) == 1
    errors = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  error: ")]
    assert errors == [f"  error: {emotui_home} is a file, not a folder. Move it away or set EMOTUI_HOME"]


SECRET = "hf_0123456789secret"


def command(*arguments: str, home: Path) -> str:
    """Run emotui under the usual umask with a hub's token in the environment; return its stdout. No argument list may show the token."""
    variables = {**os.environ, "HF_TOKEN": SECRET, "MODELSCOPE_API_TOKEN": SECRET, "EMOTUI_HOME": str(home), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-P", "-m", "emotui.tui", *arguments]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, umask=0o022, env=variables)
    shown: set[str] = set()
    while process.poll() is None:
        shown |= {" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])}
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode == 0 and process.stdout is not None
    assert any("emotui.tui" in each for each in shown)
    assert not [each for each in shown if SECRET in each]
    with process.stdout:
        return process.stdout.read()


@pytest.mark.slow
def test_everything_in_the_home_is_private_under_the_usual_umask(emotui_home, tiny_data, tiny_model, tmp_path):
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps({"text": "i feel great"}) + "\n")
    model = ("--model", str(tiny_model), "--device", "cpu")
    run = json.loads(command("train", str(tiny_data), *model, "--epochs", "1", "--json", home=emotui_home))["run"]
    command("baseline", str(tiny_data), *model, home=emotui_home)
    command("predict", run, "--file", str(texts), "--out", str(tmp_path / "answers.jsonl"), home=emotui_home)
    command("evaluate", run, home=emotui_home)
    command("export", run, str(tmp_path / "exported"), home=emotui_home)
    found = [emotui_home, *emotui_home.rglob("*")]
    assert {"events.jsonl", "model.safetensors", "result.json", "worker.log", "engine.log"} <= {path.name for path in found}
    for path in found:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
