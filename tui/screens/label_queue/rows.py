"""Which texts come in the queue, and what the engine is asked about them. It knows no screen."""

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
"""The newest runs whose disagreement is looked at."""


class Rows:
    """Rows in the order in which they come: those that were in hand, the one that is, and those that come."""

    def __init__(self, rows: Sequence[int] = ()) -> None:
        self.items = list(rows)
        self.at = 0

    @property
    def in_hand(self) -> int | None:
        """The row in hand; None at the end."""
        return self.items[self.at] if self.at < len(self.items) else None

    def put(self, rows: Iterable[int], *, keep: bool) -> None:
        """Let `rows` come in this order, after the one in hand where that is kept: a key must not meet another text than was read."""
        kept = self.items[: self.at + keep]
        seen = set(kept)
        self.items = [*kept, *(row for row in rows if row not in seen)]

    def move(self, by: int) -> None:
        """Go on or back."""
        self.at = max(0, min(len(self.items), self.at + by))

    def leave(self, row: int) -> None:
        """Go on from a row that was decided, unless another is in hand by now."""
        if self.in_hand == row:
            self.at += 1

    def return_to(self, row: int) -> None:
        """Take a row in hand again."""
        if row not in self.items:
            self.items.insert(self.at, row)
        self.at = self.items.index(row)


def read(spec: DataSpec) -> Labelling:
    """Return the texts of a file and the labels given to them. It takes a while: not for the event loop. Raises UserError."""
    from ....core.data import labelling, sources

    return labelling.Labelling(sources.load_source(spec))


def drawn(given: Labelling, most: int) -> list[int]:
    """Return up to so many rows without a label, drawn with a fixed seed."""
    import numpy as np

    return np.random.default_rng(0).permutation(given.open)[:most].tolist()


def without_label(given: Labelling, rows: Iterable[int]) -> list[int]:
    """Return those of the rows that have no label and were not left out."""
    return [row for row in rows if given.labels[row] == -1]


def ask_for_order(given: Labelling, states: StatesAnswer, standing: Standing) -> AskQueue:
    """Return the question for the order by a regression on the labels that there are."""
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
