"""The training monitor: runs, their curves, and what their predictions are worth."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ....core.runs import comparison, filters
from ....core.runs.folder import RunFolder
from ....core.runs.state import RunView
from ....core.specs import BaselineSpec
from ...widgets.plot import Plot
from ...widgets.run_list import RunList
from ...widgets.tab_line import TabLine
from ..run_command import command_of
from .charts import Palette, color_of, compared_with, ladder_for
from .curves import Charts
from .panels import Panels
from .requests import RunRequests
from .runs import RunPanel
from .words import machine_line, progress_line

REDRAW = 2.0
"""Seconds between two redraws that no key asked for; the line on top tells of a run each second."""
TICK = 5.0
"""Seconds between two looks at the clock while a run is going."""
_TAB_HINTS = ("[ ] turns   x confusion   e log   w worst rows   y copies the command", "[ ] turns  w worst rows", "[ ] turns")
_EMPTY = """No run yet.

n   starts one: a baseline first (a minute), then a fine-tuning.

The baseline says what can be had by counting words, and by a logistic regression on the hidden states of the frozen encoder. \
Its scores are then lines on the chart of each fine-tuning: what is above them is what fine-tuning buys."""


def _on_plot(binding: Binding) -> Binding:
    """Return a plot's key as one of the whole screen, so that it works from wherever one is."""
    return replace(binding, action=f"on_plot({binding.action!r})", show=False, id=f"training.{binding.id}")


