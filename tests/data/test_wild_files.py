"""Files as people have them are read for what they are, and what was guessed is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from emotui.core.data import readers, sources
from emotui.core.data.table import Dataset
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec, Reading

WILD = Path(__file__).parents[1] / "wild"
THREE = {"neg": 100, "neu": 100, "pos": 100}


def classes(data: Dataset) -> dict[str, int]:
    """Return the rows of each class, over all splits."""
    counts = dict.fromkeys(data.labels, 0)
    for split in data.splits.values():
        for label in split.label_ids():
            counts[data.labels[label]] += 1
    return counts


def texts(data: Dataset) -> list[str]:
    return [text for split in data.splits.values() for text in split.texts()]


FILES: list[tuple[str, dict[str, Any], dict[str, int], str]] = [
    ("semicolons.csv", {}, THREE, "has semicolons between its fields (--delimiter"),
    ("windows-1252.csv", {}, THREE, "as cp1252 (Windows-1252), since it is not UTF-8 (--encoding"),
    ("utf-16.csv", {}, THREE, "has tabs between its fields"),
    ("empty-header-cells.csv", {}, {"ham": 100, "spam": 200}, "using the column 'v2' as text"),
    ("no-header.tsv", {}, THREE, "has no header: its first line is a row"),
    ("no-header.csv", {}, THREE, "has no header: its first line is a row"),
    (
        "ag-news-no-header.csv",
        {"label_column": "1", "text_column": "3", "reading": Reading(header=False)},
        {"1": 100, "2": 100, "3": 100},
        "",
    ),
    ("sep-line.csv", {}, THREE, "begins with a line sep=,"),
    ("index-column.csv", {"label_column": "label_name"}, THREE, ""),
    ("tsv-lone-quotes.tsv", {}, THREE, "quotes in tsv-lone-quotes.tsv are part of its texts|"),
    ("tsv-quoted-word.tsv", {}, THREE, ""),
    ("stars.csv", {}, {"1": 100, "3": 100, "5": 100}, "using the column 'rating' as label"),
    ("json-lines.json", {}, THREE, ""),
    ("json-array.json", {}, THREE, ""),
    ("json-under-data.json", {}, THREE, "from its key 'data'"),
    ("label-with-label_text.jsonl", {"label_column": "label_text"}, {"negative": 100, "neutral": 100, "positive": 100}, ""),
    ("json-folder", {}, THREE, "read dev.json as the validation split"),
    ("saved-to-disk", {}, {}, "using the 3 label names in"),
    ("split-names/prefixed", {}, {}, "read emotion_train.csv as the train split"),
    ("split-names/suffixed", {}, {}, "read val_data.csv as the validation split"),
    ("leak-but-for-case", {}, {}, ""),
]


@pytest.mark.parametrize(("name", "how", "expected", "told"), FILES, ids=[name for name, *_ in FILES])
def test_a_file_is_read_for_what_it_is(name: str, how: dict[str, Any], expected: dict[str, int], told: str) -> None:
    data = sources.load(DataSpec(str(WILD / name), **how))
    if expected:
        assert classes(data) == expected
    assert any(each in " ".join(map(str, data.notes)) for each in told.split("|")), data.notes
    assert not data.skipped
    # What was guessed is kept, and reads the same again.
    assert data.spec is not None
    again = sources.load(data.spec)
    assert sources.fingerprint(again) == sources.fingerprint(data)


def test_the_sizes_of_folders() -> None:
    sizes = {
        name: {split: len(rows) for split, rows in sources.load(DataSpec(str(WILD / name))).splits.items()} for name in ("json-folder",)
    }
    assert sizes["json-folder"] == {"train": 240, "validation": 30, "test": 30}
    saved = sources.load(DataSpec(str(WILD / "saved-to-disk")))
    assert saved.labels == ("neg", "neu", "pos")


def test_texts_are_what_they_were() -> None:
    assert any("a lovely café kettle" in text for text in texts(sources.load(DataSpec(str(WILD / "windows-1252.csv")))))
    assert sum('"' in text for text in texts(sources.load(DataSpec(str(WILD / "tsv-lone-quotes.tsv"))))) == 2
    assert '"lovely" is not the word for this' in texts(sources.load(DataSpec(str(WILD / "tsv-quoted-word.tsv"))))


def test_a_guess_can_be_refused() -> None:
    file = str(WILD / "no-header.csv")
    data = sources.load(DataSpec(file, text_column="2", label_column="1", reading=Reading(header=True)))
    assert sum(classes(data).values()) == 299
    latin = sources.load(DataSpec(str(WILD / "windows-1252.csv"), reading=Reading(encoding="cp1250")))
    assert any("a lovely café kettle" in text for text in texts(latin))
    with pytest.raises(UserError, match="not valid UTF-8"):
        sources.load(DataSpec(str(WILD / "windows-1252.csv"), reading=Reading(encoding="utf-8")))
    with pytest.raises(UserError, match="there is no encoding 'klingon'"):
        sources.load(DataSpec(str(WILD / "windows-1252.csv"), reading=Reading(encoding="klingon")))


PREDICTED = [
    ("predict-id-and-empty-cell.csv", "Text", ["the lamp was lovely", "", "the soup was rude"]),
    ("predict-comment-column.csv", "comment", ["the lamp was lovely", "the soup was rude"]),
    ("predict-semicolons.csv", "text", ["the lamp was lovely", "the soup was rude"]),
    ("predict-no-header.csv", "1", ["the lamp was lovely", "the soup was rude"]),
]


@pytest.mark.parametrize(("name", "column", "expected"), PREDICTED)
def test_a_file_of_texts_gives_a_row_for_each(name: str, column: str, expected: list[str]) -> None:
    opened = readers.open_file(WILD / name)
    assert [row.values[0] for row in readers.rows(opened, [column])] == expected
    with (WILD / name).open("rb") as stream:
        streamed = readers.open_file(stream, name="stdin")
        assert [row.values[0] for row in readers.rows(streamed, [column])] == expected


ROWS = [(f"text {n}: naïve café, “quoted”", ("good", "bad")[n % 2]) for n in range(40)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("stream", [False, True])
def test_western_encodings(tmp_path: Path, encoding: str, stream: bool) -> None:
    content = ("text\tlabel\r\n" + "".join(f"{text}\t{label}\r\n" for text, label in ROWS)).encode(encoding)
    (tmp_path / "all.tsv").write_bytes(content)
    if stream:
        with (tmp_path / "all.tsv").open("rb") as file:
            found = [row.values for row in readers.rows(readers.open_file(file, name="stdin"))]
    else:
        found = [row.values for row in readers.rows(readers.open_file(tmp_path / "all.tsv"))]
    assert found == ROWS


CHINESE = [
    "这家酒店的服务态度非常好，房间也很干净",
    "早餐太差了，而且价格很贵，不会再来了",
    "位置很方便，离地铁站只有五分钟的路程",
    "前台的态度很差，房间里有一股难闻的味道",
]
TRADITIONAL = [
    "這家酒店的服務態度非常好，房間也很乾淨",
    "早餐太差了，而且價格很貴，不會再來了",
    "位置很方便，離地鐵站只有五分鐘的路程",
    "前台的態度很差，房間裡有一股難聞的味道",
]
RUSSIAN = [
    "Очень хороший фильм, смотреть всем",
    "Ужасное кино, жалко потраченного времени",
    "Неплохо, но можно было и лучше",
    "Актёры играют отлично",
]


@pytest.mark.parametrize(
    ("encoding", "lines"),
    [("gb18030", CHINESE), ("big5", TRADITIONAL), ("cp1251", RUSSIAN)],
)
def test_encodings_of_other_languages(tmp_path: Path, encoding: str, lines: list[str]) -> None:
    content = "text,label\n" + "".join(f'"{lines[n % 4]} {n}",{("positive", "negative")[n % 2]}\n' for n in range(40))
    (tmp_path / "all.csv").write_bytes(content.encode(encoding))
    data = sources.load(DataSpec(str(tmp_path / "all.csv")))
    assert {text.rsplit(" ", 1)[0] for text in texts(data)} == set(lines)
    assert any("since it is not UTF-8 (--encoding chooses another)" in note for note in map(str, data.notes))
    assert sources.load(DataSpec(str(tmp_path / "all.csv"), reading=Reading(encoding=encoding))).labels == ("negative", "positive")


def test_one_accent_far_down_a_file_is_found(tmp_path: Path) -> None:
    rows = "".join(f"a plain text {n},{n % 2}\n" for n in range(200_000))
    (tmp_path / "all.csv").write_bytes(("text,label\n" + rows + "a café,1\n").encode("cp1252"))
    found = [row.values[0] for row in readers.rows(readers.open_file(tmp_path / "all.csv"))]
    assert found[-1] == "a café"


@pytest.mark.parametrize("packing", ["gz", "zst"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json"])
def test_packed_files(tmp_path: Path, ending: str, packing: str) -> None:
    mark = {"csv": ";", "tsv": "\t"}.get(ending, "")
    rows = [{"text": text, "label": label} for text, label in ROWS]
    if mark:
        content = f"text{mark}label\n" + "".join(f"{text}{mark}{label}\n" for text, label in ROWS)
    else:
        content = json.dumps(rows) if ending == "json" else "".join(json.dumps(row) + "\n" for row in rows)
    path = tmp_path / f"all.{ending}.{packing}"
    if packing == "gz":
        path.write_bytes(gzip.compress(content.encode()))
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(content.encode())
    assert sorted(texts(sources.load(DataSpec(str(path))))) == sorted(text for text, _ in ROWS)
    (tmp_path / "cut" / path.name).parent.mkdir()
    (tmp_path / "cut" / path.name).write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"cut off|broken|ends too early"):
        sources.load(DataSpec(str(tmp_path / "cut" / path.name)))


def test_fasttext_lines(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("".join(f"__label__{label} {text}\n" for text, label in ROWS))
    (tmp_path / "validation.txt").write_text("".join(f"__label__{label} {text}\n" for text, label in ROWS))
    data = sources.load(DataSpec(str(tmp_path)))
    assert data.labels == ("bad", "good")
    assert data.split("train").texts() == [text for text, _ in ROWS]
    (tmp_path / "train.txt").write_text("__label__a __label__b text\n" * 9)
    with pytest.raises(UserError, match="two labels, '__label__a' and '__label__b', but a text can have only one"):
        sources.load(DataSpec(str(tmp_path)))


def test_class_folders_as_the_imdb_reviews_come(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            (tmp_path / split / label).mkdir(parents=True)
            for n in range(20):
                (tmp_path / split / label / f"{n}_7.txt").write_text(f"{split} {label} review {n}\n<br />", "utf-8")
        (tmp_path / split / "urls_pos.txt").write_text("http://\n")
    (tmp_path / "train" / "unsup").mkdir()
    for n in range(7):
        (tmp_path / "train" / "unsup" / f"{n}_0.txt").write_text("no label")
    (tmp_path / "train" / "neg" / "0_7.txt").write_bytes("un café".encode("cp1252"))
    (tmp_path / "imdb.vocab").write_text("the\n")
    data = sources.load(DataSpec(str(tmp_path)))
    assert data.labels == ("neg", "pos")
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 36, "validation": 4, "test": 40}
    assert "un café" in texts(data)
    notes = " ".join(map(str, data.notes))
    assert "left out 7 files of train without a label" in notes
    assert "read 1 file of train as cp1252" in notes
    (tmp_path / "train" / "neg" / "1_7.txt").write_text(" ")
    with pytest.raises(UserError, match=r"train, row 12: the file 'neg/1_7\.txt' is empty"):
        sources.load(DataSpec(str(tmp_path)))


def test_files_that_are_not_used_are_told(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        (tmp_path / f"{split}.csv").write_text("text,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(20)))
    (tmp_path / "sample_submission.csv").write_text("id,target\n0,0\n")
    notes = [str(note) for note in sources.load(DataSpec(str(tmp_path))).notes]
    assert "not used: sample_submission.csv (--train, --validation and --test choose other files)" in notes


def test_files_that_name_no_split_are_listed_and_can_be_named(tmp_path: Path) -> None:
    for name in ("lehrgang", "pruefung"):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(f"{name} {n},{n % 2}\n" for n in range(40)))
    with pytest.raises(UserError, match=r"its files are lehrgang\.csv, pruefung\.csv; name the files with --train FILE"):
        sources.load(DataSpec(str(tmp_path)))
    source, files = sources.named_files(str(tmp_path), {"train": "lehrgang.csv", "test": str(tmp_path / "pruefung.csv")})
    data = sources.load(DataSpec(source, files=files))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 36, "validation": 4, "test": 40}
    for two in ("a_train.csv", "b_train.csv"):
        (tmp_path / two).write_text("text,label\na,1\n")
    with pytest.raises(UserError, match=r"more than one train split: a_train\.csv and b_train\.csv"):
        sources.load(DataSpec(str(tmp_path)))


def test_rows_in_are_rows_told(tmp_path: Path) -> None:
    good = "".join(f"text {n},{('joy', 'fear')[n % 2]}\n" for n in range(100))
    (tmp_path / "all.csv").write_text("text,label\n" + good + '"two\nlines, here",joy\n,joy\nx,joy,1\ny,joy,2\n\n\nend,fear\n')
    with pytest.raises(UserError, match=r"skip such rows with --skip-bad-rows \(3 of 105 rows\)"):
        sources.load(DataSpec(str(tmp_path / "all.csv")))
    data = sources.load(DataSpec(str(tmp_path / "all.csv"), skip_bad_rows=True))
    assert sum(map(len, data.splits.values())) + sum(data.skipped.values()) == 105
    notes = " ".join(map(str, data.notes))
    assert "skipped 3 rows that cannot be used (2 … fields where the header names …; 1 the text is empty)" in notes
    assert "1 row of all.csv span several lines within quotes" in notes
    assert "skipped 2 empty lines of all.csv" in notes


def test_leaving_out_rows_is_not_offered_where_too_little_is_left(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("text,label\n" + "".join(f"{('', 'x')[n % 2]},{n % 2}\n" for n in range(100)))
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(tmp_path / "all.csv")))
    assert "--skip-bad-rows" not in str(caught.value)


MORE: list[tuple[str, str, list[str], list[tuple[str, ...]]]] = [
    ("bars.csv", "id|text|label\n1|a, b and c|x\n2|d; e|y\n", ["id", "text", "label"], [("1", "a, b and c", "x"), ("2", "d; e", "y")]),
    ("quoted.tsv", 'text\tlabel\n"a ""b"" c"\tx\n"d\te"\ty\n', ["text", "label"], [('a "b" c', "x"), ("d\te", "y")]),
    ("all-quoted.tsv", '"text"\t"label"\n"a b"\t"x"\n"c d"\t"y"\n', ["text", "label"], [("a b", "x"), ("c d", "y")]),
    ("mac.csv", "text,label\ra b,x\rc d,y\r", ["text", "label"], [("a b", "x"), ("c d", "y")]),
    ("twice.csv", "text,n,n,\na b,1,2,3\n", ["text", "n", "n (column 3)", "column 4"], [("a b", "1", "2", "3")]),
    ("one.csv", "review\nGood, or not\n\nBad\n", ["review"], [("Good, or not",), ("",), ("Bad",)]),
    ("lines.txt", "Well, that was good\n\nIt was, as always, bad\n", ["1"], [("Well, that was good",), ("",), ("It was, as always, bad",)]),
    ("lines.jsonl", '{"text": NaN, "n": 1}\n{"text": "a", "n": 1e999}\n', ["text", "n"], []),
    ("tab.csv", "text\tlabel\nHello, you\tx\nGood bye, all\ty\n", ["text", "label"], [("Hello, you", "x"), ("Good bye, all", "y")]),
    ("json.csv", '{"text": "a", "label": 1}\n{"text": "b", "label": 0}\n', ["text", "label"], [("a", 1), ("b", 0)]),  # type: ignore[list-item]
    ("semicolons.txt", "".join(f"a text, and {n};{('joy', 'fear')[n % 2]}\n" for n in range(8)), ["1", "2"], []),
    ("nul.csv", "text,label\na\0b,x\nc,y\n", ["text", "label"], [("a\0b", "x"), ("c", "y")]),
]


@pytest.mark.parametrize(("name", "content", "columns", "rows"), MORE, ids=[name for name, *_ in MORE])
def test_other_shapes(tmp_path: Path, name: str, content: str, columns: list[str], rows: list[tuple[str, ...]]) -> None:
    (tmp_path / name).write_text(content, "utf-8", newline="")
    opened = readers.open_file(tmp_path / name)
    assert list(opened.table.columns) == columns
    found = [row.values for row in readers.rows(opened)]
    assert not rows or found == rows
    assert len(found) == len(content.splitlines()) - (columns[0] != "1" and "json" not in name) or rows


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": {"0": "a"}, "label": {"0": 1}}', "none of its keys has a list of objects: text, label"),
        ('{"train": [{"text": "a"}], "test": [{"text": "b"}]}', "has rows under several keys: train, test"),
        ('[{"text": "a", "label": 1}, {"text": "b"', "is not valid JSON"),
        ("[1, 2]", "row 1: not a usable JSON object"),
        ("[]", "is empty"),
    ],
)
def test_a_json_document_without_rows_is_a_sentence(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "all.json").write_text(content)
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(tmp_path / "all.json")))
    assert expected in str(caught.value)
