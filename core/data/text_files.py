"""Files of texts read part by part: they are never held in memory whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import UserError
from ..safe_text import safe_line
from . import delimited, parquet
from .rows import is_unicode, without_mark

READABLE = "jsonl, jsonl.gz, csv, tsv, parquet or txt (one text a line)"
TEXT_NAMES = ("text", "sentence", "content", "tweet", "review", "message", "utterance", "query")


@dataclass(frozen=True, slots=True)
class Part:
    """Some texts of a file, in order."""

    texts: list[str]
    total: int | None
    """Rows of the whole file where the format tells."""
    skipped: int = 0
    """Rows left out of this part."""


def ending(path: Path) -> str:
    """Return the format by the file's name, such as 'jsonl' or 'jsonl.gz', in lower case."""
    name = path.name.lower()
    return "jsonl.gz" if name.endswith(".jsonl.gz") else name.rpartition(".")[2] if "." in name else ""


def read_texts(path: Path, column: str | None, *, part: int, skip_bad_rows: bool = False) -> Iterator[Part]:
    """Yield the texts of a file, `part` rows at a time. Raises UserError that names file and row for what is no text."""
    rows = _rows(path, column)
    texts: list[str] = []
    skipped, number = 0, 0
    for number, (text, total) in enumerate(rows, 1):
        problem = _problem(text)
        if problem and not skip_bad_rows:
            raise UserError(f"{safe_line(path.name)}, row {number}: {problem}. Mend it, or leave such rows out with --skip-bad-rows")
        if problem:
            skipped += 1
        else:
            texts.append(text)
        if len(texts) + skipped >= part:
            yield Part(texts, total, skipped)
            texts, skipped = [], 0
    if not number:
        raise UserError(f"{safe_line(path.name)} has no rows")
    if texts or skipped:
        yield Part(texts, None, skipped)


@dataclass(frozen=True, slots=True)
class _Broken:
    """Stands for the text of a row that cannot be read."""

    problem: str


def _problem(text: object) -> str:
    if isinstance(text, _Broken):
        return text.problem
    if text is None:
        return "the text is null"
    if isinstance(text, bytes) or (isinstance(text, str) and not is_unicode(text)):
        return "the text is not valid UTF-8"
    if not isinstance(text, str):
        return f"the text is not a string but {type(text).__name__}"
    return "" if text.strip() else "the text is empty"


def _rows(path: Path, column: str | None) -> Iterator[tuple[Any, int | None]]:
    """Yield (text, rows in all or None) for every row."""
    kind = ending(path)
    try:
        match kind:
            case "jsonl" | "jsonl.gz":
                yield from _json_rows(path, column, gzip.open if kind.endswith("gz") else open)
            case "csv" | "tsv":
                yield from _csv_rows(path, column)
            case "parquet":
                file = pq.ParquetFile(path)
                chosen = choose_column(path, file.schema_arrow.names, column)
                for batch in file.iter_batches(batch_size=4_096, columns=[chosen]):
                    for text in parquet.values(batch.column(0)):
                        yield text, file.metadata.num_rows
            case "txt":
                with path.open("rb") as lines:
                    for line in _without_mark(lines, path):
                        yield line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"), None
            case _:
                raise UserError(f"{safe_line(path.name)} is of no known format. Give {READABLE}")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{safe_line(path.name)} is cut off or no gzip file: {error}. Fetch it again") from error
    except pa.ArrowInvalid as error:
        raise UserError(f"{safe_line(path.name)} is not a valid parquet file: {safe_line(str(error), 120).rstrip('.')}") from error
    except OSError as error:
        raise UserError(f"cannot read {safe_line(str(path))}: {error.strerror or safe_line(str(error), 120)}") from error


def _without_mark(lines: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield lines, the first without a byte order mark."""
    for first in lines:
        yield without_mark(first, path)
        yield from lines


def _json_rows(path: Path, column: str | None, opened: Callable[..., IO[Any]]) -> Iterator[tuple[Any, int | None]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    chosen: str | None = None
    with opened(path, "rb") as lines:
        for line in _without_mark(lines, path):
            if not line.strip():
                continue
            try:
                row = decoder.decode(line)
            except UnicodeDecodeError:
                yield _Broken("not valid UTF-8"), None
            except (msgspec.MsgspecError, RecursionError) as error:
                yield _Broken(f"not a JSON object ({safe_line(str(error), 80)})"), None
            else:
                chosen = chosen or choose_column(path, list(row), column)
                yield row.get(chosen), None


def _csv_rows(path: Path, column: str | None) -> Iterator[tuple[Any, int | None]]:
    with path.open("rb") as file:
        reader, header = delimited.open_table(file, path)
        chosen = choose_column(path, header, column)
        delimited.check_once([chosen], header, path)
        at = header.index(chosen)
        for _, row in delimited.rows_of(reader, len(header), path):
            yield _Broken(row) if isinstance(row, str) else row[at], None


def choose_column(path: Path, columns: Sequence[str], asked: str | None) -> str:
    """Return the column of texts: the one asked for, the only one, or one with a usual name. Raises UserError otherwise."""
    listed = ", ".join(safe_line(each, 40) for each in columns[:20]) or "none"
    if asked is not None:
        if asked in columns:
            return asked
        raise UserError(f"{safe_line(path.name)} has no column {safe_line(asked, 40)}. It has: {listed}")
    if len(columns) == 1:
        return columns[0]
    for name in TEXT_NAMES:
        if name in columns:
            return name
    raise UserError(f"which column of {safe_line(path.name)} is the text? It has: {listed}. Name it with --text-column")
