"""Every command that makes or uses a run, from start to end with real processes and a tiny model."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from emotui.core.cores import cores

COMMAND = (sys.executable, "-P", "-m", "emotui.tui")
METRIC_FIELDS = {"accuracy", "f1_weighted", "f1_macro", "per_class", "confusion"}
LABELS = ["anger", "joy", "sadness"]
JOYFUL = "we danced all day and i feel great today"


@dataclass(frozen=True)
class Shell:
    """Runs emotui in a home of its own."""

    home: Path
    data: Path
    model: Path

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "EMOTUI_HOME": str(self.home), "EMOTUI_CONFIG": str(self.home / "none"), "OMP_NUM_THREADS": "1"}

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        result = subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=240, env=self.variables)
        assert result.returncode == code, result.stderr
        return result

    def json(self, *arguments: str, code: int = 0, stdin: str = "") -> dict:
        out = self(*arguments, "--json", code=code, stdin=stdin).stdout
        assert out.count("\n") == 1
        return json.loads(out)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.variables, start_new_session=True
        )

    def train(self, *options: str) -> tuple[str, ...]:
        return ("train", str(self.data), "--model", str(self.model), "--lr", "0.003", "--batch-size", "16", "--device", "cpu", *options)

    def wait_for(self, run: str, when: Callable[[dict], bool]) -> dict:
        deadline = time.monotonic() + 120
        while not when(view := self.json("show", run)) and time.monotonic() < deadline:
            time.sleep(0.3)
        if when(view):
            return view
        raise AssertionError(f"never so: {view}")


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run commands")]  # they share a trained run


@pytest.fixture(scope="module")
def shell(tmp_path_factory, tiny_data, tiny_model) -> Shell:
    return Shell(tmp_path_factory.mktemp("runs") / "home", tiny_data, tiny_model)


@pytest.fixture(scope="module")
def trained(shell) -> dict:
    return shell.json(*shell.train("--epochs", "3"))


@pytest.fixture(scope="module")
def ladder(shell, trained) -> dict:
    return shell.json("baseline", str(shell.data), "--model", str(shell.model), "--pooling", "mean", "--device", "cpu")


def test_train_learns_and_gives_every_field_of_the_contract(trained):
    assert trained["state"] == "finished"
    assert [row["epoch"] for row in trained["epochs"]] == [1, 2, 3]
    assert set(trained["epochs"][0]) == {
        "epoch",
        "train_loss",
        "eval_loss",
        "accuracy",
        "f1_weighted",
        "f1_macro",
        "balanced_accuracy",
        "mcc",
        "ece",
    }
    assert trained["epochs"][-1]["eval_loss"] < trained["epochs"][0]["train_loss"]
    assert trained["accuracy"] > 0.5
    assert sum(map(sum, trained["confusion"])) == trained["rows"] == 30
    assert trained["accuracy"] == pytest.approx(sum(trained["confusion"][each][each] for each in range(3)) / 30)
    assert list(trained["per_class"]) == LABELS
    assert (trained["device"], trained["steps"]) == ("cpu", 18)
    assert trained["precision"] in ("float32", "bf16")
    assert trained["seconds"] > 0
    assert trained["examples_per_second"] > 0
    assert (Path(trained["folder"]) / "model" / "model.safetensors").is_file()


def test_baseline_gives_a_rung_of_each_kind(ladder):
    assert [rung["name"] for rung in ladder["rungs"]] == ["most_frequent", "tfidf", "static", "mean"]
    assert all({*METRIC_FIELDS, "seconds"} <= set(rung) for rung in ladder["rungs"])
    assert ladder["rungs"][0]["accuracy"] == pytest.approx(1 / 3)
    assert ladder["rungs"][1]["f1_weighted"] > 0.9


def test_runs_are_listed_newest_first(shell, trained, ladder):
    known = [ladder["run"], trained["run"]]
    found = [run for run in shell.json("runs")["runs"] if run["run"] in known]
    assert [run["run"] for run in found] == known
    assert [run["task"] for run in found] == ["baseline", "fine-tune"]
    assert {run["state"] for run in found} == {"finished"}
    assert found[1]["f1_weighted"] == pytest.approx(trained["f1_weighted"])
    lines = shell("runs").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.split()[0] in ("run", *known)] == ["run", *known]
    assert len(shell.json("runs", "--limit", "1")["runs"]) == 1


def test_runs_are_filtered_and_show_what_the_user_noted(shell, trained, ladder):
    notes = shell.home / "run-notes.json"
    notes.write_text(json.dumps({trained["run"]: {"tags": ["good", "lr-3"], "pinned": True}}))
    try:
        found = shell.json("runs", "tag:good")["runs"]
        assert [(run["run"], run["tags"], run["pinned"]) for run in found] == [(trained["run"], ["good", "lr-3"], True)]
        others = shell.json("runs", "task:base -tag:good", "f1>0.5")["runs"]
        assert [(run["run"], run["tags"], run["pinned"]) for run in others] == [(ladder["run"], [], False)]
        lines = shell("runs", "tag:good").stdout.splitlines()
        assert [line.split()[-1] for line in lines] == ["noted", "#lr-3"]
        assert lines[1].endswith("pinned #good #lr-3")
        assert [run["run"] for run in shell.json("runs", " -tag:good", "id:" + ladder["run"])["runs"]] == [ladder["run"]]
    finally:
        notes.unlink()
    nothing = shell("runs", "state:lost", "f1>0.99")
    assert (nothing.stdout, nothing.stderr) == ("", "no run meets the filter. See all with: emotui runs\n")
    assert "there is no state 'done'" in shell("runs", "state:done", code=2).stderr


def test_show_takes_an_id_a_prefix_or_last(shell, trained, ladder):
    shown = shell.json("show", trained["run"])
    assert (shown["state"], shown["attempt"], shown["step"], shown["steps"]) == ("finished", 1, 18, 18)
    assert {"reason", "folder", "supervisor_pid", "worker_pid", "spec", "metrics"} <= set(shown)
    assert shown["spec"]["job"]["data"]["source"] == str(shell.data)
    assert shown["spec"]["job"]["model"] == str(shell.model)
    assert shown["metrics"]["accuracy"] == pytest.approx(trained["accuracy"])
    assert shell.json("show", trained["run"][:5])["run"] == trained["run"]
    assert shell.json("show", "last")["run"] == shell.json("runs")["runs"][0]["run"]
    text = shell("show", trained["run"]).stdout
    assert "Training loss" in text
    assert "true \\ predicted" in text


def test_watch_replays_a_finished_run(shell, trained):
    lines = [json.loads(line) for line in shell("watch", trained["run"], "--json").stdout.splitlines()]
    kinds = [line["event"]["kind"] for line in lines]
    assert kinds[0] == "attempt_started"
    assert kinds.count("epoch_done") == 3
    assert "finished" in kinds
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    assert "is finished" in shell("watch", trained["run"]).stderr


def test_predict_answers_texts_in_order_and_says_where_one_is_cut(shell, trained):
    answer = shell.json("predict", trained["run"], JOYFUL, "he lied to me again and i shout at work", "again " * 100)
    assert [each["label"] for each in answer["predictions"]][:2] == ["joy", "anger"]
    first, _, long = answer["predictions"]
    assert set(first) == {"text", "label", "probabilities", "tokens", "truncated"}
    assert list(first["probabilities"]) == LABELS
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert (first["text"], first["tokens"], first["truncated"]) == (JOYFUL, 11, False)
    assert (long["tokens"], long["truncated"]) == (48, True)


def test_predict_draws_one_text_as_bars(shell, trained):
    lines = shell("predict", trained["run"], JOYFUL).stdout.splitlines()
    assert lines[0] == JOYFUL
    assert lines[2].startswith("joy  ")
    assert sorted(line.split()[0] for line in lines[3:6]) == LABELS
    assert lines[3].split()[0] == "joy"
    assert lines[6] == "  11 tokens"


def test_predict_streams_stdin_in_order_as_it_comes(shell, trained):
    child = subprocess.Popen(
        [*COMMAND, "predict", trained["run"], "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=shell.variables,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{JOYFUL}\n".encode())
    child.stdin.flush()
    first = json.loads(child.stdout.readline())
    assert (first["text"], first["label"]) == (JOYFUL, "joy")
    out, err = child.communicate("".join(f"text {number}\n" for number in range(600)).encode(), timeout=120)
    assert [json.loads(line)["text"] for line in out.splitlines()] == [f"text {number}" for number in range(600)]
    assert child.returncode == 0, err


def test_predict_names_a_bad_line_of_stdin_after_the_answers_before_it(shell, trained):
    result = shell("predict", trained["run"], stdin=f"{JOYFUL}\nhe lied\tto me\n\nmore\n", code=2)
    label, sure, text = result.stdout.splitlines()[0].split("\t")
    assert (label, text) == ("joy", JOYFUL)
    assert sure.endswith(" %")
    assert [line.split("\t")[2] for line in result.stdout.splitlines()] == [JOYFUL, "he lied to me"]
    assert "line 3 of stdin is empty" in result.stderr


def test_predict_can_leave_bad_lines_out(shell, trained):
    kept = shell.json("predict", trained["run"], "--skip-bad-rows", stdin=f"{JOYFUL}\n\nmore\n")
    assert [each["text"] for each in kept["predictions"]] == [JOYFUL, "more"]


def test_predict_answers_a_file(shell, trained, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.csv"
    texts = [f"{JOYFUL} {number}" for number in range(20)]
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    answer = shell.json("predict", trained["run"], "--file", str(source), "--out", str(target))
    assert (answer["run"], answer["rows"], answer["target"]) == (trained["run"], 20, str(target))
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == texts
    assert {row["label"] for row in rows} <= set(LABELS)
    assert "there is no file" in shell("predict", "last", "--file", str(tmp_path / "no.csv"), "--out", "x.csv", code=2).stderr
    assert "is the file or folder being read" in shell("predict", "last", "--file", str(source), "--out", str(source), code=2).stderr


def test_what_the_model_cannot_do_is_said_before_there_is_a_run(shell, trained):
    before = len(shell.json("runs")["runs"])
    assert "this model takes 3 to 48 tokens" in shell(*shell.train("--max-length", "1000"), code=2).stderr
    baseline = ("baseline", str(shell.data), "--model", str(shell.model))
    assert "this model takes 3 to 48 tokens" in shell(*baseline, "--max-length", "49", code=2).stderr
    assert "this model has layers 1 to 2" in shell(*baseline, "--layer", "3", code=2).stderr
    assert len(shell.json("runs")["runs"]) == before


def test_no_more_processes_than_cores_or_cards_are_started(shell, trained, tmp_path):
    source = tmp_path / "in.txt"
    source.write_text(f"{JOYFUL}\n")
    result = shell("predict", trained["run"], "--file", str(source), "--out", str(tmp_path / "out.csv"), "--processes", "100000", code=2)
    assert "100,000 processes are more than the" in result.stderr
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "number", "code"),
    [
        pytest.param("2", signal.SIGINT, 130, marks=pytest.mark.skipif(cores() < 2, reason="two processes need two cores")),
        ("1", signal.SIGTERM, 143),
        ("1", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_predict_keeps_what_is_done_however_it_is_ended(shell, trained, tmp_path, processes, number, code):
    source, one, two = tmp_path / "in.txt", tmp_path / "one.csv", tmp_path / "two.csv"
    source.write_text("".join(f"{JOYFUL} {'again ' * (number % 7)}{number}\n" for number in range(16_000)))
    child = shell.start("predict", trained["run"], "--file", str(source), "--out", str(two), "--processes", processes)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".emotui-*.parts/00*.json")):
        assert time.monotonic() < deadline and child.poll() is None, child.communicate()[1]
        time.sleep(0.01)
    child.send_signal(number)
    said = child.communicate(timeout=60)[1]
    assert number == signal.SIGKILL or "the same command goes on from there" in said
    assert child.returncode == code and not two.exists()
    deadline = time.monotonic() + 60
    while list(tmp_path.glob("*.partial")):  # the engine, which outlives a killed caller for a moment, cleans up
        assert time.monotonic() < deadline
        time.sleep(0.01)
    left = [path for path in tmp_path.iterdir() if path.name.endswith(".parts")]
    assert len(left) == 1 and left[0].stat().st_mode & 0o777 == 0o700

    result = shell("predict", trained["run"], "--file", str(source), "--out", str(two), "--processes", processes)
    assert "of them were done before" in result.stderr
    shell("predict", trained["run"], "--file", str(source), "--out", str(one))
    assert two.read_bytes() == one.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "one.csv", "two.csv"]


def test_processes_and_machines_that_do_not_go_together_are_refused(shell, tmp_path):
    for options, sentence in (
        (("--nodes", "2"), "--nodes 2 needs --node-rank K"),
        (("--nodes", "2", "--node-rank", "2", "--master", "10.0.0.1"), "--node-rank 2 is not one of the 2 machines"),
        (("--nodes", "2", "--node-rank", "1", "--master", "10.0.0.1:x"), "is not ADDRESS or ADDRESS:PORT"),
        (("--node-rank", "0"), "Say how many with --nodes N"),
        (("--processes", "0"), "is not a whole number of 1 or more"),
    ):
        assert sentence in shell(*shell.train(*options), code=2).stderr
    assert "is one card" in shell("train", str(shell.data), "--device", "cuda:1", "--processes", "2", code=2).stderr
    many = f"Give --processes {cores()} or fewer"
    assert many in shell(*shell.train("--device", "cpu", "--processes", "100000"), code=2).stderr
    assert "--processes divides a file" in shell("predict", "last", "--processes", "2", "a text", code=2).stderr


def test_evaluate_measures_with_intervals_and_both_ends_of_the_loss(shell, trained):
    answer = shell.json("evaluate", trained["run"])
    assert set(answer) >= METRIC_FIELDS
    assert answer["split"] == "test"
    low, high = answer["intervals"]["accuracy"]
    assert low <= answer["accuracy"] <= high
    assert len(answer["highest_loss"]) == len(answer["lowest_loss"]) == 10
    losses = [row["loss"] for row in answer["highest_loss"]]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] >= answer["lowest_loss"][0]["loss"]
    kept = pq.read_table(answer["predictions"])
    assert {"row", "label", "prediction", "loss"} <= set(kept.column_names)


def test_a_baseline_is_a_run_like_any_other(shell, ladder):
    assert shell.json("predict", ladder["run"], JOYFUL)["predictions"][0]["label"] == "joy"
    best = max(reversed(ladder["rungs"]), key=lambda rung: rung["f1_macro"])
    for ref, rung in ((ladder["run"], best), (f"{ladder['run']}:mean", ladder["rungs"][-1])):
        text = shell("evaluate", ref, "--split", "validation", "--worst", "3").stdout
        accuracy = next(line.split()[1] for line in text.splitlines() if line.split()[:1] == ["accuracy"])
        assert float(accuracy) == pytest.approx(rung["accuracy"], abs=1e-4)
        assert f"by its rung {rung['name']} on validation" in text
    assert "95 % interval" in text
    assert "Highest loss" in text


def test_export_writes_a_folder_with_the_label_names(shell, trained, tmp_path):
    target = tmp_path / "mine"
    answer = shell.json("export", trained["run"], str(target))
    assert answer["folder"] == str(target)
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(answer["files"])
    assert json.loads((target / "config.json").read_text())["id2label"] == {"0": "anger", "1": "joy", "2": "sadness"}
    assert "not empty" in shell("export", trained["run"], str(target), code=2).stderr


def test_detach_stop_resume(shell, tmp_path):
    run = shell(*shell.train("--epochs", "400", "--detach")).stdout.strip()
    running = shell.wait_for(run, lambda view: view["step"] > 3)
    assert running["state"] == "running"
    assert running["worker_pid"] != running["supervisor_pid"]
    assert os.getsid(running["supervisor_pid"]) == running["supervisor_pid"]
    stopped = shell.json("stop", run)
    assert (stopped["state"], stopped["steps"]) == ("stopped", 2400)
    assert 3 < stopped["step"] < 2400
    assert shell.json("stop", run)["state"] == "stopped"
    shown = shell.json("show", run)
    assert shown["f1_weighted"] == shown["metrics"]["f1_weighted"] is not None
    said = shell("predict", run, "what a lovely day")
    assert f"stopped at step {stopped['step']:,}" in said.stderr
    assert said.stdout
    measured = shell.json("evaluate", run, "--split", "validation")
    assert measured["f1_weighted"] == pytest.approx(shown["f1_weighted"], abs=1e-6)
    assert any("stopped at step" in note for note in measured["notes"])
    assert "model.safetensors" in shell.json("export", run, str(tmp_path / "stopped"))["files"]
    assert f"stopped at step {stopped['step']:,}" in (tmp_path / "stopped" / "README.md").read_text()
    assert json.loads(shell("resume", run, "--detach", "--json").stdout)["run"] == run
    further = shell.wait_for(run, lambda view: view["step"] > stopped["step"])
    assert further["attempt"] == 2
    shell("stop", run, "--kill")
    assert shell.json("show", run)["state"] in ("stopped", "failed", "lost")


def test_ctrl_c_saves_stops_and_says_how_to_go_on(shell):
    before = {each["run"] for each in shell.json("runs")["runs"]}
    child = shell.start(*shell.train("--epochs", "400", "--json"))
    deadline = time.monotonic() + 120
    while not (new := {each["run"] for each in shell.json("runs")["runs"]} - before):
        assert time.monotonic() < deadline
    run = new.pop()
    shell.wait_for(run, lambda view: view["step"] > 1)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 130
    assert json.loads(out)["state"] == "stopped"
    assert f"Continue with: emotui resume {run}" in err
    assert "Traceback" not in err


def test_watching_can_end_while_the_run_goes_on(shell):
    run = shell(*shell.train("--epochs", "400", "--detach")).stdout.strip()
    shell.wait_for(run, lambda view: view["step"] > 1)
    child = shell.start("watch", run)
    seen = child.stderr.readline()
    assert seen, "it watches, and says nothing"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert f"run {run} goes on" in err
    assert shell.json("show", run)["state"] == "running"
    shell("stop", run, "--kill")


def test_bad_data_makes_no_run(shell, tmp_path):
    before = len(shell.json("runs")["runs"])
    (tmp_path / "bad.csv").write_text("text,label\n" + "a,x\n,y\n" * 20)
    assert "row 2" in shell("train", str(tmp_path / "bad.csv"), "--model", str(shell.model), code=2).stderr
    assert len(shell.json("runs")["runs"]) == before


def test_a_model_that_is_no_encoder_fails_with_a_sentence(shell, tmp_path):
    folder = tmp_path / "decoder"
    folder.mkdir()
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(shell.model / name)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}))
    result = shell("train", str(shell.data), "--model", str(folder), code=2)
    assert "is not an encoder" in result.stderr
    assert "Traceback" not in result.stderr
