"""The queue of texts without a label: one in hand, a key gives its label, and the order learns from what was given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from ...core.errors import UserError
from ...core.questions import AskDisagreement, AskNear, AskQueue, AskStates, NearAnswer, ProgressLine, QueueAnswer, QueueOrder, StatesAnswer
from ...core.safe_text import safe_line, safe_text
from ...core.specs import DataSpec
from ...core.units import count
from ..field_names import by_fields
from ..theme import class_looks
from ..widgets.key_legend import KeyLegend
from ..widgets.plot import Plot
from ..widgets.queue_list import QueueLine, QueueList
from ..widgets.reading import Reading
from .label_keys import LABEL_KEYS, LabelKeys, legend
from .label_queue_side import ORDERS, Standing, counts, curve, how

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.labelling import Labelling
    from ...core.data.overlay_log import By
    from ..widgets.label_look import LabelLook

STEP = 20
"""Labels after which the regression is fitted and the queue ordered anew."""
WAY = "label queue"
"""What a decision is said to be suggested by."""
_SHOWN = 4_000
"""Characters of a text that are shown."""
_COMPARED = 1_000
"""Texts that runs classify to see where they disagree."""
_ENDS = ("labelling", "end_labelling")


class LabelQueue(LabelKeys):
    """Shows the queue of one file; leaving it opens the file as a data set."""

    AUTO_FOCUS = ""
    CSS_PATH = "label_queue.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(each for each in LABEL_KEYS if each.action not in _ENDS),
        Binding("j,down,space", "move(1)", "next", key_display="j k", tooltip="go on without a label", id="queue.next"),
        Binding("k,up", "move(-1)", "before", show=False, tooltip="back to the text before", id="queue.before"),
        Binding("o", "order", "order", tooltip="another order: informative, uncertain, different, disagreement of runs", id="queue.order"),
        Binding("slash", "example", "like…", key_display="/", tooltip="texts like an example first", id="queue.example"),
        Binding("t", "tokens", "tokens", tooltip="the tokens of this text", id="queue.tokens"),
        Binding("c", "cancel", "cancel", tooltip="cancel what is being computed; the order stays as it is", show=False, id="queue.cancel"),
        Binding("escape,q", "leave", "end", key_display="esc", tooltip="end labelling and open the data set", id="queue.leave"),
    ]
    is_labelling = True

    def __init__(self, spec: DataSpec) -> None:
        """Prepare the queue of a file, for which core.data.labelling.begin was called."""
        super().__init__()
        self._spec = spec
        self._given: Labelling | None = None
        self._states: StatesAnswer | None = None
        self._items: list[int] = []
        """Rows: those that were in hand, the one that is, and those that come."""
        self._at = 0
        self._standing = Standing()
        self._guesses: dict[int, tuple[int, float]] = {}
        self._ordered_with = 0
        """Labels with which the order was made."""

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
        self.watch(self.app, "theme", self._draw, init=False)
        self._open()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 30, "-short")
        self.set_class(event.size.width >= 160, "-wide")
        self.call_after_refresh(self._draw)

    def looks_to_give(self) -> tuple[LabelLook, ...]:
        return class_looks(self._given.names, dark=self._app_state.dark) if self._given is not None else ()

    @property
    def _row(self) -> int | None:
        return self._items[self._at] if self._at < len(self._items) else None

    # --- getting ready ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        try:
            self._given = await asyncio.to_thread(_read, self._spec)
        except UserError as error:
            self.query_one("#full", Static).update(Text(safe_text(by_fields(error)), self.app.theme_variables["error"]))
            return
        self._items = _drawn(self._given, len(self._given.open))
        self._draw()
        self._compute()

    @work(exclusive=True, group="states")
    async def _compute(self) -> None:
        """Get the hidden states, and the first order by them."""
        self._standing.doing = "hidden states"
        self._draw_side()
        try:
            self._states = await self._app_state.ask(AskStates(self._spec, self._app_state.model), self._report)
        except UserError as error:
            self._say_failed(by_fields(error))
            return
        self._standing.doing = ""
        self._standing.of = len(self._states.drawn) if self._states is not None else 0
        self._order()

    def _report(self, line: ProgressLine) -> None:
        self._standing.doing = f"{line.phase} {line.done:,} of {line.total:,} {line.unit}" if line.total else line.phase
        self._draw_side()

    def _say_failed(self, why: str) -> None:
        self._standing.doing, self._standing.failed = "", why
        self._draw_side()

    # --- the order --------------------------------------------------------------------------------------------

    @work(exclusive=True, group="order")
    async def _order(self) -> None:
        """Fit the regression on the labels that there are, and put the rows in order by it."""
        given, states, standing = self._given, self._states, self._standing
        if given is None or states is None:
            return
        rows = given.in_order()
        self._ordered_with = len(rows)
        by: QueueOrder = standing.by if standing.by != "disagreement" else "uncertain"
        ask = AskQueue(
            topic="label queue",
            states=states.key,
            names=states.names,
            rows=tuple(rows),
            labels=tuple(int(given.labels[row]) for row in rows),
            dropped=tuple(row for row, label in enumerate(given.labels.tolist()) if label < -1),
            drawn=states.drawn,
            order=by,
            with_curve=not standing.curve,
        )
        try:
            answer: QueueAnswer | None = await self._app_state.ask(ask)
        except UserError as error:
            self._say_failed(by_fields(error))
            return
        if answer is None:
            return
        standing.failed = ""
        standing.take(answer)
        self._guesses = dict(zip(answer.order, zip(answer.predicted, answer.probability, strict=False), strict=False))
        if not standing.example and standing.by != "disagreement":
            self._put(answer.order)
        self._draw()

    def _put(self, rows: tuple[int, ...]) -> None:
        """Let rows come in this order after the one in hand, which stays: a key must not meet another text than was read."""
        given = self._given
        if given is None:
            return
        kept = self._items[: self._at + 1] if self._standing.begun else self._items[: self._at]
        seen = set(kept)
        self._items = [*kept, *(row for row in rows if row not in seen and given.labels[row] == -1)]

    def action_order(self) -> None:
        standing = self._standing
        standing.by = ORDERS[(ORDERS.index(standing.by) + 1) % len(ORDERS)] if not standing.example else standing.by
        standing.example = ""
        if standing.by == "disagreement":
            self._ask_runs()
        else:
            self.workers.cancel_group(self, "runs")
            self._order()
        self._draw_side()

    @work(exclusive=True, group="runs")
    async def _ask_runs(self) -> None:
        """Put first what the newest runs with these labels disagree on."""
        given, standing = self._given, self._standing
        if given is None:
            return
        runs = [view.folder for view in self._app_state.runs if view.state == "finished" and view.spec.labels == given.names][:3]
        if len(runs) < 2:
            standing.failed = "disagreement needs two finished runs with these labels: train them first, or press o for another order"
            self._draw_side()
            return
        rows = sorted(_drawn(given, _COMPARED))
        standing.doing, standing.failed = "the runs classify", ""
        self._draw_side()
        try:
            answer = await self._app_state.ask(AskDisagreement(self._spec, tuple(map(str, runs)), tuple(rows)), self._report)
        except UserError as error:
            self._say_failed(by_fields(error))
            return
        standing.doing = ""
        if answer is not None and standing.by == "disagreement":
            self._put(answer.order)
        self._draw()

    def action_example(self) -> None:
        if self._states is None:
            self._app_state.say("the hidden states are not there yet")
            return
        from .label_example import LabelExample

        self.app.push_screen(LabelExample(self._look_for))

    def _look_for(self, text: str) -> None:
        self._find_like(text)

    @work(exclusive=True, group="near")
    async def _find_like(self, text: str) -> None:
        states, standing = self._states, self._standing
        if states is None:
            return
        standing.doing = "nearest texts"
        self._draw_side()
        ask = AskNear(topic="label queue", text=text, states=states.key, model=self._app_state.model, drawn=states.drawn)
        try:
            answer: NearAnswer | None = await self._app_state.ask(ask)
        except UserError as error:
            self._say_failed(by_fields(error))
            return
        standing.doing = ""
        if answer is not None:
            standing.example = text
            standing.begun = True
            self._items = self._items[: self._at]  # the text in hand is no longer what is looked for
            self._put(answer.order)
        self._draw()

    def action_cancel(self) -> None:
        for group in ("states", "runs", "near"):
            self.workers.cancel_group(self, group)
        if self._standing.doing:
            self._say_failed("cancelled; the order stays as it is")

    # --- decisions --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        may = self.may_act(action, parameters)
        return True if may is None or action == "give" else may  # a digit without a class must not lead to another screen

    async def action_give(self, number: int) -> None:
        looks = self.looks_to_give()
        if number < len(looks):
            await self._decide(looks[number].name)
        elif looks:
            self._app_state.say(f"there {'are' if len(looks) > 1 else 'is'} {count(len(looks), 'label')}")

    def suggestion(self) -> tuple[str, float, str] | None:
        found = self._guesses.get(self._row) if self._row is not None else None
        return (self._given.names[found[0]], found[1], WAY) if found is not None and self._given is not None else None

    async def _decide(self, new: str | None, *, by: By = "typed", run: str = "") -> None:
        given, row = self._given, self._row
        if given is None or row is None:
            return
        try:
            await asyncio.to_thread(lambda: given.decide(row, new, by=by, run=run))
        except UserError as error:
            self._app_state.say(by_fields(error), problem=True)
            return
        self._standing.begun = True
        if self._row == row:
            self._at += 1
        self._draw()
        if len(given.labelled) - self._ordered_with >= STEP and self._states is not None:
            self._order()

    async def action_undo_decision(self) -> None:
        given = self._given
        if given is None:
            return
        try:
            undone = await asyncio.to_thread(given.undo)
        except UserError as error:
            self._app_state.say(by_fields(error), problem=True)
            return
        if undone is None:
            self._app_state.say("there is nothing to undo")
            return
        decision, row = undone
        was = "left out" if decision.new is None else safe_line(decision.new, 24)
        self._app_state.say(f"undone: {was}, of '{safe_line(decision.excerpt, 40)}'")
        if row is not None:
            if row not in self._items:
                self._items.insert(self._at, row)
            self._at = self._items.index(row)
        self._draw()

    def action_move(self, by: int) -> None:
        self._standing.begun = True
        self._at = max(0, min(len(self._items), self._at + by))
        self._draw()

    async def action_tokens(self) -> None:
        if self._given is not None and self._row is not None:
            await self._app_state.places.inspect_text(self._given.texts[self._row])

    def action_leave(self) -> None:
        for group in ("open", "states", "runs", "near", "order"):
            self.workers.cancel_group(self, group)
        self.dismiss()
        self._app_state.data.open(self._spec)

    # --- drawing ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        given = self._given
        if given is None or not self.is_mounted:
            return
        looks = self.looks_to_give()
        first = max(0, self._at - 100)
        lines = [self._line(row, looks) for row in self._items[first : self._at + 200]]
        listed = self.query_one(QueueList)
        listed.lines, listed.at = tuple(lines), self._at - first
        self._draw_card(looks)
        suggests = "as suggested" if self._guesses else ""
        self.query_one(KeyLegend).show(legend(looks, self.app.theme_variables["accent"], suggests=suggests, end="esc"))
        self._draw_side()

    def _line(self, row: int, looks: tuple[LabelLook, ...]) -> QueueLine:
        given = self._given
        label = int(given.labels[row]) if given is not None else -1
        text = given.texts[row] if given is not None else ""
        return QueueLine(text, looks[label] if label >= 0 else None, dropped=label < -1)

    def _draw_card(self, looks: tuple[LabelLook, ...]) -> None:
        given, row = self._given, self._row
        card, full = self.query_one("#card"), self.query_one("#full", Static)
        if given is None or row is None:
            card.border_title = Text("no more texts")
            rest = len(given.open) if given is not None else 0
            left = f"{count(rest, 'text')} passed over still without a label: k goes back to them" if rest else "every text has a label"
            full.update(Text(f"{left}. esc opens the data set.", "dim"))
            return
        title, label, found = Text(f"row {given.number(row):,}"), int(given.labels[row]), self.suggestion()
        if label >= 0:
            title.append(": ").append_text(Text(f"{looks[label].glyph} {safe_line(looks[label].name, 24)}", looks[label].color))
        elif label < -1:
            title.append(": left out")
        elif found is not None:
            title.append(f": {safe_line(found[0], 24)}? {100 * found[1]:.0f} % (0: yes)")
        card.border_title = title
        text = given.texts[row]
        shown = Text(safe_text(text[:_SHOWN]).expandtabs(4), "bold")
        full.update(shown.append(f"\n… and {len(text) - _SHOWN:,} more characters", "dim") if len(text) > _SHOWN else shown)
        card.scroll_home(animate=False)

    def _draw_side(self) -> None:
        given = self._given
        if given is None or not self.is_mounted:
            return
        looks, done = self.looks_to_give(), len(given.labelled)
        head = Text.assemble((" label ", "bold reverse"), f" {safe_line(given.source.name, 40)}  ", no_wrap=True)
        head.append(f"{done:,} of {count(len(given.texts), 'text')} labelled  model {safe_line(self._app_state.model, 40)}", "dim")
        self.query_one("#head", Static).update(head)
        self.query_one("#counts", Static).update(counts(given, looks, self.query_one("#counts").size.width))
        self.query_one("#rows").border_title = Text(f"queue: {count(len(given.open), 'text')} without a label")
        self.query_one("#f1", Plot).show(curve(tuple(self._standing.curve)))
        self.query_one("#said", Static).update(how(self._standing, done, self._ordered_with, STEP, self._states is not None))


def _drawn(given: Labelling, most: int) -> list[int]:
    """Return up to so many rows without a label, drawn with a fixed seed."""
    import numpy as np

    return np.random.default_rng(0).permutation(given.open)[:most].tolist()


def _read(spec: DataSpec) -> Labelling:
    from ...core.data import labelling, sources

    return labelling.Labelling(sources.load_source(spec))
