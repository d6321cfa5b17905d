"""The token inspector: how a text becomes numbers, and its path through the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ...core.errors import UserError
from ...core.questions import AskBatch, AskPath, AskTokens, Question
from ...core.runs.state import RunView
from ...core.safe_text import safe_line, safe_text
from ...core.specs import TrainSpec
from ..field_names import by_fields
from ..widgets.batch_grid import VIEWS
from ..widgets.subword_table import SubwordTable
from ..widgets.text_field import TextField
from ..widgets.token_lanes import TokenLanes
from .choose_run import RunRef, newest
from .token_page import TokensPage

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

PAUSE = 0.25
"""Seconds without a key before asking for the batch and the path; the lanes are asked for at once."""


class TokensScreen(TokensPage):
    """Screen 2: the tokens of one text as it is typed, a batch that contains it, and its path through the model."""

    MODE = "tokens"
    TYPED = ("#text", "text")
    CSS_PATH = "tokens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "shrink", "small", tooltip="restore the layout of the panels", id="shrink"),
        Binding("escape", "leave_text", "leave the text", key_display="esc", tooltip="leave the text, so that keys work", id="leave_text"),
        Binding("i,slash", "edit", "type", key_display="i", tooltip="type another text", id="edit"),
        Binding("plus,equals_sign", "batch(1)", "rows", key_display="+ -", tooltip="one more row in the batch", id="batch_more"),
        Binding("minus", "batch(-1)", "rows", tooltip="one row less in the batch", show=False, id="batch_less"),
        Binding("v", "view", "view", tooltip="the batch as a grid, tokens, ids or mask", id="batch_view"),
        Binding("z", "enlarge", "large", tooltip="the panel with the focus large, and back", id="enlarge"),
        Binding("M", "app.model", "model", tooltip="choose the model: starter, a folder or an id", id="model"),
        Binding("p", "app.prompt", "prompt", tooltip="classify this text", id="text_prompt"),
        Binding("w", "why", "why", tooltip="why a run gives this text its label", id="tokens.why"),
    ]

    # --- facts ---------------------------------------------------------------------------------------------

    def text_in_hand(self) -> str | None:
        return self.query_one(TextField).text or None

    def receive_text(self, text: str) -> None:
        self._neighbours = self.state.places.companions
        if self.is_mounted:
            field = self.query_one(TextField)
            field.text = text
            field.cursor_position = 0  # so that its beginning is visible
            # A row that was sent here is for reading first; typing starts with i.
            self.query_one(SubwordTable).focus()
            self._ask_later()

    def show_dataset(self, dataset: Dataset) -> None:
        if dataset is not self._dataset:
            self._dataset, self._neighbours = dataset, None
        self._ask_later()

    def show_model(self, _: str) -> None:
        self._ask_tokens(self.query_one(TextField).text)
        self._ask_later()

    def show_theme(self) -> None:
        self._draw_lanes()
        self._draw_way()

    def on_text_field_edited(self, message: TextField.Edited) -> None:
        self._ask_tokens(message.text)
        self._ask_later()

    # --- the engine ----------------------------------------------------------------------------------------

    async def _answer_to(self, ask: Question, place: str) -> Any:
        """Return the engine's answer; None if there is none, and then the widget `place` shows why, unless a newer question is pending."""
        try:
            answer = await self.state.ask(ask)
        except UserError as error:
            self._complain(place, by_fields(error))
            if place == "lanes":
                self.query_one("#counts", Static).update("")
            if place == "way":
                self.query_one("#way").border_subtitle = Text("")
            return None
        if answer is not None:
            self._complain(place, "")
        return answer

    def _complain(self, place: str, message: str) -> None:
        fault = self.query_one(f"#{place}_fault", Static)
        fault.set_class(bool(message), "-said")
        fault.update(Text(safe_text(message)))

    @work(exclusive=True, group="tokens")
    async def _ask_tokens(self, text: str) -> None:
        if self._answer is None:
            self.query_one("#counts", Static).update(Text("starting the engine", "dim"))
        answer = await self._answer_to(AskTokens(text=text, model=self.state.model, topic="inspector"), "lanes")
        if answer is not None:
            self._answer = answer
            self._draw_counts()
            self._draw_lanes()
            self._draw_subwords()

    @work(exclusive=True, group="later")
    async def _ask_later(self) -> None:
        """Ask for the batch and the path through the model after a pause in typing."""
        await asyncio.sleep(PAUSE)
        text = self.query_one(TextField).text
        batch = await self._answer_to(AskBatch(texts=self._batch_texts(text), model=self.state.model, topic="inspector"), "batch")
        if batch is not None:
            self._batch = batch
            self._draw_batch()
        run = self._run()
        if self._path is None:
            self.query_one("#way").border_subtitle = Text("loading the model")
        ask = AskPath(text=text, model=self.state.model, run=run.folder if run else "", topic="inspector")
        path = await self._answer_to(ask, "way")
        if path is not None:
            self._path = path
            self.query_one("#way").border_title = Text(f"through {safe_line(run.id if run else path.architecture, 24)}")
            self._draw_way()

    def _run(self) -> RunView | None:
        """Return the newest run that fine-tuned the current model on the open data set, whose logits are shown."""
        fine_tuned = (view for view in self.state.runs if view.state == "finished" and isinstance(view.spec.job, TrainSpec))
        fine_tuned = (view for view in fine_tuned if self.state.is_of_open_data(view))
        return next((view for view in fine_tuned if view.spec.job.model == self.state.model), None)

    def _batch_texts(self, text: str) -> tuple[str, ...]:
        """Return the text and the rows after it, or the first rows of the data set."""
        others = self._neighbours
        if not others and self.state.dataset is not None:
            others = tuple(row.text for row in next(iter(self.state.dataset.splits.values())).rows(0, 16))
        return (text, *(others or ())[: self._batch_rows - 1])

    # --- keys ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 Textual names it
        if action == "shrink":
            return self.is_enlarged
        # The command palette covers the text field, and offers every action.
        typing = isinstance(self.focused, TextField) and self.is_current
        if action == "leave_text":
            return typing
        return not (typing and action in ("edit", "batch", "view", "why"))

    def action_why(self) -> None:
        """Explain the text by the run whose logits are shown, or by the newest one with a model."""
        from .why import explain
        from .why.explanation import Subject

        ref = RunRef(run.folder) if (run := self._run()) is not None else newest(self.state.runs, self.state.is_of_open_data)
        subject = Subject(self.query_one(TextField).text, ref) if ref is not None else None
        explain(self.state, subject, otherwise="type a text first" if ref is not None else "no run has a model yet: 3, then n, starts one")

    def action_leave_text(self) -> None:
        self.query_one(SubwordTable).focus()

    def action_enlarge(self) -> None:
        super().action_enlarge()
        self._draw_again()

    def action_shrink(self) -> None:
        super().action_shrink()
        self._draw_again()

    def _draw_again(self) -> None:
        self._fit_lanes(self.query_one(TokenLanes))
        self._draw_batch()

    def action_edit(self) -> None:
        self.action_shrink()
        self.query_one(TextField).go_on()

    def action_batch(self, by: int) -> None:
        self._batch_rows = min(16, max(2, self._batch_rows + by))
        self._ask_later()

    def action_view(self) -> None:
        self._view = VIEWS[(VIEWS.index(self._view) + 1) % len(VIEWS)]
        self._draw_batch()
