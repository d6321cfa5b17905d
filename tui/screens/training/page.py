"""The widgets of the training monitor, the selected run, and when it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ....core.runs.folder import RunFolder
from ....core.runs.state import RunView
from ....core.specs import BaselineSpec
from ...widgets.run_list import RunList
from ...widgets.tab_line import TabLine
from .charts import Palette, color_of, compared_with, ladder_for
from .curves import Charts
from .panels import Panels
from .requests import RunRequests
from .runs import RunPanel
from .words import machine_line, progress_line

REDRAW = 2.0
"""Seconds between redraws without a key; the top line shows a run's progress every second."""
TICK = 5.0
"""Seconds between clock updates while a run is live."""
_TAB_HINTS = ("[ ] turns   x confusion   e log   w worst rows   y copies the command", "[ ] turns  w worst rows", "[ ] turns")
_EMPTY = """No run yet.

n   starts one: a baseline first (a minute), then a fine-tuning.

The baseline says what can be had by counting words, and by a logistic regression on the hidden states of the frozen encoder. \
Its scores are then lines on the chart of each fine-tuning: what is above them is what fine-tuning buys."""


def run_to_look_at(runs: Iterable[RunView], looked: str | None, is_of_open_data: Callable[[RunView], bool]) -> str | None:
    """Return the folder of the run to select by default: a live one, otherwise the one selected before, otherwise the newest.

    `runs` are newest first. Those of the open data set take precedence.
    """
    shown = sorted(runs, key=lambda view: not is_of_open_data(view))
    live = next((view.folder for view in shown if view.is_live), None)
    return live or looked or next((view.folder for view in shown), None)


class TrainingPage(RunRequests):
    """Shows the selected run; marked runs are overlaid."""

    def __init__(self) -> None:
        super().__init__()
        self._looked: str | None = None
        """Folder of the selected run."""
        self._chosen_by_hand = False
        self._marked: list[str] = []
        self._followed: set[str] = set()
        self._drawn_at = float("-inf")
        self._waiting = False
        self._states: list[tuple[str, str]] = []
        self._offered = ("", "")
        """The run and the state that the footer's keys belong to."""

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
        self.app.call_later(self._draw_in_new_colors)  # theme_variables are updated only when the style sheets are read

    def _draw_in_new_colors(self) -> None:
        self.query_one(RunList).draw_anew()
        self.draw()

    def on_screen_resume(self) -> None:
        self.draw()

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        self.call_after_refresh(self.draw)

    def _tick(self) -> None:
        """Update the time without progress of a live run, and notes from other applications, which cause no events."""
        if self.is_current and self.query_one(RunPanel).poll_notes():
            self.draw()
        elif self.is_current and self.view is not None and self.view.is_live:
            self._draw_facts(self.view)

    def _draw_soon(self) -> None:
        """Draw now if runs were added, removed or changed state, otherwise as soon as REDRAW allows."""
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
        """The selected run, followed by the marked ones."""
        known = {view.folder: view for view in self.state.runs}
        keys = ([self._looked] if self._looked else []) + [key for key in self._marked if key != self._looked]
        return [known[key] for key in keys if key in known]

    # --- drawing ----------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Update all widgets, which redraw only on changes."""
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
        known = {view.folder for view in runs}
        self._marked = [key for key in self._marked if key in known]
        if self._looked not in listed:
            self._looked, self._chosen_by_hand = None, False
        if not self._chosen_by_hand:
            shown = [view for view in runs if view.folder in listed]
            self._looked = run_to_look_at(shown, self._looked, self.state.is_of_open_data)

    def _follow(self, view: RunView) -> None:
        if view.folder not in self._followed:
            self._followed.add(view.folder)
            self.call_later(self.state.follow, view.id)

    def _draw_facts(self, view: RunView) -> None:
        facts, colors = self.query_one("#facts", Static), self.app.theme_variables
        width = max(20, facts.content_size.width)
        lines = [progress_line(view, self.state.clock(), width, colors), machine_line(view, width, colors)]
        facts.update(Text("\n").join(lines), layout=False)

    def show_new_run(self, run: RunFolder) -> None:
        self.query_one(RunPanel).show_all()  # a filter could hide the new run
        self._chosen_by_hand, self._looked = True, str(run.path)
        self.state.poll_runs()
        self.draw()
