"""Records decisions about rows of a data set, and undoes them; each is on the disk before it is shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import overlay, overlay_log
from .overlay import Place
from .overlay_log import By, Decision, Head, Log, Undone

if TYPE_CHECKING:
    from .table import Dataset


def head_of(dataset: Dataset) -> Head:
    """Return the first line of a data set's log."""
    files = dataset.spec.files if dataset.spec is not None else ()
    return Head(overlay_log.as_text(dataset.source), tuple((split, overlay_log.as_text(file)) for split, file in files))


def decision_on(source: Dataset, place: Place, new: str | None, *, when: float, by: By, run: str) -> Decision:
    """Return the decision that a row of the source gets the label `new`, or is left out where it is None."""
    label = None if new is None else overlay.class_of(source, new)
    row = source.splits[place.split].row(place.at)
    return Decision(
        id=overlay_log.new_id(),
        row=overlay.hash_of(source, place),
        text=overlay_log.text_hash(row.text),
        split=overlay.split_in_source(source, place.split),
        number=row.number,
        column=source.label_column,
        old=row.name,
        new=new,
        when=when,
        by=by,
        run=run,
        value=source.values[label] if label is not None and source.values else None,
        excerpt=overlay_log.excerpt(row.text),
    )


class Editor:
    """The overlay of one data set, to be added to. Its methods write to the disk: not for the event loop. Any thread may call them."""

    def __init__(self, dataset: Dataset, *, clock: Callable[[], float] = time.time) -> None:
        """Take up a data set as sources.load returned it."""
        laid = dataset.overlay
        self.dataset = dataset
        """With all decisions that are known here."""
        self._source = laid.source if laid is not None else dataset
        files = dataset.spec.files if dataset.spec is not None else ()
        self.file: Path = laid.file if laid is not None else overlay_log.file_of(dataset.source, files)
        self._head = head_of(dataset)
        self._log: Log = laid.log if laid is not None else Log()
        self._known = {decision.row: place for place, decision in laid.decided.items()} if laid is not None else {}
        self._clock = clock
        self._writing = threading.Lock()

    def place(self, split: str, index: int) -> Place:
        """Return where the source has a row of `dataset`."""
        laid = self.dataset.overlay
        return Place(split, index) if laid is None else laid.place(split, index)

    def decide(self, places: Sequence[Place], new: str | None, *, by: By = "typed", run: str = "") -> Dataset:
        """Give rows of the source the label `new`, or leave them out where it is None, and return the data set as it is then.

        `run` is the run, or another way, that suggested it. Raises UserError, and nothing is decided, where it cannot be written, where too
        little would be left, and where `new` is no class.
        """
        with self._writing:
            made = [decision_on(self._source, place, new, when=self._clock(), by=by, run=run) for place in places]
            self._known |= {decision.row: place for decision, place in zip(made, places, strict=True)}
            trial = Log((*self._log.entries, *made), self._log.lines + len(made), self._log.size)
            overlay.apply_log(self._source, self.file, trial, self._known)  # before it is written: it may leave too little
            return self._apply_log(overlay_log.append(self.file, self._head, made, self._log))

    def undo(self, times: int = 1) -> list[Decision]:
        """Take back the last decisions that stand, and return them, the last first; `dataset` is as it is then. Raises UserError."""
        with self._writing:
            self._apply_log(overlay_log.read(self.file, after=self._log))
            last = [each for each in self._log.live if overlay.concerns(each, self._source)][::-1][:times]
            if last:
                now = self._clock()
                self._apply_log(overlay_log.append(self.file, self._head, [Undone(each.id, now) for each in last], self._log))
            return last

    def follow(self) -> bool:
        """Apply what other processes have decided since; return whether there was anything. Raises UserError."""
        with self._writing:
            log = overlay_log.read(self.file, after=self._log)
            if log.lines == self._log.lines:
                return False
            self._apply_log(log)
            return True

    def _apply_log(self, log: Log) -> Dataset:
        if log.lines != self._log.lines or self.dataset.overlay is None:
            self._log = log
            self.dataset = overlay.apply_log(self._source, self.file, log, self._known)
            if self.dataset.overlay is not None:
                self._known |= {decision.row: place for place, decision in self.dataset.overlay.decided.items()}
        return self.dataset
