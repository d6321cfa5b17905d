"""Runs that version 0.1.0 made are listed, shown, asked, exported and resumed by this one, or refused in words.

tests/fixtures/home-of-0.1.0.tar.gz was made by that version's own commands: a baseline, a fine-tuning that finished, one that was stopped
at step 43 of 6,000 and one that failed; beside them are the data and the tiny encoder (one layer of 8 units) that they were made from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("older versions")
ARCHIVE = Path(__file__).parents[1] / "fixtures" / "home-of-0.1.0.tar.gz"
MADE_IN = b"/tmp/emotui-0.1.0"
JOYFUL = "we danced all day and i feel great today"
SAID_BY_0_1_0 = {
    "zpp6": {"anger": 0.036504942348548314, "joy": 0.5390220619684434, "sadness": 0.4244729956830083},
    "hhtm": {"anger": 0.11421413750783306, "joy": 0.852181817366103, "sadness": 0.03360404512606395},
}
"""What `emotui predict` of version 0.1.0 answered to JOYFUL."""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of version 0.1.0 as if it had been made in this place: every path in it leads here."""
    place = tmp_path / "made"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    for file in place.rglob("*"):
        if file.suffix in (".json", ".jsonl", ".log") and file.is_file():
            file.write_bytes(file.read_bytes().replace(MADE_IN, os.fsencode(place)))
    return place


def emotui(made: Path, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "EMOTUI_HOME": str(made / "home"), "EMOTUI_CONFIG": str(made / "none"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "emotui.tui", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=variables, stdin=subprocess.DEVNULL)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_they_are_listed_and_shown(made: Path) -> None:
    listed = {each["run"]: each for each in json.loads(emotui(made, "runs", "--json").stdout)["runs"]}
    assert {(run, each["task"], each["state"]) for run, each in listed.items()} >= {
        ("hhtm-baseline", "baseline", "finished"),
        ("mb6g-fine-tune", "fine-tune", "stopped"),
        ("zpp6-fine-tune", "fine-tune", "finished"),
    }
    tuned = json.loads(emotui(made, "show", "zpp6", "--json").stdout)
    assert (tuned["step"], tuned["steps"], len(tuned["epochs"])) == (72, 72, 12)
    assert tuned["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert "0.6667" in emotui(made, "show", "hhtm").stdout
    assert "it was asked to stop" in emotui(made, "show", "mb6g").stdout


def test_one_whose_settings_are_out_of_todays_bounds_is_shown(made: Path) -> None:
    assert "--epochs 2000 is out of range" in emotui(made, "show", "dx9h").stdout


@pytest.mark.parametrize("run", ["zpp6", "hhtm"])
def test_they_answer_as_they_did(made: Path, run: str) -> None:
    (answer,) = json.loads(emotui(made, "predict", run, JOYFUL, "--json").stdout)["predictions"]
    assert answer["label"] == "joy"
    assert answer["probabilities"] == pytest.approx(SAID_BY_0_1_0[run], abs=1e-4)


@pytest.mark.slow
def test_the_rung_of_a_baseline_is_asked_by_the_name_that_it_had(made: Path) -> None:
    (answer,) = json.loads(emotui(made, "predict", "hhtm:encoder", JOYFUL, "--json").stdout)["predictions"]
    assert answer["probabilities"] == pytest.approx(SAID_BY_0_1_0["hhtm"], abs=1e-4)
    assert "It has: encoder" in emotui(made, "predict", "hhtm:mean", JOYFUL, code=2).stderr
    assert "logistic regression on hidden states" in emotui(made, "show", "hhtm").stdout
    assert "has no class for a baseline with mean pooling" in emotui(made, "export", "hhtm:encoder", str(made / "mine"), code=2).stderr


def test_a_fine_tuned_model_is_exported(made: Path) -> None:
    emotui(made, "export", "zpp6", str(made / "mine"))
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= {path.name for path in (made / "mine").iterdir()}
    assert json.loads((made / "mine" / "config.json").read_text())["id2label"] == {"0": "anger", "1": "joy", "2": "sadness"}


@pytest.mark.slow
def test_a_stopped_one_goes_on_or_is_refused_in_words(made: Path) -> None:
    done = emotui(made, "resume", "mb6g", "--detach", code=None)
    if done.returncode:
        assert done.returncode == 2
        assert "0.1.0" in done.stderr
        return
    try:
        emotui(made, "stop", "mb6g")
    finally:
        emotui(made, "stop", "mb6g", "--kill")
    after = json.loads(emotui(made, "show", "mb6g", "--json").stdout)
    assert after["state"] == "stopped", after
    assert after["attempt"] == 2
    assert after["step"] >= 43


@pytest.mark.slow
def test_where_data_and_encoder_are_gone_it_is_said(made: Path) -> None:
    (made / "data").rename(made / "elsewhere")
    (made / "model").rename(made / "another")
    for arguments, gone in ((("predict", "hhtm", JOYFUL), "model"), (("evaluate", "zpp6"), "data"), (("resume", "mb6g"), "data")):
        said = emotui(made, *arguments, code=2).stderr
        assert str(made / gone) in said, said
