"""Keys that label the nearest training rows shown on the page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import work

from ....core.errors import UserError
from ....core.questions import NearRow
from ....core.runs.folder import RunFolder
from ...field_names import by_fields
from ...widgets.figure_table import FigureLines
from ...widgets.key_legend import KeyLegend
from ...widgets.label_look import LabelLook
from ..label_keys import LabelKeys, legend
from .explanation import Explanation, Subject
from .page import WhyLook

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.overlay import Place
    from ....core.data.overlay_edit import Editor
    from ..row_labels import RowLabels

REST = ("choose_class", "turn_class", "sort", "turn_rung", "copy", "back")
"""Actions that are disabled while keys give labels."""


class NearLabels(WhyLook, LabelKeys[str | None]):
    """Lets keys label training rows, once the rows that the run was trained on have been read."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._labels: tuple[Explanation, RowLabels] | None = None
        """The training rows of the run, and the explanation that they belong to."""

    @property
    def _row_labels(self) -> RowLabels | None:
        return self._labels[1] if self._labels is not None and self._labels[0] is self.of and self.in_sight == "neighbours" else None

    @property
    def near_row(self) -> NearRow | None:
        """The training row under the cursor."""
        near, at = self.of.near, self._near_lines.highlighted
        return near.rows[at] if self.in_sight == "neighbours" and near is not None and at is not None and at < len(near.rows) else None

    @property
    def _near_lines(self) -> FigureLines:
        return self.query_one("#why-neighbours FigureLines", FigureLines)

    @work(exclusive=True, group="labels")
    async def read_training_rows(self) -> None:
        """Read the rows that the run was trained on, so that the user can decide about them."""
        from ....core.runs import measured
        from ..row_labels import RowLabels

        of, opened = self.of, self.state.dataset
        run = RunFolder(Path(of.subject.ref.folder))
        if of.near is None or (self._labels is not None and self._labels[0] is of):
            return
        try:
            rows = await asyncio.to_thread(lambda: measured.rows(run, run.read_spec(), "train", opened))
            labels = RowLabels(self.state.decisions.editor(rows.dataset), rows)
            await asyncio.to_thread(labels.editor.follow)
        except UserError as error:
            self.state.notify(f"these rows cannot be given labels: {by_fields(error)}", problem=True)
            return
        if all(each.row < len(rows.split) and rows.split.row(each.row).text == each.text for each in of.near.rows):
            self._labels = of, labels
            self.refresh_bindings()

    def mark_of(self, row: int) -> Text | None:
        """Return the mark of a decision made about a training row since the run; None if there is none."""
        return self._labels[1].mark(row, self._looks) if self._labels is not None and self._labels[0] is self.of else None

    # --- labels by key ------------------------------------------------------------------------------------

    def label_looks(self) -> tuple[LabelLook, ...]:
        return self._looks if self._row_labels is not None else ()

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        labels, row = self._row_labels, self.near_row
        return None if labels is None else (labels.editor, None if row is None else labels.place(row.row))

    def row_decided(self) -> None:
        self._draw_rows()
        self._near_lines.action_cursor_down() if self._near_lines.highlighted != self._near_lines.option_count - 1 else None

    def decision_undone(self) -> None:
        self._draw_rows()

    def show_labelling(self) -> None:
        place = self.query_one(KeyLegend)
        place.display = self.is_labelling
        place.show(legend(self.label_looks(), self.app.theme_variables["accent"]))
