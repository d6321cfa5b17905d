"""Turns the labels that were read into class numbers and names, the same for every split."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from .faults import Faults, shown
from .rows import Rows, label_fault, plain_label, several_labels

EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")
"""Label names of the emotion data (Saravia et al. 2018, doi 10.18653/v1/D18-1404) in the order of its integers."""

_INTEGER = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,9}))(?:\.0*)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}\.0+")
_DECIMAL = re.compile(r"[+-]?[0-9]*\.[0-9]+")
_LIST = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|([^\[\]'",]*))\s*\]""")
_SEVERAL = re.compile(r"\[.+,.+\]", re.DOTALL)
_HALVES = 20
"""Where more than one label of so many is 1.5 or the like, the labels of a csv file are no integers, and 2.0 is a text as well."""
_STRAYS = 10
"""Integers beyond the names that the user gives are mistakes where fewer than one row of so many has one, and else classes."""
IGNORED = -100
"""The label that PyTorch's cross-entropy ignores."""
_VALUES = 20
"""Integers named in a sentence, at most."""


class Named(msgspec.Struct, frozen=True):
    """The classes of a data set and where each row belongs."""

    labels: tuple[str, ...]
    ids: list[list[int | None]]
    """For each file, each row's class, 0 to len(labels) - 1; None for a row left out."""
    integers: bool
    """Whether the labels were integers."""
    values: tuple[int, ...] = ()
    """The integer of each class, where they were integers."""

    @property
    def unused(self) -> list[str]:
        """The names that no row has."""
        borne = {number for each in self.ids for number in set(each)}
        return [name for number, name in enumerate(self.labels) if number not in borne]


def name_labels(
    files: Sequence[Rows],
    names: Sequence[str],
    faults: Sequence[Faults],
    *,
    ordered: bool,
    fold_case: bool,
    values_named: Sequence[int] = (),
) -> Named:
    """Return the classes of all files' rows together.

    Names that the user chose (`ordered`) are those of the different integers in ascending order, or their positions where 0 is
    among these and some do not occur. Other `names` are those of the integers `values_named`, or else positions. Without names each
    different integer is a class; but -1 beside 0 to 2 or more stands for 'no label'. Texts become classes in sorted order, or in
    that of `names` where `ordered`. Rows with labels out of range or of another type than most go to `faults`, one for each file.
    Raises UserError for names that differ by case only, and for a number of chosen names that does not fit the integers.
    """
    chosen = _folded(tuple(names), fold_case, "the label names")
    values = typed(files, chosen)
    if are_integers(values):
        found = {label for labels in values for label in set(labels) if isinstance(label, int)}
        if not found:
            values_named = range(len(chosen))
        elif ordered:
            values_named = _chosen_values(Counter(label for labels in values for label in labels if isinstance(label, int)), chosen)
        elif not chosen:
            values_named = _classes_among(found)
        return _name_integers(files, values, chosen, values_named or range(len(chosen)), faults)
    return _name_texts(files, values, chosen if ordered else (), faults, fold_case=fold_case)


def are_integers(values: Sequence[Sequence[int | str]]) -> bool:
    """Whether half of all labels or more are integers."""
    return 2 * sum(type(label) is int for labels in values for label in labels) >= sum(map(len, values))


def are_decimals(labels: Sequence[str]) -> bool:
    """Whether all labels are numbers, and one of them or more has a fraction."""
    return any(map(_DECIMAL.fullmatch, labels)) and all(_DECIMAL.fullmatch(label) or _INTEGER.fullmatch(label) for label in labels)


def typed(files: Sequence[Rows], names: tuple[str, ...] = ()) -> list[list[int | str]]:
    """Return the labels of each file; those of csv files that are written as whole numbers become integers, ['joy'] becomes joy.

    In files with types of their own texts stay texts, but where all are written like 2.0, as a table's floats are.
    """
    texts = {label: _unlisted(label) for rows in files if not rows.typed for label in set(rows.labels)}
    halves = {label for label, text in texts.items() if isinstance(text, str) and _DECIMAL.fullmatch(text) and not _INTEGER.fullmatch(text)}
    share = sum(label in halves for rows in files if not rows.typed for label in rows.labels) if halves else 0
    plain = texts
    if _HALVES * share <= sum(len(rows) for rows in files if not rows.typed):
        plain = {label: _integer(text) for label, text in texts.items()}

    def labels_of(rows: Rows) -> list[int | str]:
        if names and set(rows.labels) <= set(names):
            return rows.labels
        if rows.typed:
            different = set(rows.labels)
            if any(isinstance(label, str) and _LIST.fullmatch(label) for label in different):
                return [_unlisted(label) for label in rows.labels]
            whole = all(isinstance(label, str) and _WHOLE.fullmatch(label) for label in different)
            return [_integer(label) for label in rows.labels] if whole else rows.labels
        return [plain[label] for label in rows.labels]

    return [labels_of(rows) for rows in files]


def label_of(value: object, *, typed: bool) -> int | str | None:
    """Return the label that a cell holds, as `typed` would; None where it holds none."""
    if label_fault(value):
        return None
    label = plain_label(value)
    label = _unlisted(label.strip()) if isinstance(label, str) else label
    return label if typed else _integer(label)


def _integer(label: int | str) -> int | str:
    match = _INTEGER.fullmatch(label) if isinstance(label, str) else None
    return int(match[1]) if match else label


