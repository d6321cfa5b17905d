"""What is said of a run while it goes on and when it has ended."""

from __future__ import annotations

import io
import json
import os
import signal

import msgspec
import pytest
from emotui.core import metric_table
from emotui.core.cli import follow, runs, shapes
from emotui.core.cli.output import Output
from emotui.core.cli.progress import Progress
from emotui.core.events import (
    ClassMetrics,
    EpochRow,
    Evaluated,
    Finished,
    Metrics,
    Note,
    Result,
    Rung,
    Started,
    Step,
)
from emotui.core.events import Progress as PhaseProgress
from emotui.core.runs import filters, launch, state
from emotui.core.runs.folder import RunFolder
from emotui.core.runs.notes import NOTHING
from emotui.core.runs.state import Attempt, RunView, State
from emotui.core.specs import BaselineSpec, DataSpec, RunSpec, TrainSpec

METRICS = Metrics(
    split="validation",
    rows=4,
    accuracy=0.75,
    f1_weighted=0.7333,
    f1_macro=0.7,
    per_class={"joy": ClassMetrics(1.0, 0.5, 2 / 3, 2), "fear": ClassMetrics(2 / 3, 1.0, 0.8, 2)},
    confusion=((1, 1), (0, 2)),
    loss=0.5,
)
STARTED = Started("cpu", "A CPU", "float32", ("joy", "fear"), {"train": 8, "validation": 4}, {"epochs": 2}, 4, 100)
EPOCHS = (EpochRow(1, 0.9, 0.6, 0.5, 0.4, 0.4), EpochRow(2, 0.7, 0.5, 0.75, 0.7333, 0.7))


def spec(job) -> RunSpec:
    return RunSpec(id="abc", created=0.0, job=job, labels=("joy", "fear"))


def training(state: State = "finished", **fields) -> RunView:
    base = RunView(
        id="abc",
        folder="/runs/abc",
        spec=spec(TrainSpec(DataSpec("starter"))),
        state=state,
        step=4,
        steps=4,
        started=STARTED,
        epochs=EPOCHS,
        finished=Finished(METRICS, 12.0, 4, 3.0) if state == "finished" else None,
    )
    return msgspec.structs.replace(base, **fields)


def ladder(**fields) -> RunView:
    names = ("most_frequent", "tfidf", "cls", "mean")
    base = RunView(
        id="abc",
        folder="/runs/abc",
        spec=spec(BaselineSpec(DataSpec("starter"))),
        state="finished",
        rungs=tuple(Rung(name, METRICS, 1.5, 7, name in ("cls", "mean")) for name in names),
        finished=Finished(METRICS, 12.0),
    )
    return msgspec.structs.replace(base, **fields)


def streams() -> tuple[Output, io.TextIOWrapper, io.TextIOWrapper]:
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    return Output(out, err), out, err


def text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("result", "state", "code"),
    [
        (None, "finished", 0),
        (None, "stopped", 130),
        (None, "lost", 1),
        (Result("failed", "NaN", 0.0, cause="nan"), "failed", 1),
        (Result("failed", "no such column", 0.0, cause="bad_input"), "failed", 2),
    ],
)
def test_the_exit_code_says_how_a_run_ended(result, state, code, tmp_path):
    run = RunFolder(tmp_path)
    if result is not None:
        run.result_file.write_bytes(msgspec.json.encode(result))
    assert follow.exit_code(run, training(state)) == code


