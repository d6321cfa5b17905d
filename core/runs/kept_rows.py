"""The rows that a run was evaluated on, stored in its folder, so that its predictions can be read when the data set is gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths, writing
from ..data.arrays import numbers, one_chunk, strings
from ..data.table import Split
from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from . import tables
from .folder import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 256 << 20
"""Bytes of text of a split; the rows of larger splits are not stored."""


def file_of(run: RunFolder, key: str) -> Path:
    """Return the path of the rows that belong to the predictions stored under `key`."""
    return run.path / "rows" / f"{key}.parquet"


def save(run: RunFolder, key: str, split: Split, data: str) -> None:
    """Store the rows of a split; `data` is the fingerprint of their data set. Raises OSError and UserError."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path = file_of(run, key)
    if split.table.column("text").nbytes > LARGEST:
        path.unlink(missing_ok=True)
        return
    labels = pa.DictionaryArray.from_arrays(numbers(split.label_ids(), "int32"), strings(split.labels)).cast(pa.string())
    columns: dict[str, Any] = {"text": split.table.column("text"), "label": labels, "number": split.table.column("number")}
    table = pa.table(columns, metadata={"data": data})
    paths.make_private(path.parent)
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    writing.write_private(path, sink.getvalue().to_pybytes())


def read(run: RunFolder, key: str, name: str, labels: tuple[str, ...]) -> tuple[Split, str] | None:
    """Return the stored rows as the split `name`, and the fingerprint of their data set; None if there are none.

    Raises UserError if the file cannot be read, or does not belong to a run with these labels.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path = file_of(run, key)
    try:
        table = tables.read(path, pa.schema([("text", pa.string()), ("label", pa.string()), ("number", pa.int64())]))
        with open_plain(path) as opened:
            fingerprint = (parquet.read_schema(opened).metadata or {}).get(b"data", b"")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _split(table, name, labels, path), fingerprint.decode("ascii", "replace")


def _split(table: pa.Table, name: str, labels: tuple[str, ...], path: Path) -> Split:
    import numpy as np
    import pyarrow as pa

    ids = {label: index for index, label in enumerate(labels)}
    names = one_chunk(table["label"])
    try:
        of_names = np.array([ids[each] for each in names.dictionary.to_pylist()], np.int32)
    except KeyError as error:
        raise UserError(f"{safe_line(str(path), 160)} has labels that are not those of the run") from error
    given = of_names[names.indices.to_numpy()] if len(names) else np.empty(0, np.int32)
    columns: dict[str, Any] = {"text": table["text"].cast(pa.string()), "label": numbers(given, "int32"), "number": table["number"]}
    return Split(name, pa.table(columns), labels)
