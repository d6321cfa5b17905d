"""The table of data formats: name, file endings, how files begin, and the classes that read and write them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa

    from .batches import TableFile
    from .streams import Source
    from .writers import RowWriter


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    name: str
    """For people."""
    suffixes: tuple[str, ...]
    reader: str
    """The module of this package and the class that opens a source, 'module:Class'."""
    writer: str = ""
    """The RowWriter that writes it, 'module:Class'; '' where it is only read."""
    magic: tuple[bytes, ...] = ()
    """First bytes, of binary formats."""
    opening: bytes = b""
    """A pattern of how nothing but a text of this format begins, spaces aside; b'' where there is none."""
    text: bool = True
    needs_types: bool = False
    """Whether its columns have types, which are needed before the first row is written."""

    def open(self, source: Source) -> TableFile:
        """Return the source as a table. Raises UserError where it is not of this format, or is empty."""
        return _found(self.reader)(source)

    def write(self, raw: BinaryIO, schema: pa.Schema, spread: Mapping[str, str]) -> RowWriter:
        """Begin to write it to an open file: see RowWriter."""
        return _found(self.writer)(raw, schema, spread)


def _found(named: str) -> Any:
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(f".{module}", __package__), name)


JSON_LINES = Format("JSON lines", (".jsonl", ".ndjson"), "jsonl:JsonLines", "writers:JsonLinesWriter")
JSON = Format("JSON", (".json",), "json_document:JsonDocument")
CSV = Format("csv", (".csv",), "delimited:Delimited", "writers:CsvWriter")
TSV = Format("tsv", (".tsv",), "delimited:Delimited", "writers:TsvWriter")
PARQUET = Format("Parquet", (".parquet",), "parquet:ParquetTable", "writers:ParquetWriter", (b"PAR1",), text=False, needs_types=True)
ARROW = Format("Arrow", (".arrow", ".feather"), "arrow_ipc:ArrowTable", magic=(b"\xff\xff\xff\xff", b"ARROW1"), text=False)
FASTTEXT = Format("fastText", (".ft",), "fasttext:FastText", opening=b"__label__")
ARFF = Format("ARFF", (".arff",), "arff:ArffTable", "arff:ArffWriter", opening=rb"(?i:(?:%[^\n]*\n\s*)*@relation\s)", needs_types=True)
TEXT = Format("text", (".txt",), "delimited:TextLines")

FORMATS = (JSON_LINES, JSON, CSV, TSV, PARQUET, ARROW, FASTTEXT, ARFF, TEXT)
PACKED = (".gz", ".zst")
"""Suffixes of packed files of text."""

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
ENDINGS = (*SUFFIXES, *(suffix + packed for each in FORMATS if each.text for suffix in each.suffixes for packed in PACKED))
"""All endings of names of files that are read, in lower case."""
READABLE = f"{', '.join(each.suffixes[0][1:] for each in FORMATS)}, text also with {' or '.join(PACKED)}"
"""The endings of what is read, for people."""
_WRITTEN = [each.suffixes[0][1:] for each in FORMATS if each.writer]
WRITABLE = f"{', '.join(_WRITTEN[:-1])} or {_WRITTEN[-1]}, text also with .gz"
"""The endings of what is written, for people."""


def by_suffix(name: str) -> Format | None:
    """Return the format by the ending of a file's name; None where there is none."""
    name = name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return next((each for each in FORMATS if name.endswith(each.suffixes)), None)


def to_write(name: str) -> Format | None:
    """Return the format in which a file of this name is written; None where it says none that is."""
    found = by_suffix(name)
    packing = next((packed for packed in PACKED if name.lower().endswith(packed)), "")
    return found if found is not None and found.writer and (not packing or (found.text and packing == ".gz")) else None


def by_opening(head: bytes) -> Format | None:
    """Return the format of text that begins so."""
    return next((each for each in FORMATS if each.opening and re.match(each.opening, head)), None)


def by_magic(head: bytes) -> Format | None:
    """Return the binary format of which a file's first bytes are."""
    return next((each for each in FORMATS if each.magic and head.startswith(each.magic)), None)
