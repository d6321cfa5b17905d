"""Tables written row by row, as jsonl, csv, tsv or parquet: they are never held in memory whole."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from .. import writing
from ..engine.protocol import Prediction
from ..errors import UserError
from ..safe_text import safe_line
from .text_files import ending

WRITABLE = "jsonl, csv, tsv or parquet"


class TableWriter(AbstractContextManager["TableWriter"]):
    """Rows written to a file of any of the WRITABLE formats, which gets its name only when it is complete."""

    def __init__(self, target: Path, schema: pa.Schema, header: Sequence[str], cells: Callable[[Any], list[Any]]) -> None:
        """Prepare a file of rows that are structs with the fields of `schema`; csv and tsv get `header` and the `cells` of each row.

        Raises UserError for a name that says no format.
        """
        self.target, self.kind = target, ending(target)
        if self.kind not in ("jsonl", "jsonl.gz", "csv", "tsv", "parquet"):
            raise UserError(f"{safe_line(target.name)} is of no known format. Give the output a name that ends in {WRITABLE}")
        self.schema, self.header, self.cells = schema, header, cells

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
                    self.csv.writerow(self.header)
                case "jsonl.gz":
                    self.raw = gzip.GzipFile(filename="", fileobj=raw, mode="wb")
                case _:
                    self.raw = raw
            self.stack = stack.pop_all()
        return self

    def write(self, rows: Sequence[msgspec.Struct]) -> None:
        """Append rows. Raises UserError where the disk is full or gone."""
        try:
            match self.kind:
                case "parquet":
                    self.parquet.write_table(pa.Table.from_pylist([msgspec.to_builtins(row) for row in rows], schema=self.schema))
                case "csv" | "tsv":
                    self.csv.writerows(map(self.cells, rows))
                case _:
                    self.raw.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        except OSError as error:
            raise self._unwritable(error) from error

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

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"cannot write {safe_line(str(self.target))}: {error.strerror or error}", exit_code=1)


class Writer(TableWriter):
    """Predictions written to a file."""

    def __init__(self, target: Path, labels: Sequence[str]) -> None:
        schema = pa.schema(
            [
                ("text", pa.string()),
                ("label", pa.string()),
                ("probabilities", pa.struct([(name, pa.float64()) for name in labels])),
                ("tokens", pa.int32()),
                ("truncated", pa.bool_()),
            ]
        )
        header = ["text", "label", *(f"probability_{name}" for name in labels), "tokens", "truncated"]
        super().__init__(target, schema, header, _prediction_cells)


def _prediction_cells(row: Prediction) -> list[Any]:
    return [row.text, row.label, *row.probabilities.values(), row.tokens, str(row.truncated).lower()]
