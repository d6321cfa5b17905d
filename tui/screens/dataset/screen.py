"""The dataset browser: its keys, and what they do to the shown rows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Input
from textual.worker import WorkerCancelled, WorkerFailed

from ....core.errors import UserError
from ...field_names import by_fields
from ...theme import class_looks
from ...widgets.key_legend import KeyLegend
from ...widgets.problem_list import ProblemList
from ..label_keys import LABEL_KEYS, LabelKeys, legend
from .page import DatasetPage
from .rows import first_with_rows, met, of_problem

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.overlay import Place
    from ....core.data.overlay_edit import Editor
    from ...widgets.label_look import LabelLook

PAUSE = 0.12
"""Seconds without a key before a filter takes effect, so that half a word has none."""
_FILTERS = "words, label:NAME, len>40, regex:PATTERN, split:NAME"


class DatasetScreen(DatasetPage, LabelKeys[None]):
    """Screen 1."""

    MODE = "dataset"
    CSS_PATH = "dataset.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "shrink", "small", tooltip="restore the layout of the panels", id="shrink"),
        Binding("escape", "clear", "all rows", tooltip="end the filter", id="clear"),
        Binding("slash", "filter", "filter", key_display="/", tooltip=f"filter rows: {_FILTERS}", id="filter"),
        Binding("right_square_bracket", "split(1)", "split", key_display="[ ]", tooltip="the next split", id="split_after"),
        Binding("left_square_bracket", "split(-1)", "split", key_display="[", tooltip="the split before", show=False, id="split_before"),
        Binding("u", "unit", "unit", tooltip="lengths in words, tokens or characters", id="unit"),
        Binding("z", "enlarge", "large", tooltip="the panel with the focus large, and back", id="enlarge"),
        Binding("ctrl+g,colon", "go_to", "row", tooltip="go to a row by its number", show=False, id="go_to_row"),
        Binding("o", "open", "open", tooltip="open another data set", id="open"),
        Binding("F", "faults", "faults", tooltip="look for wrong labels, outliers and other faults of rows", show=False, id="faults"),
        Binding("l", "queue", "label texts", tooltip="label the texts of this file that have no label", show=False, id="label_texts"),
        Binding("x", "save", "write", tooltip="write the rows that are shown to a file", show=False, id="save_rows"),
        # The border of the text shows these two, and ctrl+g.
        Binding("t", "app.tokens", "tokens", tooltip="the tokens of this row", show=False, id="row_tokens"),
        Binding("p", "app.prompt", "prompt", tooltip="classify this row", show=False, id="row_prompt"),
        *LABEL_KEYS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._following: Place | None = None
        """The row to move to once the one under the cursor is decided."""

    # --- labels by key -------------------------------------------------------------------------------------

    def label_looks(self) -> tuple[LabelLook, ...]:
        dataset = self.state.dataset
        return class_looks(dataset.labels, dark=self.state.dark) if dataset is not None and self._table is not None else ()

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        dataset, table = self.state.dataset, self._table
        if dataset is None or table is None:
            return None
        editor = self.state.decisions.editor(dataset)
        following = table.next_index
        self._following = None if following is None else editor.place(self._split, following)
        return editor, None if table.index is None else editor.place(self._split, table.index)

    def row_decided(self) -> None:
        dataset = self.state.dataset
        if dataset is None or dataset.overlay is None or self._table is None or self._following is None:
            return
        index = dataset.overlay.index(self._following)
        if index is not None:
            self._table.go_to(index)

    async def _label_now(self) -> None:
        if not self.is_labelling:
            await self.action_labelling()

    def suggestion(self) -> tuple[str, float, str] | None:
        dataset, table, faults = self.state.dataset, self._table, self._side.faults
        if dataset is None or table is None or table.index is None or faults is None:
            return None
        from .faults import WAY

        found = faults.suggested.get(self.state.decisions.editor(dataset).place(self._split, table.index))
        return None if found is None else (*found, WAY)

    def action_faults(self) -> None:
        self._side.toggle_faults()

    def show_labelling(self) -> None:
        place = self.query_one(KeyLegend)
        place.set_class(self.is_labelling, "-open")
        suggests = "as suggested" if self._side.faults is not None else ""
        place.show(legend(self.label_looks(), self.app.theme_variables["accent"], suggests=suggests))
        if self._table is not None:
            self._table.focus()

    # --- keys ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if (may := self.may_act(action, parameters)) is not None:
            return may
        if action == "queue":
            return not self.is_labelling and self.state.spec is not None
        if self.is_labelling and (action in ("unit", "save") or (action in ("shrink", "clear") and not isinstance(self.focused, Input))):
            return False  # their keys undo, leave out, and end labelling
        if action == "shrink":
            return self.is_enlarged
        if action == "clear":
            return self.is_enlarged or self._found is not None or self._is_faulty or self._field.has_class("-open")
        return True

    def action_split(self, by: int) -> None:
        if self.state.dataset is not None:
            names = list(self.state.dataset.splits)
            self._split = names[(names.index(self._split) + by) % len(names)]
            self._show_rows()

    def action_unit(self) -> None:
        self._side.next_unit()

    def action_filter(self) -> None:
        self.action_shrink()
        field = self._field
        field.add_class("-open")
        field.focus()

    def action_clear(self) -> None:
        """Leave the filter line, or, if none is being typed, clear the filter. An enlarged panel is restored first."""
        if self.is_enlarged:
            self.action_shrink()
            return
        field = self._field
        self._complain("")
        if not (field.has_focus and field.value and not self._is_faulty):
            with self.prevent(Input.Changed):
                field.value = ""
            field.remove_class("-open")
            if self._found is not None:
                at = self._table.index if self._table else None
                self._found, self._why = None, ""
                self._show_rows(at=at)
        if self._table is not None:
            self._table.focus()
        self.refresh_bindings()

    async def action_open(self) -> None:
        from ..open_data import OpenData

        await self.app.push_screen(OpenData())

    @work(exclusive=True, group="queue")
    async def action_queue(self) -> None:
        """Open the label queue with the labels used before, or else ask for them."""
        from ....core.data import labelling
        from ..label_example import LabelNames
        from ..label_queue import LabelQueue

        if (spec := self.state.spec) is None:
            return

        async def begin(names: tuple[str, ...] = ()) -> None:
            await self.app.push_screen(LabelQueue(await asyncio.to_thread(labelling.begin, spec, names)))

        def named(names: tuple[str, ...]) -> None:
            self.run_worker(self._or_notify(begin(names)), exclusive=True, group="queue")

        try:
            await begin()
        except labelling.NoLabelsError as error:
            await self.app.push_screen(LabelNames(by_fields(error), named))
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)

    async def _or_notify(self, work: Coroutine[Any, Any, None]) -> None:
        """Await `work`, and notify the user of a UserError."""
        try:
            await work
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)

    async def action_save(self) -> None:
        from ..save_rows import SaveRows

        with suppress(WorkerCancelled, WorkerFailed):  # the rows of the shown filter, not of the one before
            await self.workers.wait_for_complete([each for each in self.workers if each.group == "filter"])
        if self.state.dataset is not None:
            await self.app.push_screen(SaveRows(self.state.dataset, self._found, self._split))

    async def action_go_to(self) -> None:
        from ..go_to_row import GoToRow

        if self._part is not None and len(self._part):
            await self.app.push_screen(GoToRow(self._split, len(self._part), self._go_to))

    def _go_to(self, row: int) -> str:
        """Move the cursor to a row of the split by its number; return why that is impossible, '' if done."""
        if self._table is None or not self._table.go_to(row):
            return f"row {row:,} does not meet the filter: esc, then esc again shows all rows"
        return ""

    @on(Input.Submitted, "#filter")
    def _filter_taken(self, message: Input.Submitted) -> None:
        from ....core.data import filters

        try:
            filters.parse(message.value)
        except UserError as error:
            self._complain(by_fields(error))
            return
        self._filter(message.value, submitted=True)
        if self._table is not None:
            self._table.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._filter(message.value)

    @work(exclusive=True, group="filter")
    async def _filter(self, line: str, *, submitted: bool = False) -> None:
        """Show the rows that match `line`, at once if it was `submitted`, otherwise after a pause in typing."""
        await asyncio.sleep(0.0 if submitted else PAUSE)
        dataset = self.state.dataset
        if dataset is None:
            return
        try:
            lengths = self._side.lengths
            found = await asyncio.to_thread(met, dataset, line, lengths.tokens if lengths is not None else None)
        except UserError as error:
            self._complain(by_fields(error))
            if submitted:
                self._field.focus()
            return
        self._complain("")
        self._found, self._why = found, ""
        self._split = first_with_rows(found, self._split)
        self._show_rows()
        self.refresh_bindings()

    def on_problem_list_chosen(self, message: ProblemList.Chosen) -> None:
        """Show the rows of a problem as a filter does; Esc clears it."""
        problem, dataset = message.problem, self.state.dataset
        if dataset is None or self._table is None or not problem.rows:
            self.state.notify("this problem has no rows of its own: see the counts of the classes")
            return
        with self.prevent(Input.Changed):
            self._field.value = ""
        self.action_shrink()
        self._split = problem.split
        side = self._side
        found_in, _ = side.rows_of(problem)
        is_fault = side.faults is not None and found_in is side.faults.dataset and problem in side.faults.problems
        self._found = of_problem(problem, found_in or dataset, dataset, in_order=is_fault)  # faults are in order of doubt
        self._why = problem.message
        self._show_rows()
        self._table.focus()
        if is_fault:
            self.run_worker(self._label_now(), exclusive=True, group="labelling")
