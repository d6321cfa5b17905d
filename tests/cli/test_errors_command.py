"""emotui errors, and what predict makes of the temperature and the threshold, on a real run of the tiny model."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from emotui.core import cli
from emotui.core.data import checks, sources
from emotui.core.data.arrays import texts_of
from emotui.core.errors import UserError
from emotui.core.model import baseline
from emotui.core.runs import data_record, examined, folder, kept_rows, measured, slices, temperature
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest
from sklearn.metrics import f1_score, log_loss, precision_score

pytestmark = pytest.mark.xdist_group("errors command")  # they share a trained run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("errors") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTUI_HOME", str(place))
        patch.setenv("EMOTUI_CONFIG", str(place / "none"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield place


@pytest.fixture(scope="module")
def run(home: Path, tiny_data: Path, tiny_model: Path) -> RunFolder:
    """A finished baseline with all its rungs."""
    data = DataSpec(str(tiny_data))
    found = sources.load(data)
    job = BaselineSpec(data, str(tiny_model), pooling="mean", device="cpu", precision="float32")
    made = folder.create(job, data_hash=sources.fingerprint(found), labels=found.labels, versions={"emotui": "0"})
    events: list = []
    baseline.fit(job, made, events.append, lambda: False)
    lines = [{"kind": "line", "seq": n, "time": 1.0, "attempt": 1, "event": msgspec.to_builtins(each)} for n, each in enumerate(events, 1)]
    made.events_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


@pytest.fixture
def asked(run: RunFolder, capsys: pytest.CaptureFixture[str]):
    def ask(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert cli.main(arguments) == code
        shown = capsys.readouterr()
        return shown.out, shown.err

    return ask


def kept(run: RunFolder, key: str) -> tuple[list[str], list[str], np.ndarray]:
    table = pq.read_table(run.predictions_file(key))
    return texts_of(table["label"]), texts_of(table["prediction"]), np.array(table["probabilities"].to_pylist())


def test_a_run_is_told_with_figures_of_scikit_learn(run: RunFolder, asked) -> None:
    answer = json.loads(asked("errors", f"{run.id}:mean", "--json")[0])
    truth, predicted, probabilities = kept(run, "validation-mean")
    labels = list(answer["per_class"])
    assert (answer["run"], answer["rung"], answer["split"], answer["rows"]) == (run.id, "mean", "validation", len(truth))
    assert answer["f1_weighted"] == pytest.approx(f1_score(truth, predicted, average="weighted"))
    for index, name in enumerate(labels):
        expected = precision_score(truth, predicted, labels=labels, average=None, zero_division=0)[index]
        assert answer["per_class"][name]["precision"] == pytest.approx(expected)
        low, high = answer["intervals"][f"precision:{name}"]
        assert low <= expected <= high
    assert answer["loss"] == pytest.approx(log_loss(truth, probabilities, labels=labels))
    losses = [row["loss"] for row in answer["highest_loss"]]
    assert losses == sorted(losses, reverse=True) and losses[0] >= answer["lowest_loss"][-1]["loss"]
    assert answer["coverage"][0]["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(truth, predicted, strict=True)]))


def test_a_split_is_measured_when_it_is_asked_for_and_kept(run: RunFolder, asked) -> None:
    path = run.predictions_file("test-tfidf")
    assert not path.exists()
    out, _err = asked("errors", run.id, "--rung", "tfidf", "--split", "test")
    assert "by its rung tfidf on test (30 rows)" in out and path.is_file()
    before = path.stat().st_mtime_ns
    assert asked("errors", f"{run.id}:tfidf", "--split", "test")[0] == out
    assert path.stat().st_mtime_ns == before


def test_two_rungs_are_compared_row_by_row(run: RunFolder, asked) -> None:
    answer = json.loads(asked("errors", f"{run.id}:tfidf", "--against", f"{run.id}:most_frequent", "--json")[0])["against"]
    truth, first, _ = kept(run, "validation-tfidf")
    _, second, _ = kept(run, "validation-most_frequent")
    only = [sum(a == t != b for t, a, b in zip(truth, x, y, strict=True)) for x, y in ((first, second), (second, first))]
    assert [answer["only_this_right"], answer["only_that_right"]] == only
    assert answer["p"] == pytest.approx(binomtest(only[0], sum(only)).pvalue)
    out, _ = asked("errors", f"{run.id}:tfidf", "--against", f"{run.id}:most_frequent")
    assert f"only {run.id}:tfidf right" in out and "so the difference is beyond chance" in out


def test_slices_that_are_asked_for_and_saved_are_told(run: RunFolder, asked) -> None:
    source = run.read_spec().job.data.source
    slices.save(source, "joyful", "label:joy")
    slices.save(source, "of others", "label:none-such")
    try:
        found = json.loads(asked("errors", f"{run.id}:most_frequent", "--slice", "hits=-wrong", "--slice", "len>3", "--json")[0])["slices"]
        assert [each["name"] for each in found] == ["joyful", "of others", "hits", "len>3"]
        assert found[0]["rows"] == 10 and found[1]["rows"] is None and "there is no label 'none-such'" in found[1]["fault"]
        assert (found[2]["accuracy"], found[2]["beyond_chance"]) == (1.0, True)
        assert found[3]["rest_f1_weighted"] is None or found[3]["p"] > 0.05
        out, _ = asked("errors", f"{run.id}:most_frequent", "--slice", "wrong")
        assert "* differs from the rest beyond chance" in out
        assert "there is no label 'rage'" in asked("errors", run.id, "--slice", "label:rage", code=2)[1]
        assert "unclosed quotation mark" in asked("errors", run.id, "--where", '"half', code=2)[1]
    finally:
        slices.remove(source, "joyful")
        slices.remove(source, "of others")
    assert slices.read(source) == {}


def test_rows_are_listed_where_they_meet_a_filter(run: RunFolder, asked) -> None:
    where = "label:anger -predicted:anger confidence>0.2"
    rows = json.loads(asked("errors", f"{run.id}:most_frequent", "--where", where, "--worst", "50", "--json")[0])["highest_loss"]
    truth, predicted, _ = kept(run, "validation-most_frequent")
    assert sorted(row["row"] for row in rows) == [
        n for n, (a, b) in enumerate(zip(truth, predicted, strict=True)) if a == "anger" and b != "anger"
    ]


def test_the_temperature_is_fitted_kept_taken_and_told(run: RunFolder, asked, tmp_path: Path) -> None:
    name, text = f"{run.id}:mean", "we danced all day and i feel great today"
    truth, _, probabilities = kept(run, "validation-mean")
    labels = list(run.read_spec().labels)
    ids = np.array([labels.index(label) for label in truth])
    logits = np.log(probabilities)
    expected = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(ids)), ids].mean(), bounds=(0.05, 20), method="bounded"
    )["x"]
    before = json.loads(asked("predict", name, text, "--json")[0])["predictions"][0]["probabilities"]
    try:
        answer = json.loads(asked("errors", name, "--fit-temperature", "--json")[0])
        found = answer["calibration"]["temperature"]
        assert found["temperature"] == pytest.approx(expected, rel=1e-2)
        assert found["loss"][1] < found["loss"][0] and answer["loss"] == pytest.approx(found["loss"][1])
        out, err = asked("predict", name, text, "--json")
        after = json.loads(out)["predictions"][0]["probabilities"]
        raw = np.log([before[label] for label in labels])
        assert [after[label] for label in labels] == pytest.approx(softmax(raw / found["temperature"]).tolist(), abs=1e-6)
        assert f"at the temperature {found['temperature']:.3g}, fitted on 30 rows of validation" in err
        (tmp_path / "in.csv").write_text(f"text\n{text}\nhe lied\n")
        asked("predict", name, "--file", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"))
        rows = list(csv.DictReader((tmp_path / "out.csv").open()))
        assert [float(rows[0][f"probability_{label}"]) for label in labels] == pytest.approx([after[label] for label in labels], abs=1e-6)
        assert "the temperature was removed" in asked("errors", name, "--forget-temperature")[1]
        assert json.loads(asked("predict", name, text, "--json")[0])["predictions"][0]["probabilities"] == before
        assert "there was no temperature to remove" in asked("errors", name, "--forget-temperature")[1]
    finally:
        temperature.remove(run, "mean")


def test_a_damaged_temperature_is_told(run: RunFolder, asked) -> None:
    path = run.path / "rungs" / "mean" / temperature.FILE
    for content in ("{", '{"temperature": 0}', '{"temperature": "hot"}', '{"temperature": 1e9}'):
        path.write_text(content)
        try:
            assert "temperature.json is damaged" in asked("predict", f"{run.id}:mean", "a text", code=2)[1]
        finally:
            path.unlink()


def test_predict_is_unsure_below_the_threshold(run: RunFolder, asked, tmp_path: Path) -> None:
    name = f"{run.id}:most_frequent"
    found = json.loads(asked("predict", name, "a text", "--threshold", "1", "--json")[0])["predictions"][0]
    assert found["label"] in run.read_spec().labels  # this rung is certain
    name = f"{run.id}:tfidf"
    sure = json.loads(asked("predict", name, "we danced", "he", "--json")[0])["predictions"]
    highest = [max(each["probabilities"].values()) for each in sure]
    middle = str(sum(highest) / 2)
    lines = asked("predict", name, "we danced", "he", "--threshold", middle)[0].splitlines()
    assert sorted(line.split("\t")[0] == "unsure" for line in lines) == [False, True]
    (tmp_path / "in.csv").write_text("text\nwe danced\nhe\n")
    _, err = asked("predict", name, "--file", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), "--threshold", middle)
    assert f"1 row less probable than {float(middle):g}: unsure" in err
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["label"] == "unsure" for row in rows] == [value < float(middle) for value in highest]
    assert "must be a share from 0 to 1" in asked("predict", name, "a", "--threshold", "80", code=2)[1]


def test_what_is_kept_is_bound_to_its_rows_and_its_model(run: RunFolder, asked) -> None:
    found = examined.examine(run, "mean", "validation")
    assert found is not None and found.predictions.name == f"{run.id}:mean"
    path = run.predictions_file("validation-mean")
    whole = path.read_bytes()
    table = pq.read_table(path)
    try:
        pq.write_table(table.slice(0, 20), path)
        assert measured.read(run, "mean", "validation") is None
        pq.write_table(table.replace_schema_metadata({"data": "another"}), path)
        assert measured.read(run, "mean", "validation") is None
        pq.write_table(table.set_column(1, "label", table["prediction"]), path)
        assert measured.read(run, "mean", "validation") is None
        pq.write_table(table.take(list(range(29, -1, -1))), path)  # in another order they are the same
        again = measured.read(run, "mean", "validation")
        assert again is not None and (again.probabilities == found.predictions.probabilities).all()
    finally:
        path.write_bytes(whole)


def test_runs_on_other_rows_are_not_compared(run: RunFolder) -> None:
    first = examined.examine(run, "mean", "validation")
    asked_other = measured.Predictions
    assert first is not None
    other = first.predictions
    short = asked_other("other", "", other.rows, other.labels, other.truth[::-1], other.probabilities)
    with pytest.raises(UserError, match="were not evaluated on the same rows"):
        examined.check_same_rows(other, short)
    examined.check_same_rows(other, other)


def test_a_run_keeps_its_rows_and_what_its_data_was(run: RunFolder, asked, tiny_data: Path) -> None:
    data = sources.load(DataSpec(str(tiny_data)))
    record = data_record.read(run)
    assert record is not None and record.data_hash == sources.fingerprint(data) and record.labels == data.labels
    assert {name: split.rows for name, split in record.splits.items()} == {name: len(split) for name, split in data.splits.items()}
    assert [each.message for each in record.problems] == [each.message for each in checks.find_problems(data, near=False)]
    asked("errors", f"{run.id}:mean", "--split", "test")
    for name in ("validation", "test"):
        kept_of = measured.read_kept(run, "mean", name)
        read = measured.read(run, "mean", name)
        assert kept_of is not None and read is not None and (kept_of.probabilities == read.probabilities).all()
        assert kept_of.rows.split.texts() == data.splits[name].texts() and (kept_of.truth == read.truth).all()
        assert kept_of.rows.split.table["number"].equals(data.splits[name].table["number"]) and kept_of.rows.has_texts
    assert measured.read_kept(run, "mean", "train") is None


def test_kept_rows_that_are_others_are_not_taken(run: RunFolder, asked) -> None:
    path = kept_rows.file_of(run, "validation")
    whole = path.read_bytes()
    table = pq.read_table(path)
    try:
        pq.write_table(table.slice(0, 20), path)
        found = measured.read_kept(run, "mean", "validation")
        assert found is not None and not found.rows.has_texts and set(found.rows.split.texts()) == {""}
        pq.write_table(table.set_column(1, "label", [["no such"] * len(table)]), path)
        with pytest.raises(UserError, match="has labels that are not those of the run"):
            measured.read_kept(run, "mean", "validation")
        path.write_bytes(b"PAR1 and nothing")
        with pytest.raises(UserError, match=r"validation\.parquet cannot be read"):
            measured.read_kept(run, "mean", "validation")
    finally:
        path.write_bytes(whole)
