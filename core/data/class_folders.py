"""Reads a folder with a folder for each class and a text in each file, like the IMDB reviews."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..specs import Reading
from ..units import count
from . import encodings, limits
from .batches import BYTES, ROWS, SAMPLE, BadRow, Batch, Progress
from .faults import shown

ENDING = ".txt"
_UNLABELLED = ("unsup", "unlabeled", "unlabelled")


class ClassFolder:
    """A folder of class folders; rows are its files, in the order of their classes and names."""

    typed = False
    repeated: frozenset[str] = frozenset()

    def __init__(self, folder: Path, asked: Reading) -> None:
        self.name, self._folder, self._asked = folder.name, folder, asked
        self.columns: Sequence[str] = ["text", "label", "file"]
        self.types = dict.fromkeys(self.columns, "string")
        self._files: dict[str, list[str]] = {}
        self._unlabelled = self._others = 0
        for label in class_names(folder):
            names = sorted(entry.name for entry in limits.entries(folder / label))
            texts = [name for name in names if name.lower().endswith(ENDING)]
            self._others += len(names) - len(texts)
            if label.lower() in _UNLABELLED:
                self._unlabelled += len(texts)
            else:
                self._files[label] = texts
        self.rows: int | None = sum(map(len, self._files.values()))
        self._guessed = 0
        """Files that are not UTF-8, once they were read."""

    def head(self) -> dict[str, list[object]]:
        columns: dict[str, list[object]] = {name: [] for name in self.columns}
        each = max(1, SAMPLE // max(1, len(self._files)))
        for label, names in self._files.items():
            for name in names[:each]:
                try:
                    text = self._text(label, name)
                except UnicodeError:  # told where the rows are read
                    text = ""
                for column, value in zip(columns.values(), (text, label, f"{label}/{name}"), strict=True):
                    column.append(value)
        return columns

    def _text(self, label: str, name: str) -> str:
        raw = read_plain(self._folder / label / name, limits.longest_line(), follow=True)
        if self._asked.encoding is not None:
            return raw.decode(encodings.checked(self._asked.encoding)).removeprefix("\ufeff")
        if marked := encodings.by_mark(raw):
            return raw.decode(marked).removeprefix("\ufeff")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._guessed += 1
            return raw.decode("cp1252", "replace")

    def batches(self, wanted: Sequence[str], progress: Progress | None = None) -> Iterator[Batch]:
        self._guessed = 0
        batch = Batch([[] for _ in wanted], [])
        numbers: list[int] = []
        number = size = 0
        for label, names in self._files.items():
            for name in names:
                number += 1
                try:
                    text = self._text(label, name)
                except (OSError, UserError, UnicodeError) as error:
                    cause = error.strerror if isinstance(error, OSError) else _describe(error)
                    problem = f"the file {shown(f'{label}/{name}')} cannot be read ({safe_line(str(cause), 120)})"
                    batch.bad.append(BadRow(number, 0, problem))
                    continue
                if not text.strip():
                    batch.bad.append(BadRow(number, 0, f"the file {shown(f'{label}/{name}')} is empty"))
                    continue
                row: dict[str, Any] = {"text": text.strip(), "label": label, "file": f"{label}/{name}"}
                for column, key in zip(batch.columns, wanted, strict=True):
                    column.append(row[key])
                numbers.append(number)
                size += len(text)
                if len(numbers) >= ROWS or size > BYTES:
                    batch.numbers = numbers
                    yield batch
                    if progress:
                        progress(f"read {self.name}", number, self.rows)
                    batch, numbers, size = Batch([[] for _ in wanted], []), [], 0
        batch.numbers = numbers
        yield batch
        if progress:
            progress(f"read {self.name}", number, self.rows)

    def notes(self) -> list[Words]:
        name = safe_line(self.name, 80)
        notes: list[Words] = [f"using the folders in {name} as labels of the files in them: {safe_line(', '.join(self._files), 120)}"]
        if self._unlabelled:
            notes.append(f"left out {count(self._unlabelled, 'file')} of {name} without a label ({', '.join(_UNLABELLED)})")
        if self._others:
            notes.append(f"left out {count(self._others, 'file')} of {name} that do not end in {ENDING}")
        if self._guessed:
            read = f"read {count(self._guessed, 'file')} of {name} as cp1252 (Windows-1252), since they are not UTF-8"
            notes.append(phrase(f"{read} (", Setting("encoding"), " chooses another)"))
        return notes


def _describe(error: Exception) -> str:
    return f"it is not valid {error.encoding}" if isinstance(error, UnicodeDecodeError) else str(error)


def class_names(folder: Path) -> list[str]:
    """Return the folders in a folder that hold texts, in order; fewer than two are no classes. Raises OSError and UserError."""
    names = [entry.name for entry in limits.entries(folder) if not entry.name.startswith(".") and entry.is_dir()]
    if len(names) > limits.COLUMNS:
        return []
    return [name for name in sorted(names) if any(each.lower().endswith(ENDING) for each in islice(os.listdir(folder / name), 1_000))]


def is_class_folder(folder: Path) -> bool:
    return folder.is_dir() and len(class_names(folder)) > 1
