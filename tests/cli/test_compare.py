"""emotui compare on runs whose events and predictions the test writes, against scikit-learn, SciPy, statsmodels and pandas."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
import run_folders as folders
from emotui.core import cli, events
from emotui.core.cli.compare import overlay
from emotui.core.data import sources
from emotui.core.figures.curves import Curve, extremes
from emotui.core.safe_text import cell_width
from emotui.core.specs import DataSpec
from hostile import HOSTILE, RAW
from scipy.stats import binomtest
from sklearn.metrics import f1_score, matthews_corrcoef
from statsmodels.stats.multitest import multipletests

ROWS = 60


@pytest.fixture
def data(tmp_path: Path) -> DataSpec:
    return DataSpec(str(folders.write_data(tmp_path / "data", rows=ROWS)))


def write(home: Path, name: str, data: DataSpec, *, seed: int = 0, right: float = 0.8, settings: dict | None = None, **job: object) -> Path:
    """Write a finished fine-tuning on `data` with predictions on its validation split, about `right` of them right."""
    read = sources.load(data)
    labels = read.labels
    happened = folders.train_events(labels=labels)
    if settings is not None:
        happened = [
            msgspec.structs.replace(each, settings={**each.settings, **settings}) if isinstance(each, events.Started) else each
            for each in happened
        ]
    random = np.random.default_rng(seed)
    happened = [
        msgspec.structs.replace(each, loss=(each.loss or 0.0) * random.uniform(0.5, 1.5)) if isinstance(each, events.Step) else each
        for each in happened
    ]
    hashed = sources.fingerprint(read)
    folder = folders.write_run(home / "runs", name, folders.train_spec(data=data, **job), happened, data_hash=hashed, labels=labels)
    truth = read.splits["validation"].label_ids()
    logits = random.normal(0, 1, (ROWS, len(labels)))
    logits[np.arange(ROWS), truth] += np.where(random.random(ROWS) < right, 5.0, -5.0)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    folders.write_predictions(folder, truth.tolist(), shares, labels)
    return folder


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.main(("compare", *arguments)) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def kept(folder: Path) -> tuple[list[str], list[str]]:
    table = pd.read_parquet(folder / "predictions" / "validation.parquet")
    return list(table["label"]), list(table["prediction"])


def test_figures_are_those_of_other_libraries(emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]) -> None:
    made = {
        name: write(emotui_home, name, data, seed=seed, right=right)
        for seed, (name, right) in enumerate(zip("abc", (0.9, 0.6, 0.5), strict=True))
    }
    found = json.loads(asked(capsys, "a", "b", "c", "--json")[0])
    assert [each["run"] for each in found["runs"]] == ["a", "b", "c"] and found["split"] == "validation" and found["sort"] is None
    for each in found["runs"]:
        truth, predicted = kept(made[each["run"]])
        for key, expected in (
            ("f1_weighted", f1_score(truth, predicted, average="weighted")),
            ("mcc", matthews_corrcoef(truth, predicted)),
        ):
            assert each["metrics"][key] == pytest.approx(expected)
            low, high = each["intervals"][key]
            assert low < expected < high
    expected = []
    for (one, other), pair in zip(itertools.combinations("abc", 2), found["pairs"], strict=True):
        (truth, first), (_, second) = kept(made[one]), kept(made[other])
        only = [sum(x == t != y for t, x, y in zip(truth, a, b, strict=True)) for a, b in ((first, second), (second, first))]
        assert (pair["first"], pair["second"]) == (one, other)
        assert [pair["only_first_right"], pair["only_second_right"]] == only
        assert pair["both_right"] + pair["both_wrong"] + sum(only) == ROWS
        expected.append(binomtest(only[0], sum(only)).pvalue)
        assert pair["p"] == pytest.approx(expected[-1])
    assert [pair["p_holm"] for pair in found["pairs"]] == pytest.approx(list(multipletests(expected, method="holm")[1]))


def test_curves_and_their_extremes(emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(emotui_home, "a", data, seed=3)
    write(emotui_home, "b", data, seed=4)
    lines = [json.loads(line)["event"] for line in (folder / "events.jsonl").read_text().splitlines()]
    losses = pd.Series({each["step"]: each["loss"] for each in lines if each["kind"] == "step"})
    scores = pd.Series({each["step"]: each["metrics"]["f1_weighted"] for each in lines if each["kind"] == "evaluated"})
    for weight, series in ((0.0, losses), (0.9, losses.ewm(alpha=0.1).mean())):  # pandas corrects for the start in the same way
        one = json.loads(asked(capsys, "a", "b", "--json", "--smooth", str(weight))[0])["runs"][0]
        assert one["curves"]["train_loss"]["steps"] == list(series.index)
        assert one["curves"]["train_loss"]["values"] == pytest.approx(list(series))
        found = one["extremes"]["train_loss"]
        assert (found["least"], found["greatest"], found["last"]) == pytest.approx((series.min(), series.max(), series.iloc[-1]))
        assert (found["least_at"], found["greatest_at"], found["last_at"]) == (series.idxmin(), series.idxmax(), 500)
        found = one["extremes"]["f1_weighted"]  # measurements stand for themselves
        assert (found["least"], found["greatest"], found["greatest_at"]) == (scores.min(), scores.max(), scores.idxmax())


def test_what_is_not_finite_is_left_out_and_a_last_one_is_told() -> None:
    found = extremes(Curve((1, 2, 3, 4), (None, 2.0, 1.0, None)))
    assert found is not None and (found.least, found.least_at, found.last, found.last_at, found.points) == (1.0, 3, None, 4, 2)
    assert extremes(Curve((1, 2), (None, float("inf")))) is None and extremes(Curve((), ())) is None
    assert extremes(Curve((1, 2, 3), (2.0, 1.0, 1.0))).least_at == 2  # type: ignore[union-attr]


def test_only_the_settings_that_differ_are_listed(emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]) -> None:
    write(emotui_home, "a", data, learning_rate=None, settings={"learning_rate": 3e-4, "threads": 2})  # what the preset chose
    write(emotui_home, "b", data, learning_rate=1e-3, settings={"learning_rate": 1e-3, "threads": 2}, label_smoothing=0.1)
    found = json.loads(asked(capsys, "a", "b", "--json")[0])
    assert [(each["name"], each["values"]) for each in found["settings"]] == [
        ("learning_rate", [3e-4, 1e-3]),
        ("label_smoothing", [0.0, 0.1]),
    ]
    assert found["settings_alike"] == len(found["runs"][0]["settings"]) - 2
    out, _ = asked(capsys, "a", "b")
    assert "learning rate  0.0003  0.001" in out and "epochs" not in out
    write(emotui_home, "c", data, learning_rate=3e-4, settings={"learning_rate": 3e-4, "threads": 2})
    assert "Settings: none differs" in asked(capsys, "a", "c")[0]


def test_runs_are_sorted_by_any_metric_best_first(emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, (name, right) in enumerate((("a", 0.5), ("b", 0.95), ("c", 0.7))):
        write(emotui_home, name, data, seed=seed, right=right)
    for word, key, descending in (("f1", "f1_weighted", True), ("MCC", "mcc", True), ("ece", "ece", False), ("accuracy", "accuracy", True)):
        found = json.loads(asked(capsys, "a", "b", "c", "--json", "--sort", word)[0])
        values = [each["metrics"][key] for each in found["runs"]]
        assert values == sorted(values, reverse=descending) and found["sort"] == key
    assert asked(capsys, "a", "b", "--sort", "f1")[0].splitlines()[2].split()[:2] == ["A", "b"]


def test_a_run_without_a_model_is_told_and_stands_beside_the_others(
    emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    write(emotui_home, "a", data)
    folders.write_failed_run(emotui_home / "runs", "bad")
    out, err = asked(capsys, "a", "bad", "--sort", "f1")
    assert "bad is not measured on validation: it is failed and has no model to measure" in err
    assert "bad" in out and "Row by row" not in out
    found = json.loads(asked(capsys, "bad", "a", "--sort", "f1", "--json")[0])
    assert [each["run"] for each in found["runs"]] == ["a", "bad"] and found["pairs"] == [] and len(found["notes"]) == 1
    assert found["runs"][1]["cost"]["seconds"] is None and found["runs"][1]["curves"]["train_loss"]["steps"][-1] == 100


def test_runs_on_other_rows_are_not_tested_against_each_other(
    emotui_home: Path, data: DataSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(emotui_home, "a", data)
    other = DataSpec(str(folders.write_data(tmp_path / "other", rows=ROWS, texts=("another text",))))
    write(emotui_home, "b", other)
    pair = json.loads(asked(capsys, "a", "b", "--json")[0])["pairs"][0]
    assert pair["p"] is None and "not evaluated on the same rows: the texts" in pair["fault"]
    assert "A and B: a and b were not evaluated on the same rows" in asked(capsys, "a", "b")[0]


def test_the_report_names_runs_by_letters_and_the_cost(emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]) -> None:
    write(emotui_home, "a", data, right=1.0)
    write(emotui_home, "b", data, right=0.3, settings={"note": " ".join(HOSTILE).encode("utf-8", "replace").decode()})
    out, _ = asked(capsys, "a", "b")
    assert RAW.search(out) is None
    for words in (
        "A is better, beyond chance",
        "3 min 32 s",
        "cpu, 2 cores",
        "22,600,000",
        "2.1 GB",
        "Metrics on validation, 60 rows",
        "1.000 to 1.000 best",
        "Training loss over steps (nats; *: several runs)",
        "least  at step  greatest",
    ):
        assert words in out, words
    assert max(map(cell_width, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a",), "a comparison needs two or more runs"),
        ((), "a comparison needs two or more runs"),
        (("a", "a"), "a is named twice"),
        (("a", "none"), "there is no run 'none'"),
        (("a", "b", "--sort", "size"), "there is no metric 'size': choose from accuracy, f1"),
        (("a", "b", "--smooth", "1"), "is not a number of 0 or more and below 1"),
    ],
)
def test_bad_input_is_one_sentence(
    emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    write(emotui_home, "a", data)
    write(emotui_home, "b", data)
    assert words in asked(capsys, *arguments, code=2)[1]


def test_letters_stand_where_the_means_of_the_curves_are() -> None:
    lines = overlay([("A", Curve((0, 1, 2, 3), (3.0, 2.0, 1.0, 0.0))), ("B", Curve((0, 3), (3.0, None)))], columns=4, rows=4)
    assert lines[:4] == ["  3.0000 |*", "         | A", "         |  A", "  0.0000 |   A"]
    assert lines[-1].split() == ["0", "3"] and overlay([("A", Curve((1,), (None,)))]) == ["  no finite value"]


def test_what_only_another_kind_of_run_has_is_counted_and_not_listed(
    emotui_home: Path, data: DataSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    write(emotui_home, "a", data)
    folders.write_baseline_run(emotui_home / "runs", "base")
    found = json.loads(asked(capsys, "a", "base:tfidf", "--json", code=2)[0] or "{}")
    assert not found  # its rungs are not kept
    found = json.loads(asked(capsys, "a", "base", "--json")[0])
    assert [each["name"] for each in found["runs"]] == ["a", "base:tfidf"]  # the best that was measured
    names = {each["name"] for each in found["settings"]}
    assert {"task", "data"} <= names and not {"epochs", "pooling", "batch_size"} & names
    one, other = (each["settings"] for each in found["runs"])
    assert found["settings_of_some"] == len(set(one) ^ set(other))
    assert len(found["settings"]) + found["settings_alike"] == len(set(one) & set(other))
