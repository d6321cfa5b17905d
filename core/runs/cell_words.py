"""Finds the words that are more frequent in a wrong cell of the confusion matrix than in correct rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..data.arrays import texts_of
from ..data.words import counted

if TYPE_CHECKING:
    import numpy as np

    from ..figures.log_odds import WordOdds
    from .examined import Examined


@dataclass(frozen=True, slots=True)
class CellWords:
    """The words of a cell's rows, compared with those of other rows."""

    rows: int
    """Rows in the cell."""
    others: int
    """Rows that the cell is compared with."""
    against: str
    """Which rows those are, in words that follow 'rows', such as 'of joy that are right'."""
    words: list[WordOdds]
    """Words, the most typical of the cell first."""


def of_cell(of: Examined, true: int, predicted: int) -> CellWords:
    """Return the words of the rows of class `true` predicted as `predicted`, compared with the correct rows of that class.

    If the class has no correct rows, they are compared with all other rows; a cell of correct rows is compared with the wrong rows of
    its class. The prior is the frequency of each word in the split. It reads every text, so do not call it on the event loop.
    """
    import numpy as np

    from ..figures.log_odds import compare

    judged, table = of.judged, of.predictions.rows.split.table
    name = judged.labels[true]
    inside = judged.cell(true, predicted)
    of_class = np.flatnonzero(judged.truth == true)
    others = np.setdiff1d(of_class, inside) if true == predicted else judged.cell(true, true)
    against = f"of {name} that are wrong" if true == predicted else f"of {name} that are right"
    if not len(others):
        others, against = np.setdiff1d(np.arange(len(judged.truth)), inside), "of other cells"

    def words(rows: np.ndarray | None) -> dict[str, int]:
        column = table.column("text")
        return counted(texts_of(column if rows is None else column.take(rows)))

    found = compare(words(inside), words(others), words(None)) if len(inside) else []
    return CellWords(len(inside), len(others), against, found)
