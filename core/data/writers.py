"""Writes rows to a file that is open, as JSON lines, csv, tsv or Parquet."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, ClassVar, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from .arrays import fields_of

Row = Mapping[str, Any]
"""A value by column; a column that it lacks is empty, and in jsonl left out."""


class RowWriter(Protocol):
    """What writes one format."""

    def __init__(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> None:
        """Begin a file of the columns of `schema`.

        In formats without structs those among them that `spread` names become a column for each of their fields, PREFIX_FIELD with
        the prefix that it gives. Raises OSError.
        """
        ...

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows. Raises OSError, and UserError where a value does not fit its column."""
        ...

    def end(self) -> None:
        """Write what the format has at its end; the file itself stays open. Raises OSError."""
        ...


class JsonLinesWriter:
    def __init__(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> None:  # noqa: ARG002
        self._raw = raw

    def write(self, rows: Iterable[Row]) -> None:
        self._raw.write(b"".join(json_line(row) for row in rows))

    def end(self) -> None:
        """A line ends where it ends."""


class CsvWriter:
    delimiter: ClassVar[str] = ","

    def __init__(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> None:
        self._columns = FlatColumns(schema, spread)
        self._text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
        self._csv = csv.writer(self._text, delimiter=self.delimiter)
        self._csv.writerow(clean(name) for name in self._columns.names)

    def write(self, rows: Iterable[Row]) -> None:
        self._csv.writerows(map(cell, self._columns.values(row)) for row in rows)

    def end(self) -> None:
        self._text.detach()


class TsvWriter(CsvWriter):
    delimiter = "\t"


class ParquetWriter:
    def __init__(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> None:  # noqa: ARG002
        self._schema = schema
        self._parquet = pq.ParquetWriter(raw, schema)

    def write(self, rows: Iterable[Row]) -> None:
        self._parquet.write_table(self._table(list(rows)))

    def end(self) -> None:
        self._parquet.close()

    def _table(self, rows: list[Row]) -> pa.Table:
        arrays: list[pa.Array[Any]] = []
        for field in fields_of(self._schema):
            values = [row.get(field.name) for row in rows]
            if pa.types.is_string(field.type):
                values = [None if value is None else cell(value) for value in values]
            try:
                arrays.append(pa.array(values, field.type))
            except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
                why = safe_line(str(error), 100).rstrip(".")
                raise UserError(
                    f"the column {safe_line(field.name, 40)} has values of several kinds, which Parquet cannot store ({why})",
                    phrase("Give ", Setting("out"), " a name that ends in .jsonl"),
                ) from error
        return pa.Table.from_arrays(arrays, schema=self._schema)


class FlatColumns:
    """The columns of a schema for a format without structs: a struct that `spread` names has a column for each of its fields."""

    def __init__(self, schema: pa.Schema, spread: Mapping[str, str]) -> None:
        self._schema, self._spread = schema, spread
        self.fields: list[pa.Field[Any]] = []
        """In the order of `values`; their names are PREFIX_FIELD where a struct was spread."""
        for field in fields_of(schema):
            prefix = spread.get(field.name)
            self.fields += [field] if prefix is None else [each.with_name(f"{prefix}_{each.name}") for each in field.type]

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    def values(self, row: Row) -> list[Any]:
        """Return a row's values, None where it has none."""
        found: list[Any] = []
        for field in fields_of(self._schema):
            value = row.get(field.name)
            found += [(value or {}).get(each.name) for each in field.type] if field.name in self._spread else [value]
        return found


def json_line(row: Row) -> bytes:
    """Return a row as a line of JSON; what JSON has no form for is written as text."""
    try:
        return msgspec.json.encode(row, enc_hook=str) + b"\n"
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError, TypeError, ValueError, RecursionError):
        return clean(json.dumps(row, default=cell, ensure_ascii=False)).encode() + b"\n"


def cell(value: Any) -> str:
    """Return a value as one cell of a csv file: nothing for None, JSON for lists and objects."""
    match value:
        case None:
            return ""
        case str():
            return clean(value)
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case dict() | list() | tuple():
            return json_line(value).decode().rstrip("\n")  # type: ignore[arg-type]
        case _:
            return clean(str(value))


def clean(text: str) -> str:
    """Return `text` with lone surrogates, which UTF-8 cannot write, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
