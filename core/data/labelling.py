"""Labels the unlabelled rows of a file one by one; each decision is on the disk before it is shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import DataSpec
from . import overlay, overlay_edit, overlay_log, partly_labelled, readers, sources
from .overlay import Place
from .overlay_log import By, Classes, Decision, Undone
from .table import UNLABELLED

if TYPE_CHECKING:
    import numpy as np

    from .table import Dataset


class NoLabelsError(UserError):
    """The labels to choose from are not known yet."""


def begin(spec: DataSpec, labels: Sequence[str] = (), *, clock: Callable[[], float] = time.time) -> DataSpec:
    """Record in a file's overlay the classes to label it with, and return the spec that reads it with them.

    Without `labels` they are those of before, or those of the rows that have one. Raises UserError where there are none, where rows
    have others, and where the file cannot be read.
    """
    source = sources.resolve(spec.source)
    path = partly_labelled.check_file(source)
    spec = msgspec.structs.replace(spec, source=source, labels=(), overlay=None)
    file = overlay_log.file_of(source)
    known = overlay_log.read(file)
    before = known.classes
    opened = readers.open_file(path, spec.reading)
    text, label = partly_labelled.choose(readers.sample(opened), opened.table.name, spec, before)
    given = tuple(labels) or (before.labels if before is not None else ()) or partly_labelled.labels_in(opened, label)
    if len(given) < 2:
        raise NoLabelsError(
            f"no labels to choose from are known for {safe_line(path.name, 80)}",
            phrase("Name two or more with ", Setting("labels", example="a,b,c")),
        )
    _check_used(known, given, label)
    if before is None or (before.labels, before.text_column, before.label_column) != (given, text, label):
        head = overlay_log.Head(overlay_log.as_text(source))
        classes = Classes(given, text, label, clock())
        partly_labelled.check_labels(opened, classes)
        overlay_log.append(file, head, [classes], known)
    return spec


def _check_used(log: overlay_log.Log, labels: Sequence[str], column: str) -> None:
    """Raise UserError where a label that was given already is not among the labels."""
    used = {each.new for each in log.live if each.column == column and each.new is not None}
    gone = sorted(used - set(labels))
    if gone:
        names = safe_line(", ".join(gone[:10]), 120)
        raise UserError(
            phrase(f"rows already have the label {names}, which ", Setting("labels"), " does not list"),
            "List it as well, or undo these decisions: emotui overlay undo",
        )


class Labelling:
    """All rows of a file, in its order, with the labels that they have by now. Any thread may call its methods.

    `decide` and `undo` write to the disk: not for the event loop.
    """

    def __init__(self, source: Dataset, *, clock: Callable[[], float] = time.time) -> None:
        """Take up what sources.load_source returned of a file for which `begin` was called. Raises UserError."""
        import numpy as np

        self.source = source
        self.names = source.labels
        self.places = places_of(source)
        self.texts = texts_of(source)
        self._row_at = {place: row for row, place in enumerate(self.places)}
        by_split = {name: split.label_ids() for name, split in source.splits.items()}
        self._own = np.array([by_split[place.split][place.at] for place in self.places], np.int64)
        self.labels: np.ndarray = self._own.copy()
        """The class of each row, int64, shape [rows]; UNLABELLED where it has none, LEFT_OUT where it was dropped."""
        self.file = overlay_log.file_of(source.source)
        self._head = overlay_edit.head_of(source)
        self._known: dict[str, Place] = {}
        self._decided: dict[int, Decision] = {}
        self._clock = clock
        self._writing = threading.Lock()
        self._apply_log(overlay_log.read(self.file))

    @property
    def open(self) -> np.ndarray:
        """The rows without a label, ascending, int64."""
        import numpy as np

        return np.flatnonzero(self.labels == UNLABELLED)

    @property
    def labelled(self) -> np.ndarray:
        """The rows with a label, ascending, int64."""
        import numpy as np

        return np.flatnonzero(self.labels >= 0)

    @property
    def given(self) -> int:
        """How many rows have a label that the source lacks."""
        return int(((self.labels >= 0) & (self._own == UNLABELLED)).sum())

    def number(self, row: int) -> int:
        """Return the number of a row in its file, from 1 on."""
        place = self.places[row]
        return self.source.splits[place.split].row(place.at).number

    def in_order(self) -> list[int]:
        """Return the rows with a label: those of the source, then the others in the order in which they were decided last."""
        decided = [row for row in sorted(self._decided, key=lambda row: self._decided[row].when) if self.labels[row] >= 0]
        given = set(decided)
        return [*(int(row) for row in self.labelled if int(row) not in given), *decided]

    def decision(self, row: int) -> Decision | None:
        """Return what was decided about a row; None where nothing was."""
        return self._decided.get(row)

    def decide(self, row: int, new: str | None, *, by: By = "typed", run: str = "") -> None:
        """Label a row, or drop it where `label` is None. `run` names the run or method that suggested the label.

        Raises UserError where it cannot be written; nothing is decided then.
        """
        with self._writing:
            made = overlay_edit.decision_on(self.source, self.places[row], new, when=self._clock(), by=by, run=run)
            self._known[made.row] = self.places[row]
            log = overlay_log.append(self.file, self._head, [made], self._log)
            if log.lines > self._log.lines + 1:  # others have decided, too
                self._apply_log(log)
                return
            self._log = log
            self._decided[row] = made
            self.labels = self.labels.copy()
            self.labels[row] = overlay.LEFT_OUT if new is None else self.names.index(new)

    def undo(self) -> tuple[Decision, int | None] | None:
        """Undo the last decision in force, and return it with its row, or None for a row that no longer exists.

        Returns None where there is nothing to undo. Raises UserError.
        """
        with self._writing:
            self._apply_log(overlay_log.read(self.file, after=self._log))
            last = next((each for each in reversed(self._log.live) if overlay.concerns(each, self.source)), None)
            if last is None:
                return None
            place = self._known.get(last.row)
            self._apply_log(overlay_log.append(self.file, self._head, [Undone(last.id, self._clock())], self._log))
            return last, None if place is None else self._row_at[place]

    def _apply_log(self, log: overlay_log.Log) -> None:
        self._log = log
        decided, _, _ = overlay.decisions_on(self.source, log, self._known)
        self._known |= {decision.row: place for place, (decision, _) in decided.items()}
        labels = self._own.copy()
        for place, (_, label) in decided.items():
            labels[self._row_at[place]] = label
        self._decided = {self._row_at[place]: decision for place, (decision, _) in decided.items()}
        self.labels = labels


def places_of(source: Dataset) -> list[Place]:
    """Return where the rows of a file are, in its order."""
    numbered = [
        (number, name, at) for name, split in source.splits.items() for at, number in enumerate(split.table.column("number").to_pylist())
    ]
    return [Place(name, at) for _, name, at in sorted(numbered)]


def texts_of(source: Dataset) -> list[str]:
    """Return the texts of a file in its order."""
    by_split = {name: split.texts() for name, split in source.splits.items()}
    return [by_split[place.split][place.at] for place in places_of(source)]
