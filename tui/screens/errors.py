"""The errors of a run: figures beside the rows behind them, on any labelled split."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Input, Static

from ...core.errors import UserError
from ...core.questions import AskEvaluate, ProgressLine
from ...core.runs import rungs
from ...core.runs.folder import RunFolder
from ...core.runs.state import RunView
from ...core.safe_text import safe_line, safe_text
from ...core.shell import quote
from ...core.units import count, percent
from ..page import Page
from ..widgets.confusion import Confusion
from ..widgets.confusion_places import Matrix
from ..widgets.figure_table import FigureTable
from ..widgets.reading import Reading
from ..widgets.tab_line import TabLine
from ..widgets.text_field import LineField
from .choose_run import ChooseRun, RunRef, choices
from .label_keys import LABEL_KEYS, LabelKeys, legend
from .training_words import name_of

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ...core.data.overlay import Place
    from ...core.data.overlay_edit import Editor
    from ...core.data.overlay_log import Decision
    from ...core.data.table import Dataset
    from ...core.runs.examined import Examined, Figures, NamedSlice
    from ..widgets.judged_list import JudgedList
    from ..widgets.label_look import LabelLook

VIEWS = ("matrix", "classes", "against", "slices", "calibration", "coverage")
SPLITS = ("validation", "test", "train")
_REST = ("save", "split", "rung", "against", "end", "measure", "name", "fit", "copy", "remove")
"""Actions that rest while keys give labels."""
PAUSE = 0.12
"""Seconds without a key before a filter takes effect: half a word is rarely what is meant."""
_FILTERS = "words, label:NAME, predicted:NAME, wrong, loss>1, confidence<0.6, len>40, regex:PATTERN, split:NAME"
_HINTS = ("[ ] turns   s split   o run   a against   e best or worst", "[ ] turns  s split  o run", "[ ] turns")
_SHOWN = 4_000
"""Characters of a text that are shown whole under the list."""
_EMPTY = """No run has a model yet.

