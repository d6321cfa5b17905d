"""Arrow files are read, compressed ones too, where what they unpack to is said in them and not too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from emotui.core.data import readers, sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec
from pyarrow import feather

ROWS = [(f"a text that says number {n}", ("neg", "neu", "pos")[n % 3]) for n in range(60)]
TABLE = pa.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]})


def _read(path: Path) -> list[Any]:
    return [row.values for row in readers.rows(readers.open_file(path))]


def _write(path: Path, compression: Literal["lz4", "zstd"], *, stream: bool, table: pa.Table = TABLE) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=25)


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_what_pandas_writes_as_feather_is_read(tmp_path: Path, compression: Literal["lz4", "zstd", "uncompressed"]) -> None:
    feather.write_feather(TABLE, str(tmp_path / "a.feather"), compression=compression)
    assert _read(tmp_path / "a.feather") == ROWS
    assert len(sources.load(DataSpec(str(tmp_path / "a.feather"))).labels) == 3


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_several_compressed_batches_with_dictionaries_and_gaps_are_read(
    tmp_path: Path, compression: Literal["lz4", "zstd"], *, stream: bool
) -> None:
    table = TABLE.append_column("many", pa.array(["x", None, "y"] * 20).dictionary_encode())
    _write(tmp_path / "a.arrow", compression, stream=stream, table=table)
    assert [row[:2] for row in _read(tmp_path / "a.arrow")] == ROWS
    assert [row[2] for row in _read(tmp_path / "a.arrow")] == ["x", None, "y"] * 20


@pytest.mark.parametrize("said", [1 << 40, 1 << 20, 3, 0])
def test_a_buffer_that_says_a_wrong_size_is_a_sentence(tmp_path: Path, said: int) -> None:
    long = pa.table({"text": ["word " * 5_000 + str(n) for n in range(40)], "label": [n % 2 for n in range(40)]})
    _write(tmp_path / "a.arrow", "zstd", stream=False, table=long)
    raw = (tmp_path / "a.arrow").read_bytes()
    at = raw.index(b"\x28\xb5\x2f\xfd") - 8  # zstd's magic number, after the size
    (tmp_path / "a.arrow").write_bytes(raw[:at] + said.to_bytes(8, "little") + raw[at + 8 :])
    with pytest.raises(UserError, match=r"unpack to more than 200 times as many|not a complete Arrow file"):
        _read(tmp_path / "a.arrow")


def test_batches_that_cannot_be_followed_are_not_read(tmp_path: Path) -> None:
    _write(tmp_path / "a.arrow", "zstd", stream=True)
    raw = (tmp_path / "a.arrow").read_bytes()
    second = raw.index(b"\xff\xff\xff\xff", 8)
    (tmp_path / "a.arrow").write_bytes(raw[:second] + raw[second + 4 :])  # as before Arrow 0.15
    with pytest.raises(UserError, match="one of its messages cannot be read"):
        _read(tmp_path / "a.arrow")