def test_training_as_json_has_every_field_of_the_contract(tmp_path):
    output, out, err = streams()
    assert follow.conclude(RunFolder(tmp_path), training(), output, json=True) == 0
    answer = json.loads(text(out))
    assert answer["run"] == "abc"
    assert answer["state"] == "finished"
    assert answer["epochs"][1] == {
        "epoch": 2,
        "train_loss": 0.7,
        "eval_loss": 0.5,
        "accuracy": 0.75,
        "f1_weighted": 0.7333,
        "f1_macro": 0.7,
        **dict.fromkeys(metric.key for metric in metric_table.METRICS[3:]),
    }
    assert (answer["accuracy"], answer["f1_weighted"], answer["f1_macro"]) == (0.75, 0.7333, 0.7)
    assert answer["per_class"]["joy"] == {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert answer["confusion"] == [[1, 1], [0, 2]]
    assert (answer["device"], answer["precision"], answer["steps"]) == ("cpu", "float32", 4)
    assert (answer["seconds"], answer["examples_per_second"]) == (12.0, 3.0)
    assert "emotui predict abc" in text(err)


def test_an_unfinished_training_has_the_same_fields(tmp_path):
    output, out, _ = streams()
    assert follow.conclude(RunFolder(tmp_path), training("stopped", step=2), output, json=True) == 130
    whole, stopped_out = streams()[0:2]
    follow.conclude(RunFolder(tmp_path), training(), whole, json=True)
    stopped = json.loads(text(out))
    assert set(stopped) == set(json.loads(text(stopped_out)))
    assert stopped["accuracy"] is None
    assert (stopped["state"], stopped["step"], stopped["steps"]) == ("stopped", 2, 4)


def test_training_as_text_has_the_tutorials_table_and_the_confusion_matrix(tmp_path):
    output, out, err = streams()
    assert follow.conclude(RunFolder(tmp_path), training(), output, json=False) == 0
    lines = text(out).splitlines()
    assert "  Epoch  Training loss  Validation loss  Accuracy      F1  Macro-F1" in lines
    assert "  true \\ predicted   joy  fear" in lines
    assert "  joy               0.50  0.50" in lines
    assert lines[-1] == "4 steps in 12 s, 3 examples a second, on A CPU in float32"
    assert text(err).startswith("run abc is finished in 12 s.")


def test_baselines_as_json_and_as_text(tmp_path):
    output, out, _ = streams()
    follow.conclude(RunFolder(tmp_path), ladder(), output, json=True)
    answer = json.loads(text(out))
    assert [rung["name"] for rung in answer["rungs"]] == ["most_frequent", "tfidf", "cls", "mean"]
    assert {"accuracy", "f1_weighted", "f1_macro", "per_class", "confusion", "seconds"} <= set(answer["rungs"][2])
    output, out, _ = streams()
    follow.conclude(RunFolder(tmp_path), ladder(), output, json=False)
    shown = text(out)
    assert shown.count("true \\ predicted") == 4
    assert "logistic regression on [CLS]    0.7500" in shown
    assert "logistic regression on mean     0.7500" in shown
    assert "hidden states from the cache" in shown


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (training("stopped", step=2), "run abc was stopped at step 2 of 4. Continue with: emotui resume abc"),
        (
            training("stopped", step=2, reason="it was asked to"),
            "run abc was stopped at step 2 of 4: it was asked to. Continue with: emotui resume abc",
        ),
        (training("failed", reason="the loss is NaN."), "run abc failed: the loss is NaN. Its log: /runs/abc/worker.log"),
        (
            training("lost", reason="the machine\x1b was rebooted"),
            "run abc was lost: the machine␛ was rebooted. Its log: /runs/abc/worker.log",
        ),
        (training("running"), "run abc is running"),
    ],
)
def test_the_end_is_one_sentence_with_what_to_do(view, sentence):
    assert follow.ending(view) == sentence


def test_news_are_told_once_and_in_words():
    _, _, err = streams()
    clock = iter(range(0, 1000, 10))
    step = Step(3, 0.5, 0.4321, 1e-4, 1.0, 8, 80, 1.0)
    with Progress(err, lambda: next(clock)) as progress:
        narrator = follow._Narrator(progress)
        narrator.narrate(training("starting", started=None, epochs=(), steps=0, step=0))
        narrator.narrate(training("running", epochs=(), progress=PhaseProgress("tokenize", 5, 10, "rows", 1.0)))
        for _ in range(2):
            view = training(
                "running",
                epochs=EPOCHS[:1],
                step=3,
                by_step={Step: (step,), Evaluated: (Evaluated(2, 0.4, METRICS),)},
                notes=(Note("info", "cut \x1b 3 texts"), Note("warning", "slow disk"), Note("error", "the disk is full")),
                attempts=(Attempt(1, 0, ""), Attempt(2, 2, "out of memory")),
                seconds_left=65.0,
            )
            narrator.narrate(view)
        for _ in range(2):
            narrator.narrate(training("running", epochs=EPOCHS[:1], step=3, reason="no room: nothing is written"))
    lines = text(err).splitlines()
    assert lines.count("cut ␛ 3 texts") == 1
    assert lines.count("warning: slow disk") == 1
    assert lines.count("no room: nothing is written") == 1
    assert not any("the disk is full" in line for line in lines), "the end of the run says it"
    assert lines.count("attempt 2: out of memory") == 1
    assert lines.count("epoch 1: training loss 0.900, validation loss 0.600, accuracy 0.5000, F1 0.4000") == 1
    assert "tokenize: 5 of 10 rows" in lines
    assert "train: 3 of 4 steps, loss 0.432, validation F1 0.733, 1 min 05 s left" in lines


