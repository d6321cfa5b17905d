"""Files that are made to hang a reader or to fill the memory end quickly and in little of it: in rows, or in a sentence."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import limits, metadata, readers, sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec, Reading

CPU_SECONDS = 20
"""Of a child, twice what is promised, since the machine may be slow; these files took minutes or never ended."""
MEMORY = 500 << 20
"""Bytes that reading may add to what Python and Arrow take."""
_CHILD = """
import itertools, json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
import pyarrow, pyarrow.compute, pyarrow.parquet, numpy
from emotui.core.data import readers, sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec
from pathlib import Path
# Not ru_maxrss, which a child inherits from whoever started it.
peak = lambda: int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) << 10
before = peak()
virtual = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
# What is touched is measured below; the address space ends what runs away.
resource.setrlimit(resource.RLIMIT_AS, (virtual + 2 * int(sys.argv[4]),) * 2)
path, skip = sys.argv[1], sys.argv[2] == 'skip'
said = []
try:
    data = sources.load(DataSpec(path, text_column='text', label_column='label', skip_bad_rows=skip))
    said.append(f'{sum(map(len, data.splits.values()))} rows')
except UserError as error:
    said.append(str(error))
try:
    if Path(path).is_file():
        count = sum(1 for _ in itertools.islice(readers.rows(readers.open_file(Path(path))), 200_000))
        said.append(f'{count} rows streamed')
except UserError as error:
    said.append(str(error))
