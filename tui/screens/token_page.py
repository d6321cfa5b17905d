"""The widgets of the token inspector, and how the engine's answers are drawn in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ...core.questions import BatchAnswer, PathAnswer, TokensAnswer
from ...core.safe_text import safe_line
from ...core.units import count
from ..page import Page
from ..theme import class_looks
from ..widgets.batch_grid import Batch, BatchGrid, BatchRow, View
from ..widgets.model_path import ModelPath, Way
from ..widgets.reading import Reading
from ..widgets.subword_table import SubwordTable
from ..widgets.text_field import TextField
from ..widgets.token_lanes import Lanes, TokenLanes
from .token_pieces import pieces_of
from .token_words import counts, stages, subword_rows

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

TUTORIAL = "Tokenizing text is a core task of NLP."
_NO_LOGITS = "logits: fine-tune this model first"


class TokensPage(Page):
    """The tokens of one text, a batch that contains it, and its path through the model."""

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

    # --- drawing -------------------------------------------------------------------------------------------

    def _draw_counts(self) -> None:
        answer = self._answer
        if answer is None:
            return
        subwords, is_wide = answer.subwords, self.size.width >= 100
        self.query_one("#counts", Static).update(counts(answer, self.app.theme_variables, roomy=self.size.height >= 30))
        back = safe_line(subwords.round_trip, max(10, self.size.width - 20))
        self.query_one("#text").border_subtitle = Text(f"back from the ids: {back}" if is_wide else f"back: {back}")
        inputs = safe_line(", ".join(subwords.input_names), 60)
        self.query_one("#lanes").border_subtitle = Text(f"vocabulary {subwords.vocab_size:,}  inputs {inputs}")

    def _draw_lanes(self) -> None:
        if self._answer is not None:
            cursor = self.query_one(SubwordTable).cursor
            lanes = self.query_one(TokenLanes)
            lanes.lanes = Lanes(pieces_of(self._answer), cursor)
            self._fit_lanes(lanes)

    def _fit_lanes(self, lanes: TokenLanes) -> None:
        """Give the lanes the lines that they need, but at most half of the screen."""
        counts = self.query_one("#counts", Static)
        needed = lanes.lines_needed + max(3, counts.size.height) + 3
        lanes_panel = self.query_one("#lanes")
        # An inline height would override the class that enlarges it.
        lanes_panel.styles.height = None if lanes_panel.has_class("-large") else max(9, min(needed, self.size.height // 2 - 2))

    def _draw_subwords(self) -> None:
        if self._answer is None:
            return
        rows = subword_rows(self._answer)
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
        # Norms of the token under the cursor unless it is the first; then the mean over all tokens.
        one = cursor if 0 < cursor < len(path.tokens) else None
        looks = class_looks(path.labels, dark=self.state.dark)
        logits = tuple(zip(looks, path.logits, strict=False))
        self.query_one(ModelPath).way = Way(stages(path, one), path.cls, logits, "" if logits else _NO_LOGITS)
        token = safe_line(path.tokens[one], 14) if one is not None else "mean of all tokens"
        self.query_one("#way").border_subtitle = Text(f"norm: {token}")

    def on_subword_table_moved(self) -> None:
        lanes = self.query_one(TokenLanes)
        cursor = self.query_one(SubwordTable).cursor
        lanes.lanes = Lanes(lanes.lanes.pieces, cursor)
        self.query_one("#lanes Reading").scroll_to(y=lanes.line_of(cursor), animate=False)
        self._draw_way()
