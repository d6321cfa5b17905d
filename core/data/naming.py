"""Names the classes of a data set: by the user, else by its metadata, else by a column of names, else by the labels themselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..specs import DataSpec
from ..units import count
from . import metadata, readers, schema
from .faults import Faults, shown
from .rows import Rows

EMOTION_IDS = ("dair-ai/emotion", "jieshenai/dair-ai_emotion")
"""On a hub, whichever it is."""
EMOTION_SIZES = (16_000, 20_000)
"""Rows of the emotion data's training split, and of all its splits."""
EMOTION_HASHES = (
    "7abef82144640a6e313b32d9fa8352e467696c94e62bc44056293d793bd78cfc",
    "4b0efa2bfab53fd724592a4e0fb76f4a58fb40e3d68279896bc0e0fa3a6b81ea",
)
"""What `rows_hash` makes of these."""


_MISSING = {"nan", "NaN", "NA", "<NA>", "N/A", "n/a", "#N/A", "null", "NULL"}
"""What pandas, R and spreadsheets write in the place of a value that is missing."""
_LABELS, _LIKE_THIS = Setting("labels"), Setting("labels", example="a,b,c")
_NAMING = ("text", "name", "names", "str", "string")
"""Words of a column that names the labels, after or before that of the labels' own column."""


class Source(msgspec.Struct, frozen=True):
    """What is known of a data set before its classes are named."""

    id: str
    """A hub's id, or what stands for one; empty for files and folders."""
    folders: tuple[Path, ...]
    """Whose metadata may speak of it."""
    text_column: str
    label_column: str
    partly_labelled: bool = False
    """Whether rows without a label are to get one by hand: classes that no row has yet are no mistake then."""


def name(
    source: Source,
    opened: Sequence[readers.OpenedFile],
    files: Sequence[Rows],
    train: Sequence[Rows],
    faults: Sequence[Faults],
    spec: DataSpec,
) -> tuple[schema.Named, list[Words]]:
    """Return the classes of all rows, and sentences on where their names are from.

    `opened`, `files` and `faults` go together; `train` are those of `files` that are learned from. Raises UserError where the names
    that the user gives do not fit.
    """
    notes: list[Words] = []
    names: Sequence[str] = spec.labels
    if not names and source.id == "starter":
        names = schema.EMOTIONS
    ordered, values = bool(names), ()
    origin: str | Setting = _LABELS
    if not names:
        schemas = [(each.table.name, getattr(each.table, "metadata", {})) for each in opened]
        names, origin = metadata.label_names(source.folders, schemas, source.label_column)
        if names:
            notes.append(phrase(f"using the {len(names)} label names in {origin} (", _LABELS, " overrides them)"))
    if not names and schema.are_integers(schema.typed(files)):
        names, values, more = beside(source, opened)
        notes += more
        if not names and is_emotion(source, train):
            names = schema.EMOTIONS
            notes.append(phrase(f"using the emotion data's names of the integer labels: {', '.join(names)} (", _LABELS, " overrides them)"))
    named = schema.name_labels(files, names, faults, ordered=ordered, fold_case=spec.fold_case, values_named=values)
    if not named.integers and not ordered:
        notes = ["the labels are numbers, some with fractions; each number is a class"] if schema.are_decimals(named.labels) else []
    elif named.integers and not names:
        notes.append(phrase("the integer labels have no names and are shown as they are (", _LIKE_THIS, " names them)"))
    elif named.integers and ordered and named.values != tuple(range(len(named.values))):
        pairs = ", ".join(f"{number} {name}" for number, name in zip(named.values, named.labels, strict=True))
        notes.append(f"named the labels in ascending order: {safe_line(pairs, 160)}")
    notes += [] if ordered else _no_labels(named)
    if named.unused and (ordered or notes) and not source.partly_labelled:
        which = safe_line(", ".join(map(shown, named.unused[:20])), 160)
        notes.insert(0, phrase(f"warning: no row has the label {which}, which ", origin, " names; are the names right for this data set?"))
    return named, notes


def _no_labels(named: schema.Named) -> list[str]:
    """Return a warning about the classes that are called as tables call a missing value, where others are not."""
    found = [label for label in named.labels if label in _MISSING]
    if not found or len(found) == len(named.labels):
        return []
    rows = sum(each.count(named.labels.index(label)) for label in found for each in named.ids)
    which = " or ".join(map(shown, found))
    return [
        f"warning: {count(rows, 'row')} {'has' if rows == 1 else 'have'} the label {which}, which often stands for a missing value; "
        "it is read as a class. Empty these cells if the label is missing"
    ]


def _joined(name: str) -> str:
    """Return a column's name in small letters with nothing between its words: labelText and "Label text" are label_text."""
    return re.sub(r"[\W_]+", "", name).casefold()


def beside(source: Source, opened: Sequence[readers.OpenedFile]) -> tuple[tuple[str, ...], tuple[int, ...], list[Words]]:
    """Return the names that a column beside the labels gives, and the integers that they name, ascending; none if not one for each."""
    label = source.label_column
    stems = dict.fromkeys((label, label.removesuffix("_id"), "label", "class"))
    names = [_joined(name) for stem in stems for end in _NAMING for name in (stem + end, end + stem)]
    others = {_joined(each): each for each in opened[0].table.columns if each not in (label, source.text_column)}
    column = next((others[name] for name in names if name in others), None)
    if column is None:
        return (), (), []
    found: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for each in opened:
        if column not in each.table.columns or label not in each.table.columns:
            continue
        for row in readers.rows(each, (label, column)):
            number, title = (None, None) if row.fault else (schema.label_of(row.values[0], typed=each.table.typed), row.values[1])
            if not isinstance(number, int) or not isinstance(title, str) or not title.strip():
                continue
            title = title.strip()
            if found.setdefault(number, title) != title or numbers.setdefault(title, number) != number:
                other = f"{shown(found[number])} and {shown(title)}" if found[number] != title else f"{numbers[title]} and {number}"
                one = f"{number} with {other}" if found[number] != title else f"{shown(title)} with {other}"
                return (), (), [phrase(f"the column {shown(column)} does not name the labels: it has {one} (", _LIKE_THIS, " names them)")]
    if not found:
        return (), (), []
    values = tuple(sorted(found))
    names = tuple(found[number] for number in values)
    pairs = safe_line(", ".join(f"{number} {name}" for number, name in zip(values, names, strict=True)), 160)
    return names, values, [phrase(f"using the label names in the column {shown(column)}: {pairs} (", _LABELS, " overrides them)")]


def is_emotion(source: Source, train: Sequence[Rows]) -> bool:
    """Return whether integers are those of the emotion data: all of 0 to 5 occur in the training rows, and its id or its rows say so."""
    labels = [label for each in schema.typed(train) for label in each]
    if set(labels) != set(range(len(schema.EMOTIONS))):
        return False
    if source.id.partition(":")[2] in EMOTION_IDS:
        return True
    if len(labels) not in EMOTION_SIZES:
        return False
    texts = (text for each in train for chunk in each.texts for text in chunk.to_pylist())
    return rows_hash(zip(texts, labels, strict=True)) in EMOTION_HASHES


def rows_hash(rows: Iterable[tuple[str, int | str]]) -> str:
    """Return a sha256 in hex over pairs of text and label, in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(f"{label}\t{text}" for text, label in rows)).encode()).hexdigest()
