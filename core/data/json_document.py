"""Reads JSON documents: an array of objects, or an object that has one under one of its keys, element by element."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import UserError
from ..json_kinds import is_object
from ..safe_text import safe_line
from ..sentences import Words
from . import limits
from .batches import BYTES, MISSING, ROWS, SAMPLE, SAMPLE_BYTES, BadRow, Batch, Progress, type_in_words
from .faults import shown
from .jsonl import Repeated, repeated_fault, unrepeated
from .streams import Source, Utf8

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(object_pairs_hook=unrepeated)


class JsonDocument:
    """A JSON file whose rows are the elements of an array; row numbers count these."""

    typed = True
    rows: int | None = None
    repeated: frozenset[str] = frozenset()

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        if source.is_stream:
            raise UserError(f"{safe_line(self.name, 80)} is one JSON document, which cannot be read as a stream", "Save it to a file first")
        self._key = self._find_key()
        self._head = self._first_rows()
        limits.check_columns(self.name, len(self._head))
        self.columns: Sequence[str] = list(self._head)
        self.types = {name: type_in_words(values) for name, values in self._head.items()}

    def head(self) -> dict[str, list[object]]:
        return self._head

    def notes(self) -> list[Words]:
        return [] if self._key is None else [f"reading the rows of {safe_line(self.name, 80)} from its key {shown(self._key)}"]

    def every_column(self) -> list[str]:
        """Return the columns that any row has, in the order in which they come up."""
        found = dict.fromkeys(self.columns)
        for row, _ in self._elements():
            if isinstance(row, dict) and not row.keys() <= found.keys():
                found.update(dict.fromkeys(row))
                limits.check_columns(self.name, len(found))
        return list(found)

    def _find_key(self) -> str | None:
        """Return the key under which the rows are; None for a plain array. Raises UserError where there is none, or several."""
        name = safe_line(self.name, 80)
        with _opened(self._source) as text:
            if text.peek() == "[":
                return None
            found: list[str] = []
            other: list[str] = []
            for key in text.fields():
                if text.peek() == "[" and text.is_array_of_objects():
                    found.append(key)
                    for _ in text.elements():
                        pass
                else:
                    other.append(key)
                    text.value()
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"{name} has rows under several keys: {safe_line(', '.join(found), 120)}",
                "Write each to a file of its own, such as train.jsonl",
            )
        raise UserError(
            f"{name} holds no rows: it is one object, and none of its keys has a list of objects: "
            f"{safe_line(', '.join(other[:20]), 120) or 'none'}",
            "Write one object a row, as pandas' to_json(orient='records', lines=True) does",
        )

    def _elements(self, progress: Progress | None = None) -> Iterator[tuple[dict[str, Any] | str, int]]:
        """Yield each row, or what is wrong with it, and its characters."""
        with _opened(self._source, progress) as text:
            if self._key is not None:
                for key in text.fields():
                    if key == self._key and text.peek() == "[" and text.is_array_of_objects():
                        break
                    text.value()
            yield from text.elements()

    def _first_rows(self) -> dict[str, list[object]]:
        rows: list[dict[str, Any]] = []
        size, first = 0, ""
        for row, length in self._elements():
            if isinstance(row, str):
                first = first or row
                continue
            rows.append(row)
            size += length
            if len(rows) == SAMPLE or size > SAMPLE_BYTES:
                break
        if not rows:
            name = safe_line(self.name, 80)
            raise UserError(
                *(f"{name}, row 1: {first}", "Write an array of objects")
                if first
                else (f"{name} is empty", "Give a file with at least one row")
            )
        columns: dict[str, list[object]] = {}
        for row in rows:
            for column, value in row.items():
                columns.setdefault(column, []).append(value)
        return columns

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        columns: list[list[Any]] = [[] for _ in wanted]
        numbers: list[int] = []
        bad: list[BadRow] = []
        size = 0
        for number, (row, length) in enumerate(self._elements(progress), 1):
            size += length
            if isinstance(row, str):
                bad.append(BadRow(number, 0, row))
            else:
                numbers.append(number)
                for column, name in zip(columns, wanted, strict=True):
                    column.append(row.get(name, MISSING))
            if len(numbers) + len(bad) >= ROWS or size > BYTES:
                yield Batch(columns, numbers, bad=bad)
                columns, numbers, bad, size = [list[object]() for _ in wanted], [], [], 0
        yield Batch(columns, numbers, bad=bad)


@contextmanager
def _opened(source: Source, progress: Progress | None = None) -> Generator[_Text]:
    with source.open() as unpacked:
        yield _Text(source.name, Utf8(unpacked, source.encoding), lambda: unpacked.report(progress))


class _Text:
    """The characters of a JSON document, of which no more than one value and a block are held."""

    def __init__(self, name: str, raw: Utf8, report: Any) -> None:
        self._name, self._raw, self._report = name, raw, report
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._buffer, self._at, self._ended = "", 0, False
        self._before = 0
        """Characters dropped from the buffer."""

    def _more(self) -> bool:
        """Read a block, dropping what was consumed; False at the end."""
        if self._ended:
            return False
        block = self._raw.read()
        self._ended = not block
        self._report()
        self._before += self._at
        self._buffer = self._buffer[self._at :] + self._decoder.decode(block, self._ended)
        self._at = 0
        return True

    def peek(self) -> str:
        """Return the next character that is no space, '' at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise self._broken(f"'{character}' is missing")
        self._at += 1

    def _broken(self, what: str) -> UserError:
        place = f"character {self._before + self._at + 1:,}"
        return UserError(f"{safe_line(self._name, 80)} is not valid JSON: {what} at {place}", "Write it again, or write JSON lines")

    def fields(self) -> Iterator[str]:
        """Yield the keys of the object that begins here, each with its value next; it must be read before the next key is asked for."""
        self._expect("{")
        if self.peek() == "}":
            return
        while True:
            key, _ = self._decoded()
            if not isinstance(key, str):
                raise self._broken("a key is missing")
            self._expect(":")
            self.peek()
            yield key
            if self.peek() != ",":
                self._expect("}")
                return
            self._at += 1

    def is_array_of_objects(self) -> bool:
        """Return whether the array that begins here has an object first."""
        while len(self._buffer) - self._at < 1_000 and self._more():
            pass
        return bool(re.compile(r"\[[ \t\r\n]*\{").match(self._buffer, self._at))

    def elements(self) -> Iterator[tuple[dict[str, Any] | str, int]]:
        """Yield each element of the array that begins here, or what is wrong with it, and its characters."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            value, length = self._decoded()
            if not is_object(value):
                yield "not a usable JSON object", length
            elif isinstance(value, Repeated):
                yield repeated_fault(value), length
            elif len(value) > limits.COLUMNS:
                yield f"{len(value):,} columns, more than the {limits.COLUMNS:,} that are read", length
            else:
                yield value, length
            if self.peek() != ",":
                self._expect("]")
                return
            self._at += 1

    def value(self) -> None:
        """Skip the value that begins here."""
        self._decoded()

    def _decoded(self) -> tuple[Any, int]:
        """Return the value that begins here and its characters. It is tried again with twice the characters where it is not whole."""
        longest = limits.longest_line()
        needed = 0
        while True:
            self.peek()
            waiting = len(self._buffer) - self._at
            if waiting >= needed or self._ended:
                if waiting > longest:
                    raise UserError(
                        f"{safe_line(self._name, 80)} has a value longer than {longest >> 20} MiB "
                        f"at character {self._before + self._at + 1:,}",
                        "Write JSON lines, or raise longest_line_mib in config.toml",
                    )
                whole = self._buffer if waiting <= limits.VALUES else self._buffer[self._at :]
                if waiting > limits.VALUES and limits.is_overfull(whole):
                    raise self._broken(f"more than {limits.VALUES:,} values in one")
                try:
                    value, end = _DECODER.raw_decode(self._buffer, self._at)
                except RecursionError as error:
                    raise self._broken("values are nested too deep") from error
                except ValueError as error:
                    if self._ended:
                        raise self._broken(safe_line(str(error).partition(":")[0], 60)) from error
                else:
                    if end < len(self._buffer) or self._ended:
                        length, self._at = end - self._at, end
                        return value, length
                needed = 2 * waiting
            if not self._more():
                needed = 0
