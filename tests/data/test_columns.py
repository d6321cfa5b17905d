"""Columns are guessed when that is unambiguous, and asked for by name otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec


def table(**columns: list) -> list[dict]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


SENTENCES = [f"some words of sentence {number}" for number in range(40)]
CLASSES = ["good", "bad"] * 20


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"text": SENTENCES, "label": CLASSES}, "text", "label"),
        ({"label": CLASSES, "text": SENTENCES, "sentence": SENTENCES, "emotion": CLASSES}, "text", "label"),
        ({"tweet": SENTENCES, "sentiment": CLASSES}, "tweet", "sentiment"),
        ({"id": list(range(40)), "Tweet": SENTENCES, "Category": CLASSES}, "Tweet", "Category"),
        ({"what was said": SENTENCES, "how": CLASSES}, "what was said", "how"),
        ({"words": SENTENCES, "stars": [1, 2] * 20}, "words", "stars"),
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_columns_are_guessed(tmp_path: Path, write, ending: str, columns: dict, text: str, label: str) -> None:
    dataset = sources.load(DataSpec(str(write(tmp_path / f"all.{ending}", table(**columns)))))
    assert (dataset.text_column, dataset.label_column) == (text, label)
    assert dataset.columns == tuple(columns)
    assert any(f"'{text}'" in note for note in map(str, dataset.notes)) == (text != "text")
    assert any(f"'{label}'" in note for note in map(str, dataset.notes)) == (label != "label")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"question": SENTENCES, "answer": SENTENCES, "label": CLASSES}, "holds the texts: its columns are question, answer, label"),
        ({"text": SENTENCES, "emotion": CLASSES, "topic": CLASSES}, "holds the labels: its columns are text, emotion, topic"),
        ({"a": [1.5] * 40, "b": [2.5] * 40}, "holds the texts and which the labels: its columns are a, b"),
    ],
)
def test_ambiguous_columns_are_listed(tmp_path: Path, write, columns: dict, expected: str) -> None:
    file = write(tmp_path / "all.jsonl", table(**columns))
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(file)))
    assert expected in str(caught.value)
    assert "--text-column" in str(caught.value)
    assert "--label-column" in str(caught.value)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
def test_named_columns_are_used(tmp_path: Path, write, ending: str) -> None:
    columns = {"text": ["x y"] * 40, "label": ["z"] * 40, "my text": SENTENCES, "class name": CLASSES}
    file = write(tmp_path / f"all.{ending}", table(**columns))
    dataset = sources.load(DataSpec(str(file), text_column="my text", label_column="class name"))
    assert sorted(text for split in dataset.splits.values() for text in split.texts()) == sorted(SENTENCES)
    assert dataset.labels == ("bad", "good")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"text_column": "txt"}, "has no column 'txt': its columns are text, label. Name one of them with --text-column"),
        ({"label_column": "lbl"}, "has no column 'lbl': its columns are text, label. Name one of them with --label-column"),
        ({"text_column": "label", "label_column": "label"}, "cannot be both text and label"),
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_named_column_must_be_there(tmp_path: Path, write, ending: str, names: dict, expected: str) -> None:
    file = write(tmp_path / f"all.{ending}", table(text=SENTENCES, label=CLASSES))
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(file), **names))
    assert expected in str(caught.value)


def test_a_column_with_a_label_for_every_row_is_refused(tmp_path: Path, write) -> None:
    rows = [{"text": f"text {number}", "label": f"id-{number}"} for number in range(200)]
    with pytest.raises(UserError, match=r"200 different labels in 200 rows\. Is it the right column"):
        sources.load(DataSpec(str(write(tmp_path / "all.jsonl", rows))))


ODD_NAMES = (
    "back\\slash", 'a "quote"', "'", "line\nbreak", "carriage\rreturn", "tab\t", "nul\0", "\x1b]52;c;YQ==\x07",
    "\x9b31m", "\x7f",
    "[/]", "[@click=app.quit]x[/]", "right\u202eleft", "dotted.name", "a,b",
    "a;b", "🙂", "ﷺ", "\ufeffmark", "__class__", "{}", "%s", "a" * 500,
)  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("column", ["text", "label"])
def test_a_column_may_have_any_name(tmp_path: Path, write, ending: str, name: str, column: str) -> None:
    columns = {"text": SENTENCES, "label": CLASSES}
    columns[name] = columns.pop(column)
    spec = DataSpec(str(write(tmp_path / f"all.{ending}", table(**columns))), **dict[str, Any]({f"{column}_column": name}))
    dataset = sources.load(spec)
    rows = [row for split in dataset.splits.values() for row in split.table.column("text").to_pylist()]
    assert sorted(rows, key=str) == sorted(SENTENCES)
    assert set(dataset.labels) == {"good", "bad"}


def test_a_column_whose_name_is_no_unicode_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text("".join(f'{{"\\ud800": "{text}", "label": "{name}"}}\n' for text, name in zip(SENTENCES, CLASSES, strict=True)))
    with pytest.raises(UserError, match="row 1"):
        sources.load(DataSpec(str(file)))
