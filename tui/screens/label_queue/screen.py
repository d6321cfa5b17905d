"""The keys of the label queue, and its work in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ....core.errors import UserError
from ....core.questions import (
    AskDisagreement,
    AskNear,
    AskStates,
    NearAnswer,
    ProgressLine,
    QueueAnswer,
)
from ....core.safe_text import safe_text
from ...decisions import describe_undone
from ...field_names import by_fields
from ..label_keys import LABEL_KEYS
from . import rows
from .page import STEP, LabelQueuePage
from .side import ORDERS

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.overlay_log import By

_COMPARED = 1_000
"""Texts that runs classify to find where they disagree, at most."""
_ENDS = ("labelling", "end_labelling")


class LabelQueue(LabelQueuePage):
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

    def on_mount(self) -> None:
        self._open()

    # --- getting ready ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        try:
            self._given = await asyncio.to_thread(rows.read, self._spec)
        except UserError as error:
            self.query_one("#full", Static).update(Text(safe_text(by_fields(error)), self.app.theme_variables["error"]))
            return
        self._rows = rows.Rows(rows.drawn(self._given, len(self._given.open)))
        self._draw()
        self._compute()

    @work(exclusive=True, group="states")
    async def _compute(self) -> None:
        """Compute the hidden states, and the first order from them."""
        self._standing.doing = "hidden states"
        self._draw_side()
        try:
            self._states = await self._app_state.ask(AskStates(self._spec, self._app_state.model), self._report)
        except UserError as error:
            self._show_failure(by_fields(error))
            return
        self._standing.doing = ""
        self._standing.of = len(self._states.drawn) if self._states is not None else 0
        self._order()

    def _report(self, line: ProgressLine) -> None:
        self._standing.doing = f"{line.phase} {line.done:,} of {line.total:,} {line.unit}" if line.total else line.phase
        self._draw_side()

    def _show_failure(self, why: str) -> None:
        self._standing.doing, self._standing.failed = "", why
        self._draw_side()

    # --- the order --------------------------------------------------------------------------------------------

    @work(exclusive=True, group="order")
    async def _order(self) -> None:
        """Fit the regression on the existing labels, and order the rows by it."""
        given, states, standing = self._given, self._states, self._standing
        if given is None or states is None:
            return
        ask = rows.ask_for_order(given, states, standing)
        self._ordered_with = len(ask.rows)
        try:
            answer: QueueAnswer | None = await self._app_state.ask(ask)
        except UserError as error:
            self._show_failure(by_fields(error))
            return
        if answer is None:
            return
        standing.failed = ""
        standing.update(answer)
        self._guesses = dict(zip(answer.order, zip(answer.predicted, answer.probability, strict=False), strict=False))
        if not standing.example and standing.by != "disagreement":
            self._put(answer.order)
        self._draw()

    def _put(self, order: Iterable[int]) -> None:
        if self._given is not None:
            self._rows.put(rows.without_label(self._given, order), keep=self._standing.begun)

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
        """Move the rows on which the newest runs with these labels disagree to the front."""
        given, standing = self._given, self._standing
        if given is None:
            return
        runs = rows.that_may_disagree(self._app_state.runs, given.names)
        if len(runs) < 2:
            standing.failed = "disagreement needs two finished runs with these labels: train them first, or press o for another order"
            self._draw_side()
            return
        standing.doing, standing.failed = "the runs classify", ""
        self._draw_side()
        try:
            ask = AskDisagreement(self._spec, tuple(runs), tuple(sorted(rows.drawn(given, _COMPARED))))
            answer = await self._app_state.ask(ask, self._report)
        except UserError as error:
            self._show_failure(by_fields(error))
            return
        standing.doing = ""
        if answer is not None and standing.by == "disagreement":
            self._put(answer.order)
        self._draw()

    def action_example(self) -> None:
        if self._states is None:
            self._app_state.notify("the hidden states are not there yet")
            return
        from ..label_example import LabelExample

        self.app.push_screen(LabelExample(self._search))

    def _search(self, text: str) -> None:
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
            self._show_failure(by_fields(error))
            return
        standing.doing = ""
        if answer is not None:
            standing.example = text
            standing.begun = True
            self._rows.put(rows.without_label(self._given, answer.order) if self._given else (), keep=False)
        self._draw()

    def action_cancel(self) -> None:
        for group in ("states", "runs", "near"):
            self.workers.cancel_group(self, group)
        if self._standing.doing:
            self._show_failure("cancelled; the order stays as it is")

    # --- decisions --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        may = self.may_act(action, parameters)
        return True if may is None else may

    async def _decide(self, new: str | None, *, by: By = "typed", run: str = "") -> None:
        given, row = self._given, self._rows.in_hand
        if given is None or row is None:
            return
        try:
            await asyncio.to_thread(lambda: given.decide(row, new, by=by, run=run))
        except UserError as error:
            self._app_state.notify(by_fields(error), problem=True)
            return
        self._standing.begun = True
        self._rows.leave(row)
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
            self._app_state.notify(by_fields(error), problem=True)
            return
        if undone is None:
            self._app_state.notify("there is nothing to undo")
            return
        decision, row = undone
        self._app_state.notify(describe_undone(decision))
        if row is not None:
            self._rows.return_to(row)
        self._draw()

    def action_move(self, by: int) -> None:
        self._standing.begun = True
        self._rows.move(by)
        self._draw()

    async def action_tokens(self) -> None:
        if self._given is not None and (row := self._rows.in_hand) is not None:
            await self._app_state.places.inspect_text(self._given.texts[row])

    def action_leave(self) -> None:
        for group in ("open", "states", "runs", "near", "order"):
            self.workers.cancel_group(self, group)
        self.dismiss()
        self._app_state.data.open(self._spec)
