"""A split without labels does not stop the others, is told, and is never measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec

WILD = Path(__file__).parent.parent / "wild"


def rows(count: int, labels: tuple = (0, 1)) -> list[dict]:
    return [{"text": f"text {n}", "label": labels[n % len(labels)]} for n in range(count)]


def lengths(data: sources.Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in data.splits.items()}


def test_a_test_split_of_minus_ones_as_in_glue() -> None:
    data = sources.load(DataSpec(str(WILD / "unlabelled-test-glue")))
    assert lengths(data) == {"train": 240, "validation": 30}
    assert data.unlabelled == {"test": 30}
    assert data.labels == ("negative", "positive")
    assert any(
        note.startswith("test has no labels but '-1', which no row of training has: its 30 rows are not used")
        for note in map(str, data.notes)
    )


def test_a_test_file_without_the_column_as_on_kaggle() -> None:
    data = sources.load(DataSpec(str(WILD / "unlabelled-test-kaggle")))
    assert lengths(data) == {"train": 225, "validation": 25}
    assert data.unlabelled == {"test": 50}
    assert "there is no validation split: took 25 of the 250 rows of train for it (10 %, by class, seed 0)" in data.notes
    assert any(note.startswith("not used: sample_submission.csv") for note in map(str, data.notes))


@pytest.mark.parametrize("value", ["null", "-1", '""', "-1.0", "NaN", '" "'])
def test_whatever_stands_for_no_label(tmp_path: Path, write, value: str) -> None:
    write(tmp_path / "train.jsonl", rows(60))
    write(tmp_path / "validation.jsonl", rows(20))
    (tmp_path / "test.jsonl").write_text("".join(f'{{"text": "text {n}", "label": {value}}}\n' for n in range(20)))
    data = sources.load(DataSpec(str(tmp_path)))
    assert lengths(data) == {"train": 60, "validation": 20} and data.unlabelled == {"test": 20}


def test_one_row_with_a_label_makes_the_others_faults(tmp_path: Path, write) -> None:
    write(tmp_path / "train.jsonl", rows(60))
    write(tmp_path / "validation.jsonl", rows(20))
    write(tmp_path / "test.jsonl", [*({"text": f"t {n}", "label": None} for n in range(9)), {"text": "last", "label": 1}])
    with pytest.raises(UserError, match=r"test\.jsonl, row 1: the label is null"):
        sources.load(DataSpec(str(tmp_path)))


def test_minus_one_is_a_class_of_the_test_where_it_is_one_in_training(tmp_path: Path, write) -> None:
    write(tmp_path / "train.jsonl", rows(60, (-1, 1)))
    write(tmp_path / "validation.jsonl", rows(20, (-1, 1)))
    write(tmp_path / "test.jsonl", rows(7, (-1,)))
    data = sources.load(DataSpec(str(tmp_path)))
    assert lengths(data)["test"] == 7 and data.unlabelled == {}


def test_a_validation_split_without_labels_is_made_from_train(tmp_path: Path, write) -> None:
    write(tmp_path / "train.jsonl", rows(60))
    write(tmp_path / "validation.jsonl", rows(20, (None,)))
    write(tmp_path / "test.jsonl", rows(20))
    data = sources.load(DataSpec(str(tmp_path)))
    assert lengths(data) == {"train": 54, "validation": 6, "test": 20} and data.unlabelled == {"validation": 20}
    assert any(note.startswith("there is no validation split with labels: took 6 of the 60 rows") for note in map(str, data.notes))


def test_labels_under_another_name_are_no_missing_labels(tmp_path: Path, write) -> None:
    write(tmp_path / "train.jsonl", rows(60))
    write(tmp_path / "test.jsonl", [{"text": row["text"], "class": row["label"]} for row in rows(20)])
    with pytest.raises(UserError, match=r"test\.jsonl has no column 'label': its columns are text, class. Give the labels the same name"):
        sources.load(DataSpec(str(tmp_path)))


def test_training_rows_without_labels_are_refused(tmp_path: Path, write) -> None:
    write(tmp_path / "train.jsonl", rows(60, (None,)))
    write(tmp_path / "validation.jsonl", rows(20))
    with pytest.raises(UserError, match=r"train\.jsonl, row 1: the label is null"):
        sources.load(DataSpec(str(tmp_path)))


def test_data_shows_it_as_unlabelled(emotui_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from emotui.core.cli import main

    assert main(["data", str(WILD / "unlabelled-test-glue"), "--no-tokens"]) == 0
    shown = capsys.readouterr()
    assert [line.split() for line in shown.out.splitlines() if line.endswith("unlabelled")] == [["test", "30", "unlabelled"]]
    assert "test has no labels" in shown.err + shown.out
    assert main(["data", str(WILD / "unlabelled-test-kaggle"), "--no-tokens", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unlabelled"] == {"test": 50}
