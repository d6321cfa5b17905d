"""The limits on files; the sentence that refuses a file names its limit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from .. import config, paths
from ..errors import UserError
from ..safe_text import safe_line

T = TypeVar("T")

COLUMNS = 10_000
"""Columns of one file."""
FIELD = 1 << 24
"""Characters of one quoted field of a csv file."""
VALUES = 2_000_000
"""Values in one row, nested ones included: a row of empty lists takes a hundred times its size in memory."""
BLANK = 1 << 24
"""Bytes of empty lines in a row."""
RATIO = 200
"""How many times its own size a file may be once it is unpacked; texts come to 3 to 20."""
RATIO_FROM = 1 << 25
"""Bytes that any file may be once it is unpacked."""
UNPACKED = 1 << 36
"""Bytes that a file may be once it is unpacked, whatever its own size."""
BUFFERS = 1_000_000
"""Buffers of one batch of a compressed Arrow file; a column has 1 to 3."""
CELL = 32
"""Bytes that a value takes in memory even where it is empty."""
ENTRIES = 1_000_000
"""Files and folders in one folder of a data set."""
BAD_ROWS = 100_000
"""Rows that cannot be used, from which on at least one in a hundred rows must be sound."""


def longest_line() -> int:
    """Return the bytes of the longest line that is read: `longest_line_mib` in config.toml. Raises UserError where that is wrong."""
    return config.read(paths.config_file()).longest_line_mib << 20


def line_too_long(name: str, number: int, limit: int) -> UserError:
    return UserError(
        f"{safe_line(name, 80)}, line {number:,}: the line is longer than {limit >> 20} MiB",
        "Write one row per line, or raise longest_line_mib in config.toml",
    )


def check_unpacked(name: str, unpacked: int, size: int) -> None:
    """Raise UserError where `unpacked` bytes came out of a file of `size` bytes, and that is more than data can need."""
    if unpacked > RATIO_FROM and unpacked > RATIO * size:
        raise UserError(
            f"{safe_line(name, 80)} holds {size:,} bytes that unpack to more than {RATIO} times as many, which no table of texts does",
            "If you trust it, write it again as a plain csv or JSON lines file",
        )
    if unpacked > UNPACKED:
        raise UserError(f"{safe_line(name, 80)} unpacks to more than {UNPACKED >> 30} GiB", "Split it into smaller files")


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder of a data set, in no order. Raises UserError where that is more than ENTRIES, and OSError."""
    with os.scandir(folder) as found:
        yield from counted(found, folder)


def counted(found: Iterable[T], folder: Path) -> Iterator[T]:
    """Yield what was found in `folder`. Raises UserError where that is more than ENTRIES."""
    for number, each in enumerate(found):
        if number >= ENTRIES:
            name = safe_line(str(folder), 120)
            raise UserError(f"{name} holds more than {ENTRIES:,} files", "Put their texts into one csv or JSON lines file, one per row")
        yield each


def check_columns(name: str, count: int) -> None:
    if count > COLUMNS:
        raise UserError(
            f"{safe_line(name, 80)} has {count:,} columns, more than the {COLUMNS:,} that are read", "Keep only those that are needed"
        )


def is_overfull(row: bytes | str) -> bool:
    """Return whether a row of JSON may hold more than VALUES values; short ones cannot."""
    if len(row) <= VALUES:
        return False
    if isinstance(row, bytes):
        return sum(map(row.count, (b"[", b"{", b",", b":"))) > VALUES
    return sum(map(row.count, "[{,:")) > VALUES
