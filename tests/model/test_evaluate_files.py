"""A run is measured on files that it has never seen, and on a data set that has changed, and what it was measured on is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from emotui.core.data import sources
from emotui.core.data.overlay import Place
from emotui.core.data.overlay_edit import Editor
from emotui.core.errors import UserError
from emotui.core.events import Event
from emotui.core.model import baseline, evaluate
from emotui.core.questions import AskEvaluate, EvaluateAnswer
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from sklearn.metrics import accuracy_score


def quiet(*_: object) -> None:
    return None


def trained(data: DataSpec, tiny_model: Path) -> RunFolder:
    """A finished baseline with the events that a worker writes."""
    found = sources.load(data)
    job = BaselineSpec(found.spec or data, str(tiny_model), device="cpu", precision="float32")
    run = folder.create(job, data_hash=sources.fingerprint(found), labels=found.labels, versions={"emotui": "0"})
    events: list[Event] = []
    baseline.fit(job, run, events.append, lambda: False)
    lines = [{"kind": "line", "seq": n, "time": 1.0, "attempt": 1, "event": msgspec.to_builtins(each)} for n, each in enumerate(events, 1)]
    run.events_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def measured(run: RunFolder, path: Path, **more: object) -> EvaluateAnswer:
    return evaluate.evaluate(AskEvaluate(run=str(run.path), file=str(path), resamples=10, **more), quiet)  # type: ignore[arg-type]


@pytest.fixture
def own_data(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the tiny data, which is all tests', to be changed."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


@pytest.fixture
def rows(own_data: Path) -> list[dict]:
    return [json.loads(line) for line in (own_data / "test.jsonl").read_text().splitlines()]


@pytest.fixture
def run(emotui_home: Path, tiny_model: Path, own_data: Path) -> RunFolder:
    return trained(DataSpec(str(own_data)), tiny_model)


def test_a_new_file_is_measured_with_the_runs_labels(run: RunFolder, rows: list[dict], tmp_path: Path) -> None:
    names = ("anger", "joy", "sadness")
    own = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    path = tmp_path / "new file.csv"
    label = {row["label"] if isinstance(row["label"], str) else names[row["label"]] for row in rows}
    assert label <= set(names)
    lines = [f'"{row["text"]}";{row["label"] if isinstance(row["label"], str) else names[row["label"]]}\n' for row in rows[::-1]]
    path.write_text("text;class\n" + "".join(lines))
    answer = measured(run, path)
    assert (answer.split, answer.metrics.rows) == ("new file.csv", len(rows))
    assert answer.metrics.accuracy == pytest.approx(own.metrics.accuracy)
    assert list(answer.metrics.per_class) == list(names)
    table = pq.read_table(answer.predictions).to_pylist()
    assert answer.metrics.accuracy == pytest.approx(
        accuracy_score([each["label"] for each in table], [each["prediction"] for each in table])
    )
    assert Path(answer.predictions) != Path(own.predictions) and Path(answer.predictions).parent == Path(own.predictions).parent
    assert any("using the column 'class' as label" in note for note in answer.notes)
    assert not any("decision" in note for note in answer.notes)

    editor = Editor(sources.load(DataSpec(str(path))))
    editor.decide([Place("train", 0)], "joy" if editor.dataset.splits["train"].row(0).name != "joy" else "anger")
    again = measured(run, path)
    assert "1 decision about rows of new file.csv is not used: a file is measured by its own labels" in again.notes
    assert again.metrics.accuracy == answer.metrics.accuracy


def test_a_label_that_the_run_does_not_know_is_told_with_counts(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    labels = ["joy"] * 5 + ["rage"] * 3 + ["bliss"] + ["anger"]
    path.write_text("".join(json.dumps({"text": f"text {n}", "label": label}) + "\n" for n, label in enumerate(labels)))
    with pytest.raises(UserError, match=r"4 of 10 rows of new\.jsonl have a label that the run does not know: 'rage' \(3\), 'bliss' \(1\)"):
        measured(run, path)
    answer = measured(run, path, skip_bad_rows=True)
    assert answer.metrics.rows == 6
    assert any(note.startswith("skipped: 4 of 10 rows") for note in answer.notes)
    assert "no row of new.jsonl has the label sadness, so its F1 is 0" in answer.notes


def test_integers_are_those_of_the_runs_data(emotui_home: Path, tiny_model: Path, tmp_path: Path) -> None:
    words = {-1: "i miss my old dog", 1: "we danced all day in the park"}
    lines = "".join(f"{words[number]} {n},{number}\n" for n in range(100) for number in (-1, 1))
    data = tmp_path / "all.csv"
    data.write_text("text,label\n" + lines)
    run = trained(DataSpec(str(data), labels=("sad", "glad")), tiny_model)
    path = tmp_path / "new.csv"
    path.write_text("text,label\n" + f"{words[-1]},-1.0\n{words[1]},1.0\n" * 5)
    answer = measured(run, path)
    assert {name: each.support for name, each in answer.metrics.per_class.items()} == {"sad": 5, "glad": 5}
    assert answer.metrics.accuracy == 1.0
    assert any("reading integer labels as in the run's data set: -1 sad, 1 glad" in note for note in answer.notes)
    data.unlink()
    with pytest.raises(UserError, match=r"10 of 10 rows of new\.csv have a label that the run does not know"):
        measured(run, path)
    path.write_text("text,label,label_text\n" + f"{words[-1]},0,sad\n{words[1]},1,glad\n" * 5)
    assert measured(run, path).metrics.accuracy == 1.0


def test_a_data_set_that_grew_a_row_is_measured_and_told(run: RunFolder, own_data: Path) -> None:
    before = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    with (own_data / "test.jsonl").open("a") as file:
        file.write((own_data / "test.jsonl").read_text().splitlines()[0] + "\n")
    answer = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    assert answer.metrics.rows == before.metrics.rows + 1
    assert [note.partition(": ")[2] for note in answer.notes] == ["test has 31 rows and had 30"]
    assert answer.predictions != before.predictions


def test_what_is_decided_by_hand_later_is_told_and_not_measured(run: RunFolder, own_data: Path) -> None:
    before = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    editor = Editor(sources.load(DataSpec(str(own_data))))
    editor.decide([editor.place("test", at) for at in range(3)], None)
    after = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    assert (before.notes, after.metrics) == ((), before.metrics)
    assert after.notes == ("the overlay is used as it was for the run: 3 decisions about its rows were made later",)
    editor.undo(3)
    assert evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet).notes == ()


def test_a_file_that_grew_is_measured_on_the_rows_that_were_held_out(emotui_home: Path, tiny_model: Path, tmp_path: Path) -> None:
    words = ("i miss my old dog", "we danced all day in the park")
    data = tmp_path / "all.csv"
    data.write_text("text,label\n" + "".join(f"{words[n % 2]} {n},{('sad', 'glad')[n % 2]}\n" for n in range(200)))
    run = trained(DataSpec(str(data)), tiny_model)
    before = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    with data.open("a") as file:
        file.write("we sang,glad\n")
    answer = evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet)
    assert pq.read_table(answer.predictions).equals(pq.read_table(before.predictions))
    assert "1 row has been added to the 200 from which its splits were drawn" in answer.notes[0]
    data.write_text(data.read_text().replace("dog 0,", "cat 0,"))
    with pytest.raises(UserError, match="drawn at random from all rows: the run may have been trained on part of it"):
        evaluate.evaluate(AskEvaluate(run=str(run.path)), quiet)


def test_a_test_split_without_labels_is_not_measured(run: RunFolder, own_data: Path) -> None:
    rows = [json.loads(line) for line in (own_data / "test.jsonl").read_text().splitlines()]
    (own_data / "test.jsonl").write_text("".join(json.dumps({**row, "label": None}) + "\n" for row in rows))
    with pytest.raises(UserError, match=r"the test split of .* has no labels, so the run cannot be evaluated on it"):
        evaluate.evaluate(AskEvaluate(run=str(run.path)), quiet)
    assert evaluate.evaluate(AskEvaluate(run=str(run.path), split="validation", resamples=10), quiet).metrics.rows
