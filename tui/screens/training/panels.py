"""The lower half of the training monitor: epochs, classes, confusion matrix, log and settings of the selected runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, ScrollableContainer, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from ....core.errors import UserError
from ....core.log_text import clean
from ....core.runs import rungs
from ....core.runs.folder import RunFolder
from ....core.runs.state import RunView
from ....core.safe_text import safe_line, safe_text
from ....core.specs import BaselineSpec
from ...field_names import by_fields
from ...widgets.confusion import Confusion
from ...widgets.confusion_places import Matrix
from ..run_words import name_of, run_label_looks
from .charts import READING
from .files import read_log
from .tables import class_table, epoch_table, ladder_table, settings_table
from .words import spec_rows

PANELS = ("scores", "classes", "confusion", "log", "settings")


class Panels(Widget):
    """Shows one panel for the selected run and those compared with it; the scores stay beside it if there is room."""

    DEFAULT_CSS = "Panels { layout: horizontal; }"

    @dataclass
    class CellChosen(Message):
        """The rows of a cell of the matrix, given by the indices of the true and the predicted class, were asked for."""

        view: RunView
        cell: tuple[int, int]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._views: list[RunView] = []
        self.rung = ""
        """The rung of baselines whose matrix, classes and rows are shown; '' for the best."""
        self._log_mark: tuple[str, tuple[int, int] | None] = ("", None)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="scores-beside", classes="panel"):
            yield Static(markup=False)
        with ContentSwitcher(initial="confusion", id="panels"):
            with VerticalScroll(id="scores", classes="panel"):
                yield Static(markup=False)
            with ScrollableContainer(id="classes", classes="panel"):
                yield Static(markup=False)
            with Horizontal(id="confusion"):
                yield Confusion(id="first", classes="panel")
                yield Confusion(id="second", classes="panel")
            with ScrollableContainer(id="log", classes="panel"):
                yield Static(id="log-error", markup=False)
                yield Static(id="log-text", markup=False)
            with ScrollableContainer(id="settings", classes="panel"):
                yield Static(markup=False)

    def on_mount(self) -> None:
        titles = {"classes": "scores by class", "log": "log of the worker", "settings": "settings"}
        for name, title in titles.items():
            self.query_one(f"#{name}").border_title = Text(title)

    @property
    def active(self) -> str:
        return self.query_one("#panels", ContentSwitcher).current or "confusion"

    @property
    def tabs(self) -> tuple[str, ...]:
        """The panels to choose from; the scores only if they are not already beside them."""
        return PANELS if self._narrow else PANELS[1:]

    @property
    def _narrow(self) -> bool:
        return self.screen.has_class("-narrow")

    def turn_to(self, name: str) -> None:
        """Show a panel and focus it."""
        self.query_one("#panels", ContentSwitcher).current = name if name in self.tabs else "classes"
        panel = self.query_one("#first" if self.active == "confusion" else f"#{self.active}")
        panel.focus()

    def show(self, views: list[RunView], tuned: Sequence[tuple[str, float, float]]) -> None:
        """Show the selected run and those compared with it; `tuned` runs are listed below the ladder of a baseline."""
        if self.active not in self.tabs:
            self.turn_to("classes")
        self._views = views
        matrices = [self._matrix(view) for view in views[:2]] if self.active == "confusion" else []
        self.screen.set_class(_is_pair(matrices), "-compared")
        self._show_scores(tuned)
        match self.active:
            case "classes":
                self._show_classes()
            case "confusion":
                self._show_confusion(matrices)
            case "log":
                self._read_log(views[0])
            case "settings":
                others = [spec_rows(view) for view in views[1:]]
                self._update("settings", settings_table(spec_rows(views[0]), others, self.app.theme_variables["warning"]))
            case _:
                pass

    def _update(self, panel: str, text: Text) -> None:
        static = self.query_one(f"#{panel} Static", Static)
        if static.content != text:
            static.update(text)

    def _show_scores(self, tuned: Sequence[tuple[str, float, float]]) -> None:
        """Show the epoch table, or the ladder of a baseline."""
        view, colors = self._views[0], self.app.theme_variables
        for name in ("scores", "scores-beside"):
            panel = self.query_one(f"#{name}")
            if not panel.display:
                continue
            if isinstance(view.spec.job, BaselineSpec):
                panel.border_title = Text("the ladder of baselines, validation")
                self._update(name, ladder_table(view.rungs, tuned, panel.content_size.width, colors, live=view.is_live))
            else:
                panel.border_title = Text("epochs, validation")
                self._update(name, epoch_table(view.epochs, panel.content_size.width, colors["success"], live=view.is_live))

    def _show_classes(self) -> None:
        view, *rest = self._views
        others = [(name_of(each), metrics) for each in rest[:3] if (metrics := each.measured_by(self.rung)) is not None]
        looks = run_label_looks(view, dark=self.app.current_theme.dark)
        width = self.query_one("#classes").content_size.width
        empty = "no scores yet" if view.is_whole else READING
        self._update("classes", class_table(view.measured_by(self.rung), others, view.evaluations, looks, width, empty=empty))

    def _show_confusion(self, shown: list[Matrix | None]) -> None:
        first, second = self.query_one("#first", Confusion), self.query_one("#second", Confusion)
        first.empty = "no predictions yet" if self._views[0].is_whole else READING
        first.show(shown[0])
        if _is_pair(shown):
            second.show(shown[1])
            second.match_view(first.mode, first.cursor)

    def _matrix(self, view: RunView) -> Matrix | None:
        metrics = view.measured_by(self.rung)
        if metrics is None:
            return None
        looks = run_label_looks(view, dark=self.app.current_theme.dark)
        rung = self.rung_of(view)
        return Matrix(f"{name_of(view)} {rungs.short(rung) or view.task}, {safe_line(metrics.split, 20)}", looks, metrics.confusion)

    def rung_of(self, view: RunView) -> str:
        """Return the shown rung of a baseline; '' for other runs."""
        found = view.rung(self.rung)
        return found.name if found is not None else ""

    def turn_rung(self) -> None:
        """Choose the next rung of the selected baseline; the next `show` draws it."""
        if self._views:
            self.rung = rungs.after(self._views[0].rungs, self.rung_of(self._views[0])) or self.rung

    @on(Confusion.Changed)
    def _keep_side_by_side(self, event: Confusion.Changed) -> None:
        for other in self.query(Confusion):
            if other is not event.confusion:
                other.match_view(event.confusion.mode, event.confusion.cursor)

    @on(Confusion.Chosen)
    def _ask_for_rows(self, event: Confusion.Chosen) -> None:
        event.stop()
        view = self._views[min(len(self._views) - 1, int(event.confusion.id == "second"))]
        self.post_message(self.CellChosen(view, (event.true, event.predicted)))

    @work(exclusive=True, group="log")
    async def _read_log(self, view: RunView) -> None:
        errors = [by_fields(note.words) for note in view.notes if note.level == "error"]
        if view.state in ("failed", "lost", "unreadable") and view.reason:
            errors.insert(0, by_fields(view.reason))
        errors += view.faults
        pinned = self.query_one("#log-error", Static)
        pinned.update(Text("\n".join(f"✗ {safe_text(message)}" for message in dict.fromkeys(errors))))
        pinned.set_class(bool(errors), "-there")
        folder, mark = self._log_mark
        try:
            found = await asyncio.to_thread(read_log, RunFolder(Path(view.folder)).log_file, mark if folder == view.folder else None)
        except UserError as error:
            found = ((0, 0), by_fields(error))
        if found is None:
            return
        self._log_mark = (view.folder, found[0])
        panel = self.query_one("#log", ScrollableContainer)
        at_end = panel.scroll_y >= panel.max_scroll_y - 1
        self.query_one("#log-text", Static).update(Text(clean(found[1]).expandtabs(8) or "(empty)", no_wrap=True))
        if at_end and not errors:
            panel.scroll_end(animate=False)


def _is_pair(matrices: Sequence[Matrix | None]) -> bool:
    """Return whether there are two matrices with the same number of classes, to be shown side by side."""
    known = [matrix for matrix in matrices if matrix is not None]
    return len(known) == 2 and len(known[0].labels) == len(known[1].labels)
