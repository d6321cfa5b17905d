"""The widgets of the page, and how they are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ....core.questions import AskAttention, AskNeighbours, ProgressLine
from ....core.runs import rungs
from ....core.runs.explained import agreement_of, describe_head, score_name, weights_of
from ....core.runs.state import RunView
from ....core.safe_text import safe_line, safe_text
from ...state import State, state_of
from ...theme import class_looks
from ...widgets.attention_map import AttentionMap, Looks
from ...widgets.figure_table import FigureLines, FigureTable
from ...widgets.key_legend import KeyLegend
from ...widgets.key_line import KeyLine
from ...widgets.label_look import LabelLook
from ...widgets.tab_line import TabLine
from ..run_words import name_of
from .explanation import Explanation, Question, Subject, View
from .row_lines import cell_lines, near_lines
from .word_lines import class_line, foot, heading, signed_text, table_lines

_WIDE = 110
"""Width in cells from which on the words are shown beside another view."""
_PANELS: dict[View, str] = {
    "words": "words",
    "attention": "attention",
    "neighbours": "nearest training rows",
    "cell": "words of wrong rows",
}


class Scroll(VerticalScroll):
    """Scrolls by lines; left and right switch classes, because no line is too long."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
        Binding("right", "screen.turn_class(1)", show=False),
        Binding("left", "screen.turn_class(-1)", show=False),
    ]


class NearLines(FigureLines):
    """The nearest rows; Enter explains the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "why", tooltip="why this row gets its label", id="why.row")]


class NearTable(FigureTable):
    LINES = NearLines


class CellLines(FigureLines):
    """The words of a cell; Enter lists the cell's rows that contain the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "rows", tooltip="the rows with this word", id="why.word")]


class CellTable(FigureTable):
    LINES = CellLines


