"""Reads and writes ARFF, the format of Weka and OpenML: attributes with their types, then a line a row.

It follows https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/ and the escapes that Weka writes within quotes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Words
from ..units import count
from . import limits
from .batches import SAMPLE, BadRow, Batch, Progress, empty_lines_note, unique_names
from .faults import shown
from .streams import BLOCK, Source, Utf8, line_blocks
from .writers import FlatColumns, Row, cell, clean

_QUOTED = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
_VALUE = re.compile(rf"\s*+(?:({_QUOTED})\s*+(?=,|$)|([^,]*+))(?:,|$)")
_ATTRIBUTE = re.compile(rf"(?i:@attribute)\s++({_QUOTED}|[^\s{{]++)\s*+(.*)")
_KIND = re.compile(r"(?i:(numeric|real|integer|string|date))(?![^\s])")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}
_ESCAPED = {"\\": "\\\\", "'": "\\'", '"': '\\"', "%": "\\%", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1e": "\\u001E"}
_SPARSE = "it is sparse, as {0 1, 3 2} is: only full rows are read. Write them with Weka's filter SparseToNonSparse"


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    kind: str
    """'numeric', 'string', 'date' or 'nominal'."""
    values: frozenset[str] = frozenset()
    """Of a nominal one."""


class ArffTable:
    """A file of full rows; row numbers count the rows after @data."""

    typed = True
    rows: int | None = None

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        self._attributes = self._header()
        limits.check_columns(self.name, len(self._attributes))
        self.columns: Sequence[str]
        self.columns, self.repeated = unique_names([each.name for each in self._attributes])
        self.types = {name: each.kind for name, each in zip(self.columns, self._attributes, strict=True)}
        self._blank = 0
        """Empty lines among the rows, once they were read."""

    def head(self) -> dict[str, list[object]]:
        if self._source.is_stream:
            return {name: [] for name in self.columns}
        for batch in self.batches(self.columns):
            if batch.numbers:
                return {name: list(islice(values, SAMPLE)) for name, values in zip(self.columns, batch.columns, strict=True)}
            if batch.bad:
                raise UserError(f"{safe_line(self.name, 80)}, row {batch.bad[0].number}: {batch.bad[0].fault}")
        raise UserError(f"{safe_line(self.name, 80)} is empty: it has attributes but no rows", "Give a file with at least one row")

    def notes(self) -> list[Words]:
        return empty_lines_note(self.name, self._blank)

    def _header(self) -> list[_Attribute]:
        found: list[_Attribute] = []
        head = Utf8.all(self._source.peek(BLOCK), self._source.encoding)
        for number, line in enumerate(io.BytesIO(head), 1):
            text = line.decode("utf-8", "surrogateescape").strip()
            if _is_data(text):
                if not found:
                    break
                return found
            if text[:10].lower() == "@attribute":
                attribute = _attribute(text)
                if isinstance(attribute, str):
                    raise UserError(f"{safe_line(self.name, 80)}, line {number}: {attribute}")
                found.append(attribute)
        name = safe_line(self.name, 80)
        raise UserError(f"{name} is not an ARFF file: it has no @attribute lines followed by a line @data", "Write it again, or rename it")

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        places = [list(self.columns).index(name) for name in wanted]
        is_data, line_number, number = False, 0, 0
        self._blank = 0
        for block in line_blocks(self._source, progress):
            columns: list[list[Any]] = [[] for _ in places]
            numbers: list[int] = []
            lines: list[int] = []
            bad: list[BadRow] = []
            for line in io.BytesIO(block):
                line_number += 1
                text = line.decode("utf-8", "surrogateescape").strip()
                if not is_data:
                    is_data = _is_data(text)
                    continue
                if not text or text.startswith("%"):
                    self._blank += not text
                    continue
                number += 1
                row = self._row(text)
                if isinstance(row, str):
                    bad.append(BadRow(number, line_number, row))
                    continue
                numbers.append(number)
                lines.append(line_number)
                for column, place in zip(columns, places, strict=True):
                    column.append(row[place])
            yield Batch(columns, numbers, lines, bad)

    def _row(self, line: str) -> list[Any] | str:
        """Return the values of a row, or what is wrong with it."""
        if line.startswith("{"):
            return _SPARSE
        parts = _split(line)
        if isinstance(parts, str):
            return parts
        if len(parts) != len(self._attributes):
            return f"it has {count(len(parts), 'value')}, and there are {count(len(self._attributes), 'attribute')}"
        row: list[Any] = []
        for (text, is_quoted), attribute in zip(parts, self._attributes, strict=True):
            value = None if text == "?" and not is_quoted else _number(text) if attribute.kind == "numeric" else text
            if isinstance(value, str) and attribute.kind == "numeric":
                return f"{shown(text)} is no number, which the attribute {shown(attribute.name)} is"
            if attribute.kind == "nominal" and value is not None and value not in attribute.values:
                return f"{shown(text)} is none of the values that are declared for {shown(attribute.name)}"
            row.append(value)
        return row


def _is_data(line: str) -> bool:
    return line.lower() == "@data"


def _attribute(line: str) -> _Attribute | str:
    """Return what a line declares, or what is wrong with it."""
    match = _ATTRIBUTE.fullmatch(line)
    if match is None:
        return "the attribute has no name and type, as in: @attribute text string"
    name, kind = _plain(match[1]), match[2]
    if (known := _KIND.match(kind)) is not None:
        word = known[1].lower()
        return _Attribute(name, "numeric" if word in ("numeric", "real", "integer") else word)
    if not kind.startswith("{") or not kind.endswith("}"):
        return f"the attribute {shown(name)} is of the type {shown(kind)}, which is not read: only numeric, string, date and {{a, b}} are"
    parts = _split(kind[1:-1])
    return parts if isinstance(parts, str) else _Attribute(name, "nominal", frozenset(text for text, _ in parts))


def _split(line: str) -> list[tuple[str, bool]] | str:
    """Return the values between commas, each with whether it was in quotation marks; or what is wrong."""
    found: list[tuple[str, bool]] = []
    at = 0
    while True:
        match = _VALUE.match(line, at)
        if match is None:
            return "its values cannot be told apart"
        if match[1] is not None:
            found.append((_plain(match[1]), True))
        else:
            text = match[2].strip()
            if text[:1] in ("'", '"'):
                return "a quotation mark opens and does not close before a comma or the end"
            found.append((text, False))
        if match.end() == len(line) and not match[0].endswith(","):
            return found
        at = match.end()
        if at == len(line):
            return [*found, ("", False)]


def _plain(text: str) -> str:
    """Return a text without the quotation marks around it, and with what is escaped in them."""
    if text[:1] not in ("'", '"'):
        return text
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1]) or (chr(int(found[1][1:], 16)) if len(found[1]) > 1 else found[1]), text[1:-1])


def _number(text: str) -> int | float | str:
    """Return the number that is written, or the text itself where none is."""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return text
    return value if math.isfinite(value) else text


class ArffWriter:
    """Numbers become numeric attributes, truths nominal ones, and everything else strings; what is missing is '?'."""

    def __init__(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> None:
        self._raw, self._columns = raw, FlatColumns(schema, spread)
        kinds = [(_quoted(field.name), _kind(field.type)) for field in self._columns.fields]
        lines = ["@relation emotui", "", *(f"@attribute {name} {kind}" for name, kind in kinds), "", "@data"]
        self._raw.write("".join(f"{line}\n" for line in lines).encode())

    def write(self, rows: Iterable[Row]) -> None:
        self._raw.write("".join(f"{','.join(map(_written, self._columns.values(row)))}\n" for row in rows).encode())

    def end(self) -> None:
        """A line ends where it ends."""


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "{false,true}"
    return "numeric" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "string"


def _written(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "?"
    return cell(value) if isinstance(value, bool | int | float) else _quoted(cell(value))


def _quoted(text: str) -> str:
    return f"'{''.join(_ESCAPED.get(character, character) for character in clean(text))}'"
