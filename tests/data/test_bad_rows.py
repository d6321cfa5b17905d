"""Every kind of bad input is one sentence with file and row, and --skip-bad-rows counts it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec

GOOD = [json.dumps({"text": f"a text, the {number}th", "label": number % 3}).encode() for number in range(20)]
LINES = b"\n".join(GOOD) + b"\n"


def folder_with(tmp_path: Path, file: str, content: bytes) -> DataSpec:
    """A folder whose training split is sound, and whose test split is the file given."""
    (tmp_path / "train.jsonl").write_bytes(LINES)
    (tmp_path / "validation.jsonl").write_bytes(LINES)
    (tmp_path / file).write_bytes(content)
    return DataSpec(str(tmp_path), text_column="text", label_column="label", labels=("a", "b", "c"))


def message(spec: DataSpec) -> str:
    with pytest.raises(UserError) as caught:
        sources.load(spec)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


JSON_ROWS = [
    (b'{"text": "x", "label": 3}', "test.jsonl, row 5: the label 3 is out of range (there are 3 label names, for 0 to 2)"),
    (b'{"text": "x", "label": -1}', "test.jsonl, row 5: the label -1 is out of range"),
    (b'{"text": "x", "label": 99999999999999999999999}', "test.jsonl, row 5: the label '99999999999999999999999' is out of range"),
    (b'{"text": "x", "label": null}', "test.jsonl, row 5: the label is null"),
    (b'{"text": "x", "label": "joy"}', "test.jsonl, row 5: the label 'joy' is text where others are integers (mixed types)"),
    (b'{"text": "x", "label": 1.5}', "test.jsonl, row 5: the label is the number 1.5, not an integer or a text"),
    (
        b'{"text": "x", "label": [1, 2]}',
        "test.jsonl, row 5: the row has 2 labels, but a text can have only one (multi-label is not supported yet)",
    ),
    (b'{"text": "x", "label": " "}', "test.jsonl, row 5: the label is empty"),
    (b'{"text": "x"}', "test.jsonl, row 5: there is no 'label'"),
    (b'{"label": 1}', "test.jsonl, row 5: there is no 'text'"),
    (b'{"text": null, "label": 1}', "test.jsonl, row 5: the text is null"),
    (b'{"text": "", "label": 1}', "test.jsonl, row 5: the text is empty"),
    (b'{"text": " \\n\\t", "label": 1}', "test.jsonl, row 5: the text is empty"),
    (b'{"text": 7, "label": 1}', "test.jsonl, row 5: the text is a number, not text"),
    (b'{"text": true, "label": 1}', "test.jsonl, row 5: the text is true or false, not text"),
    (b'{"text": {"a": 1}, "label": 1}', "test.jsonl, row 5: the text is an object, not text"),
    (b'{"text": "caf\xe9 \xc3\xa9", "label": 1}', "test.jsonl, row 5: not valid UTF-8"),
    (b'{"text": "x", "label": 1', "test.jsonl, row 5: broken JSON"),
    (b'{"text": "\\ud800", "label": 1}', "test.jsonl, row 5: the text is not valid UTF-8"),
    (b"[1, 2]", "test.jsonl, row 5: not a usable JSON object"),
    (b"[" * 100_000, "test.jsonl, row 5: "),
]


@pytest.mark.parametrize(("line", "expected"), JSON_ROWS, ids=[expected[22:50] for _, expected in JSON_ROWS])
def test_a_bad_json_row_is_named_and_can_be_skipped(tmp_path: Path, line: bytes, expected: str) -> None:
    spec = folder_with(tmp_path, "test.jsonl", b"\n".join([*GOOD[:4], line, *GOOD[4:]]) + b"\n")
    assert message(spec).startswith(expected)
    assert "--skip-bad-rows" in message(spec)
    skipping = DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True)
    dataset = sources.load(skipping)
    assert dataset.skipped == {"test": 1}
    assert len(dataset.split("test")) == 20
    assert [row.number for row in dataset.split("test").rows(3, 5)] == [4, 6]
    assert any(note.startswith("skipped 1 row ") and "row 5" in note for note in map(str, dataset.notes))


CSV_ROWS = [
    (b",1", "test.csv, row 3 (line 5): the text is empty"),
    (b"x,", "test.csv, row 3 (line 5): the label is empty"),
    (b"x,7", "test.csv, row 3 (line 5): the label 7 is out of range"),
    (b"x,joy", "test.csv, row 3 (line 5): the label 'joy' is text where others are integers (mixed types)"),
    (b"x", "test.csv, row 3 (line 5): 1 field where the header names 2"),
    (b"x,1,2", "test.csv, row 3 (line 5): 3 fields where the header names 2"),
    (b"caf\xe9 \xc3\xa9,1", "test.csv, row 3 (line 5): the text is not valid UTF-8"),
    (b'"x"y,1', "test.csv, row 3 (line 5): broken quoting"),
]


@pytest.mark.parametrize(("line", "expected"), CSV_ROWS, ids=[expected[27:55] for _, expected in CSV_ROWS])
def test_a_bad_csv_row_is_named_by_row_and_line(tmp_path: Path, line: bytes, expected: str) -> None:
    # The second row has a line end within its quotes, so that rows and lines differ.
    content = b"\n".join([b"text,label", b"first,0", b'"sec\nond",1', line, b"third,2", b"fourth,0"]) + b"\n"
    spec = folder_with(tmp_path, "test.csv", content)
    assert message(spec).startswith(expected)
    dataset = sources.load(DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True))
    assert dataset.skipped == {"test": 1}
    assert dataset.split("test").texts() == ["first", "sec\nond", "third", "fourth"]


def test_an_unclosed_quote_is_named_by_the_row_where_it_opens(tmp_path: Path) -> None:
    spec = folder_with(tmp_path, "test.csv", b'text,label\n"a, b",0\n"b,1\nc,2\n')
    assert message(spec).startswith("test.csv, row 2 (line 3): a quote opens here and is never closed")
    # Nobody can say how many rows it has taken in, so that they cannot be counted as left out.
    assert message(DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True)) == message(spec)


@pytest.mark.parametrize(
    ("texts", "labels", "expected"),
    [
        (["a", None, "c"], [0, 1, 2], "row 2: the text is null"),
        (["a", "b", ""], [0, 1, 2], "row 3: the text is empty"),
        (["a", "b", "c"], [0, None, 2], "row 2: the label is null"),
        (["a", "b", "c"], [0.0, 1.0, None], "row 3: the label is null"),
        (["a", "b", "c"], [0.0, 1.0, 2.5], "row 3: the label is the number 2.5"),
        (["a", "b", "c"], [0, 1, 5], "row 3: the label 5 is out of range"),
        ([1, 2, 3], [0, 1, 2], "row 1: the text is a number, not text"),
    ],
)
def test_a_bad_parquet_row_is_named(tmp_path: Path, texts: list, labels: list, expected: str) -> None:
    spec = folder_with(tmp_path, "unused.txt", b"")
    pq.write_table(pa.table({"text": texts, "label": labels}), tmp_path / "test.parquet")
    assert message(spec).startswith(f"test.parquet, {expected}")


def test_bytes_in_parquet_that_are_utf8_are_text(tmp_path: Path) -> None:
    spec = folder_with(tmp_path, "unused.txt", b"")
    pq.write_table(pa.table({"text": [b"caf\xc3\xa9", b"\xff", b"c"], "label": [0, 1, 2]}), tmp_path / "test.parquet")
    assert message(spec).startswith("test.parquet, row 2: the text is not valid UTF-8")
    dataset = sources.load(DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True))
    assert dataset.split("test").texts() == ["caf\u00e9", "c"]


def test_invalid_utf8_in_parquet_is_named(tmp_path: Path) -> None:
    spec = folder_with(tmp_path, "unused.txt", b"")
    offsets = pa.array([b"ok", b"\xff\xfe"], pa.binary()).buffers()[1]
    assert offsets is not None
    broken = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"ok\xff\xfe"))
    pq.write_table(pa.table({"text": broken, "label": [0, 1]}), tmp_path / "test.parquet")
    assert message(spec).startswith("test.parquet, row 2: the text is not valid UTF-8")


def test_a_truncated_gzip_names_the_last_whole_row(tmp_path: Path) -> None:
    # Stored, not deflated, so that the cut falls where it is put.
    whole = gzip.compress(LINES, compresslevel=0, mtime=0)
    cut = whole[: 15 + len(b"\n".join(GOOD[:7])) + 10]
    spec = folder_with(tmp_path, "test.jsonl.gz", cut)
    assert message(spec).startswith("test.jsonl.gz is cut off after row 7: the compressed data ends too early")
    assert "cut off" in message(DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True))


@pytest.mark.parametrize("size", [0, 1, 5, 12, 18])
def test_a_gzip_cut_in_its_first_bytes_is_an_error(tmp_path: Path, size: int) -> None:
    assert message(folder_with(tmp_path, "test.jsonl.gz", gzip.compress(LINES, mtime=0)[:size])).startswith("test.jsonl.gz ")


def test_damaged_compressed_data_is_an_error(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(LINES, mtime=0))
    whole[40:60] = bytes(20)
    assert message(folder_with(tmp_path, "test.jsonl.gz", bytes(whole))).startswith("test.jsonl.gz ")
    assert message(folder_with(tmp_path, "test.jsonl.gz", LINES)).startswith("test.jsonl.gz ends in .gz or .zst but is neither")


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("test.jsonl", b"", "test.jsonl is empty"),
        ("test.jsonl", b"\n \n", "test.jsonl is empty"),
        ("test.jsonl.gz", gzip.compress(b"", mtime=0), "test.jsonl.gz is empty"),
        ("test.csv", b"", "test.csv is empty"),
        ("test.csv", b"text,label\n", "test.csv is empty but for its header"),
        ("test.tsv", b"text\tlabel\n", "test.tsv is empty but for its header"),
        ("test.parquet", b"", "test.parquet is empty"),
        ("test.parquet", b"PAR1 and no more", "test.parquet is not a complete Parquet file"),
        ("test.csv", b"text,label,text\na,1,b\n", "test.csv: the header names the column 'text' twice"),
        ("test.csv", b"words,label\na,1\n", "test.csv has no column 'text': its columns are words, label"),
        ("test.jsonl", b'{"text": "a", "class": 1}\n', "test.jsonl has no column 'label': its columns are text, class"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, file: str, content: bytes, expected: str) -> None:
    assert message(folder_with(tmp_path, file, content)).startswith(expected)


def test_an_empty_parquet_table_is_an_error(tmp_path: Path) -> None:
    spec = folder_with(tmp_path, "unused.txt", b"")
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.int64())}), tmp_path / "test.parquet")
    assert message(spec).startswith("test.parquet is empty")


@pytest.mark.parametrize("label", ["1", '"one"'])
def test_one_class_only_is_an_error(tmp_path: Path, label: str) -> None:
    (tmp_path / "train.jsonl").write_text("".join(f'{{"text": "t {n}", "label": {label}}}\n' for n in range(30)))
    (tmp_path / "test.jsonl").write_bytes(LINES if label == "1" else (tmp_path / "train.jsonl").read_bytes())
    assert message(DataSpec(str(tmp_path))).startswith(f"train.jsonl: every label is '{label.strip(chr(34))}'")


def test_labels_that_differ_by_case_only_are_joined_on_request(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"t {n}", "label": ("joy", "anger", "Joy")[n % 3]}) for n in range(30)]
    file = tmp_path / "all.jsonl"
    file.write_text("\n".join(lines))
    found = message(DataSpec(str(file)))
    assert found == "all.jsonl, row 3: the labels 'joy' and 'Joy' differ only by case. Join them with --fold-case"
    dataset = sources.load(DataSpec(str(file), fold_case=True))
    assert dataset.labels == ("anger", "joy")
    assert sum(len(split) for split in dataset.splits.values()) == 30


def test_na_and_null_are_texts_and_labels_like_others(tmp_path: Path) -> None:
    words = ["NA", "null", "None", "nan", "NaN", "N/A", "n/a", "#N/A", "true", "0", "1e5"]
    body = "".join(f"{word},{('NA', 'null')[n % 2]}\n" for n, word in enumerate(words))
    (tmp_path / "train.csv").write_text("text,label\n" + body)
    (tmp_path / "validation.csv").write_text("text,label\n" + body)
    dataset = sources.load(DataSpec(str(tmp_path)))
    assert dataset.labels == ("NA", "null")
    assert dataset.split("train").texts() == words
    assert dataset.skipped == {}


def test_all_bad_rows_skipped_leaves_an_error(tmp_path: Path) -> None:
    spec = folder_with(tmp_path, "test.jsonl", b'{"text": "", "label": 1}\n' * 3)
    assert "no row is usable" in message(DataSpec(spec.source, labels=spec.labels, skip_bad_rows=True))


def test_skipped_rows_are_counted_by_split(tmp_path: Path) -> None:
    bad = [b'{"text": "", "label": 1}', b"{", b'{"text": "x", "label": 9}', b'{"text": "x", "label": "y"}']
    (tmp_path / "train.jsonl").write_bytes(b"\n".join([*GOOD, *bad]))
    (tmp_path / "validation.jsonl").write_bytes(b"\n".join([*bad[:2], *GOOD]))
    (tmp_path / "test.jsonl").write_bytes(LINES)
    dataset = sources.load(DataSpec(str(tmp_path), labels=("a", "b", "c"), skip_bad_rows=True))
    assert dataset.skipped == {"train": 4, "validation": 2}
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 20, "validation": 20, "test": 20}


def test_skipped_rows_of_a_single_file_are_counted_under_train(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_bytes(b"\n".join([*GOOD, b"{", b'{"text": "", "label": 1}']))
    dataset = sources.load(DataSpec(str(tmp_path / "all.jsonl"), skip_bad_rows=True))
    assert dataset.skipped == {"train": 2}
    assert sum(map(len, dataset.splits.values())) == 20


def test_outside_text_in_a_message_is_short_and_safe(tmp_path: Path) -> None:
    label = "\x1b]52;c;AAAA\x07" + "x" * 5000
    lines = [*GOOD, json.dumps({"text": "t", "label": label}).encode()]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    found = message(DataSpec(str(tmp_path)))
    assert len(found) < 300
    assert "\x1b" not in found
    assert "\x07" not in found


def test_a_row_longer_than_a_block_is_read(tmp_path: Path) -> None:
    long = "word " * 600_000
    lines = [*GOOD, json.dumps({"text": long, "label": 1}).encode(), *GOOD]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "validation.csv").write_text("text,label\n" + f'"{long}",1\n' + "b,2\n")
    dataset = sources.load(DataSpec(str(tmp_path)))
    assert dataset.split("train").row(20).text == long
    assert dataset.split("train").row(40).number == 41
    assert dataset.split("validation").row(0).text == long
