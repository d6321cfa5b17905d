"""Tables written row by row, as jsonl, csv, tsv or parquet: they are never held in memory whole."""

from __future__ import annotations

import contextlib
import csv
import datetime
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from .. import writing
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from .arrays import fields_of
from .text_files import ending

WRITABLE = "jsonl, csv, tsv or parquet"
Row = Mapping[str, Any]
"""A value by column; a column that it lacks is empty, and in jsonl left out."""


def check_name(target: Path) -> str:
    """Return the format that a file's name says. Raises UserError where it says none that is written."""
    kind = ending(target)
    if kind not in ("jsonl", "jsonl.gz", "csv", "tsv", "parquet"):
        raise UserError(f"{safe_line(target.name)} is of no known format. Give the output a name that ends in {WRITABLE}")
    return kind


class TableWriter(AbstractContextManager["TableWriter"]):
    """Rows written to a file of any of the WRITABLE formats, which gets its name only when it is complete."""

    def __init__(self, target: Path, schema: pa.Schema, spread: Mapping[str, str] = MappingProxyType({})) -> None:
        """Prepare a file of the columns of `schema`. In csv and tsv the structs among them that `spread` names become a column
        for each of their fields, PREFIX_FIELD with the prefix that it gives.

        Raises UserError for a name that says no format.
        """
        self.target, self.kind, self.schema, self.spread = target, check_name(target), schema, spread

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            try:
                raw = stack.enter_context(writing.replacing(self.target))
            except OSError as error:
                raise self._unwritable(error) from error
            match self.kind:
                case "parquet":
                    self.parquet = pq.ParquetWriter(raw, self.schema)
                case "csv" | "tsv":
                    self.text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
                    self.csv = csv.writer(self.text, delimiter="," if self.kind == "csv" else "\t")
                    self.csv.writerow(_clean(name) for name in self._header())
                case "jsonl.gz":
                    self.raw: Any = gzip.GzipFile(filename="", fileobj=raw, mode="wb")
                case _:
                    self.raw = raw
            self.stack = stack.pop_all()
        return self

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows. Raises UserError where the disk is full or gone, or a value does not fit its column."""
        try:
            match self.kind:
                case "parquet":
                    self.parquet.write_table(self._table(list(rows)))
                case "csv" | "tsv":
                    self.csv.writerows(map(self._cells, rows))
                case _:
                    self.raw.write(b"".join(json_line(row) for row in rows))
        except OSError as error:
            raise self._unwritable(error) from error

    def _header(self) -> list[str]:
        names: list[str] = []
        for field in fields_of(self.schema):
            prefix = self.spread.get(field.name)
            names += [field.name] if prefix is None else [f"{prefix}_{each.name}" for each in field.type]
        return names

    def _cells(self, row: Row) -> list[str]:
        cells: list[str] = []
        for field in fields_of(self.schema):
            value = row.get(field.name)
            if field.name in self.spread:
                cells += [cell((value or {}).get(each.name)) for each in field.type]
            else:
                cells.append(cell(value))
        return cells

    def _table(self, rows: list[Row]) -> pa.Table:
        arrays: list[pa.Array[Any]] = []
        for field in fields_of(self.schema):
            values = [row.get(field.name) for row in rows]
            if pa.types.is_string(field.type):
                values = [None if value is None else cell(value) for value in values]
            try:
                arrays.append(pa.array(values, field.type))
            except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
                why = safe_line(str(error), 100).rstrip(".")
                raise UserError(
                    f"the column {safe_line(field.name, 40)} has values of several kinds, which Parquet does not take ({why})",
                    phrase("Give ", Setting("out"), " a name that ends in .jsonl"),
                ) from error
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is not None:
                with contextlib.suppress(OSError):
                    self._end()
                self.stack.__exit__(kind, error, trace)
                return
            with self.stack:
                self._end()
        except OSError as failure:
            raise self._unwritable(failure) from failure

    def _end(self) -> None:
        """Write what the format has at its end; the file itself stays open."""
        match self.kind:
            case "parquet":
                self.parquet.close()
            case "csv" | "tsv":
                self.text.detach()
            case "jsonl.gz":
                self.raw.close()
            case _:
                pass

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"cannot write {safe_line(str(self.target))}: {error.strerror or error}", exit_code=1)


def json_line(row: Row) -> bytes:
    """Return a row as a line of JSON; what JSON has no form for is written as text."""
    try:
        return msgspec.json.encode(row, enc_hook=str) + b"\n"
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError, TypeError, ValueError, RecursionError):
        return _clean(json.dumps(row, default=cell, ensure_ascii=False)).encode() + b"\n"


def cell(value: Any) -> str:
    """Return a value as one cell of a csv file: nothing for None, JSON for lists and objects."""
    match value:
        case None:
            return ""
        case str():
            return _clean(value)
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case dict() | list() | tuple():
            return json_line(value).decode().rstrip("\n")  # type: ignore[arg-type]
        case _:
            return _clean(str(value))


def _clean(text: str) -> str:
    """Return `text` with lone surrogates, which UTF-8 cannot write, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
