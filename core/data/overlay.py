"""The overlay: labels changed and rows left out by hand, applied to a data set when it is read; its source stays unchanged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..shell import quote
from ..specs import DataSpec
from ..units import count
from . import overlay_log
from .arrays import mask, numbers, strings
from .overlay_log import Decision, Log
from .table import UNLABELLED, Split

if TYPE_CHECKING:
    from .table import Dataset

LEFT_OUT = -2
"""In the place of a label: the row is left out."""
Lost = Literal["missing", "relabelled", "no_class"]
_WITHOUT = Setting("overlay", False)
_LOST: dict[Lost, tuple[str, str]] = {
    "missing": ("decision is about a row that is no longer in the data", "decisions are about rows that are no longer in the data"),
    "relabelled": (
        "decision is about a row whose label has changed in the source; the source's label is used",
        "decisions are about rows whose labels have changed in the source; the source's labels are used",
    ),
    "no_class": ("decision gives a label that is no longer a class", "decisions give labels that are no longer classes"),
}
"""Why a decision is not applied, of one row and of several."""


class Place(NamedTuple):
    """A row as the source has it."""

    split: str
    at: int
    """0-based position in the split before anything is left out."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The decisions applied to a data set."""

    file: Path
    log: Log
    source: Dataset
    """The data set as its source has it."""
    decided: dict[Place, Decision]
    """The last decision on each row that was found and can be followed."""
    lost: tuple[tuple[Decision, Lost], ...] = ()
    """Decisions that are not applied, and why."""
    settled: int = 0
    """Decisions on rows whose source gives them the new label by now."""
    changed: int = 0
    """Rows with another label than in the source."""
    left_out: int = 0
    """Rows."""
    labelled: int = 0
    """Rows without a label in the source that were given one."""
    unlabelled: int = 0
    """Rows without a label that have none yet: they are not in the data set."""
    kept: dict[str, Any] = field(default_factory=dict)
    """The positions in the source of the rows that are left (int64, shape [rows]), for splits of which rows are left out."""

    def place(self, split: str, index: int) -> Place:
        """Return where the source has the row `index` of a split of the data set."""
        kept = self.kept.get(split)
        return Place(split, index if kept is None else int(kept[index]))

    def index(self, place: Place) -> int | None:
        """Return the position in the data set of a row of the source; None where it is left out."""
        import numpy as np

        kept = self.kept.get(place.split)
        if kept is None:
            return place.at
        at = int(np.searchsorted(kept, place.at))
        return at if at < len(kept) and kept[at] == place.at else None

    def decisions_in(self, split: str) -> dict[int, Decision]:
        """Return the decisions about rows of the data set's split, by position."""
        found = ((self.index(place), decision) for place, decision in self.decided.items() if place.split == split)
        return {index: decision for index, decision in found if index is not None}

    def decision(self, split: str, index: int) -> Decision | None:
        """Return what was decided about a row of the data set, None where nothing was."""
        return self.decided.get(self.place(split, index)) if self.decided else None

    @property
    def summary(self) -> str:
        """What it changes, as in '12 labels changed, 3 rows left out'; '' where it changes nothing."""
        parts = [f"{count(self.labelled, 'row')} labelled"] if self.labelled else []
        parts += [f"{count(self.changed, 'label')} changed"] if self.changed else []
        return ", ".join([*parts, *([f"{count(self.left_out, 'row')} left out"] if self.left_out else [])])

    def notes(self) -> list[Words]:
        """Return the sentences about it."""
        found: list[Words] = [phrase(f"overlay: {self.summary}; ", _WITHOUT, " reads the source as it is")] if self.summary else []
        if self.unlabelled:
            rows = count(self.unlabelled, "row")
            found.append(f"{rows} without a label {'is' if self.unlabelled == 1 else 'are'} not used; emotui label continues with them")
        for why, words in _LOST.items():
            of_these = [decision for decision, each in self.lost if each == why]
            if not of_these:
                continue
            rows, first = len(of_these), of_these[0]
            split = f" of {first.split}" if first.split else ""
            found.append(f"overlay: {rows:,} {words[rows > 1]}, such as row {first.number:,}{split} then, '{safe_line(first.excerpt, 50)}'")
        if self.log.damaged:
            found.append(f"overlay: skipped {count(self.log.damaged, 'line')} of {self.file} that cannot be read")
        return found

    def fields(self) -> dict[str, Any]:
        """Return what `--json` shows of it."""
        return {
            "file": str(self.file),
            "lines": self.log.lines,
            "labelled": self.labelled,
            "changed": self.changed,
            "left_out": self.left_out,
            "unlabelled": self.unlabelled,
            "settled": self.settled,
            "lost": dict(Counter(why for _, why in self.lost)),
        }


