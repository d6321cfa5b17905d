"""`predict --file` gives one answer a row, in order, beside the row's own columns, and goes on where it was interrupted."""

from __future__ import annotations

import csv
import datetime
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.errors import UserError
from emotui.core.model import classify, classify_file
from emotui.core.model.saved import SavedModel
from emotui.core.questions import AskClassifyFile, AskClassifyParts, FileAnswer
from emotui.core.runs import folder as folder_of_runs
from emotui.core.specs import DataSpec, Reading, TrainSpec

LABELS = ("neg", "pos")


class ByLength:
    """Stands for a model: texts of an even length are pos."""

    labels = LABELS

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lives = 10**9

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, Any]:
        self.lives -= 1
        if self.lives < 0:
            raise KeyboardInterrupt
        self.asked += texts
        lengths = np.array([len(text) for text in texts])
        return np.stack([lengths % 2, 1 - lengths % 2], 1).astype(float), SimpleNamespace(lengths=lengths, full_lengths=lengths)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ByLength:
    made = ByLength()
    monkeypatch.setattr(classify, "load", lambda run, where="auto", rung="": made)
    return made


@pytest.fixture
def run(tmp_path: Path, emotui_home: Path) -> Path:
    made = folder_of_runs.create(TrainSpec(DataSpec("starter"), "starter"), data_hash="", labels=LABELS, versions={})
    folder = made.path.rename(tmp_path / "run")
    (folder / "model").mkdir(mode=0o700)
    SavedModel("classifier", LABELS, 8, text_column="body").write(folder / "model")
    return folder


def answered(run: Path, source: Path, target: Path, **how: Any) -> FileAnswer:
    return classify_file.classify_file(AskClassifyFile(str(run), str(source), str(target), **how), lambda *_: None)


def rows_of(path: Path) -> list[dict[str, Any]]:
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))
        case ".parquet":
            return pq.read_table(path).to_pylist()
        case ".gz":
            return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        case _:
            return [json.loads(line) for line in path.read_bytes().splitlines()]


def expected(text: str) -> str:
    return "neg" if len(text) % 2 else "pos"


SHAPES: dict[str, tuple[bytes, dict[str, str], list[str]]] = {
    "predict-id-and-empty-cell.csv": (
        b"Id,Text\n7,the lamp was lovely\n8,\n9,the soup was rude\n",
        {"Id": "7 8 9"},
        ["the lamp was lovely", "", "the soup was rude"],
    ),
    "predict-comment-column.csv": (
        b"id,comment\n7,the lamp was lovely\n8,the soup was rude\n",
        {"id": "7 8"},
        ["the lamp was lovely", "the soup was rude"],
    ),
    "predict-semicolons.csv": (
        b"id;text\n7;the lamp was lovely\n8;the soup was rude\n",
        {"id": "7 8"},
        ["the lamp was lovely", "the soup was rude"],
    ),
    "predict-no-header.csv": (b"the lamp was lovely\nthe soup was rude\n", {"row": "1 2"}, ["the lamp was lovely", "the soup was rude"]),
    "lines.txt": (b"one text\n\nanother one\n", {"row": "1 2 3"}, ["one text", "", "another one"]),
    "one.csv": (b"text\none\n\ntwo\n", {"row": "1 2 3"}, ["one", "", "two"]),
    "windows.csv": ("id;text\n1;un café très bon\n2;déjà vu ici\n".encode("cp1252"), {"id": "1 2"}, ["un café très bon", "déjà vu ici"]),
    "utf-16.csv": ("id\ttext\n1\tgood one\n2\tbad\n".encode("utf-16"), {"id": "1 2"}, ["good one", "bad"]),
    "numbers.jsonl": (b'{"id": 1, "text": "a"}\n{"id": 2, "text": 3}\n{"id": 3, "text": null}\n', {"id": "1 2 3"}, ["a", "", ""]),
    "lacking.jsonl": (b'{"text": "a", "id": 1}\n{"id": 2}\n{"text": "bc", "id": 3}\n', {"id": "1 2 3"}, ["a", "", "bc"]),
    "array.json": (b'[{"id": 1, "text": "a"}, {"id": 2, "text": "bc"}]', {"id": "1 2"}, ["a", "bc"]),
    "bar.tsv": (b'id\ttext\n1\t"a lone quote\n2\tbc\n', {"id": "1 2"}, ['"a lone quote', "bc"]),
}


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "jsonl.gz", "parquet"])
@pytest.mark.parametrize("name", SHAPES)
def test_one_answer_a_row_beside_its_own_columns(run: Path, model: ByLength, tmp_path: Path, name: str, ending: str) -> None:
    content, kept, texts = SHAPES[name]
    (tmp_path / name).write_bytes(content)
    answer = answered(run, tmp_path / name, tmp_path / f"out.{ending}")
    rows = rows_of(tmp_path / f"out.{ending}")
    assert answer.rows == len(rows) == len(texts)
    for column, values in kept.items():
        assert " ".join(str(row[column]) for row in rows) == values
    assert [row["label"] or "" for row in rows] == [expected(text) if text else "" for text in texts]
    assert model.asked == [text for text in texts if text]
    assert answer.unanswered == texts.count("")
    for row, text in zip(rows, texts, strict=True):
        assert bool(row["error"]) != bool(text), row
        if text:
            assert row[answer.text_column] == text


