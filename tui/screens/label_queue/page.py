"""The widgets of the label queue, and how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from ....core.questions import StatesAnswer
from ....core.specs import DataSpec
from ....core.units import count
from ...theme import class_looks
from ...widgets.key_legend import KeyLegend
from ...widgets.plot import Plot
from ...widgets.queue_list import QueueList
from ...widgets.reading import Reading
from ...widgets.redraw import set_text, set_titles
from ..label_keys import LabelKeys, legend
from . import rows, words
from .side import Standing, counts, curve, how

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.labelling import Labelling
    from ...widgets.label_look import LabelLook

STEP = 20
"""Labels after which the regression is fitted and the queue ordered again."""
WAY = "label queue"
"""The source of suggested labels, as stored with decisions."""


class LabelQueuePage(LabelKeys[None]):
    """The queue of one file: the current text, the coming ones, the labels given, and the regression's F1 over the labels."""

    def __init__(self, spec: DataSpec) -> None:
        """Prepare the queue of a file for which core.data.labelling.begin has been called."""
        super().__init__()
        self._spec = spec
        self._given: Labelling | None = None
        self._states: StatesAnswer | None = None
        self._rows = rows.Rows()
        self._standing = Standing()
        self._guesses: dict[int, tuple[int, float]] = {}
        self._ordered_with = 0
        """The number of labels from which the order was computed."""

    # --- what is there ----------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        with Horizontal(id="queue"):
            with Vertical(id="left"):
                with Reading(id="card", classes="panel"):
                    yield Static(id="full", markup=False)
                with Vertical(id="rows", classes="panel"):
                    yield QueueList()
                yield KeyLegend(id="legend")
            with Vertical(id="right"):
                with Vertical(id="given", classes="panel"):
                    yield Static(id="counts", markup=False)
                plot = Plot(curve(()), id="f1")
                plot.can_focus = False
                yield plot
                with Vertical(id="how", classes="panel"):
                    yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#given").border_title = Text("labels given")
        self.query_one("#how").border_title = Text("order")
        self.query_one("#full", Static).update(Text("reading the file…", "dim"))
        self.watch(self._app_state.application, "theme", self._draw, init=False)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 30, "-short")
        self.set_class(event.size.width >= 160, "-wide")
        self.call_after_refresh(self._draw)

    def label_looks(self) -> tuple[LabelLook, ...]:
        return class_looks(self._given.names, dark=self._app_state.dark) if self._given is not None else ()

    def suggestion(self) -> tuple[str, float, str] | None:
        row = self._rows.in_hand
        found = self._guesses.get(row) if row is not None else None
        return (self._given.names[found[0]], found[1], WAY) if found is not None and self._given is not None else None

    # --- drawing ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        given = self._given
        if given is None or not self.is_mounted:
            return
        looks = self.label_looks()
        at, listed = self._rows.at, self.query_one(QueueList)
        first, room = max(0, at - listed.size.height), max(1, listed.size.height)
        listed.show(tuple(words.line(given, row, looks) for row in self._rows.items[first : at + room]), at - first)
        self._draw_card(given, looks)
        suggests = "as suggested" if self._guesses else ""
        self.query_one(KeyLegend).show(legend(looks, self.app.theme_variables["accent"], suggests=suggests, end="esc"))
        self._draw_side()

    def _draw_card(self, given: Labelling, looks: tuple[LabelLook, ...]) -> None:
        row, card, full = self._rows.in_hand, self.query_one("#card"), self.query_one("#full", Static)
        if row is None:
            set_titles(card, Text("no more texts"))
            set_text(full, words.nothing_left(given))
            return
        set_titles(card, words.title(given, row, looks, self.suggestion()))
        set_text(full, words.body(given.texts[row]))
        card.scroll_home(animate=False)

    def _draw_side(self) -> None:
        given = self._given
        if given is None or not self.is_mounted:
            return
        looks, done = self.label_looks(), len(given.labelled)
        set_text(self.query_one("#head", Static), words.head(given, self._app_state.model))
        set_text(self.query_one("#counts", Static), counts(given, looks, self.query_one("#counts").size.width))
        set_titles(self.query_one("#rows"), Text(f"queue: {count(len(given.open), 'text')} without a label"))
        self.query_one("#f1", Plot).show(curve(tuple(self._standing.curve)))
        set_text(self.query_one("#said", Static), how(self._standing, done, self._ordered_with, STEP, self._states is not None))