def apply(dataset: Dataset, spec: DataSpec) -> Dataset:
    """Return a data set as it was read from `spec` with the decisions of its overlay, and with the spec that reads it in this way again.

    Splits have been drawn before, so that no decision moves a row to another one. Raises UserError where the log cannot be read or is
    shorter than the spec says, and where too little is left.
    """
    file = overlay_log.file_of(dataset.source, spec.files)
    log = Log() if spec.overlay == 0 else overlay_log.read(file, first=spec.overlay)
    if spec.overlay is not None and log.lines < spec.overlay:
        raise UserError(
            f"the overlay of {safe_line(dataset.name, 80)} should have {count(spec.overlay, 'line')}, but {file} has {log.lines:,}",
            phrase("Restore the file, or read the source without the overlay with ", _WITHOUT),
        )
    if not log.lines:
        return replace(dataset, spec=_pinned(dataset, 0))
    return apply_log(dataset, file, log)


def _pinned(dataset: Dataset, lines: int) -> DataSpec | None:
    return None if dataset.spec is None else msgspec.structs.replace(dataset.spec, overlay=lines)


def apply_log(source: Dataset, file: Path, log: Log, known: Mapping[str, Place] | None = None) -> Dataset:
    """Return a data set with the decisions of a log. `known` are the places of rows, by their hashes, that were found before.

    Raises UserError where too little is left.
    """
    decided, lost, settled = decisions_on(source, log, known)
    labels: dict[str, dict[int, int]] = defaultdict(dict)
    for place, (_, label) in decided.items():
        labels[place.split][place.at] = label
    followed = {place: decision for place, (decision, _) in decided.items()}
    return _built(source, labels, Overlay(file, log, source, followed, lost, settled))


def decisions_on(
    source: Dataset, log: Log, known: Mapping[str, Place] | None = None
) -> tuple[dict[Place, tuple[Decision, int]], tuple[tuple[Decision, Lost], ...], int]:
    """Return the last decision on each row that is found, with the row's class or LEFT_OUT; those not followed; how many are settled."""
    last = {decision.row: decision for decision in log.live if concerns(decision, source)}
    places = {row: known[row] for row in last if known is not None and row in known}
    lost: list[tuple[Decision, Lost]] = []
    settled = 0
    found, missing = _find(source, [each for each in last.values() if each.row not in places], set(places.values()))
    places |= found
    for decision, has_new in missing:
        if has_new is None:
            lost.append((decision, "missing"))
        elif has_new:
            settled += 1
        else:
            lost.append((decision, "relabelled"))
    decided: dict[Place, tuple[Decision, int]] = {}
    for row, place in places.items():
        label = LEFT_OUT if last[row].new is None else class_of(source, last[row].new, last[row].value)
        if label is None:
            lost.append((last[row], "no_class"))
        else:
            decided[place] = last[row], label
    return decided, tuple(lost), settled


def concerns(decision: Decision, dataset: Dataset) -> bool:
    """Whether a decision is about the labels that are read: the file may have another column of them, with decisions of its own."""
    return decision.column == dataset.label_column or decision.column not in dataset.columns


def class_of(dataset: Dataset, name: str | None, value: int | None = None) -> int | None:
    """Return the class of a label by its name, or by the integer that stands for it where the names are others by now."""
    if name in dataset.labels:
        return dataset.labels.index(name)
    folded = [each.casefold() for each in dataset.labels]
    if name is not None and folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    return dataset.values.index(value) if value is not None and value in dataset.values else None


def split_in_source(dataset: Dataset, split: str) -> str:
    """Return the split that a row has in the source: '' where splits are drawn at random, and another draw may move it."""
    return "" if split in dataset.drawn else split


def _find(source: Dataset, decisions: Iterable[Decision], taken: set[Place]) -> tuple[dict[str, Place], list[tuple[Decision, bool | None]]]:
    """Return the places of decided rows by row hash, and the decisions whose rows are not there.

    A row whose text is the same is taken for it where its label is that before the decision. Of the others is told whether the text
    is there with the new label; None where it is not there at all.
    """
    decisions = list(decisions)
    if not decisions:
        return {}, []
    wanted = {decision.text for decision in decisions}
    rows: dict[str, Place] = {}
    alike: dict[str, list[tuple[Place, int]]] = defaultdict(list)
    times: Counter[tuple[str, str, int]] = Counter()
    for name, split in source.splits.items():
        labels = split.label_ids()
        where = split_in_source(source, name)
        for at, text in enumerate(split.texts()):
            hashed = overlay_log.text_hash(text)
            if hashed not in wanted:
                continue
            label = int(labels[at])
            nth = times[where, hashed, label]
            times[where, hashed, label] += 1
            rows[overlay_log.row_hash(text, where, split.name_of(label), nth)] = Place(name, at)
            alike[hashed].append((Place(name, at), label))
    found = {decision.row: rows[decision.row] for decision in decisions if decision.row in rows}
    taken = taken | set(found.values())
    missing: list[tuple[Decision, bool | None]] = []
    for decision in decisions:
        if decision.row in found:
            continue
        old = class_of(source, decision.old) if decision.old else UNLABELLED
        new = class_of(source, decision.new, decision.value)
        there = alike[decision.text]
        free = [place for place, label in there if place not in taken and label == (label if old is None else old)]
        if free:
            place = min(free, key=lambda each: split_in_source(source, each.split) != decision.split)
            found[decision.row] = place
            taken.add(place)
        else:
            others = [label for place, label in there if place not in taken]
            missing.append((decision, new in others if others else None))
    return found, missing


