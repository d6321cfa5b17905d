"""ARFF is read and written as another implementation, liac-arff, does it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from emotui.core.data import readers, sources
from emotui.core.data.table_file import TableWriter
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec

_arff: Any = pytest.importorskip("sklearn.externals._arff")

TEXTS = ("plain", 'it\'s 5 % of "all", {braces}', "two\nlines\tand \\ a backslash\r", "悲しい 🙂", "?", "", " spaces ")
WEKA = """% from Weka
% twice
@RELATION 'tweets of all'

@attribute id INTEGER
@Attribute "the text" string
@attribute score real
@attribute day date "yyyy-MM-dd"
@ATTRIBUTE mood {joy, 'deep sadness',"fear"}

@DATA
1, 'it\\'s good', 0.5, "2020-01-02", joy
% between rows

2,"say \\"no\\", now",?,?,'deep sadness'
3 , fine , -1e3 , ?, ?
"""


def table(path: Path, content: str) -> tuple[list[readers.FileRow], readers.OpenedFile]:
    path.write_text(content, "utf-8")
    opened = readers.open_file(path)
    return list(readers.rows(opened)), opened


def test_a_file_as_weka_writes_it(tmp_path: Path) -> None:
    rows, opened = table(tmp_path / "tweets.arff", WEKA)
    assert [(row.number, row.line, row.values) for row in rows] == [
        (1, 12, (1, "it's good", 0.5, "2020-01-02", "joy")),
        (2, 15, (2, 'say "no", now', None, None, "deep sadness")),
        (3, 16, (3, "fine", -1000.0, None, None)),
    ]
    assert opened.table.types == {"id": "numeric", "the text": "string", "score": "numeric", "day": "date", "mood": "nominal"}
    assert "skipped 1 empty line of tweets.arff" in [str(each) for each in opened.notes()]


def test_what_another_implementation_wrote_is_read(tmp_path: Path) -> None:
    labels = ["joy", "deep sadness", "a,b"]
    rows: list[list[Any]] = [[text, labels[at % 3], at / 4] for at, text in enumerate(TEXTS) if text not in ("?", "")] + [[None] * 3]
    attributes = [("text", "STRING"), ("label", labels), ("score", "REAL")]
    found, _ = table(tmp_path / "x.arff", _arff.dumps({"relation": "x", "attributes": attributes, "data": rows}))
    assert [list(row.values) for row in found] == rows


def test_another_implementation_reads_what_is_written(tmp_path: Path) -> None:
    schema = pa.schema(
        [("a text", pa.string()), ("n", pa.int64()), ("ok", pa.bool_()), ("p", pa.struct([("x", pa.float64()), ("y", pa.float64())]))]
    )
    rows = [{"a text": text, "n": at, "ok": at % 2 == 0, "p": {"x": at / 8, "y": 1.0}} for at, text in enumerate(TEXTS)]
    path = tmp_path / "out.arff.gz"
    with TableWriter(path, schema, {"p": "p"}) as file:
        file.write([*rows, {"p": {"x": float("nan")}}])
    read = _arff.loads(gzip.decompress(path.read_bytes()).decode())
    expected = [[text, at, ["true", "false"][at % 2], at / 8, 1.0] for at, text in enumerate(TEXTS)]
    assert [name for name, _ in read["attributes"]] == ["a text", "n", "ok", "p_x", "p_y"]
    assert read["data"] == [*expected, [None] * 5]
    assert [list(row.values) for row in readers.rows(readers.open_file(path))] == read["data"]


def test_a_data_set_is_known_by_how_it_begins(tmp_path: Path) -> None:
    rows = "".join(f"'text {at} of it',{'ab'[at % 2]}\n" for at in range(40))
    (tmp_path / "all").write_text(f"% mine\n@relation r\n@attribute text string\n@attribute label {{b,a}}\n@data\n{rows}")
    data = sources.load(DataSpec(str(tmp_path / "all")))
    assert data.labels == ("a", "b") and sum(map(len, data.splits.values())) == 40


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{0 'x', 1 a}", "it is sparse"),
        ("'x'", "it has 1 value, and there are 3 attributes"),
        ("'x',a,1,2", "it has 4 values, and there are 3 attributes"),
        ("'x',c,1", "'c' is none of the values that are declared for 'label'"),
        ("'x',a,one", "'one' is no number, which the attribute 'n' is"),
        ("'x,a,1", "a quotation mark opens and does not close"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, row: str, fault: str) -> None:
    head = "@relation r\n@attribute text string\n@attribute label {a,b}\n@attribute n numeric\n@data\n'x',a,1\n"
    rows, _ = table(tmp_path / "x.arff", head + row + "\n")
    assert rows[0].values == ("x", "a", 1)
    assert (rows[1].place, rows[1].fault.startswith(fault)) == ("row 2 (line 7)", True), rows[1].fault


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("@relation r\n@data\n1\n", "is not an ARFF file: it has no @attribute lines"),
        ("@relation r\n@attribute text\n@data\n1\n", r"line 2: the attribute has no name and type|of the type ''"),
        (
            "@relation r\n@attribute bag relational\n@data\n1\n",
            "line 2: the attribute 'bag' is of the type 'relational'",
        ),
        ("@relation r\n@attribute text string\n@data\n", "is empty: it has attributes but no rows"),
    ],
)
def test_a_file_that_is_none_is_told_with_a_remedy(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "x.arff").write_text(content)
    with pytest.raises(UserError, match=sentence):
        readers.sample(readers.open_file(tmp_path / "x.arff"))
