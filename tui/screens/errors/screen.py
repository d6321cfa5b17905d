"""The keys of the Errors screen, and the choice of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from ....core.runs import rungs
from ....core.runs.state import RunView
from ..choose_run import ChooseRun, RunRef, newest
from ..label_keys import LabelKeys, legend
from .examination import SPLITS, VIEWS
from .keys import KEYS, REST, may_act
from .work import ErrorsWork

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.data.overlay import Place
    from ....core.data.overlay_edit import Editor
    from ....core.data.table import Dataset
    from ...widgets.label_look import LabelLook


class ErrorsScreen(ErrorsWork, LabelKeys[None]):
    """Screen 5: one run, or rung of a baseline, on one split."""

    MODE = "errors"
    CSS_PATH = "errors.tcss"
    BINDINGS = KEYS

    def __init__(self) -> None:
        super().__init__()
        self._by_hand = False
        """Whether the user chose the run."""

    def show_runs(self, runs: tuple[RunView, ...]) -> None:  # noqa: ARG002 - they are read from the state
        if self.seen.ref is not None and self._run is None:
            self.seen.ref, self._by_hand = None, False
        if self.seen.ref is None:
            self._choose_run()
        self.set_class(self.seen.ref is None, "-empty")

    def show_dataset(self, dataset: Dataset) -> None:  # noqa: ARG002 - it is read from the state
        if not self._by_hand:
            self._choose_run()

    def _choose_run(self) -> None:
        """Show the newest run with a model, preferably of the open data set."""
        first = newest(self.state.runs, self.state.is_of_open_data)
        if first is not None and first != self.seen.ref:
            self._show(first)

    def text_in_hand(self) -> str | None:
        row = self._rows.list.row
        return self.seen.found.predictions.rows.split.row(row).text if row is not None and self.seen.found is not None else None

    def texts_after(self) -> tuple[str, ...]:
        return self._rows.list.texts_after(15)

    def show_run_errors(self, folder: str, rung: str, cell: tuple[int, int] | None) -> None:
        self.look_at(RunRef(folder, rung), cell)

    def look_at(self, ref: RunRef, cell: tuple[int, int] | None = None) -> None:
        """Show the errors of a run on validation; with a `cell` of its confusion matrix, the rows in that."""
        self._by_hand, self._wanted = True, cell
        if cell is not None:
            self.seen.split, self.seen.line = SPLITS[0], ""
            self._rows.shut_filter()
            self._turn_to("matrix")
        self._show(ref)
        self.set_class(False, "-empty")

    def _show(self, ref: RunRef) -> None:
        self.seen.ref = ref
        self._read()
        self.refresh_bindings()

    # --- keys ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if (may := self.may_act(action, parameters)) is not None:
            return may
        if self.is_labelling and (action in REST or (action == "back" and not isinstance(self.focused, Input))):
            return False  # their keys give labels, leave rows out, and end labelling
        return may_act(action, self.seen, self._run, self.view, is_faulty=self._rows.is_faulty)

    def action_view(self, by: int) -> None:
        self._turn_to(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    def action_split(self) -> None:
        self._go_to_split(SPLITS[(SPLITS.index(self.seen.split) + 1) % len(SPLITS)])

    def action_end(self) -> None:
        self.seen.is_lowest_first = not self.seen.is_lowest_first
        self._list_rows()

    def action_rung(self) -> None:
        run, ref, at = self._run, self.seen.ref, self.seen.rung
        if run is not None and ref is not None:
            self.look_at(RunRef(ref.folder, rungs.after(run.rungs, at) or at))

    def action_run(self) -> None:
        self.app.push_screen(ChooseRun("the run to look at", self.state.runs, self.state.clock(), self.seen.ref), self._change_run)

    def _change_run(self, chosen: RunRef | None) -> None:
        if chosen is not None:
            self.look_at(chosen)

    def action_against(self) -> None:
        self.app.push_screen(ChooseRun("compare with", self.state.runs, self.state.clock(), self.seen.other), self._compare_with)

    def _compare_with(self, chosen: RunRef | None) -> None:
        if chosen is not None:
            self.seen.other = chosen
            self._turn_to("against")
            self._read()

    def action_measure(self) -> None:
        if self.seen.ref is not None:
            self._measure(self.seen.ref, self.seen.split)

    def action_copy(self) -> None:
        if self.seen.ref is not None:
            words = self.seen.command(self.view, self._figures.line_of("coverage"))
            self.app.copy_to_clipboard(words)
            self.state.notify(f"copied: {words}")

    async def action_save(self) -> None:
        from ....core.data.table import Dataset
        from ..save_rows import SaveRows

        found, run = self.seen.found, self._run
        if found is None or run is None or not len(self.listed):
            return
        part = found.predictions.rows.split
        data = Dataset(self._called, run.spec.job.data.source, {part.name: part}, part.labels, (), "", "", {}, {})
        await self.app.push_screen(SaveRows(data, {part.name: self.listed}, part.name, {part.name: found.judged}))

    def action_why(self) -> None:
        from ..why import explain
        from ..why.explanation import Cell, Subject

        found, row, ref = self.seen.found, self._rows.list.row, self.seen.ref
        subject = None
        if found is not None and row is not None and ref is not None:
            true = found.judged.labels[int(found.judged.truth[row])]
            cell = Cell(found, *self.seen.cell) if self.seen.cell is not None else None
            text, place = self.text_in_hand() or "", f"row {row:,} of {self.seen.split}"
            subject = Subject(text, RunRef(ref.folder, self.seen.rung), true, place, cell)
        explain(self.state, subject, otherwise="put the cursor on a row first: w says why it gets its label", take_word=self._filter_by)

    def _filter_by(self, word: str) -> None:
        """List the rows that contain a word, within the chosen cell if there is one."""
        line = f'"{word}"'  # quoted, because a word may be a term of filters, such as wrong
        self._rows.open_filter(line)
        self._rows.list.focus()
        self._apply_filter(line, taken=True)

    def action_report(self) -> None:
        from ..write_report import WriteReport

        if self.seen.ref is not None:
            self.app.push_screen(WriteReport(self.seen.ref.folder, self.seen.ref.rung, self.seen.split))

    def action_name(self) -> None:
        from ..name_slice import NameSlice

        if self._run is not None and self.seen.line:
            self.app.push_screen(NameSlice(self._run.spec.job.data.source, self.seen.line, self._named))

    def _named(self, name: str) -> None:
        self.state.notify(f"the filter is kept as the slice {name}")
        self._turn_to("slices")
        self._compute()

    def action_enlarge(self) -> None:
        super().action_enlarge()
        self.call_after_refresh(self._draw_figures)

    def action_shrink(self) -> None:
        super().action_shrink()
        self.call_after_refresh(self._draw_figures)

    def action_filter(self) -> None:
        self.action_shrink()
        self._rows.open_filter()

    def action_back(self) -> None:
        """Step back: restore an enlarged panel, cancel an evaluation, deselect the figure, close the filter line, or clear the filter."""
        if self.is_enlarged:
            self.action_shrink()
        elif any(not each.is_finished for each in self.workers if each.group == "measure"):
            self.workers.cancel_group(self, "measure")
            self._read()
        elif self._rows.is_filter_kept:
            self._rows.list.focus()
        elif self.seen.has_choice and not self._rows.is_typing:
            self.seen.forget_choice()
            self._figures.forget_lines()
            self._list_rows()
        else:
            self._rows.shut_filter()
            if self.seen.line:
                self._apply_filter("", taken=True)

    # --- labels by key ------------------------------------------------------------------------------------

    def label_looks(self) -> tuple[LabelLook, ...]:
        return self._looks if self._labels is not None and len(self.listed) else ()

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        row = self._rows.list.row
        if self._labels is None:
            return None
        return self._labels.editor, None if row is None or self.seen.found is None else self._labels.place(row)

    def suggestion(self) -> tuple[str, float, str] | None:
        row, found, run = self._rows.list.row, self.seen.found, self._run
        if row is None or found is None or run is None or found.judged.right[row]:
            return None
        return found.judged.labels[int(found.judged.predicted[row])], float(found.judged.confidence[row]), run.id

    def row_decided(self) -> None:
        self._rows.list.refresh()
        self._rows.list.action_move(1)

    def decision_undone(self) -> None:
        self._rows.list.refresh()

    def show_labelling(self) -> None:
        keys = legend(self.label_looks(), self.app.theme_variables["accent"], suggests="as predicted")
        self._rows.show_keys(keys if self.is_labelling else ())
        self._rows.list.focus()
