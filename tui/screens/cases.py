"""The cases screen: sentences with their expected labels, and a run's predictions for them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ...core.errors import UserError
from ...core.questions import ClassifyAnswer
from ...core.runs import case_results, cases, rungs
from ...core.runs.case_results import CaseResults
from ...core.runs.cases import Case, Outcome
from ...core.runs.folder import RunFolder
from ...core.runs.state import RunView
from ...core.safe_text import pad, safe_line, safe_text
from ...core.specs import DataSpec
from ...core.units import age, count, percent
from ..field_names import by_fields
from ..page import Page
from ..widgets.figure_table import FigureLines, FigureTable
from ..widgets.label_look import LabelLook
from ..widgets.reading import Reading
from .choose_run import ChooseRun, RunRef, newest
from .confirm import Confirm
from .run_words import name_of, run_label_looks, short_source
from .why import explain
from .why.explanation import Subject

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_NONE = """No test case is kept for {source} yet.

4, a sentence, esc, then s   keeps the sentence with the label that it should get.
It is then here, for every run on these data: m asks a run about all of them."""


class Listed(NamedTuple):
    number: int
    case: Case
    outcome: Outcome | None
    """None if the run has not classified it yet."""

    @property
    def fails(self) -> bool:
        return self.outcome is not None and not self.outcome.passed


class CaseLines(FigureLines):
    """The list of cases; Enter takes the sentence to the prompt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "prompt", tooltip="take this sentence to the prompt", id="cases.prompt"),
    ]


class CaseTable(FigureTable):
    LINES = CaseLines


