"""The figures in a report are those of the other commands, and of scikit-learn, for the same run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from emotui.core import cli
from emotui.core.data.arrays import texts_of
from emotui.core.report import build, material
from emotui.core.report.content import Bars, Lines, Report, Shaded, Table, Words
from emotui.core.runs import behaviour, case_results, data_record
from emotui.core.runs.behaviour import Behaviour, EditTest, Example
from emotui.core.runs.case_results import CaseResults
from emotui.core.runs.cases import Case, Outcome
from emotui.core.runs.folder import RunFolder
from report_runs import write_whole_run
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score


@pytest.fixture
def run(emotui_home: Path, tmp_path: Path) -> RunFolder:
    return write_whole_run(emotui_home, tmp_path / "data")


def made(run: RunFolder, **options) -> Report:
    return build.report(material.gather(run, "", "validation", **options))


def table(report: Report, section: str, caption: str = "") -> list[dict[str, str]]:
    """Return the rows of the first table of a section whose caption begins so, by its heads; of several of a name the last is kept."""
    blocks = next(each for each in report.sections if each.key == section).blocks
    found = next(each for each in blocks if isinstance(each, Table) and each.caption.startswith(caption))
    heads = [column.head for column in found.columns]
    return [dict(zip(heads, [cell.text if isinstance(cell, Shaded) else cell for cell in row], strict=True)) for row in found.rows]


def words(report: Report, section: str) -> str:
    return " ".join(each.text for each in next(each for each in report.sections if each.key == section).blocks if isinstance(each, Words))


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    capsys.readouterr()
    assert cli.main(arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_figures_classes_matrix_rows_and_calibration_are_those_of_errors(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    report, told = made(run), asked(capsys, "errors", run.id, "--worst", "20", "--json")
    figures = {row["metric"]: row for row in table(report, "results")}
    for key, name in (("accuracy", "accuracy"), ("f1_weighted", "weighted F1"), ("f1_macro", "macro-F1"), ("mcc", "Matthews' correlation")):
        assert figures[name]["value"] == f"{told[key]:.4f}"
        low, high = told["intervals"][key]
        assert figures[name]["95 % interval"] == f"{low:.3f} to {high:.3f}"
    assert figures["loss (nats)"]["value"] == f"{told['loss']:.4f}"
    for row in table(report, "classes"):
        each = told["per_class"][row["class"]]
        assert (row["precision"], row["recall"], row["F1"]) == tuple(f"{each[key]:.3f}" for key in ("precision", "recall", "f1"))
        low, high = told["intervals"][f"f1:{row['class']}"]
        assert row["95 % interval"] == f"{low:.3f} to {high:.3f}"
    counts = [
        [int(cell.partition(" ")[0]) for head, cell in row.items() if head != "true class"] for row in table(report, "matrix", "Rows")
    ]
    assert counts == told["confusion"]
    for caption, key in (("Highest", "highest_loss"), ("Lowest", "lowest_loss")):
        rows = table(report, "rows", caption)
        expected = told[key][: len(rows)]
        assert len(rows) == (20 if caption == "Highest" else 5)
        assert [(row["row"], row["text"], row["label"], row["prediction"]) for row in rows] == [
            (str(each["row"]), each["text"], each["label"], each["prediction"]) for each in expected
        ]
        assert [row["loss (nats)"] for row in rows] == [f"{each['loss']:.3f}" for each in expected]
    bins = [each for each in told["calibration"]["bins"] if each["rows"]]
    assert [row["right"] for row in table(report, "calibration", "Bins")] == [f"{100 * each['accuracy']:.1f} %" for each in bins]
    assert f"is {100 * told['calibration']['expected_error']:.1f} points" in words(report, "calibration")
    covered = table(report, "calibration", "Where only answers")
    assert [row["rows"] for row in covered] == [f"{each['rows']:,}" for each in told["coverage"]]


def test_figures_are_those_of_scikit_learn(run: RunFolder) -> None:
    report = made(run)
    kept = pq.read_table(run.predictions_file("validation"))
    truth, predicted = texts_of(kept["label"]), texts_of(kept["prediction"])
    labels = list(run.read_spec().labels)
    figures = {row["metric"]: row["value"] for row in table(report, "results")}
    assert figures["accuracy"] == f"{accuracy_score(truth, predicted):.4f}"
    assert figures["weighted F1"] == f"{f1_score(truth, predicted, average='weighted'):.4f}"
    counts = [
        [int(cell.partition(" ")[0]) for head, cell in row.items() if head != "true class"] for row in table(report, "matrix", "Rows")
    ]
    assert counts == confusion_matrix(truth, predicted, labels=labels).tolist()
    assert {each.name: each.value for each in report.headlines}["macro-F1"] == f"{f1_score(truth, predicted, average='macro'):.4f}"


def test_curves_epochs_and_settings_are_those_of_show(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    report, told = made(run), asked(capsys, "show", run.id, "--json")
    rows = table(report, "curves", "Each epoch")
    assert [row["epoch"] for row in rows] == [str(each["epoch"]) for each in told["epochs"]]
    assert [row["validation loss (nats)"] for row in rows] == [f"{each['eval_loss']:.4f}" for each in told["epochs"]]
    assert [row["F1"] for row in rows] == [f"{each['f1_weighted']:.4f}" for each in told["epochs"]]
    settings = {row["setting"]: row["value"] for row in table(report, "settings", "Settings")}
    assert settings["learning_rate"] == "0.0003" and settings["batch_size"] == str(told["started"]["settings"]["batch_size"])
    facts = {row["what"]: row["value"] for row in table(report, "settings", "The run")}
    assert facts["sha256 of the data"] == told["spec"]["data_hash"] and facts["state"] == told["state"]
    versions = {row["program or library"]: row["version"] for row in table(report, "settings", "Versions")}
    assert versions == told["spec"]["versions"]
    charts = [each for each in next(s for s in report.sections if s.key == "curves").blocks if isinstance(each, Lines)]
    loss = next(each for each in charts if each.title == "Loss")
    trained = next(each for each in loss.series if each.name == "training loss")
    events = [json.loads(line)["event"] for line in run.events_file.read_text().splitlines()]
    steps = [each for each in events if each["kind"] == "step"]
    assert trained.points[0] == (2.0, pytest.approx((steps[0]["loss"] + steps[1]["loss"]) / 2))  # 500 steps in groups of 2
    assert "Validation loss: " in loss.text and "A point of the training loss is the mean over 2 logged steps." in loss.text


def test_a_report_needs_nothing_but_the_folder(run: RunFolder, emotui_home: Path, tmp_path: Path) -> None:
    before = made(run, clock=lambda: 1.0)
    shutil.rmtree(tmp_path / "data")
    moved = tmp_path / "elsewhere" / run.id
    shutil.copytree(run.path, moved)
    shutil.rmtree(emotui_home)
    moved.chmod(0o700)
    after = made(RunFolder(moved), clock=lambda: 1.0)
    assert after == before
    assert table(after, "data", "Rows of each split")[0]["rows"] == "60"


def test_a_ladder_is_told_and_a_fine_tuning_is_set_beside_that_on_the_same_data(emotui_home: Path, tmp_path: Path) -> None:
    run = write_whole_run(emotui_home, tmp_path / "data")
    write_whole_run(emotui_home, tmp_path / "other", "other2", baseline=True, rows=24)
    assert "Fit the ladder with: emotui baseline DATASET" in words(made(run), "ladder")  # that one is on other data
    baseline = write_whole_run(emotui_home, tmp_path / "data", "base22", baseline=True)
    of_baseline, of_run = made(baseline), made(run)
    rows = table(of_baseline, "ladder")
    assert [row["baseline"] for row in rows] == [
        "most frequent class",
        "TF-IDF",
        "static embeddings",
        "logistic regression on [CLS]",
        "logistic regression on mean",
    ]
    measured = material.gather(run, "", "validation").view.measured
    assert table(of_run, "ladder")[:-1] == rows and measured is not None
    assert table(of_run, "ladder")[-1]["macro-F1"] == f"{measured.f1_macro:.4f}"
    assert "From the run base22" in words(of_run, "ladder")
    assert all(each.key != "curves" for each in of_baseline.sections)


def test_what_is_missing_is_named_with_the_command_that_gets_it(run: RunFolder) -> None:
    report = build.report(material.gather(run, "", "test"))
    assert f"emotui evaluate {run.id} --split test" in words(report, "results") and not report.headlines
    (run.path / "rows" / "validation.parquet").unlink()
    (run.path / data_record.FILE).unlink()
    report = made(run)
    assert f"The texts of validation are not kept with the run. Evaluate it again with: emotui evaluate {run.id}" in words(report, "rows")
    assert {row["text"] for row in table(report, "rows")} == {"-"}
    assert "emotui data DATASET" in words(report, "data")
    assert "emotui check DATASET --faults" in words(report, "faults")
    run.predictions_file("validation").unlink()
    report = made(run)
    assert "predictions of validation are not kept" in words(report, "calibration")
    assert {row["metric"]: row["value"] for row in table(report, "results")}["accuracy"]  # as the run measured it at its end


def test_behaviour_tests_that_are_kept_are_told(run: RunFolder) -> None:
    assert f"Test it with: emotui behaviour {run.id}" in words(made(run), "behaviour")
    example = Example(3, "so good", "so godo", "joy", "love", 0.9, 0.2)
    tests = (
        EditTest("typo", "invariance", 40, 10, (0.14, 0.4), (example,), {"no word of four letters": 20}),
        EditTest("negation", "direction", 0, 0),
    )
    behaviour.write(run, Behaviour(run.id, "", "validation", run.read_spec().data_hash, 0.0, 60, 60, 7, 1.0, tests))
    report = made(run)
    assert "Tested on 1970-01-01 with edits of 60 rows of validation, seed 7." in words(report, "behaviour")
    edits = table(report, "behaviour", "Edits")
    assert [list(row.values()) for row in edits] == [
        ["typo", "the class stays", "40", "10", "25.0 %", "14.0 to 40.0 %"],
        ["negation", "its probability falls", "0", "0", "-", "-"],
    ]
    (failed,) = table(report, "behaviour", "Rows that failed")
    assert (failed["before"], failed["after"], failed["edited"]) == ("joy (90.0 %)", "love (joy: 20.0 %)", "so godo")


def test_test_cases_that_are_kept_are_told(run: RunFolder) -> None:
    assert f"Ask it with: emotui cases {run.id}" in words(made(run), "cases")
    outcomes = tuple(Outcome(Case(f"text {number}", "joy", 0.0), "love", 0.1 + number / 100) for number in range(25))
    unknown = Outcome(Case("<b>who knows", "rage", 0.0), "joy", None, "the run has no label rage")
    passed = Outcome(Case("so good", "joy", 0.0), "joy", 0.9)
    case_results.write(run, CaseResults(run.id, "", "starter", 0.0, (*outcomes, passed, unknown), 1.5))
    report = made(run)
    assert "Asked on 1970-01-01: 1 of 27 cases passed, 26 failed. The probabilities are at the temperature 1.5." in words(report, "cases")
    failed = table(report, "cases", "Cases that failed, 20 of 26")
    assert [list(row.values()) for row in failed[:2]] == [
        ["rage", "the run has no label rage", "-", "<b>who knows"],
        ["joy", "love", "10.0 %", "text 0"],
    ]
    assert len(failed) == 20 and [row["text"] for row in table(report, "cases", "Cases that passed")] == ["so good"]
    case_results.file_of(run, "").write_text("{}")
    assert any("cases.json is damaged" in row["fault"] for row in table(made(run), "notes", "What could not be read"))


def test_what_is_damaged_is_named_and_the_rest_is_told(run: RunFolder) -> None:
    run.predictions_file("validation").write_bytes(b"PAR1 and nothing")
    (run.path / data_record.FILE).write_text("{")
    report = made(run)
    faults = [row["fault"] for row in table(report, "notes", "What could not be read")]
    assert len(faults) == 2 and any("data.json is damaged" in each for each in faults)
    assert any("validation.parquet cannot be read" in each for each in faults)
    assert table(report, "curves", "Each epoch") and table(report, "results")


def test_figures_of_the_data_that_cannot_be_are_told(run: RunFolder) -> None:
    path = run.path / data_record.FILE
    whole = path.read_text()
    for changed in (
        json.dumps({**json.loads(whole), "labels": []}),
        json.dumps({**json.loads(whole), "splits": {}}),
        whole.replace('"rows":60', '"rows":-1', 1),
        whole.replace('"rows":60', f'"rows":{10**400}', 1),
        whole.replace('"max":', '"max":1e300,"was":', 1),
    ):
        assert changed != whole
        path.write_text(changed)
        report = made(run)
        assert any("data.json is damaged" in row["fault"] for row in table(report, "notes", "What could not be read"))


def test_every_chart_says_what_it_shows(run: RunFolder) -> None:
    charts = [block for section in made(run).sections for block in section.blocks if isinstance(block, Lines | Bars)]
    assert len(charts) >= 6
    assert all(len(each.text) > 30 and each.text.endswith(".") and each.title for each in charts)


def test_slices_are_told_with_the_figures_of_errors(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    told = asked(capsys, "errors", run.id, "--slice", "hits=-wrong", "--slice", "of joy=label:joy", "--json")["slices"]
    rows = table(made(run, lines={"hits": "-wrong", "of joy": "label:joy"}), "slices")
    assert [(row["slice"], row["rows"], row["weighted F1"], row["p (Holm)"]) for row in rows] == [
        (each["name"], str(each["rows"]), f"{each['f1_weighted']:.3f}", f"{each['p']:.3g}") for each in told
    ]
