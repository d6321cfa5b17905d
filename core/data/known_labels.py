"""Reads a labelled file whose classes are those of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Words, phrase
from ..specs import Reading
from ..units import count
from . import columns, naming, readers, schema
from .faults import SKIP_BAD_ROWS, Faults, shown, summarize_causes

LABELS_SHOWN = 10
"""Labels named in a sentence, at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns are read and how, and the classes; columns are None where they are to be guessed."""

    labels: tuple[str, ...]
    text_column: str | None = None
    label_column: str | None = None
    own: tuple[str, str] = ("", "")
    """The columns of the texts and labels that the run was trained on: the default where the file has them."""
    fold_case: bool = False
    skip_bad_rows: bool = False
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The rows of a file: texts, each one's class by its place among the labels, and sentences about what was guessed."""

    texts: list[str]
    ids: Any
    """int64, shape [rows]."""
    notes: list[Words]


def read(path: Path, wanted: Wanted, integers: Callable[[], Sequence[int]]) -> LabelledFile:
    """Return the rows of a file.

    `integers` is called where labels are integers that are no names of classes, and returns the integer of each class; empty where
    that is not known. Raises UserError for a label that is none of the classes, with how many rows have it, and for a bad row,
    unless such rows are left out and told.
    """
    import numpy as np

    opened = readers.open_file(path, wanted.reading)
    sample = readers.sample(opened)
    text, label = (
        own if asked is None and own in sample.columns and own not in sample.repeated else asked
        for asked, own in zip((wanted.text_column, wanted.label_column), wanted.own, strict=True)
    )
    text, label, notes = columns.choose(sample, path.name, text, label)
    faults = Faults(skip=wanted.skip_bad_rows)
    rows = readers.read(opened, text, label, faults)
    notes = [*opened.notes(), *notes]
    found = schema.typed([rows], wanted.labels)[0]
    known, more = _known(set(found), wanted, integers, naming.Source("", (), text, label), opened)
    notes += more
    unknown = Counter(each for each in found if each not in known)
    name = safe_line(path.name, 80)
    if unknown:
        listed = ", ".join(f"{shown(each)} ({number:,})" for each, number in unknown.most_common(LABELS_SHOWN))
        listed += f" and {len(unknown) - LABELS_SHOWN:,} more" if len(unknown) > LABELS_SHOWN else ""
        has = f"{unknown.total():,} of {count(len(found), 'row')} of {name} have a label that the run does not know: {listed}"
        if not wanted.skip_bad_rows or unknown.total() == len(found):
            change = f"Its labels are {safe_line(', '.join(wanted.labels), 160)}: change the file"
            some = unknown.total() < len(found)
            raise UserError(has, phrase(change, ", or skip these rows with ", SKIP_BAD_ROWS) if some else change)
        notes.append(f"skipped: {has}")
    if faults.count:
        notes.append(
            f"skipped {count(faults.count, 'row')} that cannot be used ({summarize_causes(faults.causes)}), for example {faults.first}"
        )
    if rows.refused:
        notes.append(f"skipped {count(rows.refused.total(), 'row')} because of Prodigy's column answer ({summarize_causes(rows.refused)})")
    if not found:
        raise UserError(f"{name} has no usable row" + (f". The first fault: {faults.first}" if faults.first else ""))
    texts = [each for chunk in rows.texts for each in chunk.to_pylist()]
    kept = [at for at, each in enumerate(found) if each in known]
    return LabelledFile([texts[at] for at in kept], np.asarray([known[found[at]] for at in kept], dtype=np.int64), notes)


def _known(
    found: set[int | str], wanted: Wanted, integers: Callable[[], Sequence[int]], source: naming.Source, opened: readers.OpenedFile
) -> tuple[dict[int | str, int], list[Words]]:
    """Return the class of each known label, and notes on the meaning of integers."""
    position = {name.lower() if wanted.fold_case else name: at for at, name in enumerate(wanted.labels)}

    def by_name(label: int | str) -> int | None:
        return position.get(str(label).lower() if wanted.fold_case else str(label))

    known = {label: at for label in found if (at := by_name(label)) is not None}
    if all(label in known or isinstance(label, str) for label in found):
        return known, []
    names, values, notes = naming.beside(source, [opened])
    named = {value: by_name(name) for value, name in zip(values, names, strict=True)}
    if named and any(at is not None for at in named.values()):
        return {label: at for label in found if isinstance(label, int) and (at := named.get(label)) is not None}, notes
    numbers = tuple(integers())
    if not numbers:
        return known, []
    pairs = ", ".join(f"{number} {name}" for number, name in zip(numbers, wanted.labels, strict=True))
    known |= {number: at for at, number in enumerate(numbers) if number in found}
    return known, [f"reading integer labels as in the run's data set: {safe_line(pairs, 160)}"]
