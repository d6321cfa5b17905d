"""Decisions about the rows of a run that were made since it was started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ...core.safe_text import safe_line
from ..widgets.label_look import LabelLook

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.overlay import Place
    from ...core.data.overlay_edit import Editor
    from ...core.data.overlay_log import Decision
    from ...core.runs.measured import Rows


class RowLabels:
    """The rows that a run was evaluated on, and the editor of decisions about them."""

    def __init__(self, editor: Editor, rows: Rows) -> None:
        self.editor = editor
        self._rows = rows

    def place(self, row: int) -> Place:
        """Return the place in the source of a row, given its position in the split as the run had it."""
        from ...core.data.overlay import Place

        laid = self._rows.dataset.overlay
        return Place(self._rows.split.name, row) if laid is None else laid.place(self._rows.split.name, row)

    def decision(self, row: int) -> Decision | None:
        """Return the decision about a row since the run was started; None if there is none."""
        place, now = self.place(row), self.editor.dataset.overlay
        if now is None:
            return None
        decision, laid = now.decided.get(place), self._rows.dataset.overlay
        return None if decision is None or (laid is not None and laid.decided.get(place) == decision) else decision

    def mark(self, row: int, looks: Sequence[LabelLook]) -> Text | None:
        """Return the mark of the decision about a row; None if there is none."""
        decision = self.decision(row)
        if decision is None:
            return None
        look = next((each for each in looks if each.name == decision.new), None)
        if look is None:
            return Text("* left out", "bold")
        return Text(f"* {look.glyph} {safe_line(look.name, 16)}", f"bold {look.color}")