def later_decisions(dataset: Dataset) -> str:
    """Return what was decided about the rows since the spec that the data set was read by, as a sentence; '' where nothing was."""
    if dataset.spec is None or dataset.spec.overlay is None:
        return ""
    file = overlay_log.file_of(dataset.source, dataset.spec.files)
    then, now = overlay_log.read(file, first=dataset.spec.overlay), overlay_log.read(file)
    known = {each.id for each in then.live}
    new = sum(each.id not in known for each in now.live if concerns(each, dataset))
    gone = len(known - {each.id for each in now.live})
    parts = [f"{count(new, 'decision')} about its rows {'was' if new == 1 else 'were'} made later"] if new else []
    parts += [f"{count(gone, 'decision')} in it {'was' if gone == 1 else 'were'} undone later"] if gone else []
    return f"the overlay is used as it was for the run: {' and '.join(parts)}" if parts else ""


def moved(before: Dataset, after: Dataset, split: str, indices: Any) -> Any:
    """Return where rows of a split (int64, shape [n]) are in the same data set under other decisions; rows left out now are missing."""
    import numpy as np

    was, now = (each.overlay.kept.get(split) if each.overlay is not None else None for each in (before, after))
    places = np.asarray(indices, np.int64)
    if was is not None:
        places = was[places]
    if now is None:
        return places
    at = np.minimum(np.searchsorted(now, places), len(now) - 1)
    return at[now[at] == places]


def is_of_same_source(one: Dataset, other: Dataset) -> bool:
    """Whether two data sets are the same one as it was read once, under whatever decisions."""
    return (one.overlay.source if one.overlay is not None else one) is (other.overlay.source if other.overlay is not None else other)


def _built(source: Dataset, labels: Mapping[str, Mapping[int, int]], overlay: Overlay) -> Dataset:
    """Return the source with other labels at some positions, LEFT_OUT for rows that go, as those do that have no label."""
    import numpy as np

    splits = dict(source.splits)
    kept: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for name, split in source.splits.items():
        before, given = split.label_ids(), labels.get(name, {})
        if not given and not (before == UNLABELLED).any():
            continue
        after = before.copy()
        after[list(given)] = list(given.values())
        stays = after >= 0
        counts["labelled"] += int((stays & (before == UNLABELLED)).sum())
        counts["changed"] += int((stays & (before >= 0) & (after != before)).sum())
        counts["left_out"] += int((after == LEFT_OUT).sum())
        counts["unlabelled"] += int((after == UNLABELLED).sum())
        table = split.table.set_column(split.table.column_names.index("label"), "label", numbers(after, "int32"))
        if not stays.all():
            kept[name] = np.flatnonzero(stays)
            table = table.take(numbers(kept[name], "int64"))
        splits[name] = Split(name, table, split.labels)
    overlay = replace(overlay, **counts, kept=kept)
    splits = _enough(source, splits, overlay)
    notes = (*source.notes, *overlay.notes())
    return replace(source, splits=splits, overlay=overlay, notes=notes, spec=_pinned(source, overlay.log.lines))


def _enough(source: Dataset, splits: dict[str, Split], overlay: Overlay) -> dict[str, Split]:
    """Return the splits, without a test split of which no row has a label yet.

    Raises UserError where the overlay leaves too little to train on or to measure by.
    """
    name = safe_line(source.name, 80)
    remedy = phrase("Undo some of it (emotui overlay undo), or read the source without it with ", _WITHOUT)
    if overlay.labelled or overlay.unlabelled:
        rows = sum(map(len, source.splits.values()))
        found = f"{name} has {count(sum(map(len, splits.values())), 'label')} for {count(rows, 'row')}"
        remedy = f"Give more labels first: emotui label {quote(source.source)}"
        splits = {each: split for each, split in splits.items() if len(split) or each != "test"}
        for each, split in splits.items():
            if not len(split):
                raise UserError(f"{found}, and none in its {each} split, which was drawn from all of its rows", remedy)
        if sum(map(bool, splits["train"].counts())) < 2:
            raise UserError(f"{found}, and the training rows are all of one class", remedy)
        return splits
    for each, split in splits.items():
        if not len(split):
            raise UserError(f"the overlay of {name} leaves out every row of {each}", remedy)
    train = next(iter(splits.values()))
    if len(source.labels) > 1 and sum(map(bool, train.counts())) < 2:
        raise UserError(f"the overlay of {name} leaves one class in {train.name}", remedy)
    return splits


def hash_of(source: Dataset, place: Place) -> str:
    """Return the hash of a row of the source."""
    import pyarrow.compute as pc

    row = source.splits[place.split].row(place.at)
    where, nth = split_in_source(source, place.split), 0
    for name, split in source.splits.items():
        if split_in_source(source, name) != where or (name != place.split and where):
            continue
        same = mask(pc.call_function("equal", [split.table.column("text"), strings([row.text])[0]])) & (split.label_ids() == row.label)
        nth += int(same[: place.at].sum() if name == place.split else same.sum())
        if name == place.split:
            break
    return overlay_log.row_hash(row.text, where, row.name, nth)
