"""The sound rows of one file, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors import UserError
from ..json_kinds import is_object, is_sequence
from ..safe_text import safe_line
from . import limits
from .arrays import strings
from .batches import MISSING
from .faults import Faults, shown

LARGEST_LABEL = 2**31 - 1
_LONG_TEXT = 1 << 20
"""Characters from which on the words of a text are counted piece by piece, since splitting it at once takes many times its memory."""


class Sample(msgspec.Struct, frozen=True):
    """The first rows of a file: each column's values in at most SAMPLE rows."""

    columns: dict[str, list[object]]
    types: dict[str, str]
    """Each column's type in words."""
    repeated: frozenset[str] = frozenset()
    """Names that the file gives to several columns."""
    typed: bool = True
    """Whether the file says where a field ends and what it is, as JSON and Parquet do."""


class Rows:
    """The sound rows of one file: texts in Arrow chunks; labels as read, integers or stripped texts."""

    def __init__(self, file: str, columns: tuple[str, str], *, typed: bool, faults: Faults) -> None:
        self.file = file
        self._columns = columns
        self.typed = typed
        """False for csv, where 3 may be an integer or a text."""
        self.texts: list[Any] = []
        self.words: list[int] = []
        """Whitespace-separated words of each text."""
        self.labels: list[int | str] = []
        self.numbers: list[int] = []
        self.lines: list[int] = []
        """Line of each row where that is not its number: csv only."""
        self.refused: Counter[str] = Counter()
        """Rows left out by their answer in Prodigy: 'reject' or 'ignore'."""
        self._faults = faults

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, index: int) -> str:
        number, line = self.numbers[index], self.lines[index] if self.lines else 0
        return f"row {number}" + (f" (line {line})" if line and line != number else "")

    def add(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int] = ()) -> None:
        """Append rows; those that cannot be used go to the faults."""
        if self._faults.count >= limits.BAD_ROWS and 100 * len(self) < self._faults.count:
            raise UserError(
                f"{safe_line(self.file, 80)}: {self._faults.count:,} of the first {self._faults.count + len(self):,} rows cannot be used. "
                f"The first fault: {self._faults.first}",
                "Check that these are the right columns",
            )
        if not texts:
            return
        if not self._add_sound(texts, labels, numbers, lines):
            self._add_each(texts, labels, numbers, lines)

    def _add_sound(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int]) -> bool:
        """Append all rows at once if every one is sound, else none: the checks of `_fault`, on many rows at a time."""
        if set(map(type, texts)) != {str} or not all(map(str.strip, texts)):
            return False
        kinds = set(map(type, labels))
        if not kinds <= {int, str}:
            return False
        if int in kinds and max(abs(label) for label in labels if type(label) is int) > LARGEST_LABEL:
            return False
        if str in kinds:
            labels = [label.strip() if type(label) is str else label for label in labels]
            if not all(label for label in labels if type(label) is str):
                return False
        try:
            chunk = strings(texts)
            "".join(set(map(str, labels))).encode()
        except UnicodeEncodeError:
            return False
        self.texts.append(chunk)
        if max(map(len, texts)) < _LONG_TEXT:
            self.words.extend(map(len, map(str.split, texts)))
        else:
            self.words.extend(map(_count_words, texts))
        self.labels.extend(labels)
        self.numbers.extend(numbers)
        self.lines.extend(lines)
        return True

    def _add_each(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int]) -> None:
        sound: list[int] = []
        for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
            fault = _fault(text, label, self._columns)
            if fault:
                line = f" (line {lines[index]})" if lines and lines[index] != numbers[index] else ""
                self._faults.bad(self.file, f"row {numbers[index]}{line}", fault)
            else:
                sound.append(index)
        if sound:
            self._add_sound(
                [texts[index] for index in sound],
                [plain_label(labels[index]) for index in sound],
                [numbers[index] for index in sound],
                [lines[index] for index in sound] if lines else (),
            )


def _count_words(text: str) -> int:
    """Return the number of whitespace-separated words."""
    count = 0
    for start in range(0, len(text), _LONG_TEXT):
        piece = text[start : start + _LONG_TEXT]
        goes_on = start > 0 and not piece[0].isspace() and not text[start - 1].isspace()
        count += len(piece.split()) - goes_on
    return count


def plain_label(label: Any) -> int | str:
    """Return a label as it is kept: 2.0 as 2, since pandas turns a column of integers with a gap into floats; a list of one as it."""
    label = _single(label)
    if isinstance(label, float):
        return int(label)
    return ("false", "true")[label] if isinstance(label, bool) else label


def _single(label: Any) -> Any:
    """Return the one label that a list holds, or that spaCy's {'POS': 1, 'NEG': 0} marks; anything else as it is."""
    if is_sequence(label) and len(label) == 1 and not isinstance(label[0], list | tuple | dict):
        return label[0]
    marked = _marked(label)
    return marked[0] if marked is not None and len(marked) == 1 else label


def _marked(label: object) -> list[str] | None:
    """Return the classes to which an object gives 1, where it gives 0 to all others; None for anything else."""
    if not is_object(label) or not label or not all(value is None or value in (0, 1) for value in label.values()):
        return None
    return [name for name, value in label.items() if value]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, bytes):
        return "bytes"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _fault(text: object, label: object, columns: tuple[str, str]) -> str:
    """Return what is wrong with a row, as part of a sentence; empty where it is valid."""
    for value, column in zip((text, label), columns, strict=True):
        if value is MISSING:
            return f"there is no {shown(column)}"
    return text_fault(text) or label_fault(label)


def text_fault(text: object) -> str:
    """Return what is wrong with a text, as part of a sentence; empty where it is valid."""
    if text is None:
        return "the text is null"
    if isinstance(text, bytes):
        return "the text is not valid UTF-8"
    if not isinstance(text, str):
        return f"the text is {_kind(text)}, not text"
    if not text.strip():
        return "the text is empty"
    return "" if is_unicode(text) else "the text is not valid UTF-8"


def label_fault(label: object) -> str:
    """Return what is wrong with a label, as part of a sentence; empty where it is valid."""
    label = _single(label)
    if is_sequence(label):
        return several_labels(len(label)) if label else "the label is an empty list"
    marked = _marked(label)
    if marked is not None:
        return several_labels(len(marked)) if marked else "the label is an object without a 1 for any class"
    if label is None or (isinstance(label, float) and label != label):
        return "the label is null"
    if isinstance(label, bytes):
        return "the label is not valid UTF-8"
    if isinstance(label, str):
        if not label.strip():
            return "the label is empty"
        return "" if is_unicode(label) else "the label is not valid UTF-8"
    if not isinstance(label, int) and not (isinstance(label, float) and label.is_integer()):
        kind = f"the number {label}" if isinstance(label, float) else _kind(label)
        return f"the label is {kind}, not an integer or a text"
    return "" if abs(label) <= LARGEST_LABEL else f"the label {shown(label)} is out of range"


def several_labels(count: int) -> str:
    """Return what is wrong with a row that has a list of labels, as a part of a sentence."""
    return f"the row has {count:,} labels, but a text can have only one (multi-label is not supported yet)"


def is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