def test_what_is_guessed_of_a_file_can_be_said_otherwise(run: Path, model: ByLength, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("1;text\n2;déjà; vu\n".encode("latin-1"))
    how = Reading(header=False, delimiter=";", encoding="latin-1", quotes=False)
    answer = answered(run, tmp_path / "in.csv", tmp_path / "out.csv", reading=how, text_column="2")
    assert (answer.rows, answer.unanswered) == (2, 1)  # the second row has three fields
    how = Reading(delimiter="", encoding="cp1252", header=True)
    answered(run, tmp_path / "in.csv", tmp_path / "out.jsonl", reading=how)
    assert rows_of(tmp_path / "out.jsonl")[-1]["1;text"] == "2;déjà; vu"


def test_broken_rows_keep_their_places_and_say_why(run: Path, model: ByLength, tmp_path: Path) -> None:
    lines = (b'{"id": 1, "text": "a"}', b'{"id": 2, "te', b"[]", b'{"id": 4, "text": "\xff \xc3\xa9"}', b'{"id": 5, "text": "bc"}')
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    answered(run, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["label"] for row in rows] == ["neg", None, None, None, "pos"]
    assert [row["error"] and row["error"].partition(":")[0] for row in rows] == [None, "row 2", "row 3", "row 4", None]
    (tmp_path / "in.csv").write_text("id,text\n1,a\n2,b,c\n3,bc\n")
    answered(run, tmp_path / "in.csv", tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["id"], row["label"]) for row in rows] == [("1", "neg"), ("", ""), ("3", "pos")]
    assert "3 fields where the header names 2" in rows[1]["error"]


