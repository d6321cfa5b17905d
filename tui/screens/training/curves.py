"""The charts of a run: its loss and its scores with one cross-hair, or the hidden states of a baseline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from ....core.errors import UserError
from ....core.events import Rung
from ....core.runs import rungs
from ....core.runs.state import RunView
from ....core.specs import BaselineSpec
from ...field_names import by_fields
from ...state import State, state_of
from ...widgets.chart import Chart
from ...widgets.density import Density
from ...widgets.plot import Plot
from ..run_words import run_label_looks
from .charts import READING, SCORES, Palette, loss_chart, score_chart, score_kinds
from .files import read_projection

_OF = {"cls": ", [CLS]", "mean": ", mean of the tokens"}


class Charts(ContentSwitcher):
    """Shows the curves of runs, or the hidden states of a single baseline."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(initial="curves", id=id)
        self._scores = SCORES[0]
        self._shown: Sequence[RunView] = ()
        self._projection: tuple[str, str, bool] | None = None
        """Folder and rung of the run whose projection was read, and whether for a dark theme."""

    @property
    def _state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        with Horizontal(id="curves"):
            yield Plot(Chart("loss"), hint="m smooth g log z large", id="loss")
            yield Plot(Chart("F1"), hint="f score ←→ read + zoom", id="score")
        yield Density("hidden states in two dimensions", empty="they come with the end of a baseline", id="density")

    def show(self, views: Sequence[RunView], ladder: Sequence[Rung], palette: Palette, rung: str = "") -> None:
        """Show the first of `views` with the others overlaid; `ladder` are the rungs to compare scores with.

        For a baseline, show the hidden states of `rung`, by default of its best rung that has any.
        """
        view, baseline = views[0], isinstance(views[0].spec.job, BaselineSpec)
        self.current = "density" if baseline and len(views) == 1 else "curves"
        shown = [each for each in views if not isinstance(each.spec.job, BaselineSpec)] or views
        self._shown = shown
        self.query_one("#loss", Plot).show(loss_chart(shown, palette))
        self.query_one("#score", Plot).show(score_chart(shown, ladder, palette, self._scores, dark=self._state.dark))
        if baseline:
            self._draw_hidden_states(view, rung)

    def turn_scores(self) -> None:
        """Choose the next kind of scores that the runs have; the next `show` draws it."""
        kinds = score_kinds(self._shown)
        self._scores = kinds[(kinds.index(self._scores) + 1) % len(kinds)] if self._scores in kinds else kinds[0]

    @on(Plot.Looked)
    def _align_plots(self, event: Plot.Looked) -> None:
        """Keep the charts of a run at the same steps and the same cross-hair."""
        for plot in self.query(Plot):
            if plot is not event.plot:
                plot.match_view(event.plot.view.window, event.plot.view.cursor)

    def _draw_hidden_states(self, view: RunView, rung: str) -> None:
        found = rungs.best([each for each in view.rungs if each.name in rungs.ON_STATES], rung if rung in rungs.ON_STATES else "")
        name = found.name if found is not None else ""
        wanted = (view.folder, name, self._state.dark)
        if self._projection == wanted:
            return
        if self._projection is None or self._projection[0] != view.folder or view.finished is not None:
            self.workers.cancel_group(self, "projection")
            self.query_one(Density).show(None, empty=_no_states(view))  # never show those of another run
            self._projection = None
        if view.finished is not None and (name or view.is_whole):
            self._projection = wanted
            self._read_projection(view, name)

    @work(exclusive=True, group="projection")
    async def _read_projection(self, view: RunView, rung: str) -> None:
        try:
            cloud = await asyncio.to_thread(read_projection, Path(view.folder), run_label_looks(view, dark=self._state.dark), rung)
        except UserError as error:
            self._state.notify(by_fields(error), problem=True)
        else:
            title = f"hidden states in two dimensions{_OF.get(rung, '')}"
            self.query_one(Density).show(cloud, empty="this baseline has kept no picture of its hidden states", title=title)


def _no_states(view: RunView) -> str:
    """Return the text shown in place of a baseline's hidden states while they are unknown."""
    if view.is_live:
        return "they come with the end of a baseline"
    return READING if view.finished is not None else "this baseline ended before it had computed them"
