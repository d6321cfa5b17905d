"""The order of texts in the label queue, and the questions about them to the engine. It knows no screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ....core.questions import AskQueue, StatesAnswer
from ....core.runs.state import RunView
from ....core.specs import DataSpec
from .side import Standing

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.labelling import Labelling

RUNS = 3
"""The number of newest runs whose disagreement is used."""


class Rows:
    """Rows in the order of the queue: earlier ones, the current one, and coming ones."""

    def __init__(self, rows: Sequence[int] = ()) -> None:
        self.items = list(rows)
        self.at = 0

    @property
    def in_hand(self) -> int | None:
        """The current row; None at the end."""
        return self.items[self.at] if self.at < len(self.items) else None

    def put(self, rows: Iterable[int], *, keep: bool) -> None:
        """Queue `rows` in this order; `keep` leaves the current one in place, so that a key labels the text that the user has read."""
        kept = self.items[: self.at + keep]
        seen = set(kept)
        self.items = [*kept, *(row for row in rows if row not in seen)]

    def move(self, by: int) -> None:
        """Move forwards or backwards by `by` rows."""
        self.at = max(0, min(len(self.items), self.at + by))

    def leave(self, row: int) -> None:
        """Move on from a row that was decided, unless another one is current by now."""
        if self.in_hand == row:
            self.at += 1

    def return_to(self, row: int) -> None:
        """Make a row the current one again."""
        if row not in self.items:
            self.items.insert(self.at, row)
        self.at = self.items.index(row)


def read(spec: DataSpec) -> Labelling:
    """Return the texts of a file and their labels. It is slow, so do not call it on the event loop. Raises UserError."""
    from ....core.data import labelling, sources

    return labelling.Labelling(sources.load_source(spec))


def drawn(given: Labelling, most: int) -> list[int]:
    """Return at most `most` unlabelled rows, drawn with a fixed seed."""
    import numpy as np

    return np.random.default_rng(0).permutation(given.open)[:most].tolist()


def without_label(given: Labelling, rows: Iterable[int]) -> list[int]:
    """Return the rows that have no label and were not left out."""
    return [row for row in rows if given.labels[row] == -1]


def ask_for_order(given: Labelling, states: StatesAnswer, standing: Standing) -> AskQueue:
    """Return the question for the order by a regression on the existing labels."""
    rows = given.in_order()
    return AskQueue(
        topic="label queue",
        states=states.key,
        names=states.names,
        rows=tuple(rows),
        labels=tuple(int(given.labels[row]) for row in rows),
        dropped=tuple(row for row, label in enumerate(given.labels.tolist()) if label < -1),
        drawn=states.drawn,
        order=standing.by if standing.by != "disagreement" else "uncertain",
        with_curve=not standing.curve,
    )


def that_may_disagree(runs: Iterable[RunView], labels: Sequence[str]) -> list[str]:
    """Return the folders of the newest finished runs with these labels, at most RUNS; `runs` are newest first."""
    return [view.folder for view in runs if view.state == "finished" and view.spec.labels == labels][:RUNS]
