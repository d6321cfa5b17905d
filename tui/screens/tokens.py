"""The token inspector: how a text becomes numbers, and its way through the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ...core.data.spaces import without_spaces
from ...core.errors import UserError
from ...core.questions import AskBatch, AskPath, AskTokens, BatchAnswer, PathAnswer, Question, TokensAnswer
from ...core.runs.state import RunView
from ...core.safe_text import safe_line, safe_text
from ...core.specs import TrainSpec
from ...core.units import count, size
from ..field_names import by_fields
from ..page import Page
from ..theme import class_looks
from ..widgets.batch_grid import VIEWS, Batch, BatchGrid, BatchRow, View
from ..widgets.model_path import ModelPath, Stage, Way
from ..widgets.reading import Reading
from ..widgets.subword_table import Subword, SubwordTable
from ..widgets.text_field import TextField
from ..widgets.token_lanes import Lanes, TokenLanes
from .choose_run import RunRef, newest
from .token_pieces import pieces_of

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

TUTORIAL = "Tokenizing text is a core task of NLP."
PAUSE = 0.25
"""Seconds without a key before the batch and the model are asked; the lanes are asked at once."""
_NO_LOGITS = "logits: fine-tune this model first"
_ONE_HOT_BYTES = 8
"""Bytes of one entry of a one-hot matrix: torch's one_hot gives int64."""


