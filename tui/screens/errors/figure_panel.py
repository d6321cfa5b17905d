"""The figures of a run's errors: the confusion matrix and the tables, one at a time."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import ContentSwitcher

from ...widgets.confusion import Confusion
from ...widgets.confusion_places import Matrix
from ...widgets.figure_table import FigureTable
from ...widgets.label_look import LabelLook
from .examination import VIEWS, Examination


class FigurePanel(ContentSwitcher):
    """Shows the figures of an examination in one of VIEWS."""

    def __init__(self) -> None:
        tables = (FigureTable(id=name) for name in VIEWS[1:])
        super().__init__(Confusion(id="matrix"), *tables, initial=VIEWS[0], id="figures", classes="panel")

    def on_mount(self) -> None:
        self._name_view()

    @property
    def view(self) -> str:
        """The name of the shown view."""
        return self.current or VIEWS[0]

    @property
    def matrix(self) -> Confusion:
        return self.query_one("#matrix", Confusion)

    def line_of(self, view: str) -> int | None:
        """Return the index of the line under the cursor of a table; None if there is none."""
        return self.query_one(f"#{view}", FigureTable).index

    def turn_to(self, view: str) -> None:
        """Show another view and focus it."""
        self.current = view
        self._name_view()
        self.forget_lines()
        if view == "matrix":
            self.matrix.focus()
        else:
            self.query_one(f"#{view}", FigureTable).focus_lines()

    def forget_lines(self) -> None:
        """Remove the cursors of the tables."""
        for table in self.query(FigureTable):
            table.forget()

    def show(self, seen: Examination, title: str, looks: tuple[LabelLook, ...]) -> None:
        """Draw the figures of `seen`; `title` names the matrix, and `looks` its classes."""
        from . import figure_lines

        found, figures, view = seen.found, seen.figures, self.view
        if found is None or figures is None:
            self.matrix.show(None)
            for each in self.query(FigureTable):
                each.show(Text("no rows" if found is not None else ""), [])
            return
        self.matrix.show(Matrix(title, looks, figures.metrics.confusion))
        if view == "matrix":
            return
        table, colors = self.query_one(f"#{view}", FigureTable), self.app.theme_variables
        width = max(30, self.content_size.width)
        match view:
            case "classes":
                table.show(*figure_lines.classes(figures, looks, width))
            case "against":
                that = seen.compared.predictions.name if seen.compared is not None else ""
                pair, rows = figures.pair, figures.metrics.rows
                table.show(*figure_lines.against(found.predictions.name, that, pair, seen.why_not_compared, rows, width))
            case "slices":
                table.show(*figure_lines.slices(seen.slices, width, colors["warning"]))
            case "calibration":
                table.show(*figure_lines.calibration(figures, found.temperature, width, colors))
            case _:
                table.show(*figure_lines.coverage(figures.covered, width))

    def _name_view(self) -> None:
        self.border_title = Text("confusion matrix" if self.view == "matrix" else self.view)
