"""The training monitor: runs, their curves and their metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from ....core.runs import comparison, filters
from ...widgets.plot import Plot
from ...widgets.run_list import RunList
from ...widgets.tab_line import TabLine
from ..run_command import command_of
from .curves import Charts
from .page import TrainingPage
from .panels import Panels
from .runs import RunPanel


def _on_plot(binding: Binding) -> Binding:
    """Return a plot's key as one of the whole screen, so that it works whatever has the focus."""
    return replace(binding, action=f"on_plot({binding.action!r})", show=False, id=f"training.{binding.id}")


class TrainingScreen(TrainingPage):
    """Screen 3."""

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

    # --- choosing ---------------------------------------------------------------------------------------

    @on(RunList.Looked)
    def _highlighted(self, event: RunList.Looked) -> None:
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
        """Run a plot's action on the enlarged plot, or else on the loss. Enlarging applies to the focused panel."""
        if action == "enlarge" and not self.has_class("-large"):
            self.action_enlarge()
            return
        plot = next((plot for plot in self.query(Plot) if plot.has_class("-large")), self.query_one("#loss", Plot))
        await plot.run_action(action)

    def action_turn_scores(self) -> None:
        """Show the next metric in the chart, and after the last one the F1 of each class."""
        self.query_one(Charts).turn_scores()
        self.draw()

    def action_turn_rung(self) -> None:
        """Show the next rung of the selected baseline in the matrix, the classes, the worst rows and the hidden states."""
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
        """Restore an enlarged plot, otherwise close the line above the runs."""
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
            self.state.notify("copied the command line that repeats this run")

    def action_report(self) -> None:
        from ..write_report import WriteReport

        if self.view is not None:
            self.app.push_screen(WriteReport(self.view.folder, self.query_one(Panels).rung_of(self.view)))

    def action_compare(self) -> None:
        """Open the page that compares the selected run with the marked ones."""
        from ..compare_runs import CompareRuns

        folders = [view.folder for view in self.views if view.has_spec]
        if len(folders) < 2:
            self.state.notify("mark other runs with space first, then C compares them with this one", problem=True)
        elif len(folders) > comparison.MOST:
            self.state.notify(f"{comparison.MOST} runs are compared at once: unmark some with space", problem=True)
        else:
            self.app.push_screen(CompareRuns(folders))

    async def action_rows(self) -> None:
        if self.view is not None:
            await self.state.places.show_errors(self.view.folder, self.query_one(Panels).rung_of(self.view))

    @on(Panels.CellChosen)
    async def _show_cell(self, event: Panels.CellChosen) -> None:
        await self.state.places.show_errors(event.view.folder, self.query_one(Panels).rung_of(event.view), event.cell)
