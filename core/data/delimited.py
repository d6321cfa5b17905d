"""Reads comma- and tab-separated values, quoted line ends among them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UserError
from ..safe_text import safe_line
from .faults import Faults, shown
from .rows import LONGEST_ROW, SAMPLE, Progress, Rows, is_unicode, without_mark


class _Lines:
    """The decoded lines of a file. What is no UTF-8 becomes surrogates, which the row checks find."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_ROW)
        if not line:
            raise StopIteration
        if self._first:
            line, self._first = without_mark(line, self._path), False
        return line.decode("utf-8", "surrogateescape")


_UNCLOSED = "unexpected end of data"
"""What csv says of a quoted field that the file's end cuts off."""


def open_table(file: BinaryIO, path: Path) -> tuple[Any, list[str]]:
    """Return a reader of a file's rows, and its header. Raises UserError where there is none that can be used."""
    reader = _csv_reader(file, path)
    return reader, _header(reader, path)


def rows_of(reader: Any, columns: int, path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the line on which each row begins, and the row or what is wrong with it.

    Raises UserError for a quote that is never closed: nobody can say how many rows it has taken in.
    """
    number = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            said = str(error)
            if said == _UNCLOSED:
                raise UserError(
                    f"{safe_line(path.name, 80)}, row {number} (line {line}): a quote opens here and is never closed, "
                    "so that all that follows is one field. Close it, or double it where it belongs to the text"
                ) from error
            yield line, f"broken quoting or an unfinished field ({safe_line(said, 80)})"
            continue
        if not row:
            continue
        number += 1
        if len(row) == columns:
            yield line, row
        else:
            yield line, f"{len(row)} field{'s' if len(row) != 1 else ''} where the header names {columns}"


def _csv_reader(file: BinaryIO, path: Path) -> Any:
    csv.field_size_limit(LONGEST_ROW)
    return csv.reader(_Lines(file, path), delimiter="\t" if path.name.lower().endswith(".tsv") else ",", strict=True)


def _header(reader: Any, path: Path) -> list[str]:
    name = safe_line(path.name, 80)
    try:
        header = next(reader, None)
        while header == []:
            header = next(reader, None)
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: the header is broken ({safe_line(str(error), 80)})") from error
    if header is None:
        raise UserError(f"{name} is empty. Give a file with a header and at least one row")
    if not all(map(is_unicode, header)):
        raise UserError(f"{name}, line 1: the header is not valid UTF-8. Save the file as UTF-8")
    return header


def check_once(columns: Sequence[str], header: list[str], path: Path) -> None:
    """Raise UserError where the header names one of some columns twice."""
    twice = sorted({column for column in columns if header.count(column) > 1})
    if twice:
        raise UserError(f"{safe_line(path.name, 80)}: the header names the column {shown(twice[0])} twice. Rename one of them")


def sample(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with path.open("rb") as file:
        reader, header = open_table(file, path)
        check_once(header, header, path)
        while len(rows) < SAMPLE:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                continue
            if len(row) == len(header):
                rows.append(dict(zip(header, row, strict=True)))
    nothing: list[object] = [None] * len(header)
    return rows or [dict(zip(header, nothing, strict=True))]


def read(path: Path, text_column: str, label_column: str, rows: Rows, faults: Faults, progress: Progress | None) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        reader, header = open_table(file, path)
        check_once(header, header, path)
        text_at, label_at = header.index(text_column), header.index(label_column)
        texts: list[str] = []
        labels: list[str] = []
        numbers: list[int] = []
        lines: list[int] = []
        number = 0
        for number, (line, row) in enumerate(rows_of(reader, len(header), path), 1):
            if isinstance(row, str):
                faults.bad(path.name, f"row {number} (line {line})", row)
                continue
            texts.append(row[text_at])
            labels.append(row[label_at])
            numbers.append(number)
            lines.append(line)
            if len(texts) == 10_000:
                rows.add(texts, labels, numbers, lines)
                texts, labels, numbers, lines = [], [], [], []
                if progress:
                    progress(f"read {path.name}", file.tell(), size)
        rows.add(texts, labels, numbers, lines)
        if not number:
            raise UserError(f"{safe_line(path.name, 80)} is empty but for its header. Give a file with at least one row")
