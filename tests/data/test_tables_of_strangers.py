"""Tables in shapes that people bring: what is plain is read, and what is not gets a remedy that works for this very file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from emotui.core.data import reading_words, sources
from emotui.core.data.table import Dataset
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec, Reading

WORDS = ("i love this film", "i hate this film", "what a great day", "what a sad day")
ROWS = [(f"{WORDS[number % 4]}, number {number}", ("pos", "neg")[number % 2]) for number in range(60)]


def load(path: Path, **more: object) -> Dataset:
    return sources.load(DataSpec(str(path), **more))  # type: ignore[arg-type]


def rows_of(data: Dataset) -> set[tuple[str, str]]:
    return {(row.text, data.labels[row.label]) for split in data.splits.values() for row in split.rows(0, len(split))}


def plain(text: str) -> str:
    return text.replace(",", "")


@pytest.mark.parametrize("character", ["~", "^", ":", "，", "\x1f", "\x01", "¦"])
def test_an_unusual_delimiter_is_named_and_the_remedy_reads_the_file(tmp_path: Path, character: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "".join(f"{text}{character}{label}\n" for text, label in [("text", "label"), *((plain(a), b) for a, b in ROWS)]), "utf-8"
    )
    with pytest.raises(UserError, match="has only one column") as refused:
        load(path)
    said = re.search(r"--delimiter (.+)$", str(refused.value))
    assert said
    name = said[1].strip("'")
    assert rows_of(load(path, reading=Reading(delimiter=reading_words.delimiter(name)))) == {(plain(a), b) for a, b in ROWS}


def test_a_column_without_a_delimiter_is_refused_without_a_guess(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text\n" + "".join(f"{plain(text)}\n" for text, _ in ROWS))
    with pytest.raises(UserError, match=r"only one column, 'text'; texts and labels need two\. Name the .* or write a label into"):
        load(tmp_path / "rows.csv")


def test_commas_in_a_file_of_text_count_where_its_first_line_names_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("text,label\n" + "".join(f"{plain(text)},{label}\n" for text, label in ROWS))
    assert rows_of(load(path)) == {(plain(a), b) for a, b in ROWS}
    assert any("commas between its fields" in note for note in map(str, load(path).notes))


def test_spaces_after_commas_belong_to_no_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text, label\n" + "".join(f"{plain(text)}, {label}\n" for text, label in ROWS))
    data = load(path)
    assert (data.text_column, data.label_column, data.labels) == ("text", "label", ("neg", "pos"))


def test_fasttext_labels_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"{text} __label__{label}\n" for text, label in ROWS))
    assert rows_of(load(path)) == set(ROWS)


def test_the_names_beside_integers_are_the_labels(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label_id,label_name\n" + "".join(f"{plain(a)},{int(b == 'pos')},{b}\n" for a, b in ROWS))
    data = load(path)
    assert (data.label_column, data.labels) == ("label_name", ("neg", "pos"))
    path.write_text("text,one,two\n" + "".join(f"{plain(a)},{n % 3},{b}\n" for n, (a, b) in enumerate(ROWS)))
    with pytest.raises(UserError, match="it is not clear which column"):
        load(path)


def test_folders_that_are_called_by_their_split(tmp_path: Path) -> None:
    for split, part in (("train", ROWS[:40]), ("dev", ROWS[40:50]), ("test", ROWS[50:])):
        for number, half in enumerate((part[::2], part[1::2])):
            path = tmp_path / split / f"{number:04d}.jsonl"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in half))
    data = load(tmp_path)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 40, "validation": 10, "test": 10}
    assert rows_of(data) == set(ROWS)
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "more.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="has validation rows in several folders"):
        load(tmp_path)


@pytest.mark.parametrize("placeholder", ["?", "unknown", "-1", "99"])
def test_a_label_of_all_test_rows_that_training_lacks_is_none(tmp_path: Path, placeholder: str) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"{plain(a)},{b}\n" for a, b in ROWS[:40]))
    (tmp_path / "test.csv").write_text("text,label\n" + "".join(f"{plain(a)},{placeholder}\n" for a, _ in ROWS[40:]))
    data = load(tmp_path)
    assert (data.labels, data.unlabelled) == (("neg", "pos"), {"test": 20})
    assert any(f"test has no labels but '{placeholder}'" in note for note in map(str, data.notes))


def test_a_test_split_of_one_class_keeps_its_labels(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"{plain(a)},{b}\n" for a, b in ROWS[:40]))
    (tmp_path / "test.csv").write_text("text,label\n" + "".join(f"{plain(a)},pos\n" for a, _ in ROWS[40:]))
    assert load(tmp_path).unlabelled == {}
    (tmp_path / "test.csv").write_text("text,label\n" + "".join(f"{plain(a)},POS\n" for a, _ in ROWS[40:]))
    assert load(tmp_path, fold_case=True).unlabelled == {}


def test_whole_numbers_that_json_quotes_are_the_classes_of_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": a, "label": "1.0" if b == "pos" else "0.0"}) + "\n" for a, b in ROWS))
    assert (load(path).labels, load(path).values) == (("0", "1"), (0, 1))
    path.write_text("".join(json.dumps({"text": a, "label": "1.5" if b == "pos" else "0.0"}) + "\n" for a, b in ROWS))
    assert load(path).labels == ("0.0", "1.5")
    assert "the labels are numbers, some with fractions; each number is a class" in load(path).notes


def test_columns_that_hold_lists_or_objects_alone_are_said_to(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"id": n, "data": {"text": a}, "annotations": [{"label": b}]}) + "\n" for n, (a, b) in enumerate(ROWS))
    )
    with pytest.raises(UserError, match=r"id, data \(objects\), annotations \(lists\)\. Write each row with a field for its text"):
        load(path)
    path.write_text("".join(json.dumps({"messages": [{"content": a}]}) + "\n" for a, _ in ROWS))
    with pytest.raises(UserError, match=r"only one column, 'messages' \(lists\); .* Write each row with a field for its text"):
        load(path)
