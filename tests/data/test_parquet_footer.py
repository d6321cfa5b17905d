"""What a Parquet file's footer claims, compared with what pyarrow reads of it, and damaged ones."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import parquet, parquet_footer


def written(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


PLAIN = pa.table({"text": ["a", "b", None] * 40, "label": list(range(120)), "flag": [True, None, False] * 40})
NESTED = pa.table(
    {
        "lists": [[1, 2], [], None] * 9,
        "structs": [{"a": "x", "b": [1.5]}] * 27,
        "maps": pa.array([[("k", 1)]] * 27, pa.map_(pa.string(), pa.int64())),
    }
)
WIDE = pa.table({f"column {number}": [number] for number in range(300)})


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (PLAIN, {}),
        (PLAIN, {"row_group_size": 7, "compression": "zstd", "write_statistics": False}),
        (PLAIN, {"use_dictionary": False, "version": "1.0", "write_page_index": True, "write_page_checksum": True}),
        (NESTED, {"row_group_size": 10}),
        (WIDE, {"sorting_columns": [pq.SortingColumn(0)]}),
    ],
)
def test_the_claims_are_those_that_pyarrow_reads(table: pa.Table, options: dict[str, object]) -> None:
    raw = written(table, **options)
    metadata = pq.read_metadata(io.BytesIO(raw))
    found = parquet_footer.read(io.BytesIO(raw))
    assert len(found) == metadata.num_row_groups
    for at, group in enumerate(found):
        same = metadata.row_group(at)
        assert group.rows == same.num_rows
        columns = [same.column(place) for place in range(same.num_columns)]
        assert [(".".join(each.path), each.values, each.unpacked) for each in group.columns] == [
            (each.path_in_schema, each.num_values, each.total_uncompressed_size) for each in columns
        ]


def test_a_damaged_footer_is_an_error_of_the_system() -> None:
    raw = written(NESTED)
    chooser = random.Random(0)
    broken = 0
    for _ in range(3000):
        changed = bytearray(raw)
        for _ in range(chooser.choice((1, 5, 40))):
            changed[chooser.randrange(len(raw) // 2, len(raw))] = chooser.randrange(256)
        try:
            parquet_footer.read(io.BytesIO(bytes(changed[: chooser.choice((len(raw), len(raw), chooser.randrange(len(raw))))])))
        except OSError:
            broken += 1
    assert 300 < broken < 3000


def test_structs_within_structs_without_end_are_an_error() -> None:
    footer = b"\x1c" * 100_000
    with pytest.raises(OSError, match="damaged"):
        parquet_footer.read(io.BytesIO(footer + len(footer).to_bytes(4, "little") + b"PAR1"))


def test_a_file_that_is_none_has_no_footer(tmp_path: Path) -> None:
    for raw in (b"", b"PAR1", b"\xff" * 12, b"\xff\xff\xff\xff" + b"PAR1"):
        with pytest.raises(OSError, match="no footer"):
            parquet_footer.read(io.BytesIO(raw))


@pytest.mark.parametrize("indices", [[0, 2], [0, -1], [None, 127]])
def test_numbers_beyond_a_dictionary_are_no_values(indices: list[int | None]) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.array(["a", "b"]), safe=False)
    with pytest.raises(pa.ArrowInvalid, match="in a dictionary of 2"):
        parquet.values(column)
    whole = pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), pa.array(["a", "b"]))
    assert parquet.values(whole) == ["a", None, "b"]
