"""Whatever a file holds, reading it gives rows or a UserError, and never anything else."""

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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

relaxed = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCRAPS = st.sampled_from(
    [
        b"text,label\n",
        b"text\tlabel\n",
        b'{"text": "a", "label": 1}\n',
        b'{"text": "b", "label": 0}\n',
        b"\n",
        b'"',
        b",",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x00",
        b"a,1\n",
        b"b,0\n",
        b"\r",
        b"[",
        b"{",
        b"null\n",
        b"\xed\xa0\x80",
        b"1e999",
        b'{"text": "\\ud800", "label": 1}\n',
        b"a\t1\n",
    ]
)
CONTENT = st.one_of(st.binary(max_size=200), st.lists(SCRAPS, max_size=25).map(b"".join))


def attempt(path: Path, *, skip: bool) -> None:
    """Load a file; what comes must be a data set whose rows are all sound, or a sentence."""
    try:
        dataset = sources.load(DataSpec(str(path), text_column="text", label_column="label", skip_bad_rows=skip))
    except UserError as error:
        assert "\n" not in str(error)
        assert str(error)
        return
    for split in dataset.splits.values():
        for row in split.rows(0, len(split)):
            assert row.text.strip()
            assert row.name == dataset.labels[row.label]


@relaxed
@given(content=CONTENT, ending=st.sampled_from(["jsonl", "jsonl.gz", "csv", "tsv", "parquet"]), skip=st.booleans())
def test_any_bytes(tmp_path: Path, content: bytes, ending: str, skip: bool) -> None:
    path = tmp_path / f"all.{ending}"
    path.write_bytes(content)
    attempt(path, skip=skip)


@relaxed
@given(content=CONTENT, cut=st.integers(0, 60), flip=st.integers(0, 60), skip=st.booleans())
def test_damaged_gzip(tmp_path: Path, content: bytes, cut: int, flip: int, skip: bool) -> None:
    whole = bytearray(gzip.compress(content, mtime=0))
    if flip < len(whole):
        whole[flip] ^= 0x41
    path = tmp_path / "all.jsonl.gz"
    path.write_bytes(bytes(whole[: len(whole) - cut]))
    attempt(path, skip=skip)


@pytest.fixture(scope="module")
def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [f"text {n}" for n in range(50)], "label": [n % 2 for n in range(50)]}), sink)
    return sink.getvalue().to_pybytes()


@relaxed
@given(data=st.data(), skip=st.booleans())
def test_damaged_parquet(tmp_path: Path, parquet: bytes, data: st.DataObject, skip: bool) -> None:
    raw = bytearray(parquet)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=6)):
        raw[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "all.parquet"
    path.write_bytes(bytes(raw[: data.draw(st.sampled_from([len(raw), len(raw) - 3, len(raw) // 2]))]))
    attempt(path, skip=skip)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.fixed_dictionaries({}, optional={"text": JSON, "label": JSON, "other": JSON}) | JSON, max_size=12)


@pytest.mark.slow
@relaxed
@given(rows=ROWS, skip=st.booleans())
def test_any_json(tmp_path: Path, rows: list, skip: bool) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    attempt(path, skip=skip)


COLUMNS = st.sampled_from(
    [
        pa.array([True, None, False]),
        pa.array([b"a", b"\xff", None]),
        pa.array([[1], None, [2]]),
        pa.array([{"a": 1}, None, {"a": 2}]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array([1.0, float("nan"), 2.5]),
        pa.array([2**63, 1, 0], pa.uint64()),
        pa.array([0, 1, 2], pa.timestamp("s")),
        pa.array([None, None, None]),
        pa.array(["x", "y", "z"], pa.large_string()),
        pa.array([1, 0, 1], pa.int8()),
    ]
)


@relaxed
@given(text=COLUMNS, label=COLUMNS, skip=st.booleans())
def test_any_parquet_column(tmp_path: Path, text: pa.Array, label: pa.Array, skip: bool) -> None:
    path = tmp_path / "all.parquet"
    pq.write_table(pa.concat_tables([pa.table({"text": text, "label": label})] * 4), path)
    attempt(path, skip=skip)


@relaxed
@given(card=st.one_of(st.binary(max_size=120), st.text(max_size=80).map(lambda text: f"---\n{text}\n---\n".encode("utf-8", "replace"))))
def test_any_metadata(tmp_path: Path, card: bytes) -> None:
    for split in ("train", "validation"):
        (tmp_path / f"{split}.csv").write_text("text,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(20)))
    (tmp_path / "README.md").write_bytes(card)
    (tmp_path / "dataset_infos.json").write_bytes(card)
    assert len(sources.load(DataSpec(str(tmp_path))).labels) == 2
