"""The right side of the dataset browser: classes, lengths and problems of the shown rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from ....core.errors import UserError
from ....core.questions import AskFaults, AskLengths, LengthsAnswer, ProgressLine
from ....core.safe_text import safe_line, safe_text
from ....core.units import count
from ...field_names import by_fields
from ...state import State, state_of
from ...theme import class_looks
from ...widgets.box_plots import BoxPlots
from ...widgets.class_bars import ClassBars
from ...widgets.cut_table import CutTable
from ...widgets.problem_list import ProblemList
from ...widgets.reading import Reading
from ...widgets.split_table import SplitTable

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.checks import Problem
    from ....core.data.drift import Drift
    from ....core.data.table import Dataset, Split
    from .faults import Faults
    from .numbers import Numbers, Unit


PAUSE = 2.0
"""Seconds without a decision before figures are counted again."""


class DatasetSide(Vertical):
    """Computes figures of the shown rows, in threads and in the engine, and draws them."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lengths: LengthsAnswer | None = None
        """The number of tokens of each text; None until the engine has counted them."""
        self._dataset: Dataset | None = None
        self._shown: tuple[Split, Any] | None = None
        self._numbers: Numbers | None = None
        self._unit: Unit = "words"
        self._counting = ""
        self._found: Mapping[str, Any] | None = None
        self._problems: tuple[Problem, ...] | None = None
        self._drifts: tuple[Drift, ...] = ()
        self.looked_at: Dataset | None = None
        """The data set in which the problems were found; the shown one may have changed since."""
        self._figures_timer: Timer | None = None
        self._sentences: list[str] = []
        """Sentences on what was not searched for."""
        self._seeking = ""
        """The progress of the search for faults of rows; '' if there is none."""
        self.faults: Faults | None = None

    @property
    def _state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        with Reading(id="classes", classes="panel side"):
            yield ClassBars()
        with Reading(id="lengths", classes="panel side"):
            yield BoxPlots()
            yield CutTable(id="cuts")
        with Reading(id="splits", classes="panel side"):
            yield SplitTable()
        with Vertical(id="problems", classes="panel side"):
            yield ProblemList(id="problem_list")
            yield Static(id="notes", markup=False)

    def on_mount(self) -> None:
        for name, title in (("classes", "classes"), ("lengths", "words per text"), ("splits", "splits"), ("problems", "problems")):
            self.query_one(f"#{name}").border_title = Text(title)

    def open(self, dataset: Dataset) -> None:
        """Begin with another data set: search for its problems and count its tokens."""
        from ....core.data import stats

        self._dataset, self.lengths, self._drifts = dataset, None, ()
        self.workers.cancel_group(self, "faults")
        self.faults, self._seeking = None, ""
        self._numbers = None  # from the data set before, which may have other classes
        self._unit = "characters" if stats.unspaced(dataset) else "words"
        self.find_problems()
        self.count_tokens()

    def follow(self, dataset: Dataset, split: Split, found: Mapping[str, Any] | None) -> None:
        """Continue with the same data set after a decision about its rows; figures are counted again after a pause in decisions."""
        before, self._dataset = self._dataset, dataset
        self._shown, self._found = (split, None if found is None else found.get(split.name)), found
        if before is None or {name: len(part) for name, part in before.splits.items()} != {n: len(p) for n, p in dataset.splits.items()}:
            self.lengths = None  # the rows are at other positions now
        if self._figures_timer is not None:
            self._figures_timer.stop()
        self._figures_timer = self.set_timer(PAUSE, self._refresh_figures)

    def _refresh_figures(self) -> None:
        if self._shown is not None:
            self._count(*self._shown)
        self.find_problems()
        if self.lengths is None:
            self.count_tokens()

    def show(self, split: Split, found: Mapping[str, Any] | None) -> None:
        """Count a split, or its rows in `found` (positions by split, int64, shape [n]), and draw the figures."""
        indices = None if found is None else found.get(split.name)
        self._shown = (split, indices)
        self._found = found
        self._count(split, indices)

    def next_unit(self) -> None:
        """Switch lengths to the next unit: words, tokens, characters."""
        from .numbers import UNITS

        self._unit = UNITS[(UNITS.index(self._unit) + 1) % len(UNITS)]
        self._draw_numbers()

    @work(exclusive=True, group="count")
    async def _count(self, split: Split, indices: Any) -> None:
        from .numbers import FIRST, count

        rows = len(split) if indices is None else len(indices)
        if rows > FIRST:
            self._numbers = await asyncio.to_thread(count, split, indices, self.lengths, at_most=FIRST)
            self._draw_numbers()
        self._numbers = await asyncio.to_thread(count, split, indices, self.lengths)
        self._draw_numbers()

    def _draw_numbers(self) -> None:
        dataset, numbers = self._dataset, self._numbers
        if dataset is None or numbers is None:
            return
        from .numbers import plot, splits

        looks = class_looks(dataset.labels, dark=self._state.dark)
        self.query_one(ClassBars).counts = tuple((look, numbers.counts[look.name]) for look in looks)
        self.query_one(BoxPlots).plot = plot(numbers, self._unit, looks)
        self.query_one(SplitTable).shown = splits(dataset, self._found, looks, self._drifts)
        self.query_one(CutTable).shown = (numbers.cuts, looks)
        self.call_after_refresh(self._fit)
        classes, lengths = self.query_one("#classes"), self.query_one("#lengths")
        partly = f"counted on {numbers.rows:,} of {numbers.of:,}" if numbers.rows < numbers.of else ""
        classes.border_subtitle = Text(partly or count(numbers.rows, "row"))
        lengths.border_title = Text(f"{self._unit} per text")
        if self._unit == "tokens" and not numbers.boxes.get("tokens"):
            subtitle = self._counting or "tokens are not counted yet"
        elif numbers.cut_all is not None and numbers.limit is not None:
            subtitle = f"{numbers.limit:,} tokens cut {100 * numbers.cut_all:.1f} %"
        else:
            subtitle = self._counting or "u: unit"
        lengths.border_subtitle = Text(partly or safe_line(subtitle, 48))

    @work(exclusive=True, group="tokens")
    async def count_tokens(self) -> None:
        """Ask the engine for the number of tokens of each text."""
        spec, dataset = self._state.spec, self._dataset
        if spec is None or dataset is None:
            return
        self.lengths = None

        def report(line: ProgressLine) -> None:
            self._counting = f"{line.phase} {line.done:,} of {line.total:,}" if line.total else line.phase
            self._draw_numbers()

        self._counting = "counting tokens"
        try:
            answer = await self._state.ask(AskLengths(spec, self._state.model), report)
        except UserError as error:
            self._counting = f"no tokens: {by_fields(error)}"
            self._draw_numbers()
            return
        self._counting = ""
        if answer is not None and self._dataset is dataset:
            self.lengths = answer
            self.find_problems()
            if self._shown is not None:
                self._count(*self._shown)

    def toggle_faults(self) -> None:
        """Search for faults of rows in the engine, or cancel a search that is going on."""
        if self._seeking:
            self.workers.cancel_group(self, "faults")
            self._seeking = ""
            self._draw_problems()
        else:
            self._find_faults()

    @work(exclusive=True, group="faults")
    async def _find_faults(self) -> None:
        spec, dataset = self._state.spec, self._dataset
        if spec is None or dataset is None:
            return

        def report(line: ProgressLine) -> None:
            self._seeking = f"{line.phase} {line.done:,} of {line.total:,}" if line.total else line.phase
            self._draw_problems()

        self._seeking = "looking for faults"
        self._draw_problems()
        try:
            answer = await self._state.ask(AskFaults(spec, self._state.model), report)
        except UserError as error:
            self._seeking = ""
            self._draw_problems()
            self._state.notify(f"faults were not searched for: {by_fields(error)}", problem=True)
            return
        self._seeking = ""
        from ....core.data.overlay import is_of_same_source
        from .faults import Faults

        if answer is not None and self._dataset is not None and is_of_same_source(self._dataset, dataset):
            self.faults = Faults.of(answer, dataset)
            if not self.faults.problems:
                self._state.notify("no faults of the rows were found")
            for sentence in self.faults.not_searched:
                self._state.notify(sentence)
        self._draw_problems()

    def rows_of(self, problem: Problem) -> tuple[Dataset | None, tuple[int, ...]]:
        """Return the data set in which a problem was found, and its rows there."""
        is_fault = self.faults is not None and any(each is problem for each in self.faults.problems)
        return (self.faults.dataset if is_fault and self.faults is not None else self.looked_at), problem.rows

    @work(exclusive=True, group="problems")
    async def find_problems(self) -> None:
        """Find the problems of the data, and list them."""
        dataset = self._dataset
        if dataset is None:
            return
        problems, sentences, self._drifts = await asyncio.to_thread(_problems_of, dataset)
        self._draw_numbers()
        if self.lengths is not None:
            problems = _with_unknown(dataset, problems, self.lengths)
        self._problems, self.looked_at = problems, dataset
        self._state.distrust = tuple(problem.message for problem in problems if problem.untrustworthy)
        self._sentences = sentences
        self._draw_problems()

    def _draw_problems(self) -> None:
        dataset = self._dataset
        if dataset is None or self._problems is None:
            return
        problems, colors = self._listed, self.app.theme_variables
        listed = self.query_one("#problem_list", ProblemList)
        listed.show(problems, warning=colors["warning"], error=colors["error"])
        listed.set_class(bool(problems), "-some")
        text = Text() if problems else Text().append("✓ ", f"bold {colors['success']}").append("none found\n")
        notes = self.query_one("#notes", Static)
        unsought = dict.fromkeys((*self._sentences, *(self.faults.not_searched if self.faults is not None else ())))
        notes.update(text.append("\n".join(safe_text(by_fields(note)) for note in (*unsought, *dataset.notes)), "dim"))
        notes.set_class(bool(problems), "-below")
        panel = self.query_one("#problems")
        panel.border_title = Text(f"problems {len(problems)}" if problems else "problems")
        panel.border_subtitle = Text(safe_line(self._seeking, 60) or ("enter: the rows" if problems else ""))
        self.call_after_refresh(self._fit)

    @property
    def _listed(self) -> tuple[Problem, ...]:
        """All problems: the grave ones, then faults of rows, which were asked for and can be mended, then the others."""
        problems, faults = self._problems or (), self.faults.problems if self.faults is not None else ()
        return tuple(sorted((*faults, *problems), key=lambda each: not each.untrustworthy))

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Show the splits side by side if the problems leave room for them."""
        if self._dataset is None or self._problems is None or self.has_class("-large"):
            return
        width = max(10, self.query_one("#problems").content_size.width)
        lines = [f"! {problem.message}" for problem in self._listed] or ["none found"]
        needed = 2 + sum(-(-len(line) // width) for line in (*lines, *map(by_fields, self._dataset.notes)))
        above = sum(self.query_one(f"#{name}").outer_size.height for name in ("classes", "lengths"))
        own = len(self._dataset.labels) + (6 if self._drifts else 4) + len(self._dataset.unlabelled)
        self.query_one("#splits").display = self.size.height - above - needed >= own


def _with_unknown(dataset: Dataset, problems: tuple[Problem, ...], lengths: LengthsAnswer) -> tuple[Problem, ...]:
    from ....core.data import checks, unknown_tokens

    return checks.sorted_gravest(problems + unknown_tokens.problems(dataset, unknown_tokens.shares(dataset, lengths)))


def _problems_of(dataset: Dataset) -> tuple[tuple[Problem, ...], list[str], tuple[Drift, ...]]:
    """Return the problems, sentences on what was not searched for, and the distances between splits."""
    import pyarrow as pa

    from ....core.data import checks, drift

    problems, left_out = checks.find_problems(dataset), checks.not_looked_for(dataset)
    # Grouping the texts takes a quarter of this process's memory, which Arrow would otherwise keep.
    pa.default_memory_pool().release_unused()
    return problems, [left_out] if left_out else [], drift.between(dataset)
