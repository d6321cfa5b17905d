"""Reads fastText's training files: __label__NAME before each text, or after it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Words
from .batches import SAMPLE, BadRow, Batch, Progress, empty_lines_note
from .faults import shown
from .streams import Source, line_blocks

PREFIX = "__label__"


class FastText:
    """A file of lines that begin or end with their label."""

    typed = False
    rows: int | None = None
    repeated: frozenset[str] = frozenset()

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        self.columns: Sequence[str] = ["text", "label"]
        self.types = {"text": "string", "label": "string"}
        self._blank = 0
        """Empty lines before a row, once it was read."""

    def head(self) -> dict[str, list[object]]:
        if self._source.is_stream:
            return {"text": [], "label": []}
        for batch in self.batches(self.columns):
            if batch.numbers:
                return {name: list(islice(values, SAMPLE)) for name, values in zip(self.columns, batch.columns, strict=True)}
            if batch.bad:
                raise UserError(f"{safe_line(self.name, 80)}, row {batch.bad[0].number}: {batch.bad[0].fault}")
        raise UserError(f"{safe_line(self.name, 80)} is empty", "Give a file with at least one row")

    def notes(self) -> list[Words]:
        return empty_lines_note(self.name, self._blank)

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        number = rows = 0
        for block in line_blocks(self._source, progress):
            found: dict[str, list[Any]] = {"text": [], "label": []}
            numbers: list[int] = []
            bad: list[BadRow] = []
            for line in io.BytesIO(block):
                number += 1
                if not line.strip():
                    continue
                row = _parse(line.decode("utf-8", "surrogateescape").strip("\r\n"))
                if isinstance(row, str):
                    bad.append(BadRow(number, 0, row))
                    continue
                numbers.append(number)
                found["label"].append(row[0])
                found["text"].append(row[1])
            batch = Batch([found[name] for name in wanted], numbers, bad=bad)
            if batch.size:
                rows += batch.size
                self._blank = batch.last - rows
            yield batch


def _parse(line: str) -> tuple[str, str] | str:
    """Return the label and the text of a line, or what is wrong with it. The label may stand at its end as well."""
    first, _, last = line.strip().rpartition(" ")
    if last.startswith(PREFIX) and last != PREFIX and PREFIX not in first:
        return last.removeprefix(PREFIX), first.strip()
    label, _, text = line.strip().partition(" ")
    label, tab, more = label.partition("\t")
    text = more + " " + text if tab else text
    if not label.startswith(PREFIX) or label == PREFIX:
        return f"the line neither begins nor ends with {PREFIX}NAME"
    if text.lstrip().startswith(PREFIX):
        second = text.split(None, 1)[0]
        return f"two labels, {shown(label)} and {shown(second)}, but a text can have only one"
    return label.removeprefix(PREFIX), text.strip()
