"""The dataset browser: rows, classes, lengths and problems of the open data set."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static
from textual.worker import WorkerCancelled, WorkerFailed

from ...core.errors import UserError
from ...core.safe_text import cell_width, safe_line, safe_text
from ..field_names import by_fields
from ..page import Page
from ..theme import class_looks
from ..widgets.key_legend import KeyLegend
from ..widgets.problem_list import ProblemList
from ..widgets.reading import Reading
from ..widgets.text_field import LineField
from .dataset_side import DatasetSide
from .label_keys import LABEL_KEYS, LabelKeys, legend

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.overlay import Place
    from ...core.data.overlay_edit import Editor
    from ...core.data.table import Dataset, Split
    from ..widgets.label_look import LabelLook
    from ..widgets.row_table import RowTable

PAUSE = 0.12
"""Seconds without a key before a filter takes effect: half a word is rarely what is meant."""
_FILTERS = "words, label:NAME, len>40, regex:PATTERN, split:NAME"
_SHOWN = 4_000
"""Characters of a text that are shown whole under the table."""


class DatasetScreen(Page, LabelKeys):
    """Screen 1: rows of one split under a filter; charts and counts follow both."""

    MODE = "dataset"
    CSS_PATH = "dataset.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "shrink", "small", tooltip="every panel in its place again", id="shrink"),
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
        # The border of the text says these two, and ctrl+g.
        Binding("t", "app.tokens", "tokens", tooltip="the tokens of this row", show=False, id="row_tokens"),
        Binding("p", "app.prompt", "prompt", tooltip="classify this row", show=False, id="row_prompt"),
        *LABEL_KEYS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._split = ""
        self._table: RowTable | None = None
        self._found: dict[str, Any] | None = None
        self._why = ""
        self._measured: Dataset | None = None
        self._following: Place | None = None
        """The row to go on to once the one under the cursor is decided."""

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
        self.query_one("#filter", Input).cursor_blink = False
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

    # --- facts ---------------------------------------------------------------------------------------------

    def _show_wait(self) -> None:
        """Say in the place of the rows what is being read, or why there are none."""
        state = self.state
        place = self.query_one("#wait", Static)
        place.display = self._table is None
        if state.data_error and state.dataset is not None:
            self._complain(f"not opened: {by_fields(state.data_error)}")
        if self._table is not None:
            return
        if state.data_error:
            text = Text("cannot open the data set\n\n", "bold").append(safe_text(by_fields(state.data_error)), "")
            text.append("\n\nPress o to read it otherwise, or to open another one.", "dim")
            if "label" in str(state.data_error):
                text.append("\nPress l to label its texts by hand.", "dim")
            place.update(text)
        elif state.loading is not None:
            done, total = state.loading.done, state.loading.total
            share = f"  {100 * done / total:.0f} %" if total else ""
            place.update(Text(f"{_PHASES.get(state.loading.phase, state.loading.phase)}{share}"))
        elif state.dataset is None:
            place.update(Text((files("emotui.tui.text") / "dataset_empty.md").read_text("utf-8")))

    def show_dataset(self, dataset: Dataset) -> None:
        if dataset is self._measured:
            return
        from ...core.data import overlay
        from ..widgets.row_table import RowTable

        if self._measured is not None and self._table is not None and overlay.is_of_same_source(self._measured, dataset):
            self._show_relaid(self._measured, dataset)
            return
        self._measured, self._found, self._why = dataset, None, ""
        if self._split not in dataset.splits:
            self._split = next(iter(dataset.splits))
        field = self.query_one("#filter", Input)
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
        self.query_one(DatasetSide).open(dataset)

    def _show_relaid(self, before: Dataset, dataset: Dataset) -> None:
        """Show the same rows after a decision about them; the rows of a filter stay those that it found."""
        from ...core.data.overlay import moved

        at = self._table.index if self._table is not None else None
        now = None if at is None else moved(before, dataset, self._split, [at])
        self._measured = dataset
        if self._found is not None:
            self._found = {name: moved(before, dataset, name, rows) for name, rows in self._found.items()}
        side = self.query_one(DatasetSide)
        side.follow(dataset, dataset.splits[self._split], self._found)
        self._show_rows(at=int(now[0]) if now is not None and len(now) else at, stay=True)

    # --- labels by key -------------------------------------------------------------------------------------

    def looks_to_give(self) -> tuple[LabelLook, ...]:
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
        dataset, table, faults = self.state.dataset, self._table, self.query_one(DatasetSide).faults
        if dataset is None or table is None or table.index is None or faults is None:
            return None
        from .dataset_faults import WAY

        found = faults.suggested.get(self.state.decisions.editor(dataset).place(self._split, table.index))
        return None if found is None else (*found, WAY)

    def action_faults(self) -> None:
        self.query_one(DatasetSide).toggle_faults()

    def show_labelling(self) -> None:
        place = self.query_one(KeyLegend)
        place.set_class(self.is_labelling, "-open")
        suggests = "as suggested" if self.query_one(DatasetSide).faults is not None else ""
        place.show(legend(self.looks_to_give(), self.app.theme_variables["accent"], suggests=suggests))
        if self._table is not None:
            self._table.focus()

    def show_model(self, _: str) -> None:
        self.query_one(DatasetSide).count_tokens()

    def show_theme(self) -> None:
        if self.state.dataset is not None:
            self._show_rows(at=self._table.index if self._table else None)
            self.query_one(DatasetSide).look_for_problems()

    # --- rows and figures ----------------------------------------------------------------------------------

    def _show_rows(self, *, at: int | None = None, stay: bool = False) -> None:
        """Show the rows of the split and filter in force, and count them; with `stay` later, and with the rows where they are."""
        dataset, part = self.state.dataset, self._part
        if dataset is None or part is None or self._table is None:
            return
        marked = dataset.overlay.decisions_in(self._split) if dataset.overlay is not None else ()
        self._table.show(part, self._indices, class_looks(dataset.labels, dark=self.state.dark), at=at, marked=marked, stay=stay)
        self._name_splits(dataset)
        if not stay:
            self.query_one(DatasetSide).show(part, self._found)

    def _name_splits(self, dataset: Dataset) -> None:
        primary = self.app.theme_variables["primary"]

        def titled(form: int) -> Text:
            title = Text()
            for name, split in dataset.splits.items():
                rows = f"{len(split):,}"
                if self._found is not None:
                    found = f"{len(self._found.get(name, ())):,}"
                    rows = f"{found} of {rows}" if form == 0 or name == self._split else found
                title.append(" ─ " if title else "")
                here = name == self._split
                title.append(
                    f" {name} {rows} " if here else name if form == 2 else f"{name} {rows}", f"bold reverse {primary}" if here else "dim"
                )
            return title

        room = self.query_one("#rows").size.width - 4
        # The other splits lose figures first, so that the one in sight never does.
        title = next((title for title in map(titled, range(3)) if title.cell_len <= room), titled(2))
        panel = self.query_one("#rows")
        panel.border_title = Text().append_text(title)
        panel.border_subtitle = Text(safe_line(self._why, 60)) if self._why else Text(_features(dataset))

    # --- keys ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if (may := self.may_act(action, parameters)) is not None:
            return may
        if action == "queue":
            return not self.is_labelling and self.state.spec is not None
        if self.is_labelling and (action in ("unit", "save") or (action in ("shrink", "clear") and not isinstance(self.focused, Input))):
            return False  # their keys undo, leave out, and end the labelling
        if action == "shrink":
            return self.is_enlarged
        if action == "clear":
            return self.is_enlarged or self._found is not None or self._is_faulty or self.query_one("#filter", Input).has_class("-open")
        return True

    def action_split(self, by: int) -> None:
        if self.state.dataset is not None:
            names = list(self.state.dataset.splits)
            self._split = names[(names.index(self._split) + by) % len(names)]
            self._show_rows()

    def action_unit(self) -> None:
        self.query_one(DatasetSide).next_unit()

    def action_filter(self) -> None:
        self.action_shrink()
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()

    def action_clear(self) -> None:
        """Leave the filter line; without one being typed, end the filter. A large panel gets its own place first."""
        if self.is_enlarged:
            self.action_shrink()
            return
        field = self.query_one("#filter", Input)
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
        from .open_data import OpenData

        await self.app.push_screen(OpenData())

    @work(exclusive=True, group="queue")
    async def action_queue(self) -> None:
        """Open the queue of the texts without a label, with the labels of before, or else those that are asked for."""
        from ...core.data import labelling
        from .label_example import LabelNames
        from .label_queue import LabelQueue

        if (spec := self.state.spec) is None:
            return

        async def begin(names: tuple[str, ...] = ()) -> None:
            await self.app.push_screen(LabelQueue(await asyncio.to_thread(labelling.begin, spec, names)))

        def named(names: tuple[str, ...]) -> None:
            self.run_worker(self._tell(begin(names)), exclusive=True, group="queue")

        try:
            await begin()
        except labelling.NoLabelsError as error:
            await self.app.push_screen(LabelNames(by_fields(error), named))
        except UserError as error:
            self.state.say(by_fields(error), problem=True)

    async def _tell(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry something out, and say why it cannot be."""
        try:
            await work
        except UserError as error:
            self.state.say(by_fields(error), problem=True)

    async def action_save(self) -> None:
        from .save_rows import SaveRows

        with suppress(WorkerCancelled, WorkerFailed):  # the rows of the line that is shown, not of the one before
            await self.workers.wait_for_complete([each for each in self.workers if each.group == "filter"])
        if self.state.dataset is not None:
            await self.app.push_screen(SaveRows(self.state.dataset, self._found, self._split))

    async def action_go_to(self) -> None:
        from .go_to_row import GoToRow

        if self._part is not None and len(self._part):
            await self.app.push_screen(GoToRow(self._split, len(self._part), self._go_to))

    def _go_to(self, row: int) -> str:
        """Put the cursor on a row of the split by its number; return why that cannot be, '' where it is done."""
        if self._table is None or not self._table.go_to(row):
            return f"row {row:,} does not meet the filter: esc, then esc again shows all rows"
        return ""

    @on(Input.Submitted, "#filter")
    def _filter_taken(self, message: Input.Submitted) -> None:
        from ...core.data import filters

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
        """Show the rows that meet `line`: at once where it is `submitted`, else when nothing more is typed for a moment."""
        from ...core.data import filters

        await asyncio.sleep(0.0 if submitted else PAUSE)
        dataset = self.state.dataset
        if dataset is None:
            return
        try:
            query = filters.parse(line)
            lengths = self.query_one(DatasetSide).lengths
            tokens = lengths.tokens if lengths is not None else None
            found = await asyncio.to_thread(filters.select, dataset, query, tokens=tokens) if query.terms else None
        except UserError as error:
            self._complain(by_fields(error))
            if submitted:
                self.query_one("#filter", Input).focus()
            return
        self._complain("")
        self._found, self._why = found, ""
        if found is not None and not len(found[self._split]):
            self._split = next((name for name, rows in found.items() if len(rows)), self._split)
        self._show_rows()
        self.refresh_bindings()

    def on_problem_list_chosen(self, message: ProblemList.Chosen) -> None:
        """Show the rows of a problem as a filter does; escape ends it."""
        import numpy as np

        from ...core.data.overlay import moved

        problem, dataset = message.problem, self.state.dataset
        if dataset is None or self._table is None or not problem.rows:
            self.state.say("this problem has no rows of its own: see the counts of the classes")
            return
        with self.prevent(Input.Changed):
            self.query_one("#filter", Input).value = ""
        self.action_shrink()
        self._split = problem.split
        side = self.query_one(DatasetSide)
        found_in, positions = side.rows_of(problem)
        is_fault = side.faults is not None and found_in is side.faults.dataset and problem in side.faults.problems
        rows = np.asarray(positions, np.int64)  # of a fault in the order of the doubt
        rows = moved(found_in or dataset, dataset, problem.split, rows if is_fault else np.unique(rows))
        self._found = {name: rows if name == problem.split else np.array([], np.int64) for name in dataset.splits}
        self._why = problem.message
        self._show_rows()
        self._table.focus()
        if is_fault:
            self.run_worker(self._label_now(), exclusive=True, group="labelling")

    def _show_row(self, index: int | None) -> None:
        dataset, part = self.state.dataset, self._part
        panel = self.query_one("#text", Reading)
        if dataset is None or part is None or index is None:
            panel.border_title = Text("text")
            self._show_text(Text("no row meets the filter" if self._found is not None else "no rows", "dim"))
            return
        row = part.row(index)
        look = class_looks(dataset.labels, dark=self.state.dark)[row.label]
        room = min(28, cell_width(look.name) + look.id_cells + 2)
        title = Text(f"row {row.index:,}: ").append_text(look.text(room, numbered=True))
        decision = dataset.overlay.decision(part.name, index) if dataset.overlay is not None else None
        if decision is not None:
            was = f"was {safe_line(decision.old, 24)}" if decision.old else "had no label"
            title.append(f", {was} ({decision.by})" if decision.old != row.name else ", confirmed")
        elif (suggested := self.suggestion()) is not None:
            title.append(f", rather {safe_line(suggested[0], 24)}? {100 * suggested[1]:.0f} % (L, 0: yes)")
        panel.border_title = title
        panel.border_subtitle = Text("t: tokens  p: classify it  L: label  ^g: row")
        text = Text(safe_text(row.text[:_SHOWN]).expandtabs(4))
        if len(row.text) > _SHOWN:
            text.append(f"\n… and {len(row.text) - _SHOWN:,} more characters", "dim")
        self._show_text(text)
        panel.scroll_home(animate=False)

    def _show_text(self, text: Text) -> None:
        """Show a text, and lay the screen out anew only where there is more of it than room, or was: that takes as long as the rest."""
        panel, full = self.query_one("#text", Reading), self.query_one("#full", Static)
        room, before = panel.content_size.height, full.size.height
        full.update(text, layout=False)
        if max(before, full.get_content_height(panel.size, self.size, full.size.width)) > room or not room:
            full.refresh(layout=True)

    # --- the filter's fault --------------------------------------------------------------------------------

    _is_faulty = False

    def _complain(self, message: str) -> None:
        fault = self.query_one("#fault", Static)
        self._is_faulty = bool(message)
        fault.set_class(self._is_faulty, "-open")
        fault.update(Text(safe_text(message)))


_PHASES = {"read": "reading the data set", "download": "downloading the data set"}


def _features(dataset: Dataset) -> str:
    return ", ".join(f"{safe_line(name, 20)} {safe_line(kind, 24)}" for name, kind in list(dataset.features.items())[:3])
