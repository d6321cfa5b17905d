"""Compares runs on one page: curves in one chart, differing settings, metrics with paired tests, and costs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ...core.errors import UserError
from ...core.metric_table import BY_KEY, METRICS
from ...core.questions import AskEvaluate, ProgressLine
from ...core.runs import comparison, comparison_tables, rungs, state
from ...core.runs.comparison import CURVES, LOSS, TRAIN_LOSS, Entry
from ...core.runs.folder import RunFolder
from ...core.safe_text import safe_line
from ...core.text_table import table
from ...core.units import count
from ..field_names import by_fields
from ..state import State, state_of
from ..widgets.chart import Chart, Series
from ..widgets.plot import Plot
from .training.charts import Palette

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

SPLIT = "validation"
_GLYPHS = ("●", "▲", "■", "◆", "★", "▼")
_KEYS = (("f", "curve"), ("o", "sort"), ("M", "measure"), ("←→", "read"), ("↑↓", "scroll"), ("z", "large"), ("esc", "back"))


class CompareRuns(ModalScreen[None]):
    """Shows runs side by side; f switches the chart to another curve, o sorts by another metric."""

    CSS_PATH = "compare_runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "turn_curve", "curve", tooltip="the next curve that one of the runs has", id="compare.curve"),
        Binding("o", "turn_order", "sort", tooltip="the best run first, by the next metric", id="compare.sort"),
        Binding("down,j", "scroll(1)", "down", show=False, id="compare.down"),
        Binding("up,k", "scroll(-1)", "up", show=False, id="compare.up"),
        Binding("pagedown", "scroll(10)", "page down", show=False, id="compare.page_down"),
        Binding("pageup", "scroll(-10)", "page up", show=False, id="compare.page_up"),
        Binding("M", "measure", "measure", tooltip="measure the runs that have no figures of validation yet", id="compare.measure"),
        Binding("escape,q", "back", "back", id="compare.back"),
    ]

    def __init__(self, folders: Sequence[str]) -> None:
        """Prepare the page for runs, given by their folders in the order in which they were marked."""
        super().__init__()
        self._folders = tuple(folders)
        self._entries: list[Entry] = []
        self._notes: list[str] = []
        self._unmeasured: list[Entry] = []
        """Runs that have a model but were not evaluated on the split yet."""
        self._measuring = ""
        """The progress of an evaluation; '' if there is none."""
        self._curve = ""
        self._order = ""
        """The key of the metric that sorts the runs; '' for the order in which they were marked."""

    @property
    def state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        with Vertical(id="compare") as box:
            box.border_title = Text(f"{len(self._folders)} runs")
            yield Plot(Chart("curves", empty="reading the runs…"), hint="m smooth  g log  z large", id="compare-plot")
            with VerticalScroll(id="compare-tables", can_focus=False):
                yield Static(Text("reading the runs…", "dim"), markup=False)
            keys = Text(" ").join(Text.assemble((f" {key} ", "bold reverse"), f" {what}") for key, what in _KEYS)
            yield Static(keys, id="compare-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(Plot).focus()
        self._read()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        try:
            self._entries, self._unmeasured, self._notes = await asyncio.to_thread(read, self._folders, self.state.dataset)
        except UserError as error:
            self.query_one("#compare-tables Static", Static).update(Text(safe_line(by_fields(error)), self.app.theme_variables["error"]))
            return
        kinds = self._kinds
        self._curve = kinds[0] if kinds else ""
        self._show()

    # --- drawing ----------------------------------------------------------------------------------------

    @property
    def _kinds(self) -> list[str]:
        """The keys of the curves that at least one run has."""
        return [key for key in CURVES if any(key in each.curves for each in self._entries)]

    @property
    def _ordered(self) -> list[Entry]:
        return comparison.ordered(self._entries, BY_KEY.get(self._order))

    def _show(self) -> None:
        colors = self._colors
        self.query_one(Plot).show(compared_chart(self._entries, self._curve, colors))
        self._show_order()
        self._show_tables()

    def _show_order(self) -> None:
        said = f"by {BY_KEY[self._order].name}, the best first" if self._order else "as they were marked"
        if self._unmeasured:
            said = f"{count(len(self._unmeasured), 'run')} not measured on {SPLIT}: M   {said}"
        self.query_one("#compare").border_subtitle = Text(safe_line(self._measuring or said, 100))

    @property
    def _colors(self) -> dict[str, str]:
        """The colour of each run by folder."""
        runs = Palette.of(self.app.theme_variables).runs
        return {each.view.folder: runs[at % len(runs)] for at, each in enumerate(self._entries)}

    def _show_tables(self) -> None:
        if not self._entries:
            return
        shown, colors, ordered = self.query_one("#compare-tables Static", Static), self._colors, self._ordered
        width = max(40, self.query_one("#compare-tables").content_size.width - 2)
        lines: list[Text] = []
        for number, each in enumerate(comparison_tables.tables(ordered, SPLIT, width)):
            lines += [Text()] if number else []
            lines.append(Text(each.title, "bold", no_wrap=True, overflow="ellipsis"))
            cells = table(each.rows, each.align, each.caps) if each.rows else []
            for at, line in enumerate(cells):
                style = "dim" if not at else colors[ordered[at - 1].view.folder] if not number else ""
                lines.append(Text(f"  {line}", style, no_wrap=True, overflow="ellipsis"))
            lines += [Text(f"  {note}", "dim") for note in each.notes]
        warning = self.app.theme_variables["warning"]
        lines += [Text(), *(Text(safe_line(note, 400), warning) for note in self._notes)] if self._notes else []
        shown.update(Text("\n").join(lines))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_tables)

    # --- keys -------------------------------------------------------------------------------------------

    def action_turn_curve(self) -> None:
        kinds = self._kinds
        if kinds:
            self._curve = kinds[(kinds.index(self._curve) + 1) % len(kinds)] if self._curve in kinds else kinds[0]
            self._show()

    def action_turn_order(self) -> None:
        """Sort by the next metric that at least one run has."""
        known = [metric.key for metric in METRICS if any(each.score(metric) is not None for each in self._entries)]
        orders = ["", *known]
        self._order = orders[(orders.index(self._order) + 1) % len(orders)] if self._order in orders else ""
        self._show()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#compare-tables").scroll_relative(y=lines, animate=False)

    @on(Plot.Enlarge)
    def _enlarge(self, event: Plot.Enlarge) -> None:
        event.stop()
        self.toggle_class("-large")

    @work(exclusive=True, group="measure")
    async def action_measure(self) -> None:
        """Evaluate in the engine the runs that have not been evaluated, one by one; results are stored with the runs."""
        if self._measuring or not self._unmeasured:
            self.state.notify("the runs are being measured" if self._measuring else "every run that has a model is measured")
            return
        failed: list[str] = []
        for each in self._unmeasured:

            def report(line: ProgressLine, name: str = each.name) -> None:
                share = f" {100 * line.done / line.total:.0f} %" if line.total else ""
                self._show_measuring(f"measuring {name} on {SPLIT}{share}: esc stops it")

            self._show_measuring(f"measuring {each.name} on {SPLIT}: esc stops it")
            try:
                await self.state.ask(AskEvaluate(run=each.view.folder, rung=each.rung, split=SPLIT, resamples=0, worst=0), report)
            except UserError as error:
                failed.append(f"{each.name} was not measured: {by_fields(error)}")
        self._show_measuring("")
        await self._read().wait()
        self._notes += failed
        self._show_tables()

    def _show_measuring(self, said: str) -> None:
        self._measuring = said
        self._show_order()

    def action_back(self) -> None:
        if self._measuring:
            self.workers.cancel_group(self, "measure")
            self._show_measuring("")
        elif self.has_class("-large"):
            self.remove_class("-large")
        else:
            self.dismiss()


def read(folders: Sequence[str], opened: Dataset | None) -> tuple[list[Entry], list[Entry], list[str]]:
    """Return the runs to compare, those among them that can be evaluated but are not yet, and sentences on them.

    It reads files, so do not call it on the event loop.
    """
    from ...core.runs import examined

    entries: list[Entry] = []
    unmeasured: list[Entry] = []
    notes: list[str] = []
    for folder in folders:
        run = RunFolder(Path(folder))
        view = state.view_of(run)
        found, rung, can_be = None, "", False
        try:
            rung = comparison.rung_of(run, view, rungs.chosen(run, ""))
            if view.finished is None:
                notes.append(f"{view.id} is {view.state} and has no model to measure")
            elif (found := examined.examine(run, rung, SPLIT, opened)) is None:
                notes.append(f"{view.id} is not measured on {SPLIT} here yet: M measures it")
                can_be = True
        except UserError as error:
            notes.append(f"{view.id}: {by_fields(error)}")
        entries.append(comparison.entry(view, rung, SPLIT, found))
        unmeasured += entries[-1:] if can_be else []
    return entries, unmeasured, notes


def compared_chart(entries: Sequence[Entry], key: str, colors: dict[str, str]) -> Chart:
    """Return a chart of one curve, by its key in CURVES, for all runs that have it."""
    series = [
        Series(
            safe_line(each.view.spec.name or each.view.id.partition("-")[0], 24),
            tuple(map(float, each.curves[key].steps)),
            each.curves[key].values,
            colors[each.view.folder],
            "" if key == TRAIN_LOSS else _GLYPHS[at % len(_GLYPHS)],
            smooth=key == TRAIN_LOSS,
        )
        for at, each in enumerate(entries)
        if key in each.curves
    ]
    if not key:
        return Chart("curves", empty="none of these runs has a curve")
    metric = BY_KEY.get(key)
    title = f"{CURVES[key]}{', nats' if key in (TRAIN_LOSS, LOSS) else ', validation'}"
    title += ", lower is better" if metric is not None and not metric.higher_is_better else ""
    return Chart(title, tuple(series), bounds=metric.bounds if metric is not None else None, empty=f"no {CURVES[key]}")
