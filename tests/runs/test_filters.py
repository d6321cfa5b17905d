"""Runs are found by one line of terms."""

from __future__ import annotations

import msgspec
import pytest
from emotui.core.errors import UserError
from emotui.core.events import EpochRow, Finished, Metrics, Rung
from emotui.core.runs import filters
from emotui.core.runs.notes import NOTHING, RunNote
from emotui.core.runs.state import RunView
from emotui.core.specs import BaselineSpec, DataSpec, Job, RunSpec, TrainSpec


def view(id: str, job: Job, **fields: object) -> RunView:  # noqa: A002 - the field's own name
    return RunView(id, f"/runs/{id}", RunSpec(id, 1.0, job), **{"state": "finished", **fields})


MEASURED = (EpochRow(1, 0.2, 0.3, 0.93, 0.92, 0.88),)
RUNS = (
    (
        view("ab12-fine-tune", TrainSpec(DataSpec("/data/Emotion")), epochs=MEASURED),
        RunNote(("good", "lr-5")),
    ),
    (view("cd34-baseline", BaselineSpec(DataSpec("starter"), "ms:owner/distilbert")), NOTHING),
    (view("ef56-fine-tune", TrainSpec(DataSpec("starter")), state="failed"), RunNote(pinned=True)),
)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", "ab cd ef"),
        ("starter", "ab cd ef"),
        ("EMOTION", "ab"),
        ("good", "ab"),
        ('"fine-tune" failed', "ef"),
        ("state:failed", "ef"),
        ("state:fin", "ab cd"),
        ("state:failed,finished -task:base", "ab ef"),
        ("task:fine-tune", "ab ef"),
        ("data:starter", "cd ef"),
        ("model:DistilBERT", "cd"),
        ("tag:lr-5", "ab"),
        ("tag:#GOOD,other", "ab"),
        ("tag:goo", ""),
        ("-tag:good", "cd ef"),
        ("id:cd", "cd"),
        ("f1>0.9", "ab"),
        ("f1>=0.92 accuracy<0.94 macro=0.88", "ab"),
        ("f1>0.92", ""),
        ("-f1>0.9", "cd ef"),
        ("no:field", ""),
    ],
)
def test_terms(line: str, found: str) -> None:
    meets = filters.parse(line)
    assert " ".join(run.id[:2] for run, note in RUNS if meets(run, note)) == found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("state:done", "there is no state 'done': choose from starting, running"),
        ("task:x", "choose from baseline, fine-tune"),
        ("state:", "needs something after it"),
        ("f1>best", "needs a number after it, such as 0.9, not 'best'"),
        ("f1>nan", "needs a number"),
        ('"open', "unclosed quotation mark"),
        ('""', "empty pair of quotation marks"),
        ("state:\x1b[31m", "choose from"),
    ],
)
def test_what_is_no_filter_has_a_sentence(line: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        filters.parse(line)
    assert words in str(error.value)
    assert "\x1b" not in str(error.value)


def test_the_newest_measured_score_counts() -> None:
    run = msgspec.structs.replace(RUNS[0][0], epochs=())
    assert RUNS[0][0].score("f1_macro") == 0.88
    assert run.score("f1_macro") is None


def test_a_ladder_keeps_the_score_of_its_best_rung_when_it_ends() -> None:
    measured = {name: Metrics("validation", 4, 0.5, figure, figure, {}, ((1,),)) for name, figure in (("tfidf", 0.8), ("encoder", 0.57))}
    climbing = msgspec.structs.replace(RUNS[1][0], rungs=tuple(Rung(name, each, 1.0) for name, each in measured.items()))
    ended = msgspec.structs.replace(climbing, finished=Finished(measured["encoder"], 2.0))
    for run in (climbing, ended):
        assert run.score("f1_weighted") == 0.8
        assert run.measured == measured["tfidf"]
        assert run.best_rung is not None and run.best_rung.name == "tfidf"
    even = msgspec.structs.replace(ended, rungs=tuple(Rung(name, measured["tfidf"], 1.0) for name in measured))
    assert even.best_rung is not None and even.best_rung.name == "encoder"


@pytest.mark.parametrize("state", ["starting", "running", "stopped", "finished", "failed", "lost", "unreadable"])
def test_a_run_is_live_while_a_process_works_on_it(state: str) -> None:
    assert msgspec.structs.replace(RUNS[0][0], state=state).is_live == (state in ("starting", "running"))