print(json.dumps([said, peak() - before]))
"""


def attempt(path: Path, *, skip: bool = False) -> list[str]:
    """Return what reading `path` as a data set and row by row comes to, in a child of limited time and memory."""
    arguments = [str(path), "skip" if skip else "", str(CPU_SECONDS), str(MEMORY)]
    done = subprocess.run([sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-1500:])
    said, added = json.loads(done.stdout)
    print(f"{added >> 20} MiB", said)
    assert added < MEMORY, f"{added >> 20} MiB"
    assert all(len(sentence) < 500 and "\n" not in sentence for sentence in said)
    return said


def packed(path: Path, piece: bytes, times: int, before: bytes = b"") -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(before)
        for _ in range(times):
            file.write(piece)


def sparse(path: Path, before: bytes) -> None:
    path.write_bytes(before)
    os.truncate(path, 1 << 40)


def parquet(path: Path, table: pa.Table, **options: Any) -> None:
    pq.write_table(table, path, **options)


def texts_of_ten_megabytes(path: Path) -> None:
    text = "word " * 2_000_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array([text]))
    parquet(path, pa.table({"text": column, "label": [n % 2 for n in range(500)]}), compression="zstd")


def run_of_lists(path: Path) -> None:
    writer = pq.ParquetWriter(path, pa.schema([("text", pa.list_(pa.int8())), ("label", pa.int8())]), compression="zstd")
    row = pa.array([[0] * 20_000_000], pa.list_(pa.int8()))
    for _ in range(3):
        writer.write_table(pa.table({"text": row, "label": pa.array([0], pa.int8())}))
    writer.close()


def nulls(path: Path) -> None:
    parquet(path, pa.table({"text": pa.nulls(30_000_000, pa.string()), "label": pa.nulls(30_000_000, pa.int64())}))


def plain_zstd(path: Path) -> None:
    text = "word " * 200_000
    parquet(path, pa.table({"text": [text] * 600, "label": [n % 2 for n in range(600)]}), compression="zstd", use_dictionary=False)


def nested_schema(path: Path) -> None:
    kind: pa.DataType = pa.int8()
    for _ in range(200):
        kind = pa.struct([("a", kind)])
    parquet(path, pa.table({"text": pa.nulls(3, kind), "label": [0, 1, 2]}))


def zst(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(b"text,label\n")
        for _ in range(40_000):
            file.write(b"a,1\n" * 5_000)


def bad_offsets(path: Path) -> None:
    batch = pa.record_batch([pa.array(["aaaaaaa", "bbbb"]), pa.array([0, 1])], names=["text", "label"])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)
    offsets = b"".join(offset.to_bytes(4, "little") for offset in (0, 7, 11))
    raw = path.read_bytes()
    assert raw.count(offsets) == 1
    path.write_bytes(raw.replace(offsets, offsets[:8] + (1 << 30).to_bytes(4, "little")))


def packed_arrow(path: Path) -> None:
    table = pa.table({"text": ["word " * 200_000] * 300, "label": [n % 2 for n in range(300)]})
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer,
    ):
        writer.write_table(table)


HEADER = b"text,label\n"
FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("newlines.jsonl.gz", lambda path: packed(path, b"\n" * (1 << 20), 300), "unpack to more than 200 times as many|empty lines follow"),
    ("newlines.csv.gz", lambda path: packed(path, b"\n" * (1 << 20), 300), "unpack to more than 200 times as many|empty lines follow"),
    ("newlines.csv", lambda path: path.write_bytes(HEADER + b"\n" * (40 << 20)), "empty lines follow"),
    ("rows.jsonl.gz", lambda path: packed(path, b'{"text":"a","label":1}\n' * 5_000, 3_000), "unpack to more than 200 times as many"),
    ("rows.csv.zst", zst, "unpack to more than 200 times as many"),
    ("rows.csv.gz", lambda path: packed(path, b"a,1\n" * 50_000, 1_000, HEADER), "unpack to more than 200 times as many"),
    ("sparse.csv", lambda path: sparse(path, HEADER), "line 2: the line is longer than 64 MiB"),
    ("sparse.tsv", lambda path: sparse(path, b"text\tlabel"), "line 1: the line is longer than 64 MiB|no format"),
    ("sparse.jsonl", lambda path: sparse(path, b'{"text":"a","label":1}\n'), "line 2: the line is longer than 64 MiB"),
    ("sparse.json", lambda path: sparse(path, b'[{"text":"a","label":1}'), "not valid JSON|longer than 64 MiB"),
    ("columns.csv", lambda path: path.write_bytes((b",".join(b"c%d" % n for n in range(200_000)) + b"\n") * 2), "200,000 columns"),
    ("same.csv", lambda path: path.write_bytes(b"c," * 200_000 + b"c\n" + b"1," * 200_000 + b"1\n"), "200,001 columns"),
    ("columns.jsonl", lambda path: path.write_text(json.dumps({f"c{n}": n for n in range(200_000)}) + "\n"), "200,000 columns"),
    ("keys.jsonl", lambda path: path.write_text("".join(f'{{"text":"a","label":{n % 2},"k{n}":0}}\n' for n in range(20_000))), "rows"),
    ("columns.parquet", lambda path: parquet(path, pa.table({f"c{n}": [1] for n in range(11_000)})), "11,000 columns"),
    ("commas.csv", lambda path: path.write_bytes(b"," * (60 << 20) + b"\n1\n"), "columns|fields"),
    ("comma-row.csv", lambda path: path.write_bytes(HEADER + b"a,1\n" + b"," * (60 << 20) + b"\n"), "fields"),
    ("long.csv", lambda path: path.write_bytes(HEADER + b"a" * (70 << 20) + b",1\n"), "longer than 64 MiB"),
    ("long.txt", lambda path: path.write_bytes(b"a" * (70 << 20)), "longer than 64 MiB"),
    (
        "unclosed.csv",
        lambda path: path.write_bytes(HEADER + b'a,1\n"x,y",1\n"' + b"b, 2\n" * (8 << 20)),
        "a quote opens here and is never closed",
    ),
    ("lists.jsonl", lambda path: path.write_bytes(b'{"text":"a","x":[' + b"[]," * (20 << 20) + b"0]}\n"), "more than 2,000,000 values"),
    ("deep.jsonl", lambda path: path.write_bytes(b'{"text":' + b"[" * 1_000_000 + b"\n"), "nested too deep"),
    ("deep.json", lambda path: path.write_bytes(b'[{"text":' + b"[" * 1_000_000), "nested too deep"),
    ("lists.json", lambda path: path.write_bytes(b'[{"text":"a","x":[' + b"[]," * (20 << 20) + b"0]}]"), "2,000,000 values"),
    (
        "numbers.jsonl",
        lambda path: path.write_bytes(b'{"text":"a","label":' + b"9" * 1_000_000 + b"}\n"),
        "not a usable JSON object",
    ),
    ("dictionary.parquet", texts_of_ten_megabytes, "unpack to more than 200 times as many"),
    ("lists.parquet", run_of_lists, "unpack to more than 200 times as many"),
    ("nulls.parquet", nulls, "the text is null"),
    ("plain.parquet", plain_zstd, "unpack to more than 200 times as many"),
    ("schema.parquet", nested_schema, "the text is null|not a complete Parquet file"),
    ("offsets.arrow", bad_offsets, "not a complete Arrow file"),
    ("packed.arrow", packed_arrow, "unpack to more than 200 times as many"),
    ("environ.csv", lambda path: path.symlink_to("/proc/self/environ"), "a file that the kernel generates"),
    ("zero.csv", lambda path: path.symlink_to("/dev/zero"), "is a device, not a regular file"),
    ("pipe.jsonl", lambda path: os.mkfifo(path), "is a named pipe, not a regular file"),
    ("folder.csv", lambda path: path.mkdir(), "there is no training split"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "make", "expected"), FILES, ids=[name for name, _, _ in FILES])
def test_a_hostile_file_ends_in_a_sentence(tmp_path: Path, name: str, make: Callable[[Path], object], expected: str) -> None:
    make(tmp_path / name)
    said = attempt(tmp_path / name)
    assert any(each in " ".join(said) for each in expected.split("|")), said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.jsonl", b"{}\n" * (10 << 20)),
        ("short.csv", HEADER + b"a\n" * (15 << 20)),
        ("empty.json", b"[{}" + b",{}" * (10 << 20) + b"]"),
    ],
    ids=["empty.jsonl", "short.csv", "empty.json"],
)
def test_rows_that_cannot_be_used_are_not_left_out_for_ever(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    said = attempt(tmp_path / name, skip=True)[0]
    assert "rows cannot be used" in said or "no column 'text'" in said


@pytest.mark.slow
def test_a_line_as_long_as_the_limit_is_read_in_little_memory(tmp_path: Path) -> None:
    long = b"ab " * (20 << 20)
    (tmp_path / "all.jsonl").write_bytes(
        b'{"text":"' + long + b'","label":0}\n' + b"".join(b'{"text":"b%d","label":%d}\n' % (n, n % 2) for n in range(40))
    )
    assert attempt(tmp_path / "all.jsonl")[0] == "41 rows"


def test_the_longest_line_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("longest_line_mib = 1\n")
    monkeypatch.setenv("EMOTUI_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "all.jsonl").write_bytes(b'{"text":"' + b"a " * (1 << 20) + b'","label":0}\n')
    with pytest.raises(UserError, match=r"line 1: the line is longer than 1 MiB\. .* raise longest_line_mib"):
        sources.load(DataSpec(str(tmp_path / "all.jsonl")))


def test_a_repeated_parquet_column_is_told_and_chosen_by_its_number(tmp_path: Path) -> None:
    table = pa.Table.from_arrays(
        [pa.array([f"x{n}" for n in range(40)]), pa.array([n % 2 for n in range(40)]), pa.array([f"text {n}" for n in range(40)])],
        names=["text", "label", "text"],
    )
    pq.write_table(table, tmp_path / "all.parquet")
    with pytest.raises(UserError, match=r"names the column 'text' twice\. Choose one by its number"):
        sources.load(DataSpec(str(tmp_path / "all.parquet")))
    data = sources.load(DataSpec(str(tmp_path / "all.parquet"), text_column="3"))
    assert data.split("train").row(0).text.startswith("text ")
    assert [row.values[2] for row in readers.rows(readers.open_file(tmp_path / "all.parquet"))] == [f"text {n}" for n in range(40)]


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_bytes(b'{"text":"a","label":0}\n{"text":"b","label":1}\n' * 100_000)

    def grow(*_: object) -> None:
        with file.open("ab") as more:
            more.write(b'{"text":"c","label":0}\n')

    with pytest.raises(UserError, match=r"all\.jsonl changed while it was being read\. Wait until it is complete"):
        sources.load(DataSpec(str(file)), progress=grow)


@pytest.mark.parametrize(
    "head",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
        "[" * 1_000_000,
        "a: !!bool maybe\nb: !!timestamp x\nc: !!python/object/apply:os.system [true]",
        "configs: {a: {b: *c}}",
    ],
    ids=len,
)
def test_the_head_of_a_card_has_no_aliases_and_is_not_deep(tmp_path: Path, head: str) -> None:
    for split in ("train", "validation"):
        (tmp_path / f"{split}.csv").write_text("text,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(20)))
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n")
    assert attempt(tmp_path) == ["40 rows"]
    assert "configs" not in metadata.card(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"a": {"features": ' + b'{"label":' * 100_000,
        b'{"a": {"features": {"label": {"names": {"0": ["a"], "1": {}}}}}}',
        b'{"a": {"features": {"label": {"names": {"x": "a", "1": "b"}}}}}',
        b'{"a": {"features": {"label": {"names": [[[]], null]}}}}',
        b'{"a": {"features": [1, null, {"name": ["label"]}, {"name": "label", "dtype": {"class_label": 3}}]}}',
        b'{"a": ' + b"9" * 100_000 + b"}",
        b'{"features": {"label": {"names": [' + b'"a",' * 1_500_000 + b'"b"]}}}',
        b'{"features": {"label": {"names": ["a", "\\ud800"]}}}',
    ],
    ids=len,
)
@pytest.mark.parametrize("name", ["dataset_infos.json", "dataset_info.json"])
def test_metadata_of_a_hostile_shape_names_nothing(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert metadata.label_names([tmp_path], [], "label") == ((), "")


def test_a_class_called_no_keeps_its_name(tmp_path: Path) -> None:
    names = "names:\n          '0': no\n          '1': yes\n"
    head = f"dataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        {names}"
    (tmp_path / "README.md").write_text(f"---\n{head}---\n")
    assert metadata.label_names([tmp_path], [], "label") == (("no", "yes"), "README.md")


def test_names_that_are_no_utf8_are_told_safely(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\x1b]0;x\x07.csv")
    (tmp_path / name).write_bytes(b"text,label\n\n")
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(tmp_path / name)))
    assert "\x1b" not in str(caught.value)
    str(caught.value).encode()


@pytest.mark.slow
def test_a_stream_is_read_once_in_little_memory() -> None:
    class Endless:
        left = 3_000

        def read1(self, size: int) -> bytes:
            self.left -= 1
            return b'{"text": "a b", "n": 1}\n' * 1_000 if self.left >= 0 else b""

    opened = readers.open_file(Endless(), Reading(), name="stdin")  # type: ignore[arg-type]
    assert sum(row.values[0] == "a b" for row in readers.rows(opened, ["text"])) == 3_000_000
    with pytest.raises(UserError, match="stdin can be read only once"):
        next(readers.rows(opened))


def _classes(place: Path) -> None:
    for label in ("no", "yes"):
        (place / label).mkdir()
        for number in range(6):
            (place / label / f"{number}.txt").write_text(f"text {number}")


def _parts(place: Path) -> None:
    for number in range(6):
        (place / f"train-{number:05d}-of-00006.jsonl").write_bytes(b'{"text": "a", "label": "b"}\n')


def _card_of_many(place: Path) -> None:
    (place / "README.md").write_text("---\nconfigs:\n- data_files:\n  - split: train\n    path: deep/*/*\n---\n")
    (place / "deep").mkdir()
    for folder in range(3):
        (place / "deep" / f"{folder}").mkdir()
        for number in range(3):
            (place / "deep" / f"{folder}" / f"{number}.jsonl").write_bytes(b'{"text": "a", "label": "b"}\n')


def _saved_with_more(place: Path) -> None:
    (place / "train").mkdir()
    for number in range(5):
        (place / f"{number}").write_bytes(b"")
    (place / "dataset_dict.json").write_text('{"splits": ["train"]}')


@pytest.mark.parametrize("make", [_classes, _parts, _card_of_many, _saved_with_more])
def test_more_files_than_are_read_are_told_and_none_is_left_out_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    make(tmp_path)
    monkeypatch.setattr(limits, "ENTRIES", 5)
    with pytest.raises(UserError, match=r"holds more than 5 files\. Put their texts into one csv"):
        sources.load(DataSpec(str(tmp_path)))
