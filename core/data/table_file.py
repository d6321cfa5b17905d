"""Tables written row by row, in the format that the file's name says: they are never held in memory whole."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Self, cast

import pyarrow as pa

from .. import writing
from ..errors import UserError
from ..safe_text import safe_line
from .formats import WRITABLE, Format, to_write
from .writers import Row


def check_name(target: Path) -> Format:
    """Return the format by the ending of a file's name. Raises UserError where that format cannot be written."""
    found = to_write(target.name)
    if found is None:
        raise UserError(f"{safe_line(target.name)} has no known ending", f"Give the output a name that ends in {WRITABLE}")
    return found


class TableWriter(AbstractContextManager["TableWriter"]):
    """Rows written to a file of any of the WRITABLE formats, which gets its name only when it is complete."""

    def __init__(self, target: Path, schema: pa.Schema, spread: Mapping[str, str] = MappingProxyType({})) -> None:
        """Prepare a file of the columns of `schema`. In formats without structs those among them that `spread` names become a column
        for each of their fields, PREFIX_FIELD with the prefix that it gives.

        Raises UserError for a name that says no format.
        """
        self.target, self.format, self.schema, self.spread = target, check_name(target), schema, spread

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            try:
                raw: BinaryIO = stack.enter_context(writing.replacing(self.target))
            except OSError as error:
                raise self._unwritable(error) from error
            self._packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb") if self.target.name.lower().endswith(".gz") else None
            self._rows = self.format.write(cast(BinaryIO, self._packed) if self._packed is not None else raw, self.schema, self.spread)
            self.stack = stack.pop_all()
        return self

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows. Raises UserError where the disk is full or gone, or a value does not fit its column."""
        try:
            self._rows.write(rows)
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
        self._rows.end()
        if self._packed is not None:
            self._packed.close()

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"cannot write {safe_line(str(self.target))}: {error.strerror or error}", exit_code=1)
