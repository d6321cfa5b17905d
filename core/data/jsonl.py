"""Reads JSON lines, compressed or not."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from .faults import Faults
from .rows import LONGEST_ROW, SAMPLE, Progress, Rows, without_mark

BLOCK = 1 << 20
"""Bytes read at once."""


def sample(path: Path) -> list[dict[str, object]]:
    """Return the first rows that are JSON objects, at most SAMPLE. Raises UserError naming a row where there are none."""
    rows: list[dict[str, object]] = []
    seen = 0
    try:
        for lines in _line_blocks(path, None):
            for line in lines:
                seen += bool(line.strip())
                try:
                    row = json.loads(line) if line.strip() else None
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict):
                    rows.append(row)
                if len(rows) == SAMPLE:
                    return rows
            if rows:
                return rows
    except EOFError:
        pass
    if rows:
        return rows
    if not seen and not _is_cut_gzip(path):
        raise UserError(f"{safe_line(path.name, 80)} is empty. Give a file with at least one row")
    # Nothing could be parsed: reading it properly names the row and the reason.
    read(path, "text", "label", Rows(path.name, ("text", "label"), typed=True, faults=Faults(skip=False)), Faults(skip=False), None)
    raise UserError(f"{safe_line(path.name, 80)} holds no JSON objects: write one object a line")


def _is_cut_gzip(path: Path) -> bool:
    try:
        for _ in _line_blocks(path, None):
            pass
    except EOFError:
        return True
    return False


def read(path: Path, text_column: str, label_column: str, rows: Rows, faults: Faults, progress: Progress | None) -> None:
    """Add every line's two values to `rows`; row numbers are line numbers, and blank lines are passed over."""
    decoder, values = _decoder(text_column, label_column)
    number = 0
    try:
        for lines in _line_blocks(path, progress):
            found: list[Any] = []
            numbers: Sequence[int] = range(number + 1, number + len(lines) + 1)
            with suppress(ValueError, RecursionError):
                found = decoder.decode_lines(b"".join(lines))
            if len(found) != len(lines):
                found, numbers = _decode_each(lines, number, decoder, path.name, faults)
            rows.add(*values(found), numbers)
            number += len(lines)
    except EOFError as error:
        raise UserError(
            f"{safe_line(path.name, 80)} is cut off after row {number}: the compressed data ends too early. Fetch or compress it again"
        ) from error


def _decoder(text_column: str, label_column: str) -> tuple[Any, Callable[[list[Any]], tuple[list[Any], list[Any]]]]:
    """Return what decodes a line, and what takes the two columns' values, UNSET where a line has none, out of decoded lines."""
    try:
        wanted = msgspec.defstruct(
            "Wanted",
            [("text", object, msgspec.UNSET), ("label", object, msgspec.UNSET)],
            rename={"text": text_column, "label": label_column},
        )
    except ValueError:
        # A struct takes no name with a backslash, a quote or a control character, which JSON writes as escapes.
        def values(found: list[Any]) -> tuple[list[Any], list[Any]]:
            return [row.get(text_column, msgspec.UNSET) for row in found], [row.get(label_column, msgspec.UNSET) for row in found]

        return msgspec.json.Decoder(dict[str, Any]), values
    return msgspec.json.Decoder(wanted), lambda found: ([row.text for row in found], [row.label for row in found])


def _decode_each(lines: list[bytes], before: int, decoder: Any, file: str, faults: Faults) -> tuple[list[Any], list[int]]:
    found: list[Any] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        try:
            found.append(decoder.decode(line))
            numbers.append(number)
        except UnicodeDecodeError:
            faults.bad(file, f"row {number}", "not valid UTF-8")
        except msgspec.ValidationError as error:
            faults.bad(file, f"row {number}", f"no JSON object that can be used ({safe_line(str(error), 80)})")
        except (msgspec.DecodeError, RecursionError) as error:
            try:
                line.decode()
            except UnicodeDecodeError:
                faults.bad(file, f"row {number}", "not valid UTF-8")
            else:
                faults.bad(file, f"row {number}", f"broken JSON ({safe_line(str(error), 80)})")
    return found, numbers


def _line_blocks(path: Path, progress: Progress | None) -> Iterator[list[bytes]]:
    """Yield the lines of a file, compressed or not, block by block. Raises EOFError after the last whole line of a cut gzip file."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        file: Any = gzip.GzipFile(fileobj=raw) if path.name.lower().endswith(".gz") else raw
        rest: list[bytes] = []
        waiting = 0
        first = True
        while block := file.read1(BLOCK):
            if first:
                block, first = without_mark(block, path), False
            end = block.rfind(b"\n") + 1
            if end:
                yield io.BytesIO(b"".join(rest) + block[:end]).readlines()
                rest, waiting = [], 0
            rest.append(block[end:])
            waiting += len(block) - end
            if waiting > LONGEST_ROW:
                raise UserError(f"{safe_line(path.name, 80)} has a row of more than {LONGEST_ROW >> 20} MiB: write one object a line")
            if progress:
                progress(f"read {path.name}", raw.tell(), size)
        last = b"".join(rest)
        if last:
            yield [last]
