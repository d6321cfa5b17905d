"""Reads the two columns of one file, every row checked, with row numbers for messages."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError
from ..safe_text import safe_line
from . import delimited, jsonl, parquet
from .faults import Faults
from .rows import Progress, Rows, Sample

ENDINGS = (".jsonl", ".jsonl.gz", ".csv", ".tsv", ".parquet")


def sample(path: Path) -> Sample:
    """Return the columns of a file and its first rows. Raises UserError where it cannot be read or has no rows."""
    with _sentences(path):
        if not path.is_file():
            raise UserError(f"{safe_line(path.name, 80)} is no regular file. Give a file that can be read from start to end")
        if _ending(path) == ".parquet":
            return parquet.sample(path)
        rows = delimited.sample(path) if _ending(path) in (".csv", ".tsv") else jsonl.sample(path)
    columns: dict[str, list[object]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return Sample(columns, {name: _type_in_words(values) for name, values in columns.items()})


def read(path: Path, text_column: str, label_column: str, faults: Faults, progress: Progress | None = None) -> Rows:
    """Return the sound rows of a file; the others go to `faults`, which may raise UserError for the first."""
    rows = Rows(path.name, (text_column, label_column), typed=_ending(path) not in (".csv", ".tsv"), faults=faults)
    with _sentences(path):
        match _ending(path):
            case ".parquet":
                parquet.read(path, text_column, label_column, rows, progress)
            case ".csv" | ".tsv":
                delimited.read(path, text_column, label_column, rows, faults, progress)
            case _:
                jsonl.read(path, text_column, label_column, rows, faults, progress)
    return rows


def _ending(path: Path) -> str:
    """Return the known ending of a path, 'jsonl' for compressed lines too. Raises UserError for others."""
    name = path.name.lower()
    for ending in ENDINGS:
        if name.endswith(ending):
            return ending
    raise UserError(
        f"{safe_line(path.name, 80)} is in no format that is read here: convert it to {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    )


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for an unreadable file into a UserError."""
    name = safe_line(path.name, 80)
    try:
        yield
    except gzip.BadGzipFile as error:
        raise UserError(f"{name} is not a whole gzip file: {error}. Fetch or compress it again") from error
    except zlib.error as error:
        raise UserError(f"{name} holds broken compressed data: {error}. Fetch or compress it again") from error
    except OSError as error:
        raise UserError(f"cannot read {name}: {safe_line(error.strerror or str(error), 200)}") from error


def _type_in_words(values: list[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) != 1:
        return "mixed" if kinds else "null"
    return {str: "string", int: "int64", float: "float64", bool: "bool", list: "list", dict: "object"}.get(kinds.pop(), "object")