def test_the_list_of_runs():
    views = [ladder(), training("running", step=3, finished=None, spec=spec(TrainSpec(DataSpec("/a/emotion/data"), model="/m/minilm")))]
    lines = runs.runs_table(views, 7300.0, 100)
    assert lines[0].split() == ["run", "task", "state", "step", "F1", "accuracy", "data", "model", "age"]
    assert lines[1].split() == ["abc", "baseline", "finished", "0.7333", "0.7500", "starter", "starter", "2", "h"]
    assert lines[2].split() == ["abc", "fine-tune", "running", "3/4", "0.7333", "0.7500", "emotion/data", "minilm", "2", "h"]


def test_the_list_shows_the_score_that_its_filter_finds():
    """A list knows no measurements of a run without a result, only its epochs."""
    view = training("running", finished=None, by_step={}, is_whole=False)
    assert filters.parse("f1>0.73 accuracy=0.75")(view, NOTHING)
    listed = shapes.summary(view)
    assert (listed["f1_weighted"], listed["accuracy"], listed["f1_macro"], listed["split"]) == (0.7333, 0.75, 0.7, "validation")
    assert runs.runs_table([view], 7300.0, 100)[1].split()[4:6] == ["0.7333", "0.7500"]
    unmeasured = shapes.summary(msgspec.structs.replace(view, epochs=()))
    assert (unmeasured["f1_weighted"], unmeasured["split"]) == (None, None)


def test_the_list_of_runs_fits_a_narrow_terminal():
    job = TrainSpec(DataSpec("/a/a-long-name-of-a-data-set.jsonl"), model="hf:somebody/a-long-name-of-a-model")
    view = training("finished", id="wxyz-fine-tune", step=12_345, steps=12_345, spec=spec(job))
    lines = runs.runs_table([view], 200_000.0, 80)
    assert lines[0].split() == ["run", "state", "step", "F1", "data", "model", "age"]
    assert max(map(len, lines)) <= 80


class Reader:
    """A run that goes on until it is asked to end."""

    def __init__(self, run: RunFolder) -> None:
        self.view = training("running", epochs=())

    def poll(self) -> bool:
        return True


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """What the run was asked for, in order."""
    wishes: list[str] = []
    monkeypatch.setattr(state, "RunReader", Reader)
    monkeypatch.setattr(launch, "stop", lambda run: wishes.append("stop"))
    monkeypatch.setattr(launch, "kill", lambda run: wishes.append("kill"))
    return wishes


def press_ctrl_c(_: float) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_then_kills_then_leaves(asked, tmp_path):
    output, _, err = streams()
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), follow.CtrlC() as ctrl_c:
        follow.to_the_end(RunFolder(tmp_path / "abc"), output, ctrl_c=ctrl_c, sleep=press_ctrl_c)
    assert asked == ["stop", "kill"]
    assert signal.getsignal(signal.SIGINT) is handler
    assert "Press Ctrl+C again to kill it" in text(err)


def test_ctrl_c_before_a_run_is_followed_stops_it_too(asked, tmp_path):
    output, out, err = streams()
    run = RunFolder(tmp_path / "abc")
    with pytest.raises(KeyboardInterrupt), follow.CtrlC() as ctrl_c:
        press_ctrl_c(0)  # while it is being started
        assert follow.detach(run, output, ctrl_c, json=False, note="it goes on") == 130
        assert asked == ["stop"] and text(out) == "abc\n" and "told to stop" in text(err) and "it goes on" not in text(err)
        follow.to_the_end(run, output, ctrl_c=ctrl_c, sleep=lambda _: press_ctrl_c(0) if asked[1:] else None)
    assert asked[:2] == ["stop", "stop"]


def test_ctrl_c_ends_the_watching_only(asked, tmp_path):
    output, _, _ = streams()
    with pytest.raises(KeyboardInterrupt):
        follow.to_the_end(RunFolder(tmp_path / "abc"), output, sleep=press_ctrl_c)
    assert asked == []
