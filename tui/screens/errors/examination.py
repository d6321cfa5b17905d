"""The state of the Errors screen: a run on a split, its figures, and the listed rows. It knows no terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.safe_text import safe_line
from ....core.shell import quote
from ....core.units import count
from ..choose_run import RunRef

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.runs.examined import Examined, Figures, NamedSlice
    from .reading import Read

VIEWS = ("matrix", "classes", "against", "slices", "calibration", "coverage")
"""The views of the figures, in order."""
SPLITS = ("validation", "test", "train")
PAIRS = ("both right", "only this right", "only that right", "both wrong")
"""The outcomes of two runs on a row."""


class Examination:
    """One run, or rung of a baseline, on one split, with the listed rows."""

    def __init__(self) -> None:
        self.ref: RunRef | None = None
        self.other: RunRef | None = None
        """The run to compare with; None for none."""
        self.split = SPLITS[0]
        self.found: Examined | None = None
        self.compared: Examined | None = None
        self.why_not_compared = ""
        self.figures: Figures | None = None
        """The figures of the rows that match the filter."""
        self.slices: list[NamedSlice] = []
        self.line = ""
        """The filter."""
        self.met: Any = None
        """The positions of the rows that match the filter, int64; None without a filter."""
        self.is_lowest_first = False
        self._title = ""
        self.cell: tuple[int, int] | None = None
        """The true and the predicted class of the listed rows, if a cell of the matrix was chosen."""
        self._chosen: Any = None
        """The rows behind the chosen figure, int64, if one was chosen."""

    def load(self, read: Read) -> None:
        """Take over what was read, with all its rows listed."""
        self.found, self.other, self.compared, self.why_not_compared = read
        self.met = self.figures = None
        self.forget_choice()

    def drop(self) -> None:
        """Become empty, because nothing could be read."""
        self.found = self.figures = None

    @property
    def rung(self) -> str:
        """The rung that is shown; '' if the run has none."""
        return self.found.predictions.rung if self.found is not None else self.ref.rung if self.ref is not None else ""

    @property
    def rows(self) -> Any:
        """The positions of the rows that match the filter, int64, ascending."""
        import numpy as np

        return self.met if self.met is not None else np.arange(len(self.found.judged.truth) if self.found is not None else 0)

    @property
    def listed(self) -> Any:
        """The positions of those rows that are behind the chosen figure, int64, ordered by loss."""
        import numpy as np

        if self.found is None:
            return ()
        rows = self.rows if self._chosen is None else np.intersect1d(self.rows, self._chosen)
        return self.found.judged.by_loss(rows, lowest=self.is_lowest_first)

    def title(self, rows: int) -> str:
        """Return the title of the `rows` listed rows."""
        told = f": {self._title}" if self._title else ""
        return f"{count(rows, 'row')}{told}, the {'lowest' if self.is_lowest_first else 'highest'} loss first"

    # --- the rows behind a figure -----------------------------------------------------------------------------

    @property
    def has_choice(self) -> bool:
        return self._chosen is not None

    def forget_choice(self) -> None:
        """List all rows that match the filter."""
        self._title, self._chosen, self.cell = "", None, None

    def choose_cell(self, true: int, predicted: int) -> None:
        """List the rows of a cell of the confusion matrix."""
        if self.found is None:
            return
        self.cell = true, predicted
        judged = self.found.judged
        names = [safe_line(label, 20) for label in judged.labels]
        self._title = f"{names[true]} predicted as {names[predicted]}" if true != predicted else f"{names[true]}, predicted right"
        self._chosen = judged.cell(true, predicted)

    def choose_line(self, view: str, index: int) -> None:
        """List the rows behind a line of a view's figures."""
        found, figures = self.found, self.figures
        if found is None or figures is None:
            return
        import numpy as np

        from ....core.figures import calibration

        judged = found.judged
        self.forget_choice()
        match view:
            case "classes":
                self._title = f"{safe_line(judged.labels[index], 20)}, labelled or predicted"
                self._chosen = np.flatnonzero((judged.truth == index) | (judged.predicted == index))
            case "against" if self.compared is not None:
                one, other = judged.right, self.compared.judged.right
                self._title = PAIRS[index]
                self._chosen = np.flatnonzero((one & other, one & ~other, ~one & other, ~one & ~other)[index])
            case "slices" if index < len(self.slices) and self.slices[index].rows is not None:
                self._title, self._chosen = f"slice {safe_line(self.slices[index].name, 24)}", self.slices[index].rows
            case "calibration":
                edge = figures.bins[index]
                self._title = f"{100 * edge.low:.0f} to {100 * edge.high:.0f} % sure"
                self._chosen = np.flatnonzero(calibration.bin_of(judged.confidence) == index)
            case "coverage":
                threshold = figures.covered[index].threshold
                self._title = f"at least {threshold:g} sure"
                self._chosen = np.flatnonzero(judged.confidence >= threshold)
            case _:
                pass

    def command(self, view: str, index: int | None) -> str:
        """Return the command line that prints what a view shows, or that predicts with the threshold on its line `index`."""
        name = self.found.predictions.name if self.found is not None else Path(self.ref.folder).name if self.ref is not None else ""
        if view == "coverage" and index is not None and self.figures is not None:
            return f"emotui predict {quote(name)} --threshold {self.figures.covered[index].threshold:g}"
        words = f"emotui errors {quote(name)} --split {self.split}"
        words += f" --where {quote(self.line)}" if self.line else ""
        return words + (f" --against {quote(self.compared.predictions.name)}" if self.compared is not None and view == "against" else "")
