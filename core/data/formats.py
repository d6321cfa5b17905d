"""The formats of files of rows, a line each: name, endings, first bytes, and which class reads them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .batches import TableFile
    from .streams import Source


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    name: str
    """For people."""
    suffixes: tuple[str, ...]
    reader: str
    """The module of this package and the class that opens a source, 'module:Class'."""
    magic: tuple[bytes, ...] = ()
    """First bytes, of binary formats."""
    text: bool = True
    written: bool = False
    """Whether rows are written in it, too."""

    def open(self, source: Source) -> TableFile:
        """Return the source as a table. Raises UserError where it is not of this format, or is empty."""
        module, _, name = self.reader.partition(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)(source)


JSON_LINES = Format("JSON lines", (".jsonl", ".ndjson"), "jsonl:JsonLines", written=True)
JSON = Format("JSON", (".json",), "json_document:JsonDocument")
CSV = Format("csv", (".csv",), "delimited:Delimited", written=True)
TSV = Format("tsv", (".tsv",), "delimited:Delimited", written=True)
PARQUET = Format("Parquet", (".parquet",), "parquet:ParquetTable", magic=(b"PAR1",), text=False, written=True)
ARROW = Format("Arrow", (".arrow", ".feather"), "arrow_ipc:ArrowTable", magic=(b"\xff\xff\xff\xff", b"ARROW1"), text=False)
FASTTEXT = Format("fastText", (".ft",), "fasttext:FastText")
TEXT = Format("text", (".txt",), "delimited:TextLines")

FORMATS = (JSON_LINES, JSON, CSV, TSV, PARQUET, ARROW, FASTTEXT, TEXT)
PACKED = (".gz", ".zst")
"""Suffixes of packed files of text."""

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
ENDINGS = (*SUFFIXES, *(suffix + packed for each in FORMATS if each.text for suffix in each.suffixes for packed in PACKED))
"""All endings of names of files that are read, in lower case."""
READABLE = "csv, tsv, JSON lines, JSON, Parquet, Arrow, fastText or text; of text also packed as .gz or .zst"
"""What is read, for people."""


def by_suffix(name: str) -> Format | None:
    """Return the format that a file's name says; None where it says none."""
    name = name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return next((each for each in FORMATS if name.endswith(each.suffixes)), None)


def by_magic(head: bytes) -> Format | None:
    """Return the binary format of which a file's first bytes are."""
    return next((each for each in FORMATS if each.magic and head.startswith(each.magic)), None)