class TrainingScreen(RunRequests):
    """Screen 3. One run is looked at; marked ones are laid over it."""

    MODE = "training"
    CSS_PATH = "training.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "panel(-1)", "panel", key_display="[ ]", id="training.panel_before"),
        Binding("right_square_bracket", "panel(1)", "next panel", show=False, id="training.panel_after"),
        Binding("x", "show_panel('confusion')", "confusion", show=False, tooltip="the confusion matrix", id="training.confusion"),
        Binding(
            "w",
            "rows",
            "worst rows",
            show=False,
            tooltip="the rows with the highest loss, and where else this run errs",
            id="training.rows",
        ),
        Binding("e", "show_panel('log')", "log", show=False, tooltip="the worker's log, errors on top", id="training.log"),
        Binding("y", "copy", "copy command", show=False, tooltip="the command line that repeats this run", id="training.copy"),
        Binding("f", "turn_scores", "F1 chart", show=False, tooltip="the next metric on the chart, then F1 by class", id="training.scores"),
        Binding("b", "turn_rung", "rung", show=False, tooltip="the next rung of a baseline: matrix, classes, rows", id="training.rung"),
        Binding("H", "report", "report", show=False, tooltip="write the report of this run: a page of HTML", id="training.report"),
        *(_on_plot(binding) for binding in Plot.BINDINGS if isinstance(binding, Binding)),
        Binding(
            "C",
            "compare",
            "compare",
            show=False,
            tooltip="this run and the marked ones on one page, with what differs",
            id="training.compare",
        ),
        Binding("slash", "filter", "filter", key_display="/", tooltip=f"filter runs: {filters.SYNTAX}", id="training.filter"),
        Binding("o", "sort", "sort", show=False, tooltip="sort the runs by age, F1 or state", id="training.sort"),
        Binding("P", "pin", "pin", show=False, tooltip="keep this run on top of the list, or no longer", id="training.pin"),
        Binding("number_sign", "tag", "tag", key_display="#", show=False, tooltip="tag this run with words", id="training.tag"),
        Binding("escape", "back", "back", show=False, tooltip="a large plot small again, else all runs again", id="training.small"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._looked: str | None = None
        """Folder of the run that is looked at."""
        self._chosen_by_hand = False
        self._marked: list[str] = []
        self._followed: set[str] = set()
        self._drawn_at = float("-inf")
        self._waiting = False
        self._states: list[tuple[str, str]] = []
        self._offered = ("", "")
        """The run, and its state, that the keys below belong to."""

    def compose_body(self) -> ComposeResult:
        yield Static(Text(_EMPTY), id="training-empty", markup=False)
        with Vertical(id="training"):
            with Horizontal(id="upper"):
                yield RunPanel(id="run-panel")
                yield Charts(id="charts")
            yield Static(id="facts", markup=False)
            yield TabLine(hints=_TAB_HINTS, id="tabs")
            yield Panels(id="lower")

    def on_mount(self) -> None:
        self.query_one(RunList).focus()
        self.set_interval(TICK, self._tick)

    # --- facts ------------------------------------------------------------------------------------------

    def show_runs(self, runs: tuple[RunView, ...]) -> None:  # noqa: ARG002 - they are read from the state when it is time to draw
        if self.is_current:
            self._draw_soon()

    def show_theme(self) -> None:
        self.app.call_later(self._draw_in_new_colors)  # theme_variables are the new ones only when the style sheets are read

    def _draw_in_new_colors(self) -> None:
        self.query_one(RunList).draw_anew()
        self.draw()

    def on_screen_resume(self) -> None:
        self.draw()

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        self.call_after_refresh(self.draw)

    def _tick(self) -> None:
        """Say how long a live run has made no progress, and what another application noted, of which no event tells."""
        if self.is_current and self.query_one(RunPanel).look_at_notes():
            self.draw()
        elif self.is_current and self.view is not None and self.view.is_live:
            self._draw_facts(self.view)

    def _draw_soon(self) -> None:
        """Draw now where a run came, went or changed its state, else as soon as REDRAW allows."""
        states = [(view.folder, view.state) for view in self.state.runs]
        rest = self._drawn_at + REDRAW - monotonic() if states == self._states else 0.0
        if rest <= 0:
            self._states = states
            self.draw()
        elif not self._waiting:
            self._waiting = True
            self.set_timer(rest, self.draw)

    @property
    def view(self) -> RunView | None:
        return next((view for view in self.state.runs if view.folder == self._looked), None)

    @property
    def views(self) -> list[RunView]:
        """The run that is looked at, and the marked ones after it."""
        known = {view.folder: view for view in self.state.runs}
        keys = ([self._looked] if self._looked else []) + [key for key in self._marked if key != self._looked]
        return [known[key] for key in keys if key in known]

    # --- drawing ----------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Show what is known; widgets redraw only where that differs from what they show."""
        self._waiting = False
        self._drawn_at = monotonic()
        runs = self.state.runs
        self.set_class(not runs, "-empty")
        listed = self.query_one(RunPanel).listed(runs)
        self._choose(runs, {view.folder for view in listed} or {view.folder for view in runs})
        views, palette = self.views, Palette.of(self.app.theme_variables)
        for view in views:
            self._follow(view)
        tuned = [view for view in views if not isinstance(view.spec.job, BaselineSpec)]
        colors = {view.folder: color_of(views, index, palette) for index, view in enumerate(tuned)} if len(tuned) > 1 else {}
        self.query_one(RunPanel).show(listed, len(runs), self._looked, self._marked, colors, self.query_one(Panels).rung)
        if not views:
            return
        view, baseline = views[0], isinstance(views[0].spec.job, BaselineSpec)
        panels = self.query_one(Panels)
        self.query_one(Charts).show(views, ladder_for(view, runs), palette, panels.rung)
        self._draw_facts(view)
        panels.show(views, compared_with(view, runs) if baseline else [])
        self.query_one(TabLine).show(panels.tabs, panels.active)
        if self._offered != (view.folder, view.state):
            self._offered = (view.folder, view.state)
            self.refresh_bindings()

    def _choose(self, runs: tuple[RunView, ...], listed: set[str]) -> None:
        """Look at the run that is going, or the newest, of those that are listed, until another was chosen by hand.

        Runs of the open data set come before those of others.
        """
        known = {view.folder for view in runs}
        self._marked = [key for key in self._marked if key in known]
        if self._looked not in listed:
            self._looked, self._chosen_by_hand = None, False
        if not self._chosen_by_hand:
            shown = sorted((view for view in runs if view.folder in listed), key=lambda view: not self.state.is_of_open_data(view))
            live = next((view.folder for view in shown if view.is_live), None)
            if live is not None or self._looked is None:
                self._looked = live or next((view.folder for view in shown), None)

    def _follow(self, view: RunView) -> None:
        if view.folder not in self._followed:
            self._followed.add(view.folder)
            self.call_later(self.state.follow, view.id)

    def _draw_facts(self, view: RunView) -> None:
        facts, colors = self.query_one("#facts", Static), self.app.theme_variables
        width = max(20, facts.content_size.width)
        lines = [progress_line(view, self.state.clock(), width, colors), machine_line(view, width, colors)]
        facts.update(Text("\n").join(lines), layout=False)

    # --- choosing ---------------------------------------------------------------------------------------

    @on(RunList.Looked)
    def _look(self, event: RunList.Looked) -> None:
        self._looked, self._chosen_by_hand = event.key, True
        self.draw()

    @on(RunList.Marked)
    def _mark(self, event: RunList.Marked) -> None:
        if event.key in self._marked:
            self._marked.remove(event.key)
        else:
            self._marked.append(event.key)
        self.draw()

    async def action_on_plot(self, action: str) -> None:
        """Do what a plot's key does to the plot that is large, else to the loss. To enlarge is for the panel that has the focus."""
        if action == "enlarge" and not self.has_class("-large"):
            self.action_enlarge()
            return
        plot = next((plot for plot in self.query(Plot) if plot.has_class("-large")), self.query_one("#loss", Plot))
        await plot.run_action(action)

    def action_turn_scores(self) -> None:
        """Show the next metric on the chart; after the last one the F1 of each class."""
        self.query_one(Charts).turn_scores()
        self.draw()

    def action_turn_rung(self) -> None:
        """Show the next rung of the baseline that is looked at in the matrix, the classes, the worst rows and the hidden states."""
        self.query_one(Panels).turn_rung()
        self.draw()

    @on(Plot.Enlarge)
    def _enlarge(self, event: Plot.Enlarge) -> None:
        large = not event.plot.has_class("-large")
        self.action_shrink()
        for plot in self.query(Plot):
            plot.set_class(large and plot is event.plot, "-large")
        self.set_class(large, "-large")

    def action_back(self) -> None:
        """Make a large plot small again, else close the line over the runs."""
        if self.is_enlarged:
            self._make_small()
        else:
            self.query_one(RunPanel).leave()

    def _make_small(self) -> None:
        for plot in self.query(Plot):
            plot.remove_class("-large")
        self.remove_class("-large")
        self.action_shrink()

    @on(TabLine.Chosen)
    def _tab(self, event: TabLine.Chosen) -> None:
        self.action_show_panel(event.tab)

    @on(RunPanel.Changed)
    def _list_anew(self) -> None:
        self.draw()

    def action_filter(self) -> None:
        self._make_small()
        self.query_one(RunPanel).open_filter()

    def action_sort(self) -> None:
        self.query_one(RunPanel).turn_order()

    def action_pin(self) -> None:
        if self.view is not None:
            self.query_one(RunPanel).pin(self.view.id)

    def action_tag(self) -> None:
        if self.view is not None:
            self._make_small()
            self.query_one(RunPanel).open_tags(self.view.id)

    def action_panel(self, by: int) -> None:
        panels = self.query_one(Panels)
        tabs = panels.tabs
        self.action_show_panel(tabs[(tabs.index(panels.active) + by) % len(tabs)])

    def action_show_panel(self, name: str) -> None:
        self._make_small()
        panels = self.query_one(Panels)
        panels.turn_to(name)
        self.query_one(TabLine).show(panels.tabs, panels.active)
        self.draw()

    # --- runs -------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if parameters == ("enlarge",):
            return self.view is not None
        if action in ("on_plot", "turn_scores"):
            return self.view is not None and self.query_one(Charts).current == "curves"
        if action == "turn_rung":
            return self.view is not None and len(self.view.rungs) > 1
        if action in ("filter", "sort", "panel"):
            return bool(self.state.runs)
        if action == "compare":
            return len(self.state.runs) > 1
        if action in ("copy", "report", "rows"):
            return self.view is not None and self.view.has_spec
        if action in ("pin", "tag"):
            return self.view is not None
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        if self.view is not None:
            self.app.copy_to_clipboard(command_of(self.view.spec.job))
            self.state.say("copied the command line that repeats this run")

    def action_report(self) -> None:
        from ..write_report import WriteReport

        if self.view is not None:
            self.app.push_screen(WriteReport(self.view.folder, self.query_one(Panels).rung_of(self.view)))

    def action_compare(self) -> None:
        """Open the page on which the run that is looked at and the marked ones stand beside each other."""
        from ..compare_runs import CompareRuns

        folders = [view.folder for view in self.views if view.has_spec]
        if len(folders) < 2:
            self.state.say("mark other runs with space first, then C compares them with this one", problem=True)
        elif len(folders) > comparison.MOST:
            self.state.say(f"{comparison.MOST} runs are compared at once: unmark some with space", problem=True)
        else:
            self.app.push_screen(CompareRuns(folders))

    async def action_rows(self) -> None:
        if self.view is not None:
            await self.state.places.show_errors(self.view.folder, self.query_one(Panels).rung_of(self.view))

    @on(Panels.CellChosen)
    async def _show_cell(self, event: Panels.CellChosen) -> None:
        await self.state.places.show_errors(event.view.folder, self.query_one(Panels).rung_of(event.view), event.cell)

    def look_at_new(self, run: RunFolder) -> None:
        self.query_one(RunPanel).show_all()  # so that the new run is listed
        self._chosen_by_hand, self._looked = True, str(run.path)
        self.state.look_at_runs()
        self.draw()
