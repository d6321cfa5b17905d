"""The widgets of the dataset browser, and how facts and rows are shown in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from ....core.safe_text import safe_line, safe_text
from ...field_names import by_fields
from ...page import Page
from ...theme import class_looks
from ...widgets.key_legend import KeyLegend
from ...widgets.reading import Reading
from ...widgets.redraw import set_text, set_titles
from ...widgets.text_field import LineField
from . import words
from .rows import Found, after_decision
from .side import DatasetSide

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from typing import Any

    from ....core.data.table import Dataset, Split
    from ...widgets.row_table import RowTable


class DatasetPage(Page):
    """Rows of one split under a filter; charts and counts follow both."""

    def __init__(self) -> None:
        super().__init__()
        self._split = ""
        self._table: RowTable | None = None
        self._found: Found | None = None
        self._why = ""
        self._measured: Dataset | None = None
        self._is_faulty = False
        """Whether the typed filter is invalid."""

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="browser"):
            with Vertical(id="left"):
                with Vertical(id="rows", classes="panel"):
                    yield LineField(placeholder="words  label:joy  len>40  regex:^i  split:test", id="filter", compact=True)
                    yield Static(id="fault", markup=False)
                    yield Static(id="wait", markup=False)
                    yield KeyLegend(id="legend")
                with Reading(id="text", classes="panel text"):
                    yield Static(id="full", markup=False)
            yield DatasetSide(id="right")

    def on_mount(self) -> None:
        super().on_mount()
        self._field.cursor_blink = False
        self.query_one("#text").border_title = Text("text")
        self.watch(self.state, "loading", self._show_wait)
        self.watch(self.state, "data_error", self._show_wait, init=False)
        self._show_wait()

    # --- what is there -------------------------------------------------------------------------------------

    def text_in_hand(self) -> str | None:
        index = self._table.index if self._table is not None else None
        return self._part.row(index).text if index is not None and self._part is not None else None

    def texts_after(self) -> tuple[str, ...]:
        return self._table.texts_after(15) if self._table is not None else ()

    @property
    def _part(self) -> Split | None:
        dataset = self.state.dataset
        return dataset.splits.get(self._split) if dataset is not None else None

    @property
    def _indices(self) -> Any:
        return None if self._found is None else self._found.get(self._split)

    @property
    def _side(self) -> DatasetSide:
        return self.query_one(DatasetSide)

    @property
    def _field(self) -> Input:
        return self.query_one("#filter", Input)

    def suggestion(self) -> tuple[str, float, str] | None:
        """Return the suggested label of the row under the cursor, its probability and its source; None if there is none."""
        return None

    # --- facts ---------------------------------------------------------------------------------------------

    def _show_wait(self) -> None:
        """Show in place of the rows what is being read, or why there are none."""
        state, place = self.state, self.query_one("#wait", Static)
        place.display = self._table is None
        if state.data_error and state.dataset is not None:
            self._complain(f"not opened: {by_fields(state.data_error)}")
        if self._table is None and (state.data_error or state.loading is not None or state.dataset is None):
            place.update(words.waiting(state.data_error, state.loading))

    def show_dataset(self, dataset: Dataset) -> None:
        if dataset is self._measured:
            return
        from ....core.data import overlay
        from ...widgets.row_table import RowTable

        if self._measured is not None and self._table is not None and overlay.is_of_same_source(self._measured, dataset):
            self._show_relaid(self._measured, dataset)
            return
        self._measured, self._found, self._why = dataset, None, ""
        if self._split not in dataset.splits:
            self._split = next(iter(dataset.splits))
        field = self._field
        with self.prevent(Input.Changed):
            field.value = ""
        field.remove_class("-open")
        self._complain("")
        if self._table is None:
            self._table = RowTable(id="table")
            self.query_one("#rows").mount(self._table, before="#legend")
            self.watch(self._table, "index", self._show_row, init=False)
        self.query_one("#wait").display = False
        self._show_rows()
        if self.focused is None:
            self._table.focus()
        self._side.open(dataset)

    def _show_relaid(self, before: Dataset, dataset: Dataset) -> None:
        """Show the same rows after a decision about them; those found by a filter stay, even if they no longer match."""
        from ....core.data.overlay import moved

        at = self._table.index if self._table is not None else None
        now = None if at is None else moved(before, dataset, self._split, [at])
        self._measured = dataset
        self._found = after_decision(self._found, before, dataset)
        self._side.follow(dataset, dataset.splits[self._split], self._found)
        self._show_rows(at=int(now[0]) if now is not None and len(now) else at, stay=True)

    def show_model(self, _: str) -> None:
        self._side.count_tokens()

    def show_theme(self) -> None:
        if self.state.dataset is not None:
            self._show_rows(at=self._table.index if self._table else None)
            self._side.find_problems()

    # --- rows and figures ----------------------------------------------------------------------------------

    def _show_rows(self, *, at: int | None = None, stay: bool = False) -> None:
        """Show the rows of the current split and filter, and count them; with `stay` they keep their positions and are counted later."""
        dataset, part = self.state.dataset, self._part
        if dataset is None or part is None or self._table is None:
            return
        marked = dataset.overlay.decisions_in(self._split) if dataset.overlay is not None else ()
        self._table.show(part, self._indices, class_looks(dataset.labels, dark=self.state.dark), at=at, marked=marked, stay=stay)
        panel = self.query_one("#rows")
        color = self.app.theme_variables["primary"]
        title = words.split_names(dataset, self._split, self._found, panel.size.width - 4, color)
        set_titles(panel, title, Text(safe_line(self._why, 60) if self._why else words.features(dataset)))
        if not stay:
            self._side.show(part, self._found)

    def _show_row(self, index: int | None) -> None:
        dataset, part = self.state.dataset, self._part
        panel = self.query_one("#text", Reading)
        if dataset is None or part is None or index is None:
            set_titles(panel, Text("text"))
            set_text(self.query_one("#full", Static), Text("no row meets the filter" if self._found is not None else "no rows", "dim"))
            return
        row = part.row(index)
        look = class_looks(dataset.labels, dark=self.state.dark)[row.label]
        title = words.row_title(dataset, part, index, look, self.suggestion)
        set_titles(panel, title, Text("t: tokens  p: classify it  L: label  ^g: row"))
        set_text(self.query_one("#full", Static), words.row_text(row.text))
        panel.scroll_home(animate=False)

    def _complain(self, message: str) -> None:
        """Show below the filter line what is wrong with it; '' for nothing."""
        fault = self.query_one("#fault", Static)
        self._is_faulty = bool(message)
        fault.set_class(self._is_faulty, "-open")
        fault.update(Text(safe_text(message)))