def _unlisted(label: int | str) -> int | str:
    """Return the only label of a list that is written out, as pandas does it; anything else as it is."""
    match = _LIST.fullmatch(label) if isinstance(label, str) else None
    return next((part.strip() for part in match.groups() if part and part.strip()), label) if match else label


def _chosen_values(counts: Counter[int], names: tuple[str, ...]) -> Sequence[int]:
    """Return the integer of each name that the user gives. Raises UserError where they cannot be told."""
    found, positions = sorted(counts), range(len(names))
    if len(found) == len(names):
        return found
    strays = sum(count for number, count in counts.items() if number not in positions)
    if (found[0] == 0 and not strays) or (set(positions) < set(found) and _STRAYS * strays < counts.total()):
        return positions
    gives = f" gives {len(names):,} name{'s' if len(names) > 1 else ''}, but the labels are {len(found):,} different integers: "
    raise UserError(phrase(Setting("labels"), gives, _listed(found)), "Name each of them, in this order")


def _listed(found: Sequence[int]) -> str:
    return ", ".join(map(str, found[:_VALUES])) + (", …" if len(found) > _VALUES else "")


def _classes_among(found: set[int]) -> list[int]:
    """Return the integers that are classes: all, but for a -1 that stands alone before 0 to 2 or more, or a -100 before 0 or more."""
    no_label = (min(found) == -1 and max(found) > 1) or (min(found) == IGNORED and min(found - {IGNORED}, default=-1) >= 0)
    return sorted(found - {min(found)} if no_label else found)


def _folded(names: tuple[str, ...], fold_case: bool, what: str) -> tuple[str, ...]:
    folded = tuple(name.strip().lower() if fold_case else name.strip() for name in names)
    if not all(folded):
        raise UserError(f"{what} contain an empty name", "Give every label a name")
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        raise UserError(f"{what} contain {shown(twice[0])} twice", "Give every label a name of its own")
    return folded


def _name_integers(
    files: Sequence[Rows], values: list[list[int | str]], names: tuple[str, ...], numbers: Sequence[int], faults: Sequence[Faults]
) -> Named:
    """Name the integers `numbers`, one for each name; without names they are called as they are."""
    sound: dict[int | str, int] = {number: at for at, number in enumerate(numbers)}
    if not names:
        span = "labels start at 0; a negative one often stands for 'no label'"
    elif list(numbers) == list(range(len(names))):
        span = f"there are {len(names)} label names, for 0 to {len(names) - 1}"
    else:
        span = f"there are {len(names)} label names, for {_listed(numbers)}"

    found = sorted({label for labels in values for label in set(labels) if isinstance(label, int)})
    others = f": the labels are {_listed(found)}" if names and len(found) > len(names) else ""

    def fault(label: int | str) -> str:
        if isinstance(label, str):
            return _several(label) or f"the label {shown(label)} is text where others are integers (mixed types)"
        return f"the label {label} is out of range ({span}){others}"

    ids = _ids(files, values, sound, faults, fault)
    return Named(names or tuple(map(str, numbers)), ids, integers=True, values=tuple(numbers))


def _several(label: str) -> str:
    return several_labels(label.count(",") + 1) if _SEVERAL.fullmatch(label) else ""


def _name_texts(
    files: Sequence[Rows], values: list[list[int | str]], names: tuple[str, ...], faults: Sequence[Faults], *, fold_case: bool
) -> Named:
    different = {label for labels in values for label in set(labels) if isinstance(label, str) and not _several(label)}
    if fold_case:
        spelled = {label: _plain(label).lower() for label in different}
    else:
        spelled = {label: label for label in different}
        _check_case(files, values, different)
    labels = names or tuple(sorted(set(spelled.values())))
    position = {name: at for at, name in enumerate(labels)}
    sound: dict[int | str, int] = {label: position[name] for label, name in spelled.items() if name in position}

    def fault(label: int | str) -> str:
        if isinstance(label, int):
            return f"the label {label} is an integer where others are text (mixed types)"
        if _several(label):
            return _several(label)
        return f"the label {shown(label)} is not among {safe_line(', '.join(labels), 120)}"

    return Named(labels, _ids(files, values, sound, faults, fault), integers=False)


def _plain(label: str) -> str:
    """Return a label in one Unicode form (NFKC), with single spaces and without invisible characters."""
    if not label.isascii():
        label = "".join(each for each in unicodedata.normalize("NFKC", label) if unicodedata.category(each) != "Cf")
    return " ".join(label.split())


def _check_case(files: Sequence[Rows], values: list[list[int | str]], different: set[str]) -> None:
    """Raise UserError, with the first row of the second spelling, where two labels differ in what nobody sees, or by case only."""
    spellings: dict[str, str] = {}
    if len({_plain(label).casefold() for label in different}) == len(different):
        return
    for rows, labels in zip(files, values, strict=True):
        for at, label in enumerate(labels):
            if label not in different:
                continue
            first = spellings.setdefault(_plain(str(label)).casefold(), str(label))
            if first != label:
                by = "case" if first.casefold() == str(label).casefold() else "case, spacing, invisible characters or Unicode form"
                raise UserError(
                    f"{safe_line(rows.file, 80)}, {rows.place(at)}: the labels {shown(first)} and {shown(label)} differ only by {by}",
                    phrase("Join them with ", Setting("fold_case")),
                )


def _ids(
    files: Sequence[Rows], values: list[list[int | str]], sound: dict[int | str, int], faults: Sequence[Faults], fault: Any
) -> list[list[int | None]]:
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
