"""The tutorial's main job on the emotion tweets and a real checkpoint, where both are at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from emotui.core.events import Event, RungDone
from emotui.core.model import baseline, classify, tokens
from emotui.core.questions import AskClassify, AskTokens
from emotui.core.runs import folder
from emotui.core.runs.state import glance
from emotui.core.specs import BaselineSpec, DataSpec

DATA, MODEL = os.environ.get("EMOTUI_REAL_DATA", ""), os.environ.get("EMOTUI_REAL_MODEL", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not MODEL, reason="EMOTUI_REAL_MODEL is not set"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> object:
    """One home for the module, so that the second ladder finds the first one's hidden states."""
    before = os.environ.get("EMOTUI_HOME")
    os.environ["EMOTUI_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    if before is None:
        del os.environ["EMOTUI_HOME"]
    else:
        os.environ["EMOTUI_HOME"] = before


def test_the_tutorials_tokens() -> None:
    answer = tokens.describe(AskTokens(text="Tokenizing text is a core task of NLP.", model=MODEL, shapes=True))
    assert list(answer.subwords.ids[1:-1]) == [19204, 6026, 3793, 2003, 1037, 4563, 4708, 1997, 17953, 2361, 1012]
    assert answer.subwords.input_names == ("input_ids", "attention_mask")
    assert answer.shapes is not None and answer.shapes.hidden_state == (1, 13, 384)


def test_the_ladder_of_baselines() -> None:
    job = BaselineSpec(DataSpec(DATA), MODEL, device="cpu")
    run = folder.create(job, data_hash="", labels=(), versions={})
    events: list[Event] = []
    assert baseline.fit(job, run, events.append, lambda: False)
    reached = {event.rung.name: event.rung.metrics.f1_weighted for event in events if isinstance(event, RungDone)}
    assert reached["tfidf"] >= 0.88
    assert reached["static"] >= 0.67
    assert reached["cls"] >= 0.63
    assert reached["mean"] >= 0.69
    assert reached["most_frequent"] < 0.25


def test_fine_tuning_leaves_the_frozen_encoder_behind_within_half_an_epoch() -> None:
    """In a process of its own, as a user's run is: the memory of this one has held the ladder."""
    emotui = str(Path(sys.executable).with_name("emotui"))
    command = [emotui, "train", DATA, "--model", MODEL, "--max-steps", "120", "--device", "cpu", "--json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=850)
    assert done.returncode == 0, done.stderr
    run = folder.find("last")
    finished = glance(run).finished
    assert finished is not None
    # 0.70 is what regression reaches on the frozen encoder. After 120 steps 0.80 to 0.91 were seen, by the seed; after two epochs 0.93.
    assert finished.metrics.f1_weighted >= 0.78
    assert json.loads(done.stdout)["f1_weighted"] == finished.metrics.f1_weighted
    assert finished.peak_memory is not None and finished.peak_memory < 3e9
    answer = classify.classify(AskClassify(run=str(run.path), texts=("I saw a movie today and it was really good.",)))
    assert answer.predictions[0].label == "joy"
