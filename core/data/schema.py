"""Turns the labels that were read into class numbers and names, the same for every split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from .faults import Faults, shown
from .rows import Rows

EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")
"""Label names of the emotion data (Saravia et al. 2018, doi 10.18653/v1/D18-1404) in the order of its integers."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,9}")


class Named(msgspec.Struct, frozen=True):
    """The classes of a data set and where each row belongs."""

    labels: tuple[str, ...]
    ids: list[list[int | None]]
    """For each file, each row's class, 0 to len(labels) - 1; None for a row left out."""
    integers: bool
    """Whether the labels were integers."""
    found: tuple[int, ...] = ()
    """The different integers, ascending."""


def name_labels(files: Sequence[Rows], names: Sequence[str], faults: Sequence[Faults], *, ordered: bool, fold_case: bool) -> Named:
    """Return the classes of all files' rows together.

    Integer labels are positions in `names`; without names each different integer is a class. Texts become classes in sorted
    order, or in the order of `names` where `ordered` says that the user chose them. Rows with labels out of range or of another
    type than most go to `faults`, one for each file. Raises UserError for names that differ by case only.
    """
    chosen = _folded(tuple(names), fold_case, "the label names")
    values = [_typed(rows, chosen) for rows in files]
    integers = sum(type(label) is int for labels in values for label in labels)
    total = sum(map(len, values))
    if 2 * integers >= total:
        return _name_integers(files, values, chosen, faults)
    return _name_texts(files, values, chosen if ordered else (), faults, fold_case=fold_case)


def _typed(rows: Rows, names: tuple[str, ...]) -> list[int | str]:
    """Return the labels of a file; those of a csv file that are written as integers become integers."""
    if rows.typed:
        return rows.labels
    different = set(rows.labels)
    if names and different <= set(names):
        return rows.labels
    plain = {label: int(label) if isinstance(label, str) and _INTEGER.fullmatch(label) else label for label in different}
    return [plain[label] for label in rows.labels]


def _folded(names: tuple[str, ...], fold_case: bool, what: str) -> tuple[str, ...]:
    folded = tuple(name.strip().lower() if fold_case else name.strip() for name in names)
    if not all(folded):
        raise UserError(f"{what} hold an empty name. Give every label a name")
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        raise UserError(f"{what} hold {shown(twice[0])} twice. Give every label a name of its own")
    return folded


def _name_integers(files: Sequence[Rows], values: list[list[int | str]], names: tuple[str, ...], faults: Sequence[Faults]) -> Named:
    found = {label for labels in values for label in set(labels) if isinstance(label, int)}
    if names:
        sound: dict[int | str, int] = {number: number for number in range(len(names))}
        span = f"there are {len(names)} label names, for 0 to {len(names) - 1}"
    else:
        sound = {number: at for at, number in enumerate(sorted(number for number in found if number >= 0))}
        names = tuple(map(str, sound))
        span = "labels start at 0; a negative one often stands for 'no label'"

    def fault(label: int | str) -> str:
        if isinstance(label, str):
            return f"the label {shown(label)} is a text where others are integers (mixed types)"
        return f"the label {label} is out of range ({span})"

    ids = _ids(files, values, sound, faults, fault)
    return Named(names, ids, integers=True, found=tuple(sorted(found)))


def _name_texts(
    files: Sequence[Rows], values: list[list[int | str]], names: tuple[str, ...], faults: Sequence[Faults], *, fold_case: bool
) -> Named:
    different = {label for labels in values for label in set(labels) if isinstance(label, str)}
    if fold_case:
        spelled = {label: label.lower() for label in different}
    else:
        spelled = {label: label for label in different}
        _check_case(files, values, different)
    labels = names or tuple(sorted(set(spelled.values())))
    position = {name: at for at, name in enumerate(labels)}
    sound: dict[int | str, int] = {label: position[name] for label, name in spelled.items() if name in position}

    def fault(label: int | str) -> str:
        if isinstance(label, int):
            return f"the label {label} is an integer where others are texts (mixed types)"
        return f"the label {shown(label)} is not among {safe_line(', '.join(labels), 120)}"

    return Named(labels, _ids(files, values, sound, faults, fault), integers=False)


def _check_case(files: Sequence[Rows], values: list[list[int | str]], different: set[str]) -> None:
    """Raise UserError, with the first row of the second spelling, where two labels differ by case only."""
    spellings: dict[str, str] = {}
    if len({label.casefold() for label in different}) == len(different):
        return
    for rows, labels in zip(files, values, strict=True):
        for at, label in enumerate(labels):
            if not isinstance(label, str):
                continue
            first = spellings.setdefault(label.casefold(), label)
            if first != label:
                raise UserError(
                    f"{safe_line(rows.file, 80)}, {rows.place(at)}: the labels {shown(first)} and {shown(label)} differ by case only. "
                    "Join them with --fold-case"
                )


def _ids(files: Sequence[Rows], values: list[list[int | str]], sound: dict[int | str, int], faults: Sequence[Faults], fault: Any) -> list:
    result: list[list[int | None]] = []
    for rows, labels, collected in zip(files, values, faults, strict=True):
        if set(labels) <= sound.keys():
            result.append([sound[label] for label in labels])
            continue
        ids: list[int | None] = []
        for at, label in enumerate(labels):
            number = sound.get(label)
            if number is None:
                collected.bad(rows.file, rows.place(at), fault(label))
            ids.append(number)
        result.append(ids)
    return result
