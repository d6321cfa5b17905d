"""Reads the Parquet files of a run, and checks their columns and sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import parquet_footer
from ..data.arrays import fields_of
from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 20_000_000
"""Rows of a file, at most: a few bytes can encode any number of rows."""
MOST_VALUES = 200_000_000
"""Values of a column of lists over all rows, at most."""


def read(file: Path, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema`, without null values; texts are dictionary arrays with one dictionary.

    Raises FileNotFoundError if there is no file, and UserError if it is not such a table.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    fields = fields_of(schema)
    texts = [field.name for field in fields if pa.types.is_string(field.type)]
    wanted = pa.schema([(field.name, pa.dictionary(pa.int32(), pa.string()) if field.name in texts else field.type) for field in fields])
    try:
        with open_plain(file) as opened:
            found = parquet.ParquetFile(opened, read_dictionary=texts)
            _check(found.metadata.num_rows, parquet_footer.read(opened), found.schema_arrow, schema.names)
            table = found.read(columns=schema.names)
            table = table.select(schema.names).unify_dictionaries().cast(wanted)
            table.validate(full=True)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError, MemoryError, pa.ArrowException) as error:
        raise UserError(f"{safe_line(str(file), 160)} cannot be read: {safe_line(str(error), 200)}") from error
    if any(column.null_count for column in table.columns):
        raise UserError(f"{safe_line(str(file), 160)} lacks values in some rows")
    return table


def _check(rows: int, groups: Sequence[parquet_footer.GroupClaim], schema: pa.Schema, names: Sequence[str]) -> None:
    """Raise ValueError for missing or repeated columns, and for more values than fit into memory."""
    for name in names:
        if schema.names.count(name) != 1:
            raise ValueError(f"it has {schema.names.count(name)} columns {name!r}")
    if rows > MOST_ROWS:
        raise ValueError(f"it has {rows:,} rows, more than {MOST_ROWS:,}")
    values = Counter[tuple[str, ...]]()
    for group in groups:
        for column in group.columns:
            values[column.path] += column.values
    if values and max(values.values()) > MOST_VALUES:
        raise ValueError(f"a column has {max(values.values()):,} values, and {MOST_VALUES:,} are possible")


def read_predictions_and_data(file: Path, labels: Sequence[str]) -> tuple[pa.Table, str]:
    """Return what `read_predictions` does, and the fingerprint of the data set that the file names; '' if it names none."""
    import pyarrow.parquet as parquet

    table = read_predictions(file, labels)
    with open_plain(file) as opened:
        fingerprint = (parquet.read_schema(opened).metadata or {}).get(b"data", b"")
    return table, fingerprint.decode("ascii", "replace")


def read_predictions(file: Path, labels: Sequence[str]) -> pa.Table:
    """Return row, label, prediction, probabilities and loss, as core.model.predictions writes them, of a run with these labels.

    Raises FileNotFoundError if there is no file, and UserError if it does not belong to such a run.
    """
    from importlib import import_module

    import pyarrow as pa

    compute: Any = import_module("pyarrow.compute")  # its functions are created at run time
    columns = [("row", pa.int64()), ("label", pa.string()), ("prediction", pa.string())]
    table = read(file, pa.schema([*columns, ("probabilities", pa.list_(pa.float64())), ("loss", pa.float64())]))
    name = safe_line(str(file), 160)
    for column in ("label", "prediction"):
        used = {label for chunk in table[column].chunks for label in chunk.unique().to_pylist()}
        if not used <= set(labels):
            raise UserError(f"{name} has labels that are not those of the run")
    if len(table) == 0:
        return table
    lengths = compute.unique(compute.list_value_length(table["probabilities"])).to_pylist()
    values = compute.list_flatten(table["probabilities"])
    if lengths != [len(labels)] or values.null_count:
        raise UserError(f"{name} does not have one probability a label in every row")
    if not (compute.all(compute.is_finite(values)).as_py() and compute.all(compute.is_finite(table["loss"])).as_py()):
        raise UserError(f"{name} has numbers that are not finite")
    if compute.min(table["row"]).as_py() < 0:
        raise UserError(f"{name} has rows of negative numbers")
    return table
