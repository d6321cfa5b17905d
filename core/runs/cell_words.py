"""Finds the words that are more frequent in a wrong cell of the confusion matrix than where the run is right."""

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
    """The words of a cell's rows against those of others."""

    rows: int
    """In the cell."""
    others: int
    """Rows that they are compared with."""
    against: str
    """Which these are, as in 'rows of joy that are right' after 'rows'."""
    words: list[WordOdds]
    """The most typical of the cell first."""


def of_cell(of: Examined, true: int, predicted: int) -> CellWords:
    """Return the words of the rows of class `true` predicted as `predicted`, compared with the correct rows of that class.

    Of a class that is never right it is all other rows, and of the right rows those of the class that are wrong. The prior has the
    shares of all words of the split. It reads every text of the split: not for the event loop.
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