def test_a_file_without_any_text_is_answered_too(run: Path, model: ByLength, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,\n2,\n")
    answer = answered(run, tmp_path / "in.csv", tmp_path / "out.csv")
    assert (answer.rows, answer.unanswered, len(rows_of(tmp_path / "out.csv"))) == (2, 2, 2)


def test_the_runs_own_column_comes_first_then_what_training_would_take(run: Path, model: ByLength, tmp_path: Path) -> None:
    (tmp_path / "both.csv").write_text("text,body\nnot this one,this one here\n")
    assert answered(run, tmp_path / "both.csv", tmp_path / "out.csv").text_column == "body"
    assert answered(run, tmp_path / "both.csv", tmp_path / "out.csv", text_column="text").text_column == "text"
    assert answered(run, tmp_path / "both.csv", tmp_path / "out.csv", text_column="1").text_column == "text"
    (tmp_path / "guess.csv").write_text("n,Comment\n1,this one here\n")
    answer = answered(run, tmp_path / "guess.csv", tmp_path / "out.csv")
    assert answer.text_column == "Comment"
    assert any("using the column 'Comment' as text" in note for note in answer.notes)
    (tmp_path / "unclear.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"which column of unclear\.csv holds the texts.*a, b.*--text-column"):
        answered(run, tmp_path / "unclear.csv", tmp_path / "no.csv")
    with pytest.raises(UserError, match="has no column"):
        answered(run, tmp_path / "guess.csv", tmp_path / "no.csv", text_column="nothing")
    assert not (tmp_path / "no.csv").exists()


def test_names_that_are_taken_give_way_and_are_told(run: Path, model: ByLength, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,label,probability_pos,error\na,pos,0.5,none\n")
    answer = answered(run, tmp_path / "in.csv", tmp_path / "out.csv")
    header = (tmp_path / "out.csv").read_text().splitlines()[0].split(",")
    assert header == [
        *("text", "label", "probability_pos", "error"),
        *("predicted_label", "predicted_probability_neg", "predicted_probability_pos", "tokens", "truncated", "predicted_error"),
    ]
    assert rows_of(tmp_path / "out.csv")[0] == {
        "text": "a",
        "label": "pos",
        "probability_pos": "0.5",
        "error": "none",
        "predicted_label": "neg",
        "predicted_probability_neg": "1.0",
        "predicted_probability_pos": "0.0",
        "tokens": "1",
        "truncated": "false",
        "predicted_error": "",
    }
    assert "the answers' column label is called predicted_label" in answer.notes
    answered(run, tmp_path / "out.csv", tmp_path / "again.csv")  # an answer may be answered
    assert len(set((tmp_path / "again.csv").read_text().splitlines()[0].split(","))) == 16


def test_only_answers_is_the_form_without_the_other_columns(run: Path, model: ByLength, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,a\n2,\n3,bc\n")
    answered(run, tmp_path / "in.csv", tmp_path / "out.csv", only_answers=True)
    rows = rows_of(tmp_path / "out.csv")
    assert list(rows[0]) == ["text", "label", "probability_neg", "probability_pos", "tokens", "truncated", "error"]
    assert [row["label"] for row in rows] == ["neg", "", "pos"]
    answered(run, tmp_path / "in.csv", tmp_path / "out.csv", skip_bad_rows=True)
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == ["1", "3"]


def test_values_stay_what_they_are_also_those_that_come_late(run: Path, model: ByLength, tmp_path: Path) -> None:
    values = [{"text": "a", "id": number} for number in range(300)]
    values.append({"text": "bc", "id": 300, "late": {"deep": [1, "x", None]}, "big": 2**70, "ratio": 0.1, "flag": True, "né\n": "ü"})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))
    (tmp_path / "in.json").write_text(json.dumps({"rows": values}))
    answered(run, tmp_path / "in.json", tmp_path / "out.jsonl")
    from_document = (tmp_path / "out.jsonl").read_bytes()
    answered(run, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == from_document
    rows = rows_of(tmp_path / "out.jsonl")
    for row, value in zip(rows, values, strict=True):
        assert {name: row[name] for name in value} == value
        assert set(row) - set(value) == {"label", "probabilities", "tokens", "truncated", "error"}
    answered(run, tmp_path / "in.jsonl", tmp_path / "out.csv")
    last = rows_of(tmp_path / "out.csv")[-1]
    assert json.loads(last["late"]) == values[-1]["late"]
    assert [last[name] for name in ("big", "ratio", "flag", "né\n")] == [str(2**70), "0.1", "true", "ü"]
    answered(run, tmp_path / "in.jsonl", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.field("id").type == pa.int64() and table.schema.field("flag").type == pa.bool_()
    assert table.column("big").to_pylist()[-1] == str(2**70)


def test_parquet_keeps_its_types(run: Path, model: ByLength, tmp_path: Path) -> None:
    day = datetime.date(2026, 5, 17)
    table = pa.table({"text": ["a", None, "bc"], "day": [day, None, day], "tags": [["x"], [], None], "n": pa.array([1, 2, 3], pa.int16())})
    pq.write_table(table, tmp_path / "in.parquet")
    answered(run, tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet").select(["text", "day", "tags", "n", "label"]).to_pydict()
    assert found == {**table.to_pydict(), "label": ["neg", None, "pos"]}
    answered(run, tmp_path / "in.parquet", tmp_path / "out.csv")
    assert [row["day"] for row in rows_of(tmp_path / "out.csv")] == ["2026-05-17", "", "2026-05-17"]
    answered(run, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert [row["tags"] for row in rows_of(tmp_path / "out.jsonl")] == [["x"], [], None]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_interrupted_call_leaves_no_output_and_goes_on_where_it_stopped(
    run: Path, model: ByLength, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify_file, "PART", 10)
    source, target, parts = tmp_path / "in.csv", tmp_path / f"out.{ending}", tmp_path / "parts"
    parts.mkdir(0o700)
    source.write_text("id,text\n" + "".join(f"{number},{'x' * (number % 13)}\n" for number in range(95)))
    whole = tmp_path / f"whole.{ending}"
    answered(run, source, whole)
    for at in range(10):
        model.asked.clear()
        model.lives = 1
        try:
            answered(run, source, target, parts=str(parts))
        except KeyboardInterrupt:
            assert at < 9 and not target.exists() and len(list(parts.iterdir())) == at + 1
            assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        assert len(model.asked) <= 10, "only what was not done is asked for"
    assert target.read_bytes() == whole.read_bytes()
    changed = source.read_text().replace("42,xxx\n", "42,yyyy\n")
    source.write_text(changed)
    model.lives = 10**9
    answered(run, source, whole)
    model.asked.clear()
    assert answered(run, source, target, parts=str(parts)).kept == 85  # the part that changed is done anew
    assert target.read_bytes() == whole.read_bytes()


def test_processes_divide_a_file_and_the_answers_are_the_same(
    run: Path, model: ByLength, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify_file, "PART", 10)
    source, parts = tmp_path / "in.csv", tmp_path / "parts"
    parts.mkdir(0o700)
    source.write_text("id,text\n" + "".join(f"{number},{'x' * (number % 5)}\n" for number in range(45)))
    answered(run, source, tmp_path / "one.csv")
    ask = AskClassifyFile(str(run), str(source), str(tmp_path / "two.csv"), parts=str(parts))
    shares = [classify_file.classify_parts(AskClassifyParts(ask, index, 2), lambda *_: None).rows for index in (0, 1)]
    assert shares == [25, 20] and len(list(parts.iterdir())) == 5
    model.lives = 0
    assert classify_file.classify_file(ask, lambda *_: None).kept == 45
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("in.csv", b"", "in.csv is empty"),
        ("in.jsonl", b"", "in.jsonl is empty"),
        ("in.csv", b"text,text\na,1\n", "twice"),
        ("in.jsonl.gz", b"\x1f\x8b\x08\x00", "cut off|whole"),
        ("in.parquet", b"PAR1", "Parquet"),
        ("in.xlsx", b"PK\x03\x04" + bytes(40), "zip"),
        ("in.csv", b'id,text\n1,"a, b"\n2,"b\n3,c\n', "a quote opens here and is never closed"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence_and_no_output(
    run: Path, model: ByLength, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        answered(run, tmp_path / name, tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "home", "run"])
    with pytest.raises(UserError, match="known ending"):
        answered(run, tmp_path / name, tmp_path / "out.xlsx")
