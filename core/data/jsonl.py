"""Reads JSON lines: one object a line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from ..errors import UserError
from ..json_kinds import is_object
from ..safe_text import safe_line
from ..sentences import Words
from . import limits
from .batches import MISSING, SAMPLE, SAMPLE_BYTES, BadRow, Batch, Progress, empty_lines_note, type_in_words
from .faults import shown
from .streams import Source, line_blocks

_ANY = msgspec.json.Decoder(dict[str, Any])
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


class JsonLines:
    """A file of JSON lines; row numbers are line numbers, and empty lines are no rows."""

    typed = True
    rows: int | None = None
    repeated: frozenset[str] = frozenset()

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        self._head = _columns(self._first_rows())
        limits.check_columns(self.name, len(self._head))
        self.columns: Sequence[str] = list(self._head)
        self.types = {name: type_in_words(values) for name, values in self._head.items()}
        self._blank = 0
        """Empty lines before a row, once it was read."""

    def head(self) -> dict[str, list[object]]:
        return self._head

    def notes(self) -> list[Words]:
        return empty_lines_note(self.name, self._blank)

    def every_column(self) -> list[str]:
        """Return the columns that any row has, in the order in which they come up."""
        found = dict.fromkeys(self.columns)
        with suppress(EOFError):
            for block in line_blocks(self._source):
                for line in io.BytesIO(block):
                    row = _keys(line)
                    if not row.keys() <= found.keys():
                        found.update(dict.fromkeys(row))
                        limits.check_columns(self.name, len(found))
        return list(found)

    def _first_rows(self) -> list[dict[str, object]]:
        """Return the first rows that are objects. Raises UserError naming a row where there are none."""
        rows: list[dict[str, object]] = []
        first: BadRow | None = None
        size = 0
        blocks = iter([self._source.peek(0)]) if self._source.is_stream else line_blocks(self._source)
        cut_off = False
        number = 0
        try:
            for block in blocks:
                for line in io.BytesIO(block):
                    number += 1
                    if not line.strip():
                        continue
                    row = parse_row(line)
                    if isinstance(row, str):
                        first = first or BadRow(number, 0, row)
                        continue
                    rows.append(row)
                    size += len(line)
                    if len(rows) == SAMPLE or size > SAMPLE_BYTES:
                        return rows
        except EOFError:
            cut_off = True
        if rows:
            return rows
        if first:
            raise UserError(f"{safe_line(self.name, 80)}, row {first.number}: {first.fault}", "Write one JSON object a line")
        if cut_off:
            raise EOFError
        raise UserError(f"{safe_line(self.name, 80)} is empty", "Give a file with at least one row")

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        fast = _fast_decoder(wanted)
        number = rows = 0
        try:
            for block in line_blocks(self._source, progress):
                if not block.strip():
                    number += block.count(b"\n")
                    continue
                lines = io.BytesIO(block).readlines()
                found: list[Any] = []
                if fast is not None and len(block) <= limits.VALUES:
                    with suppress(ValueError, RecursionError):
                        found = fast.decode_lines(block)
                batch = Batch([], ())
                if len(found) == len(lines):
                    columns = [[getattr(row, field) for row in found] for field in _fields(wanted)]
                    batch = Batch(columns, range(number + 1, number + len(lines) + 1))
                if not batch.numbers or _may_repeat(block, wanted, batch.columns):
                    batch = _each(lines, number, wanted)
                if batch.size:
                    rows += batch.size
                    self._blank = batch.last - rows
                yield batch
                number += len(lines)
        except EOFError as error:
            raise UserError(
                f"{safe_line(self.name, 80)} is cut off after row {number}: the compressed data ends too early",
                "Fetch or compress it again",
            ) from error


def _columns(rows: list[dict[str, object]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def _fields(wanted: Sequence[str]) -> list[str]:
    return [f"field{at}" for at in range(len(wanted))]


def _fast_decoder(wanted: Sequence[str]) -> Any:
    """Return a decoder of only the wanted columns; None where their names have characters that msgspec rejects."""
    if len(wanted) > 50:
        return None
    try:
        fields = [(field, object, MISSING) for field in _fields(wanted)]
        row = msgspec.defstruct("Wanted", fields, rename=dict(zip(_fields(wanted), wanted, strict=True)))
    except ValueError:
        return None
    return msgspec.json.Decoder(row)


def _may_repeat(block: bytes, wanted: Sequence[str], columns: Sequence[list[Any]]) -> bool:
    """Return whether a row may have a key twice, of which a decoder keeps only the last: the key occurs more often than there are rows."""
    rows = ((name, len(values) - values.count(MISSING)) for name, values in zip(wanted, columns, strict=True))
    return any(block.count(_written(name)) > number for name, number in rows)


def _each(lines: list[bytes], before: int, wanted: Sequence[str]) -> Batch:
    columns: list[list[Any]] = [[] for _ in wanted]
    numbers: list[int] = []
    bad: list[BadRow] = []
    keys = [_written(name) for name in wanted]
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        row = parse_row(line)
        if isinstance(row, dict) and any(line.count(key) > 1 for key in keys):
            row = _decoded_again(line)
        if isinstance(row, str):
            bad.append(BadRow(number, 0, row))
            continue
        numbers.append(number)
        for column, name in zip(columns, wanted, strict=True):
            column.append(row.get(name, MISSING))
    return Batch(columns, numbers, bad=bad)


def _written(name: str) -> bytes:
    """Return a key as it is usually written; it is no part of a text, whose quotes are escaped, but may be a whole one."""
    return json.dumps(name, ensure_ascii=False).encode("utf-8", "surrogatepass")


class Repeated(dict[str, Any]):
    """A JSON object that has a key twice, with different values; `key` is the first such one."""

    key = ""


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these keys and values, as a Repeated where a key comes twice with different ones."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if value is not found[key] and value != found[key]:
                found = Repeated(found)
                found.key = key
                break
    return found


def repeated_fault(row: Repeated) -> str:
    return f"the key {shown(row.key)} occurs twice, with different values"


def _decoded_again(line: bytes) -> dict[str, Any] | str:
    """Return the object of a line that may have a key twice, or what is wrong with it."""
    row = json.loads(line.decode(), object_pairs_hook=unrepeated)
    return repeated_fault(row) if isinstance(row, Repeated) else row


def _keys(line: bytes) -> dict[str, Any]:
    try:
        return _RAW.decode(line)
    except (ValueError, RecursionError):
        row = parse_row(line) if line.strip() else ""
        return row if isinstance(row, dict) else {}


def parse_row(line: bytes) -> dict[str, Any] | str:
    """Return the object that a line holds, or what is wrong with it, as a part of a sentence."""
    if limits.is_overfull(line):
        return f"more than {limits.VALUES:,} values in one row"
    try:
        row = _ANY.decode(line)
    except RecursionError:
        return "values are nested too deep"
    except UnicodeDecodeError:
        return "not valid UTF-8"
    except msgspec.MsgspecError as error:
        return _lenient(line, error)
    return row if len(row) <= limits.COLUMNS else f"{len(row):,} columns, more than the {limits.COLUMNS:,} that are read"


def _lenient(line: bytes, error: msgspec.MsgspecError) -> dict[str, Any] | str:
    """Return a row with what Python and pandas write beyond JSON, such as NaN and numbers out of range, or what is wrong with it."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "not valid UTF-8"
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        if isinstance(error, msgspec.ValidationError):
            return f"not a usable JSON object ({safe_line(str(error), 80)})"
        return f"broken JSON ({safe_line(str(error), 80)})"
    if not is_object(row):
        return f"not a usable JSON object ({safe_line(str(error), 80)})"
    if not all(map(_is_unicode, row)):
        return "a column's name is not valid Unicode"
    return row


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
