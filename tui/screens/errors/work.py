"""Background work of the Errors screen: reading, evaluating, computing, filtering, and fitting a temperature."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from textual import on, work

from ....core.errors import UserError
from ....core.questions import AskClassify, AskEvaluate, ProgressLine
from ....core.runs.folder import RunFolder
from ...field_names import by_fields
from ..choose_run import RunRef
from .examination import SPLITS
from .page import ErrorsPage
from .reading import other_run, read, turn_temperature
from .row_panel import RowPanel

PAUSE = 0.12
"""Seconds without a key before a filter takes effect, so that half a word has none."""


class ErrorsWork(ErrorsPage):
    """Fills the examination, each part by a worker of its own that newer ones supersede."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: tuple[int, int] | None = None
        """A cell of the matrix whose rows another screen asked for."""

    def _go_to_split(self, split: str) -> None:
        self.seen.split = split
        self._read()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        """Read the run's stored predictions on the split, and then compute its figures."""
        seen, ref = self.seen, self.seen.ref
        if ref is None:
            return
        self._wait("reading the predictions…")
        other = other_run(self.state.runs, ref) if seen.other in (None, ref) else seen.other
        try:
            found = await asyncio.to_thread(read, ref, seen.split, other, self.state.dataset)
        except UserError as error:
            self._show_nothing(by_fields(error))
            return
        if found is None:
            remedy = "m measures it now, in the background" if not self._is_going else "its rows are known when it has finished"
            self._show_nothing(f"{self._called} was not measured on {seen.split} yet.\n\n{remedy}")
            return
        from ..row_labels import RowLabels

        seen.load(found)
        rows = found.found.predictions.rows
        self._labels = RowLabels(self.state.decisions.editor(rows.dataset), rows)
        with suppress(UserError):
            await asyncio.to_thread(self._labels.editor.follow)  # decisions since the run are shown too
        self._wait("")
        self._apply_filter(seen.line, taken=True)
        self._load_model(RunRef(ref.folder, seen.rung))

    @work(exclusive=True, group="load")
    async def _load_model(self, ref: RunRef) -> None:
        """Have the engine load the model, so that the first explanation does not wait for it."""
        with suppress(UserError):  # asking for an explanation reports it
            await self.state.ask(AskClassify(run=ref.folder, rung=ref.rung, texts=()))

    @work(exclusive=True, group="figures")
    async def _compute(self) -> None:
        """Compute the figures of the rows that match the filter, and of the slices."""
        from ....core.runs import examined, slices

        seen, found, rows = self.seen, self.seen.found, self.seen.rows
        if found is None:
            return
        seen.figures = await asyncio.to_thread(examined.figures, found, rows, seen.compared) if len(rows) else None
        self._draw()
        if self._run is not None and self.state.is_of_open_data(self._run):
            self.state.mark_done("errors")
        cell, self._wanted = self._wanted, None
        if cell is not None and max(cell) < len(found.judged.labels):
            self._figures.matrix.match_view(self._figures.matrix.mode, cell)
            seen.choose_cell(*cell)
            self._list_rows()
            self._rows.list.focus()
        elif self.focused is None:
            self._figures.matrix.focus()
        if self._run is not None:
            source = self._run.spec.job.data.source
            seen.slices = await asyncio.to_thread(lambda: examined.slices(found, slices.read(source), SPLITS))
            self._draw_figures()

    @work(exclusive=True, group="measure")
    async def _measure(self, ref: RunRef, split: str) -> None:
        def report(line: ProgressLine) -> None:
            share = f" {100 * line.done / line.total:.0f} %" if line.total else ""
            self._wait(f"measuring {self._called} on {split}{share}\n\nesc stops it")

        self._wait(f"measuring {self._called} on {split}…\n\nesc stops it")
        try:
            await self.state.ask(AskEvaluate(run=ref.folder, rung=ref.rung, split=split, resamples=0, worst=0), report)
        except UserError as error:
            self._wait(by_fields(error))
            return
        if (ref, split) == (self.seen.ref, self.seen.split):
            self._read()

    @work(exclusive=True, group="filter")
    async def _apply_filter(self, line: str, *, taken: bool = False) -> None:
        """List the rows that match `line`, at once if it is `taken`, otherwise after a pause in typing."""
        from ....core.data import filters
        from ....core.runs import examined

        await asyncio.sleep(0.0 if taken else PAUSE)
        seen, found = self.seen, self.seen.found
        if found is None:
            return
        try:
            query = filters.parse(line)
            there = filters.splits_of(query, SPLITS)
            if taken and there and seen.split not in there:
                seen.line = line
                self._go_to_split(there[0])
                return
            rows = await asyncio.to_thread(examined.rows, found, line, SPLITS) if query.terms else None
        except UserError as error:
            self._rows.complain(by_fields(error))
            if taken:
                self._rows.go_back_to_filter()
            if seen.figures is None:
                self._compute()
            return
        self._rows.complain("")
        seen.met, seen.line = rows, line.strip() if query.terms else ""
        self._list_rows()
        self._compute()
        self.refresh_bindings()

    @on(RowPanel.Filtered)
    def _filtered(self, event: RowPanel.Filtered) -> None:
        self._apply_filter(event.line, taken=event.taken)

    @work(exclusive=True, group="fit")
    async def action_fit(self) -> None:
        seen = self.seen
        if seen.ref is None:
            return
        is_kept = seen.found is not None and seen.found.temperature is not None
        try:
            told = await asyncio.to_thread(turn_temperature, RunFolder(Path(seen.ref.folder)), seen.rung, is_kept=is_kept)
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)
            return
        self.state.notify(told)
        self._read()

    @work(exclusive=True, group="fit")
    async def action_remove(self) -> None:
        from ....core.runs import slices

        run, index = self._run, self._figures.line_of("slices")
        if run is None or index is None or index >= len(self.seen.slices):
            self.state.notify("put the cursor on a slice first")
            return
        try:
            await asyncio.to_thread(slices.remove, run.spec.job.data.source, self.seen.slices[index].name)
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)
            return
        self.seen.forget_choice()
        self._compute()