class WhyLook(ModalScreen[str | None]):
    """Shows an explanation, as far as it has arrived."""

    AUTO_FOCUS = "#why-words Scroll"
    CSS_PATH = "why.tcss"

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.of = Explanation(subject)
        self.view: View = "words"
        self._is_large = False
        self._by_size = False
        self._waiting: dict[View, str] = {}
        """What is being computed, by the view that will show it."""

    def compose(self) -> ComposeResult:
        yield Static(id="why-head", markup=False)
        with Scroll(id="why-text", classes="panel"):
            yield Static(markup=False)
        yield Static(id="why-classes", markup=False)
        yield TabLine(hints=("[ ] turns   ←→ or c the class   l layer   h head", "[ ] turns  ←→ class"), id="why-tabs")
        with Horizontal(id="why-lower"):
            with Vertical(id="why-words", classes="panel"):
                yield Static(classes="head", markup=False)
                with Scroll():
                    yield Static(markup=False)
                yield Static(classes="foot", markup=False)
            with Vertical(id="why-attention", classes="panel"):
                yield AttentionMap()
                yield Static(classes="wait", markup=False)
            for name, table in (("neighbours", NearTable), ("cell", CellTable)):
                with Vertical(id=f"why-{name}", classes="panel"):
                    yield table()
                    yield Static(classes="wait", markup=False)
                    if name == "neighbours":
                        yield KeyLegend()
        yield KeyLine()

    def on_mount(self) -> None:
        for name, title in _PANELS.items():
            self.query_one(f"#why-{name}").border_title = Text(title)
        self.watch(self.state, "theme", self.draw, init=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return state_of(self)

    @property
    def run_view(self) -> RunView | None:
        folder = self.of.subject.ref.folder
        return next((view for view in self.state.runs if view.folder == folder), None)

    @property
    def rung(self) -> str:
        """The rung that classifies; '' if the run has none, or has not answered."""
        return self.of.first.rung if self.of.first is not None else self.of.subject.ref.rung

    @property
    def is_single(self) -> bool:
        """Whether one view takes the whole width."""
        return self._is_large or self.size.width < _WIDE

    @property
    def views(self) -> tuple[View, ...]:
        """The views to choose from; without the words, if these are always shown."""
        return self.of.views if self.is_single else self.of.views[1:]

    @property
    def in_sight(self) -> View:
        """The chosen view."""
        return self.view if self.view in self.views else self.views[0]

    @property
    def _looks(self) -> tuple[LabelLook, ...]:
        return class_looks(self.of.labels, dark=self.state.dark)

    # --- drawing ------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw everything that has arrived."""
        self.query_one(TabLine).show(self.views, self.in_sight)
        for name in _PANELS:
            self.query_one(f"#why-{name}").display = name == self.in_sight or (name == "words" and not self.is_single)
        self.set_class(self.size.height < 30, "-short")
        self._draw_head()
        self._draw_text()
        self._draw_words()
        self._draw_attention()
        self._draw_rows()
        self.refresh_bindings()

    def _draw_head(self) -> None:
        subject, view, looks = self.of.subject, self.run_view, self._looks
        line = Text(no_wrap=True, overflow="ellipsis").append(" why ", "bold reverse")
        line.append(f" {safe_line(name_of(view), 24) if view is not None else 'the run'} ", "bold")
        line.append(f"{rungs.title(self.rung) if self.rung in rungs.NAMES else view.task if view is not None else ''}  ")
        line.append(safe_line(subject.place, 60), "dim")
        self.query_one("#why-head", Static).update(line)
        first = self.of.first
        place = self.query_one("#why-classes", Static)
        if first is None:
            place.update(Text("←→ choose the class once it is known", "dim") if not self.of.words_fault else Text())
            return
        place.update(class_line(looks, first.probabilities, self.of.label, subject.true, self.size.width - 2))

    def _draw_text(self) -> None:
        panel, first = self.query_one("#why-text"), self.of.first
        shown, width = panel.query_one(Static), max(20, self.size.width - 5)
        colors = self.app.theme_variables
        if first is None:
            panel.border_title, panel.border_subtitle = Text("text"), Text()
            shown.update(Text(safe_text(self.of.subject.text[:1_000]), "dim"))
            return
        look = next((each for each in self._looks if each.name == self.of.label), None)
        title = Text("text: what speaks for ")
        if look is not None:
            title.append(f"{look.glyph} {safe_line(look.name, 24)}", f"bold {look.color}")
        panel.border_title = title.append(f", {score_name(first)} {first.score:+.3f}")
        panel.border_subtitle = Text.assemble(("+ for it", colors["primary"]), "  ", ("- against it", colors["warning"]))
        shown.update(signed_text(first, width, colors))

    def _draw_words(self) -> None:
        panel, of, colors = self.query_one("#why-words"), self.of, self.app.theme_variables
        table, below = panel.query_one("Scroll Static", Static), panel.query_one(".foot", Static)
        width = max(30, (self.size.width if self.is_single else self.size.width // 2) - 5)
        answers, ways = of.shown, of.ways
        if of.first is None:
            panel.query_one(".head", Static).update(Text())
            table.update(Text(safe_text(of.words_fault or self._waiting.get("words", "") or "waiting for the engine…")))
            below.update(Text())
        else:
            panel.query_one(".head", Static).update(heading(ways, width))
            table.update(table_lines(answers, ways, width, colors, by_size=self._by_size))
            known = [each for each in answers if each is not None]
            lines = foot(answers, agreement_of(known) if len(known) > 1 else None, width, colors["warning"])
            for way in ways:
                if fault := of.faults.get(f"{way} {of.label}"):
                    lines.append("\n" if lines else "").append(safe_line(fault), colors["error"])
            below.update(lines)
        below.display = of.first is not None
        panel.border_subtitle = Text(self._waiting.get("words", "") if of.first is not None else "")

    def _draw_attention(self) -> None:
        panel, shown = self.query_one("#why-attention"), self.of.attention
        if shown is not None:
            panel.border_title = Text(f"attention: layer {shown.layer} of {shown.layers}, {describe_head(shown)}")
            panel.query_one(AttentionMap).show(Looks(shown.tokens, weights_of(shown)))
            cut = shown.full_length > len(shown.tokens)
            panel.border_subtitle = Text(f"✂ cut at {len(shown.tokens):,} of {shown.full_length:,} tokens" if cut else "")
        self._wait_in("attention", self.of.faults.get("attention", ""), has_content=shown is not None)

    def _draw_rows(self) -> None:
        of, width = self.of, max(30, (self.size.width if self.is_single else self.size.width // 2) - 6)
        if of.near is not None:
            looks = {look.name: look for look in self._looks}
            self.query_one("#why-neighbours FigureTable", FigureTable).show(*near_lines(of.near, looks, width, self.mark_of))
        self._wait_in("neighbours", of.faults.get("neighbours", ""), has_content=of.near is not None)
        cell = of.subject.cell
        if of.cell_words is not None and cell is not None:
            lines = cell_lines(of.cell_words, cell.names, cell.found.predictions.rows.split.name, width, self.app.theme_variables)
            self.query_one("#why-cell FigureTable", FigureTable).show(*lines)
        self._wait_in("cell", of.faults.get("cell", ""), has_content=of.cell_words is not None)

    def mark_of(self, row: int) -> Text | None:  # noqa: ARG002 - for who knows the rows
        """Return what tells a decision about a training row that was made since the run; None where there is none."""
        return None

    def _wait_in(self, view: View, fault: str, *, has_content: bool) -> None:
        """Show what is being computed, or why there is nothing, in place of a panel's content."""
        panel = self.query_one(f"#why-{view}")
        panel.set_class(not has_content, "-waiting")
        if not has_content:
            panel.query_one(".wait", Static).update(Text(safe_text(fault or self._waiting.get(view, "") or "waiting for the engine…")))

    def wait_for(self, question: Question | None, line: ProgressLine | None = None) -> None:
        """Show what is being computed, and its progress; None for nothing."""
        self._waiting = {}
        if question is not None:
            places: dict[type, View] = {AskAttention: "attention", AskNeighbours: "neighbours"}
            view = places.get(type(question), "words")
            told = "loading the model…"
            if line is not None:
                total = f" of {line.total:,}" if line.total else ""
                told = f"{line.phase} {line.done:,}{total} {line.unit}" if line.total or line.done else f"{line.phase}…"
            self._waiting[view] = f"{told}   esc stops it"
        self._draw_words()
        self._draw_attention()
        self._draw_rows()
