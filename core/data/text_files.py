"""The texts of a file, read part by part: they are never held in memory whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from . import columns, readers
from .faults import shown
from .rows import Sample, text_fault

PART_CHARACTERS = 1 << 24
"""Characters of a part, from which on it ends before it has all its rows."""


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
    opened = readers.open_file(path)
    chosen = choose_column(readers.sample(opened), path, column)
    texts: list[str] = []
    skipped, size = 0, 0
    total = opened.table.rows
    for row in readers.rows(opened, [chosen]):
        text: Any = None if row.fault else row.values[0]
        problem = row.fault or ("there is no " + shown(chosen) if text is readers.MISSING else text_fault(text))
        if problem and not skip_bad_rows:
            raise UserError(f"{safe_line(path.name)}, {row.place}: {problem}. Mend it, or leave such rows out with --skip-bad-rows")
        if problem:
            skipped += 1
        else:
            texts.append(text)
            size += len(text)
        if len(texts) + skipped >= part or size > PART_CHARACTERS:
            yield Part(texts, total, skipped)
            texts, skipped, size = [], 0, 0
    if texts or skipped:
        yield Part(texts, None, skipped)


def choose_column(sample: Sample, path: Path, asked: str | None) -> str:
    """Return the column of texts: the one asked for, the only one, or one that training would take. Raises UserError otherwise."""
    if asked is not None:
        return columns.named(sample, path.name, asked, "--text-column")
    if len(sample.columns) == 1:
        return next(iter(sample.columns))
    chosen = columns.text_column(sample)
    if chosen is None:
        raise UserError(
            f"which column of {safe_line(path.name, 80)} is the text? It has: {columns.listed(sample)}. Name it with --text-column"
        )
    return columns.named(sample, path.name, chosen, "--text-column")