class TokensScreen(Page):
    """Screen 2: the tokens of one text as it is typed, a batch around it, and its way through the model."""

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

    def __init__(self) -> None:
        super().__init__()
        self._answer: TokensAnswer | None = None
        self._path: PathAnswer | None = None
        self._batch: BatchAnswer | None = None
        self._neighbours: tuple[str, ...] | None = None
        self._batch_rows = 4
        self._view: View = "grid"
        self._dataset: Dataset | None = None

    def compose_body(self) -> ComposeResult:
        with Vertical(id="inspector"):
            with Vertical(id="text", classes="panel"):
                yield TextField(placeholder="type a text", id="field")
            with Vertical(id="lanes", classes="panel"):
                yield Static(id="counts", markup=False)
                yield Static(id="lanes_fault", classes="fault", markup=False)
                with Reading():
                    yield TokenLanes()
            with Horizontal(id="lower"):
                with Vertical(id="subwords", classes="panel"):
                    yield SubwordTable()
                with Vertical(id="batch", classes="panel"), Reading():
                    yield Static(id="batch_fault", classes="fault", markup=False)
                    yield BatchGrid()
                with Vertical(id="way", classes="panel"), Reading():
                    yield Static(id="way_fault", classes="fault", markup=False)
                    yield ModelPath()

    def on_mount(self) -> None:
        for name, title in (
            ("text", "text"),
            ("lanes", "tokens"),
            ("subwords", "subwords"),
            ("batch", "a batch"),
            ("way", "through the model"),
        ):
            self.query_one(f"#{name}").border_title = Text(title)
        super().on_mount()
        self._batch_rows = 4 if self.app.size.height < 30 else 8 if self.app.size.height < 45 else 16
        field = self.query_one(TextField)
        if not field.text:
            field.text = TUTORIAL
        field.focus()
        self.state.mark_done("tokens")

    # --- facts ---------------------------------------------------------------------------------------------

    def text_in_hand(self) -> str | None:
        return self.query_one(TextField).text or None

    def receive_text(self, text: str) -> None:
        self._neighbours = self.state.places.companions
        if self.is_mounted:
            field = self.query_one(TextField)
            field.text = text
            field.cursor_position = 0  # it is read from its beginning
            # A row that was sent here is looked at first; typing starts with i.
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
        """Return the engine's answer, or None where it has none; then `place` says why, unless a newer question is under way."""
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
        """Ask for the batch and the way through the model once the keys are still."""
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
        """Return the newest run that fine-tuned the model in use on the open data set: its logits are shown."""
        fine_tuned = (view for view in self.state.runs if view.state == "finished" and isinstance(view.spec.job, TrainSpec))
        fine_tuned = (view for view in fine_tuned if self.state.is_of_open_data(view))
        return next((view for view in fine_tuned if view.spec.job.model == self.state.model), None)

    def _batch_texts(self, text: str) -> tuple[str, ...]:
        """Return the text and the rows that follow it, or the data set's first ones."""
        others = self._neighbours
        if not others and self.state.dataset is not None:
            others = tuple(row.text for row in next(iter(self.state.dataset.splits.values())).rows(0, 16))
        return (text, *(others or ())[: self._batch_rows - 1])

    # --- drawing -------------------------------------------------------------------------------------------

    def _draw_counts(self) -> None:
        answer = self._answer
        if answer is None:
            return
        words, subwords, characters = answer.words, answer.subwords, answer.characters
        colors = self.app.theme_variables
        shown = Text(no_wrap=True, overflow="ellipsis")

        def row(name: str, said: str, shape: tuple[int, int]) -> None:
            shown.append(f"{name:<12}", "bold").append(f"{said:<24}")
            shown.append("one-hot ", "dim").append(f"{list(shape)}  {size(shape[0] * shape[1] * _ONE_HOT_BYTES)}\n")

        row("characters", f"{len(characters.tokens):,}, {len(characters.vocabulary):,} distinct", characters.one_hot)
        unspaced = without_spaces(answer.text)
        counted = f"{len(words.tokens):,}, " + ("the text has no spaces" if unspaced else f"{len(words.vocabulary):,} distinct")
        row("words", counted, words.one_hot)
        limit = subwords.model_max_length
        row("subwords", f"{subwords.full_length:,} of {limit:,}", (len(subwords.tokens), subwords.vocab_size))
        shown.rstrip()
        if subwords.cut_at is not None:
            cut = subwords.full_length - len(subwords.tokens)
            shown.append(
                f"\n✂ cut at {len(subwords.tokens):,}: the model does not see the last {cut:,} tokens", f"bold {colors['warning']}"
            )
        if subwords.unknown:
            shown.append(f"\n{subwords.unknown} unknown: the vocabulary has no pieces for them", f"bold {colors['error']}")
        if self.size.height >= 30:
            shown.append("\n")
        self.query_one("#counts", Static).update(shown)
        back = safe_line(subwords.round_trip, max(10, self.size.width - 20))
        self.query_one("#text").border_subtitle = Text(f"back from the ids: {back}" if self.size.width >= 100 else f"back: {back}")
        inputs = safe_line(", ".join(subwords.input_names), 60)
        self.query_one("#lanes").border_subtitle = Text(f"vocabulary {subwords.vocab_size:,}  inputs {inputs}")

    def _draw_lanes(self) -> None:
        if self._answer is not None:
            cursor = self.query_one(SubwordTable).cursor
            lanes = self.query_one(TokenLanes)
            lanes.lanes = Lanes(pieces_of(self._answer), cursor)
            self._fit_lanes(lanes)

    def _fit_lanes(self, lanes: TokenLanes) -> None:
        """Give the lanes the lines that they need, and at most half of the screen."""
        counts = self.query_one("#counts", Static)
        needed = lanes.lines_needed + max(3, counts.size.height) + 3
        lanes_panel = self.query_one("#lanes")
        # A height of its own would win over the class that makes it large.
        lanes_panel.styles.height = None if lanes_panel.has_class("-large") else max(9, min(needed, self.size.height // 2 - 2))

    def _draw_subwords(self) -> None:
        if self._answer is None:
            return
        own = self._answer.subwords
        columns = zip(own.tokens, own.ids, own.offsets, own.special, own.attention_mask, strict=True)
        pieces = {piece.index: piece for piece in pieces_of(self._answer)}
        rows = tuple(
            Subword(token, number, *offset, bool(special), mask, pieces[index].unknown)
            for index, (token, number, offset, special, mask) in enumerate(columns)
        )
        self.query_one(SubwordTable).show(rows)
        self.query_one("#subwords").border_title = Text(f"subwords {len(rows):,}")

    def _draw_batch(self) -> None:
        if (batch := self._batch) is None:
            return
        rows = zip(batch.tokens, batch.ids, batch.attention_mask, batch.lengths, batch.full_lengths, strict=True)
        self.query_one(BatchGrid).shown = Batch(
            tuple(BatchRow(*row) for row in rows),
            batch.padded_to,
            batch.padding_share,
            batch.fixed_length,
            batch.padding_share_fixed,
            self._view,
            with_tokens=self.size.height >= 45 or self.query_one("#batch").has_class("-large"),
        )
        panel = self.query_one("#batch")
        panel.border_title = Text(f"a batch: {count(len(batch.lengths), 'row')}")
        panel.border_subtitle = Text(f"+ - rows   v: {self._view}" if self.size.width >= 100 else f"+ -  v: {self._view}")

    def _draw_way(self) -> None:
        path = self._path
        if path is None:
            return
        cursor = self.query_one(SubwordTable).cursor
        # Norms of the token under the cursor, once it is not the first; the mean over all tokens otherwise.
        one = cursor if 0 < cursor < len(path.tokens) else None
        states = iter(path.token_norms)
        stages: list[Stage] = []
        for layer in path.layers:
            norm = layer.norm
            if len(layer.shape) == 3 and norm is not None:
                norms = next(states, ())
                norm = norms[one] if one is not None and one < len(norms) else norm
            stages.append(Stage(layer.name, layer.shape, norm))
        looks = class_looks(path.labels, dark=self.state.dark)
        logits = tuple(zip(looks, path.logits, strict=False))
        self.query_one(ModelPath).way = Way(tuple(stages), path.cls, logits, "" if logits else _NO_LOGITS)
        token = safe_line(path.tokens[one], 14) if one is not None else "mean of all tokens"
        self.query_one("#way").border_subtitle = Text(f"norm: {token}")

    def on_subword_table_moved(self) -> None:
        lanes = self.query_one(TokenLanes)
        cursor = self.query_one(SubwordTable).cursor
        lanes.lanes = Lanes(lanes.lanes.pieces, cursor)
        self.query_one("#lanes Reading").scroll_to(y=lanes.line_of(cursor), animate=False)
        self._draw_way()

    # --- keys ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 Textual names it
        if action == "shrink":
            return self.is_enlarged
        # Under the palette nobody types, and every action is offered.
        typing = isinstance(self.focused, TextField) and self.is_current
        if action == "leave_text":
            return typing
        return not (typing and action in ("edit", "batch", "view", "why"))

    def action_why(self) -> None:
        """Explain the text by the run whose logits are shown, else by the newest that has a model."""
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