3, then n   starts one. When it has finished, its errors are here: the rows that it gets wrong, which
classes it confuses, how sure it is, and where it does worse than elsewhere."""


class ErrorsScreen(Page, LabelKeys):
    """Screen 5: one run, or rung of a baseline, on one split."""

    MODE = "errors"
    CSS_PATH = "errors.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "all rows", tooltip="a large panel small, the measurement off, the filter off", id="errors.back"),
        Binding("slash", "filter", "filter", key_display="/", tooltip=f"filter rows: {_FILTERS}", id="errors.filter"),
        Binding("right_square_bracket", "view(1)", "view", key_display="[ ]", tooltip="the next view of figures", id="errors.view_after"),
        Binding("left_square_bracket", "view(-1)", "view", show=False, tooltip="the view before", id="errors.view_before"),
        Binding("s", "split", "split", tooltip="the next split: validation, test, train", id="errors.split"),
        Binding("o", "run", "run", tooltip="choose the run", id="errors.run"),
        Binding("b", "rung", "rung", show=False, tooltip="the next rung of a baseline", id="errors.rung"),
        Binding("a", "against", "against", show=False, tooltip="the run to compare with, row by row", id="errors.against"),
        Binding("e", "end", "best or worst", show=False, tooltip="the highest or the lowest loss first", id="errors.end"),
        Binding("m", "measure", "measure", tooltip="measure the run on this split now", id="errors.measure"),
        Binding("n", "name", "name slice", show=False, tooltip="keep the filter under a name, as a slice", id="errors.name"),
        Binding("D", "remove", "remove slice", show=False, tooltip="remove the slice under the cursor", id="errors.remove"),
        Binding(
            "f", "fit", "temperature", show=False, tooltip="fit a temperature on validation and keep it, or forget it", id="errors.fit"
        ),
        Binding("y", "copy", "copy command", show=False, tooltip="the command line that prints this, or predicts so", id="errors.copy"),
        Binding("z", "enlarge", "large", tooltip="the panel with the focus large, and back", id="errors.enlarge"),
        Binding("x", "save", "write", show=False, tooltip="write the rows that are listed to a file", id="errors.save"),
        *LABEL_KEYS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ref: RunRef | None = None
        self._other: RunRef | None = None
        self._split = SPLITS[0]
        self._by_hand = False
        self._wanted: tuple[int, int] | None = None
        """A cell of the matrix whose rows were asked for on another screen."""
        self._examined: Examined | None = None
        self._compared: Examined | None = None
        self._why_not_compared = ""
        self._figures: Figures | None = None
        self._slices: list[NamedSlice] = []
        self._line = ""
        self._found: Any = None
        """The rows that meet the filter, int64; None without one."""
        self._chosen: tuple[str, Any] = ("", None)
        """What the rows behind a figure are called, and which they are."""
        self._lowest = False
        self._list: JudgedList | None = None
        self._is_faulty = False
        self._editor: Editor | None = None
        """Decides about rows of the data set that the run was measured on."""

    def compose_body(self) -> ComposeResult:
        yield Static(Text(_EMPTY), id="errors-empty", markup=False)
        with Vertical(id="errors"):
            yield Static(id="errors-facts", markup=False)
            yield TabLine(hints=_HINTS, id="errors-tabs")
            with Horizontal(id="errors-upper"):
                with ContentSwitcher(initial="matrix", id="figures", classes="panel"):
                    yield Confusion(id="matrix")
                    for name in VIEWS[1:]:
                        yield FigureTable(id=name)
                with Vertical(id="errors-rows", classes="panel"):
                    yield LineField(
                        placeholder="words  wrong  label:joy  predicted:love  loss>1  confidence<0.6", id="filter", compact=True
                    )
                    yield Static(id="fault", markup=False)
                    yield Static(id="wait", markup=False)
                    yield Static(id="legend", markup=False)
            with Reading(id="errors-text", classes="panel"):
                yield Static(id="full", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        from ..widgets.judged_list import JudgedList

        self.query_one("#filter", Input).cursor_blink = False
        self.query_one("#errors-text").border_title = Text("text")
        self._list = JudgedList(id="judged")
        self._list.mark = self._mark
        self.query_one("#errors-rows").mount(self._list, before="#legend")
        self.watch(self._list, "row", self._show_row, init=False)
        self._show_tabs()

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def _view(self) -> RunView | None:
        return next((view for view in self.state.runs if self._ref is not None and view.folder == self._ref.folder), None)

    @property
    def view(self) -> str:
        """The figures that are shown."""
        return self.query_one("#figures", ContentSwitcher).current or VIEWS[0]

    @property
    def _looks(self) -> Any:
        from ..theme import class_looks

        return class_looks(self._examined.judged.labels, dark=self.state.dark) if self._examined is not None else ()

    @property
    def listed(self) -> Any:
        """The rows that are listed, int64, in their order."""
        return self._list.rows if self._list is not None else ()

    def show_runs(self, runs: tuple[RunView, ...]) -> None:  # noqa: ARG002 - they are read from the state
        if self._ref is not None and self._view is None:
            self._ref, self._by_hand = None, False
        if self._ref is None:
            self._choose_run()
        self.set_class(self._ref is None, "-empty")

    def show_dataset(self, dataset: Dataset) -> None:  # noqa: ARG002 - it is read from the state
        if not self._by_hand:
            self._choose_run()

    def _choose_run(self) -> None:
        """Look at the newest run with a model, of the open data set before those of others."""
        known = choices(self.state.runs)
        of_open = [ref for ref, view in known if self.state.is_of_open_data(view)]
        first = next(iter(of_open), next((ref for ref, _ in known), None))
        if first is not None and first != self._ref:
            self._show(first)

    def show_theme(self) -> None:
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self._draw_view)

    def action_enlarge(self) -> None:
        super().action_enlarge()
        self.call_after_refresh(self._draw_view)

    def action_shrink(self) -> None:
        super().action_shrink()
        self.call_after_refresh(self._draw_view)

    def text_in_hand(self) -> str | None:
        row = self._list.row if self._list is not None else None
        return self._examined.predictions.rows.split.row(row).text if row is not None and self._examined is not None else None

    def texts_after(self) -> tuple[str, ...]:
        return self._list.texts_after(15) if self._list is not None else ()

    def look_at_run(self, folder: str, rung: str, cell: tuple[int, int] | None) -> None:
        self.look_at(RunRef(folder, rung), cell)

    def look_at(self, ref: RunRef, cell: tuple[int, int] | None = None) -> None:
        """Show the errors of a run on validation, and with a `cell` of its confusion matrix the rows in it."""
        self._by_hand, self._wanted = True, cell
        if cell is not None:
            self._split, self._line = SPLITS[0], ""
            self._turn_to("matrix")
        self._show(ref)
        self.set_class(False, "-empty")

    def _show(self, ref: RunRef) -> None:
        self._ref = ref
        self._read()
        self.refresh_bindings()

    # --- reading and measuring ----------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        """Read what is kept of the run on the split, and then its figures."""
        ref, split = self._ref, self._split
        if ref is None:
            return
        from ...core.runs import examined

        self._wait("reading the predictions…")
        opened = self.state.dataset
        try:
            found = await asyncio.to_thread(examined.examine, RunFolder(Path(ref.folder)), ref.rung, split, opened)
            if found is None:
                self._examined = self._figures = None
                self._clear_rows()
                self._wait(f"{self._called} was not measured on {split} yet.\n\nm measures it now, in the background")
                return
            if self._other is None or self._other == ref:
                self._other = self._default_other(ref)
            compared, why = None, "no other run has a model: a baseline is a good one to compare with"
            if self._other is not None:
                compared, why = await asyncio.to_thread(_compared, found, self._other, split, opened)
        except UserError as error:
            self._examined = self._figures = None
            self._clear_rows()
            self._wait(str(error))
            return
        self._examined, self._compared, self._why_not_compared = found, compared, why
        self._editor = self.state.decisions.editor(found.predictions.rows.dataset)
        with suppress(UserError):
            await asyncio.to_thread(self._editor.follow)  # what was decided since the run is shown, too
        self._chosen, self._found, self._figures = ("", None), None, None
        self._wait("")
        self._apply_filter(self._line, submitted=True)

    @work(exclusive=True, group="figures")
    async def _compute(self) -> None:
        """Compute the figures of the rows that meet the filter, and of the slices."""
        import numpy as np

        from ...core.runs import examined, slices

        found, compared = self._examined, self._compared
        if found is None:
            return
        rows = np.arange(len(found.judged.truth)) if self._found is None else self._found
        self._figures = await asyncio.to_thread(examined.figures, found, rows, compared) if len(rows) else None
        self._draw()
        if self._wanted is not None:
            cell, self._wanted = self._wanted, None
            matrix = self.query_one("#matrix", Confusion)
            matrix.look(matrix.mode, cell)
            self._choose_cell(*cell)
            self._focus_list()
        elif self.focused is None:
            self.query_one("#matrix", Confusion).focus()
        view = self._view
        if view is not None:
            self._slices = await asyncio.to_thread(lambda: examined.slices(found, slices.read(view.spec.job.data.source), SPLITS))
            self._draw_view()

    def _default_other(self, ref: RunRef) -> RunRef | None:
        """Return the run to compare with by itself: the newest other one of the same data, best a baseline for a fine-tuning."""
        view = self._view
        others = [
            (each, of)
            for each, of in choices(self.state.runs)
            if view is not None and not each.rung and each.folder != ref.folder and of.spec.data_hash == view.spec.data_hash
        ]
        return next((each for each, of in others if view is not None and of.task != view.task), next((each for each, _ in others), None))

    @work(exclusive=True, group="measure")
    async def _measure(self, ref: RunRef, split: str) -> None:
        def report(line: ProgressLine) -> None:
            share = f" {100 * line.done / line.total:.0f} %" if line.total else ""
            self._wait(f"measuring {self._called} on {split}{share}\n\nesc stops it")

        self._wait(f"measuring {self._called} on {split}…\n\nesc stops it")
        try:
            await self.state.ask(AskEvaluate(run=ref.folder, rung=ref.rung, split=split, resamples=0, worst=0), report)
        except UserError as error:
            self._wait(str(error))
            return
        if (ref, split) == (self._ref, self._split):
            self._read()

    # --- drawing ------------------------------------------------------------------------------------------

    @property
    def _called(self) -> str:
        view = self._view
        rung = self._examined.predictions.rung if self._examined is not None else self._ref.rung if self._ref is not None else ""
        told = f" {rungs.short(rung)}" if rung else ""
        return f"{safe_line(name_of(view), 24) if view is not None else 'the run'}{told}"

    def _wait(self, sentence: str) -> None:
        place = self.query_one("#wait", Static)
        place.display = bool(sentence)
        place.update(Text(safe_text(sentence)))
        if self._list is not None:
            self._list.display = not sentence
        self._draw_facts()

    def _clear_rows(self) -> None:
        self.query_one("#matrix", Confusion).show(None)
        if self._list is not None:
            self._list.show(None, None, (), ())
        self.query_one("#errors-rows").border_title = Text("rows")
        self._draw_view()
        self.refresh_bindings()

    def _draw(self) -> None:
        self._draw_facts()
        self._draw_view()
        self._list_rows(keep=True)

    def _draw_facts(self) -> None:
        facts = Text(no_wrap=True, overflow="ellipsis")
        facts.append(f" {self._called} ", "bold reverse").append(f" {self._split} ", "bold")
        found, figures = self._examined, self._figures
        if found is not None:
            total = len(found.judged.truth)
            shown = f"{len(self._found):,} of {count(total, 'row')}" if self._found is not None else count(total, "row")
            facts.append(f" {shown}")
            if figures is not None:
                metrics = figures.metrics
                wrong = metrics.rows - round(metrics.accuracy * metrics.rows)
                facts.append(f"  {wrong:,} wrong  ").append(f"F1 {metrics.f1_weighted:.3f}", "bold")
                span = metrics.intervals.get("f1_weighted")
                facts.append(f" ({span[0]:.3f}-{span[1]:.3f})" if span else "", "dim")
                facts.append(f"  accuracy {metrics.accuracy:.3f}  loss {metrics.loss or 0:.3f}")
            if found.temperature is not None:
                facts.append(f"  T {found.temperature.temperature:.3g}", self.app.theme_variables["accent"])
            for note in found.predictions.rows.notes:
                facts.append(f"  {safe_line(note, 200)}", self.app.theme_variables["warning"])
        self.query_one("#errors-facts", Static).update(facts)

    def _show_tabs(self) -> None:
        self.query_one("#errors-tabs", TabLine).show(VIEWS, self.view)
        self.query_one("#figures").border_title = Text(self.view if self.view != "matrix" else "confusion matrix")

    def _draw_view(self) -> None:
        from . import errors_views

        found, figures, looks, name = self._examined, self._figures, self._looks, self.view
        matrix = self.query_one("#matrix", Confusion)
        if found is None or figures is None:
            matrix.show(None)
            for each in self.query(FigureTable):
                each.show(Text("no rows" if found is not None else ""), [])
            return
        matrix.show(Matrix(f"{self._called}, {self._split}", looks, figures.metrics.confusion))
        if name == "matrix":
            return
        table, colors = self.query_one(f"#{name}", FigureTable), self.app.theme_variables
        width = max(30, self.query_one("#figures").content_size.width)
        match name:
            case "classes":
                table.show(*errors_views.classes(figures, looks, width))
            case "against":
                that = self._compared.predictions.name if self._compared is not None else ""
                pair, rows = figures.pair, figures.metrics.rows
                table.show(*errors_views.against(found.predictions.name, that, pair, self._why_not_compared, rows, width))
            case "slices":
                table.show(*errors_views.slices(self._slices, width, colors["warning"]))
            case "calibration":
                table.show(*errors_views.calibration(figures, found.temperature, width, colors))
            case _:
                table.show(*errors_views.coverage(figures.covered, width))

    def _list_rows(self, *, keep: bool = False) -> None:
        """List the rows that were chosen among those that meet the filter, by loss; the cursor may `keep` its row."""
        import numpy as np

        found = self._examined
        if found is None or self._list is None:
            return
        title, chosen = self._chosen
        rows = np.arange(len(found.judged.truth)) if self._found is None else self._found
        if chosen is not None:
            rows = np.intersect1d(rows, chosen)
        panel = self.query_one("#errors-rows")
        ends = "lowest" if self._lowest else "highest"
        panel.border_title = Text(f"{count(len(rows), 'row')}{f': {title}' if title else ''}, the {ends} loss first")
        panel.border_subtitle = Text(safe_line(self._line, 60)) if self._line else Text("")
        ordered = found.judged.by_loss(rows, lowest=self._lowest)
        self._list.show(found.predictions.rows.split, found.judged, ordered, self._looks, keep=keep)

    def _show_row(self, row: int | None) -> None:
        found, panel = self._examined, self.query_one("#errors-text", Reading)
        if found is None or row is None:
            panel.border_title = Text("text")
            panel.border_subtitle = Text()
            self.query_one("#full", Static).update(Text("no row" if found is not None else "", "dim"))
            return
        judged, looks, text = found.judged, self._looks, found.predictions.rows.split.row(row).text
        true, predicted = looks[int(judged.truth[row])], looks[int(judged.predicted[row])]
        title = Text(f"row {row:,}: ").append(f"{true.glyph} {safe_line(true.name, 24)}", true.color)
        if judged.truth[row] != judged.predicted[row]:
            title.append(", taken for ").append(f"{predicted.glyph} {safe_line(predicted.name, 24)}", predicted.color)
        title.append(f" {percent(float(judged.confidence[row]))}, loss {judged.loss[row]:.3f}")
        panel.border_title = title
        panel.border_subtitle = Text("t: its tokens   p: classify it   L: labels by key")
        shown = Text(safe_text(text[:_SHOWN]).expandtabs(4))
        if len(text) > _SHOWN:
            shown.append(f"\n… and {len(text) - _SHOWN:,} more characters", "dim")
        shown.append("\n")
        for index in judged.probabilities[row].argsort()[::-1][:6]:
            look = looks[int(index)]
            shown.append(f"{look.glyph} {safe_line(look.name, 16)} ", look.color).append(
                f"{100 * judged.probabilities[row][index]:.1f} %  "
            )
        self.query_one("#full", Static).update(shown)
        panel.scroll_home(animate=False)

    # --- what is looked at ----------------------------------------------------------------------------------

    def _turn_to(self, name: str) -> None:
        self.query_one("#figures", ContentSwitcher).current = name
        self._chosen = ("", None)
        self._show_tabs()
        for table in self.query(FigureTable):
            table.forget()
        if name == "matrix":
            self.query_one("#matrix", Confusion).focus()
        else:
            self.query_one(f"#{name}", FigureTable).take_keys()
        self._draw_view()
        self._list_rows()
        self.refresh_bindings()

    def action_view(self, by: int) -> None:
        self._turn_to(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    @on(TabLine.Chosen)
    def _tab(self, event: TabLine.Chosen) -> None:
        self._turn_to(event.tab)

    @on(Confusion.Changed)
    def _cell_changed(self, event: Confusion.Changed) -> None:
        self._choose_cell(*event.confusion.cursor)

    @on(Confusion.Chosen)
    def _cell_chosen(self, event: Confusion.Chosen) -> None:
        self._choose_cell(event.true, event.predicted)
        if self._list is not None:
            self._list.focus()

    def _choose_cell(self, true: int, predicted: int) -> None:
        if self._examined is None:
            return
        names = [safe_line(look.name, 20) for look in self._looks]
        told = f"{names[true]} taken for {names[predicted]}" if true != predicted else f"{names[true]}, predicted right"
        self._chosen = (told, self._examined.judged.cell(true, predicted))
        self._list_rows()

    @on(FigureTable.Looked)
    def _line_looked(self, event: FigureTable.Looked) -> None:
        self._choose_line(event.table.id or "", event.index)

    @on(FigureTable.Chosen)
    def _line_chosen(self, event: FigureTable.Chosen) -> None:
        self._choose_line(event.table.id or "", event.index)
        if self._list is not None:
            self._list.focus()

    def _choose_line(self, view: str, index: int) -> None:
        """List the rows behind a line of figures."""
        found, figures = self._examined, self._figures
        if found is None or figures is None:
            return
        import numpy as np

        from ...core.figures import calibration
        from .errors_views import PAIRS

        judged = found.judged
        match view:
            case "classes":
                rows = np.flatnonzero((judged.truth == index) | (judged.predicted == index))
                self._chosen = (f"{safe_line(self._looks[index].name, 20)}, labelled or predicted", rows)
            case "against" if self._compared is not None:
                one, other = judged.right, self._compared.judged.right
                rows = np.flatnonzero((one & other, one & ~other, ~one & other, ~one & ~other)[index])
                self._chosen = (PAIRS[index], rows)
            case "slices" if index < len(self._slices) and self._slices[index].rows is not None:
                self._chosen = (f"slice {safe_line(self._slices[index].name, 24)}", self._slices[index].rows)
            case "calibration":
                edge = figures.bins[index]
                rows = np.flatnonzero(calibration.bin_of(judged.confidence) == index)
                self._chosen = (f"{100 * edge.low:.0f} to {100 * edge.high:.0f} % sure", rows)
            case "coverage":
                threshold = figures.covered[index].threshold
                self._chosen = (f"at least {threshold:g} sure", np.flatnonzero(judged.confidence >= threshold))
            case _:
                self._chosen = ("", None)
        self._list_rows()

    # --- keys -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if (may := self.may_act(action, parameters)) is not None:
            return may
        if self.is_labelling and (action in _REST or (action == "back" and not isinstance(self.focused, Input))):
            return False  # their keys give labels, leave rows out, and end that
        view = self._view
        if action == "rung":
            return view is not None and len(view.rungs) > 1
        if action in ("split", "against", "fit", "copy"):
            return self._ref is not None
        if action == "measure":
            return self._ref is not None and self._examined is None
        if action == "name":
            return bool(self._line) and not self._is_faulty
        if action == "remove":
            return self.view == "slices" and bool(self._slices)
        if action in ("end", "save", "filter"):
            return self._examined is not None
        return True

    def action_split(self) -> None:
        self._go_to_split(SPLITS[(SPLITS.index(self._split) + 1) % len(SPLITS)])

    def _go_to_split(self, split: str) -> None:
        self._split = split
        self._read()

    def action_end(self) -> None:
        self._lowest = not self._lowest
        self._list_rows()

    def action_rung(self) -> None:
        view, ref = self._view, self._ref
        if view is not None and ref is not None:
            at = self._examined.predictions.rung if self._examined is not None else ref.rung
            self.look_at(RunRef(ref.folder, rungs.after(view.rungs, at) or at))

    def action_run(self) -> None:
        def take(chosen: RunRef | None) -> None:
            if chosen is not None:
                self.look_at(chosen)

        self.app.push_screen(ChooseRun("the run to look at", self.state.runs, self.state.clock(), self._ref), take)

    def action_against(self) -> None:
        self.app.push_screen(ChooseRun("compare with", self.state.runs, self.state.clock(), self._other), self._take_other)

    def _take_other(self, chosen: RunRef | None) -> None:
        if chosen is not None:
            self._other = chosen
            self._turn_to("against")
            self._read()

    def action_measure(self) -> None:
        if self._ref is not None:
            self._measure(self._ref, self._split)

    @work(exclusive=True, group="fit")
    async def action_fit(self) -> None:
        from ...core.runs import temperature

        ref = self._ref
        if ref is None:
            return
        run = RunFolder(Path(ref.folder))
        rung = self._examined.predictions.rung if self._examined is not None else ref.rung
        kept = self._examined.temperature if self._examined is not None else None
        try:
            if kept is not None:
                await asyncio.to_thread(temperature.remove, run, rung)
                self.state.say("the temperature is forgotten: probabilities are the model's own again")
            else:
                made = await asyncio.to_thread(temperature.fit, run, rung)
                self.state.say(f"T = {made.temperature:.3g} is kept with the run: predict and the prompt take it")
        except UserError as error:
            self.state.say(str(error), problem=True)
            return
        self._read()

    def action_copy(self) -> None:
        if self._ref is None:
            return
        name = self._examined.predictions.name if self._examined is not None else Path(self._ref.folder).name
        index = self.query_one("#coverage", FigureTable).index
        if self.view == "coverage" and index is not None and self._figures is not None:
            words = f"emotui predict {quote(name)} --threshold {self._figures.covered[index].threshold:g}"
        else:
            words = f"emotui errors {quote(name)} --split {self._split}"
            words += f" --where {quote(self._line)}" if self._line else ""
            words += f" --against {quote(self._compared.predictions.name)}" if self._compared is not None and self.view == "against" else ""
        self.app.copy_to_clipboard(words)
        self.state.say(f"copied: {words}")

    async def action_save(self) -> None:
        from ...core.data.table import Dataset
        from .save_rows import SaveRows

        found, view = self._examined, self._view
        if found is None or view is None or not len(self.listed):
            return
        part = found.predictions.rows.split
        data = Dataset(self._called, view.spec.job.data.source, {part.name: part}, part.labels, (), "", "", {}, {})
        await self.app.push_screen(SaveRows(data, {part.name: self.listed}, part.name, {part.name: found.judged}))

    # --- labels by key ------------------------------------------------------------------------------------

    def _place(self, row: int) -> Place | None:
        from ...core.data.overlay import Place

        if self._examined is None:
            return None
        part = self._examined.predictions.rows
        laid = part.dataset.overlay
        return Place(part.split.name, row) if laid is None else laid.place(part.split.name, row)

    def _decision(self, row: int) -> Decision | None:
        """Return what was decided about a row since the run was made; None where it is as the run had it."""
        place = self._place(row)
        now = self._editor.dataset.overlay if self._editor is not None else None
        if place is None or now is None or self._examined is None:
            return None
        decision, laid = now.decided.get(place), self._examined.predictions.rows.dataset.overlay
        return None if decision is None or (laid is not None and laid.decided.get(place) == decision) else decision

    def _mark(self, row: int) -> Text | None:
        decision = self._decision(row)
        if decision is None:
            return None
        look = next((each for each in self._looks if each.name == decision.new), None)
        if look is None:
            return Text("* left out", "bold")
        return Text(f"* {look.glyph} {safe_line(look.name, 16)}", f"bold {look.color}")

    def looks_to_give(self) -> tuple[LabelLook, ...]:
        return self._looks if self._editor is not None and len(self.listed) else ()

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        row = self._list.row if self._list is not None else None
        return None if self._editor is None else (self._editor, None if row is None else self._place(row))

    def row_decided(self) -> None:
        if self._list is not None:
            self._list.refresh()
            self._list.action_move(1)

    def decision_undone(self) -> None:
        if self._list is not None:
            self._list.refresh()

    def show_labelling(self) -> None:
        place = self.query_one("#legend", Static)
        place.set_class(self.is_labelling, "-open")
        place.update(legend(self.looks_to_give(), self.app.theme_variables["accent"]) if self.is_labelling else "")
        self._focus_list()

    # --- slices ---------------------------------------------------------------------------------------------

    def action_name(self) -> None:
        from .name_slice import NameSlice

        view = self._view
        if view is not None and self._line:
            self.app.push_screen(NameSlice(view.spec.job.data.source, self._line, self._named))

    def _named(self, name: str) -> None:
        self.state.say(f"the filter is kept as the slice {name}")
        self._turn_to("slices")
        self._compute()

    @work(exclusive=True, group="fit")
    async def action_remove(self) -> None:
        from ...core.runs import slices

        view, index = self._view, self.query_one("#slices", FigureTable).index
        if view is None or index is None or index >= len(self._slices):
            self.state.say("put the cursor on a slice first")
            return
        try:
            await asyncio.to_thread(slices.remove, view.spec.job.data.source, self._slices[index].name)
        except UserError as error:
            self.state.say(str(error), problem=True)
            return
        self._chosen = ("", None)
        self._compute()

    # --- the filter -----------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.action_shrink()
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()

    def action_back(self) -> None:
        """Step back: a large panel small, a measurement off, the chosen figure off, the filter line shut, the filter off."""
        field = self.query_one("#filter", Input)
        if self.is_enlarged:
            self.action_shrink()
        elif any(not each.is_finished for each in self.workers if each.group == "measure"):
            self.workers.cancel_group(self, "measure")
            self._read()
        elif field.has_focus and field.value and not self._is_faulty:
            self._focus_list()
        elif self._chosen[1] is not None and not field.has_focus:
            self._chosen = ("", None)
            for table in self.query(FigureTable):
                table.forget()
            self._list_rows()
        else:
            self._complain("")
            with self.prevent(Input.Changed):
                field.value = ""
            field.remove_class("-open")
            if field.has_focus:
                self._focus_list()
            if self._line:
                self._apply_filter("", submitted=True)

    def _focus_list(self) -> None:
        if self._list is not None:
            self._list.focus()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self, message: Input.Submitted) -> None:
        self._apply_filter(message.value, submitted=True)
        self._focus_list()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self._apply_filter(message.value)

    @work(exclusive=True, group="filter")
    async def _apply_filter(self, line: str, *, submitted: bool = False) -> None:
        """List the rows that meet `line`: at once where it is `submitted`, else when nothing more is typed for a moment."""
        from ...core.data import filters
        from ...core.runs import examined

        await asyncio.sleep(0.0 if submitted else PAUSE)
        found = self._examined
        if found is None:
            return
        try:
            query = filters.parse(line)
            there = filters.splits_of(query, SPLITS)
            if submitted and there and self._split not in there:
                self._line = line
                self._go_to_split(there[0])
                return
            rows = await asyncio.to_thread(examined.rows, found, line, SPLITS) if query.terms else None
        except UserError as error:
            self._complain(str(error))
            if submitted and self.query_one("#filter", Input).has_class("-open"):
                self.query_one("#filter", Input).focus()
            if self._figures is None:
                self._compute()
            return
        self._complain("")
        self._found, self._line = rows, line.strip() if query.terms else ""
        self._list_rows()
        self._compute()
        self.refresh_bindings()

    def _complain(self, message: str) -> None:
        fault = self.query_one("#fault", Static)
        self._is_faulty = bool(message)
        fault.set_class(self._is_faulty, "-open")
        fault.update(Text(safe_text(message)))


def _compared(found: Examined, other: RunRef, split: str, opened: Dataset | None) -> tuple[Examined | None, str]:
    """Return another run on the rows of `found`, or why they cannot be compared."""
    from ...core.runs import examined

    run = RunFolder(Path(other.folder))
    try:
        compared = examined.examine(run, other.rung, split, opened)
        if compared is None:
            return None, f"{run.id} was not measured on {split} yet: o looks at it, m measures it"
        examined.check_same_rows(found.predictions, compared.predictions)
    except UserError as error:
        return None, safe_line(str(error), 400)
    return compared, ""