class CasesScreen(Page):
    """Screen 6: the test cases of a data set, with the predictions of one run or rung."""

    MODE = "cases"
    CSS_PATH = "cases.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", tooltip="stop asking, shrink the panel, or show all cases", id="cases.back"),
        Binding("m", "ask", "ask all", tooltip="ask the run about all cases now; the outcome is kept with it", id="cases.ask"),
        Binding("f", "failing", "failing", tooltip="only the cases that fail, or all", id="cases.failing"),
        Binding("o", "run", "run", tooltip="choose the run, or the rung of a baseline", id="cases.run"),
        Binding("w", "why", "why", tooltip="why this sentence gets its label", id="cases.why"),
        Binding("D", "remove", "remove", tooltip="remove the case under the cursor", id="cases.remove"),
        Binding("z", "enlarge", "large", show=False, tooltip="the panel with the focus large, and back", id="cases.enlarge"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by_hand: RunRef | None = None
        """The run that the user chose; None for the newest one of the open data set."""
        self._read_of: RunRef | None = None
        self._cases: tuple[Case, ...] = ()
        self._results: CaseResults | None = None
        self._is_failing_only = False
        self._asking = ""
        """Progress of running the cases, in words; '' if they are not being run."""
        self._fault = ""
        self._listed: list[Listed] = []
        """The cases that are shown."""

    def compose_body(self) -> ComposeResult:
        yield Static(id="cases-empty", markup=False)
        with Vertical(id="cases"):
            with Vertical(id="cases-list", classes="panel"):
                yield CaseTable()
            with Reading(id="case-text", classes="panel"):
                yield Static(markup=False)

    # --- facts --------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self._read()

    def show_runs(self, runs: tuple[RunView, ...]) -> None:  # noqa: ARG002 - they are read from the state
        if self._ref != self._read_of:
            self._show_run(self._by_hand)

    def show_dataset(self, dataset: Dataset) -> None:  # noqa: ARG002 - it is read from the state
        self._show_run(self._by_hand)

    def show_theme(self) -> None:
        self._draw()

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 Textual names it
        self.call_after_refresh(self._draw)

    def text_in_hand(self) -> str | None:
        return case.text if (case := self._case) is not None else None

    @property
    def _ref(self) -> RunRef | None:
        chosen, runs = self._by_hand, self.state.runs
        is_there = chosen is not None and any(view.folder == chosen.folder for view in runs)
        return chosen if is_there else newest(runs, self.state.is_of_open_data)

    @property
    def _view(self) -> RunView | None:
        ref = self._ref
        return next((view for view in self.state.runs if ref is not None and view.folder == ref.folder), None)

    @property
    def _data(self) -> DataSpec | None:
        """The data set whose cases are shown: that of the run, or the open one if there is no run."""
        return view.spec.job.data if (view := self._view) is not None else self.state.spec

    @property
    def _rung(self) -> str:
        """The rung that classifies; '' if the run has none."""
        view, ref = self._view, self._ref
        found = view.rung(ref.rung) if view is not None and ref is not None else None
        return found.name if found is not None else ""

    @property
    def _at(self) -> Listed | None:
        """The case under the cursor."""
        at = self.query_one(CaseTable).index
        return self._listed[at] if at is not None and at < len(self._listed) else None

    @property
    def _case(self) -> Case | None:
        return at.case if (at := self._at) is not None else None

    # --- reading and asking -------------------------------------------------------------------------------

    def _show_run(self, chosen: RunRef | None) -> None:
        self._stop_asking()
        self._by_hand, self._read_of = chosen, self._ref
        self._read()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        data, ref = self._data, self._ref
        found: tuple[Case, ...] = ()
        results, fault = None, ""
        try:
            if data is not None:
                found = (await asyncio.to_thread(cases.read, data)).cases
            if ref is not None and found:
                results = await asyncio.to_thread(case_results.read, RunFolder(Path(ref.folder)), self._rung)
        except UserError as error:
            fault = by_fields(error)
        self._cases, self._results, self._fault = found, results, fault
        self._draw()
        if self._cases and self.is_current and self.focused is None:
            self.query_one(CaseTable).focus_lines()

    @work(exclusive=True, group="ask")
    async def action_ask(self) -> None:
        """Run all cases, part by part, and store the outcomes with the run."""
        if (ref := self._ref) is None:
            return
        run, asked, started = RunFolder(Path(ref.folder)), self._cases, time.monotonic()
        answers: list[ClassifyAnswer] = []
        self._fault = ""
        try:
            for number, question in enumerate(case_results.questions(run, self._rung, asked)):
                self._show_progress(f"asked {number * case_results.PART:,} of {count(len(asked), 'case')}   esc stops it")
                answers.append(await self.state.ask(question))
            results = case_results.collect(run, asked, answers, time.monotonic() - started, self.state.clock())
            await asyncio.to_thread(case_results.write, run, results)
        except UserError as error:
            self._fault = by_fields(error)
        else:
            self._results = results
        self._show_progress("")
        self._draw()

    def _show_progress(self, asking: str) -> None:
        self._asking = asking
        self._draw_title()
        self.refresh_bindings()

    def _stop_asking(self) -> None:
        self.workers.cancel_group(self, "ask")
        self._show_progress("")

    # --- drawing ------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self.set_class(not self._cases, "-empty")
        if not self._cases:
            source = safe_line(short_source(self._data.source), 40) if self._data is not None else "this data set"
            self.query_one("#cases-empty", Static).update(Text(safe_text(self._fault) or _NONE.format(source=source)))
        before, shown = self._case, self.query_one(CaseTable)
        outcomes = self._results.of(self._cases) if self._results is not None else [None] * len(self._cases)
        known = [Listed(number, *each) for number, each in enumerate(zip(self._cases, outcomes, strict=True), 1)]
        self._listed = [each for each in known if not self._is_failing_only or each.fails]
        width = max(40, self.size.width - 6)
        named = 14 if width >= 100 else 11
        looks = {look.name: look for look in run_label_looks(view, dark=self.state.dark)} if (view := self._view) is not None else {}
        head = Text(f"{'':<8}{pad('expected', named)} {'prob.':>8}  {pad('predicted', named)} text", no_wrap=True)
        shown.show(head, [self._line(each, looks, named, width) for each in self._listed])
        at = next((at for at, each in enumerate(self._listed) if each.case == before), 0)
        self.query_one(CaseLines).highlighted = at if self._listed else None
        self._draw_title()
        self._draw_text()
        self.refresh_bindings()

    def _line(self, of: Listed, looks: dict[str, LabelLook], named: int, width: int) -> Text:
        line, said, colors = Text(no_wrap=True, overflow="ellipsis"), of.outcome, self.app.theme_variables
        if said is None:
            line.append("- ".ljust(8), "dim")
        else:
            line.append("✗ FAIL  " if of.fails else "✓ pass  ", f"bold {colors['error' if of.fails else 'success']}")

        def label(name: str) -> Text:
            look = looks.get(name)
            return look.text(named) if look is not None else Text(pad(safe_line(name, named), named))

        share = percent(said.probability) if said is not None and said.probability is not None else "-"
        line.append_text(label(of.case.label)).append(f" {share:>8}  ").append_text(label(said.label if said is not None else ""))
        return line.append(f" {safe_line(of.case.text, width)}")

    def _draw_title(self) -> None:
        view, data, results, panel = self._view, self._data, self._results, self.query_one("#cases-list")
        title = f"{len(self._listed):,} failing of " if self._is_failing_only else ""
        title += count(len(self._cases), "case")
        title += f" of {safe_line(short_source(data.source), 30)}" if data is not None else ""
        title += f" on {safe_line(name_of(view), 24)}" if view is not None else ""
        panel.border_title = Text(f"{title} {rungs.short(self._rung)}" if self._rung else title)
        said = "m asks the run" if view is not None else "no run has a model yet: 3, then n"
        if results is not None and (known := [each for each in results.of(self._cases) if each is not None]):
            passed, ago = sum(each.passed for each in known), age(max(0.0, self.state.clock() - results.when))
            said = f"{passed:,} passed, {len(known) - passed:,} failed   asked {ago if ago == 'now' else f'{ago} ago'}"
        panel.border_subtitle = Text(self._asking or safe_line(self._fault, 100) or said)

    def _draw_text(self) -> None:
        panel, at = self.query_one("#case-text", Reading), self._at
        panel.border_title = Text(f"case {at.number:,}: {safe_line(at.case.label, 24)}" if at is not None else "text")
        shown = Text(safe_text(at.case.text)) if at is not None else Text("no case fails", "dim")
        if at is not None and at.outcome is not None and at.outcome.fault:
            shown.append(f"\n{safe_text(at.outcome.fault)}", self.app.theme_variables["error"])
        panel.query_one(Static).update(shown)
        panel.scroll_home(animate=False)

    # --- keys ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 Textual names it
        match action:
            case "ask":
                return bool(self._cases) and self._view is not None and not self._asking
            case "failing":
                return self._is_failing_only or self._results is not None
            case "why":
                return self._case is not None and self._view is not None
            case "remove":
                return self._case is not None
            case "back":
                return bool(self._asking) or self.is_enlarged or self._is_failing_only
            case _:
                return True

    def action_back(self) -> None:
        if self._asking:
            self._stop_asking()
        elif self.is_enlarged:
            self.action_shrink()
        else:
            self.action_failing()

    def action_failing(self) -> None:
        self._is_failing_only = not self._is_failing_only
        self._draw()

    def action_run(self) -> None:
        self.app.push_screen(ChooseRun("the run to ask about the cases", self.state.runs, self.state.clock(), self._ref), self._change_run)

    def _change_run(self, chosen: RunRef | None) -> None:
        if chosen is not None:
            self._show_run(chosen)

    def action_why(self) -> None:
        case, ref = self._case, self._ref
        subject = Subject(case.text, RunRef(ref.folder, self._rung), case.label, "a test case") if case and ref else None
        explain(self.state, subject, otherwise="put the cursor on a case first: w says why it gets its label")

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        data, case = self._data, self._case
        if data is None or case is None:
            return
        question = f"Remove the case '{safe_line(case.text, 80)}'?"
        if not await self.app.push_screen_wait(Confirm(question, f"No run is asked for {case.label} here any more.", "remove")):
            return
        try:
            await asyncio.to_thread(cases.remove, data, [case])
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)
        self._read()

    @on(FigureTable.Looked)
    def _looked(self) -> None:
        self._draw_text()

    @on(FigureTable.Chosen)
    async def _chosen(self) -> None:
        if (case := self._case) is not None:
            await self.state.places.classify_text(case.text)
