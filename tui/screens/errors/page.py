"""The widgets of the Errors screen, how they are drawn, and which rows are listed for a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ....core.runs import rungs
from ....core.runs.state import RunView
from ....core.safe_text import safe_line
from ...page import Page
from ...widgets.confusion import Confusion
from ...widgets.figure_table import FigureTable
from ...widgets.tab_line import TabLine
from ..run_words import name_of
from .examination import VIEWS, Examination
from .facts_line import facts
from .figure_panel import FigurePanel
from .keys import HINTS
from .row_panel import RowPanel
from .row_text import RowText

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ...widgets.label_look import LabelLook
    from ..row_labels import RowLabels

_EMPTY = """No run has a model yet.

3, then n   starts one. When it has finished, its errors are here: the rows that it gets wrong, which
classes it confuses, how sure it is, and where it does worse than elsewhere."""


class ErrorsPage(Page):
    """Shows an examination: its figures, and the rows behind the chosen one."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Examination()
        self._labels: RowLabels | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(Text(_EMPTY), id="errors-empty", markup=False)
        with Vertical(id="errors"):
            yield Static(id="errors-facts", markup=False)
            yield TabLine(hints=HINTS, id="errors-tabs")
            with Horizontal(id="errors-upper"):
                yield FigurePanel()
                yield RowPanel()
            yield RowText()

    def on_mount(self) -> None:
        self._rows.list.mark = lambda row: self._labels.mark(row, self._looks) if self._labels is not None else None
        self.watch(self._rows.list, "row", self._show_row, init=False)
        self.query_one(TabLine).show(VIEWS, self.view)

    # --- parts --------------------------------------------------------------------------------------------

    @property
    def _figures(self) -> FigurePanel:
        return self.query_one(FigurePanel)

    @property
    def _rows(self) -> RowPanel:
        return self.query_one(RowPanel)

    @property
    def view(self) -> str:
        """The name of the shown view."""
        return self._figures.view

    @property
    def listed(self) -> Any:
        """The positions of the listed rows, int64, in order."""
        return self._rows.list.rows

    @property
    def _run(self) -> RunView | None:
        ref = self.seen.ref
        return next((view for view in self.state.runs if ref is not None and view.folder == ref.folder), None)

    @property
    def _is_going(self) -> bool:
        return self._run is not None and self._run.is_live

    @property
    def _called(self) -> str:
        told = f" {rungs.short(self.seen.rung)}" if self.seen.rung else ""
        return f"{safe_line(name_of(self._run), 24) if self._run is not None else 'the run'}{told}"

    @property
    def _looks(self) -> tuple[LabelLook, ...]:
        from ...theme import class_looks

        return class_looks(self.seen.found.judged.labels, dark=self.state.dark) if self.seen.found is not None else ()

    # --- drawing ------------------------------------------------------------------------------------------

    def show_theme(self) -> None:
        self._draw()

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        self.call_after_refresh(self._draw_figures)

    def _wait(self, sentence: str) -> None:
        """Show a sentence on what is going on in place of the rows; '' shows the rows."""
        self._rows.wait(sentence)
        self._draw_facts()

    def _show_nothing(self, why: str) -> None:
        self.seen.drop()
        self._figures.matrix.show(None)
        self._rows.list.show(None, None, (), ())
        self._rows.border_title = Text("rows")
        self._draw_figures()
        self.refresh_bindings()
        self._wait(why)

    def _draw(self) -> None:
        self._draw_facts()
        self._draw_figures()
        self._list_rows(keep=True)

    def _draw_facts(self) -> None:
        self.query_one("#errors-facts", Static).update(facts(self.seen, self._called, self.app.theme_variables))

    def _draw_figures(self) -> None:
        self._figures.show(self.seen, f"{self._called}, {self.seen.split}", self._looks)

    def _list_rows(self, *, keep: bool = False) -> None:
        """List the chosen rows among those that match the filter; with `keep` the cursor stays on its row."""
        seen, found, rows = self.seen, self.seen.found, self.seen.listed
        if found is None:
            return
        self._rows.border_title = Text(seen.title(len(rows)))
        self._rows.border_subtitle = Text(safe_line(seen.line, 60))
        self._rows.list.show(found.predictions.rows.split, found.judged, rows, self._looks, keep=keep)

    def _show_row(self, row: int | None) -> None:
        self.query_one(RowText).show(self.seen.found, row, self._looks)

    # --- what is looked at --------------------------------------------------------------------------------

    def _turn_to(self, view: str) -> None:
        self._figures.turn_to(view)
        self.seen.forget_choice()
        self.query_one(TabLine).show(VIEWS, view)
        self._draw_figures()
        self._list_rows()
        self.refresh_bindings()

    @on(TabLine.Chosen)
    def _tab(self, event: TabLine.Chosen) -> None:
        self._turn_to(event.tab)

    @on(Confusion.Changed)
    def _cell_changed(self, event: Confusion.Changed) -> None:
        self.seen.choose_cell(*event.confusion.cursor)
        self._list_rows()

    @on(Confusion.Chosen)
    def _cell_chosen(self, event: Confusion.Chosen) -> None:
        self.seen.choose_cell(event.true, event.predicted)
        self._list_rows()
        self._rows.list.focus()

    @on(FigureTable.Looked)
    def _line_looked(self, event: FigureTable.Looked) -> None:
        self.seen.choose_line(event.table.id or "", event.index)
        self._list_rows()

    @on(FigureTable.Chosen)
    def _line_chosen(self, event: FigureTable.Chosen) -> None:
        self.seen.choose_line(event.table.id or "", event.index)
        self._list_rows()
        self._rows.list.focus()
