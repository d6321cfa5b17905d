"""The texts of a run by their loss, or those of one cell of its confusion matrix, with their probabilities, worst first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...core.errors import UserError
from ...core.runs.rungs import short
from ...core.runs.state import RunView
from ...core.safe_text import safe_line, safe_text
from ...core.units import count
from ..state import AppState
from ..widgets.label_bars import Guess, LabelBars
from ..widgets.label_look import LabelLook
from .training_rows import MOST, LossRow, read_rows

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_LONGEST = 4_000
"""Characters of a text that are shown in full."""


class LossRows(ModalScreen[None]):
    """Lists rows, the highest loss first or the lowest; `t` inspects the row under the cursor, `p` classifies it."""

    CSS_PATH = "loss_rows.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "inspect", "tokens", id="rows.inspect"),
        Binding("p", "classify", "prompt", id="rows.classify"),
        Binding("v", "turn", "other end", tooltip="from the highest loss to the lowest, and back", id="rows.turn"),
        Binding("j", "cursor(1)", "down", show=False, id="rows.down"),
        Binding("k", "cursor(-1)", "up", show=False, id="rows.up"),
        Binding("escape,q", "dismiss", "back", id="rows.back"),
    ]

    def __init__(
        self, view: RunView, split: str, looks: tuple[LabelLook, ...], cell: tuple[int, int] | None = None, rung: str = ""
    ) -> None:
        """Prepare the rows of a split, or of a `cell` of its confusion matrix, given by the indices of a true and a predicted class.

        Of a baseline they are those of a `rung`.
        """
        super().__init__()
        self._rung = rung
        self._view, self._split, self._looks, self._cell = view, split, looks, cell
        self._by_name = {look.name: index for index, look in enumerate(looks)}
        self._lowest = False
        self._rows: list[LossRow] = []

    @property
    def state(self) -> AppState:
        return cast(AppState, self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="loss-rows"):
            yield OptionList(id="rows", markup=False)
            with VerticalScroll(id="row-text"):
                yield Static(markup=False)
            yield LabelBars(id="row-bars")
            yield Static(
                Text.assemble(
                    *((" v ", "bold reverse"), " highest or lowest loss  ", (" t ", "bold reverse"), " tokens  "),
                    *((" p ", "bold reverse"), " prompt  ", (" esc ", "bold reverse"), " back"),
                ),
                markup=False,
            )

    def on_mount(self) -> None:
        title = Text("rows by loss")
        if self._cell is not None:
            true, predicted = (self._looks[index] for index in self._cell)
            title = Text.assemble((f"{true.glyph} {safe_line(true.name, 24)}", true.color), " taken for ")
            title.append_text(Text(f"{predicted.glyph} {safe_line(predicted.name, 24)}", predicted.color))
        rung = f" {short(self._rung)}" if self._rung else ""
        self.query_one("#loss-rows").border_title = title.append(f", run {safe_line(self._view.id)}{rung}, {safe_line(self._split, 20)}")
        self.query_one("#row-text Static", Static).update(Text("reading the predictions…", "dim"))
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        try:
            self._rows, total = await asyncio.to_thread(self._find, self.state.dataset)
        except UserError as error:
            if not self._is_whole:
                return
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text(safe_text(str(error)), self.app.theme_variables["error"]))
            return
        if not self._is_whole:
            return
        listed = count(total, "row") if total <= MOST else f"{MOST} of {total:,} rows"
        self.query_one("#loss-rows").border_subtitle = Text(f"{listed}, the {'lowest' if self._lowest else 'highest'} loss first")
        if not self._rows:
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text("no row is in this cell", "dim"))
            return
        rows = self.query_one("#rows", OptionList)
        rows.clear_options()
        rows.add_options([Option(self._line(row)) for row in self._rows])
        rows.highlighted = 0
        rows.focus()

    def _find(self, opened: Dataset | None) -> tuple[list[LossRow], int]:
        from ...core.data import sources

        spec, dataset = self._view.spec, opened
        if dataset is None or (spec.data_hash and sources.fingerprint(dataset) != spec.data_hash):
            dataset = sources.load(spec.job.data)
            if spec.data_hash and sources.fingerprint(dataset) != spec.data_hash:
                raise UserError(
                    f"the data set {spec.job.data.source} has changed since run {spec.id}: its rows are no longer those of the run"
                )
        cell = None if self._cell is None else (self._looks[self._cell[0]].name, self._looks[self._cell[1]].name)
        return read_rows(Path(self._view.folder), tuple(self._by_name), dataset, self._split, cell, lowest=self._lowest, rung=self._rung)

    def _line(self, row: LossRow) -> Text:
        """Return loss, row number, what the true and the predicted class were given, and the text."""
        line = Text.assemble((f"{row.loss:6.3f} ", ""), (f"{row.index:>7,} ", "dim"), no_wrap=True)
        for name in (row.true, row.predicted):
            index = self._by_name[name]
            line.append(f"{self._looks[index].glyph}{100 * row.probabilities[index]:5.1f} % ", self._looks[index].color)
        return line.append(safe_line(row.text, 400))

    @property
    def _is_whole(self) -> bool:
        """Whether all parts are there: what was asked for may come while the list is being taken away."""
        return self.is_attached and len(self.query("#rows, #row-text, #row-text Static, #row-bars, #loss-rows")) == 5

    @property
    def _row(self) -> LossRow | None:
        index = self.query_one("#rows", OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def on_option_list_option_highlighted(self) -> None:
        if not self._is_whole or (row := self._row) is None:
            return
        more = f"… {len(row.text) - _LONGEST:,} more characters" if len(row.text) > _LONGEST else ""
        text = safe_text(row.text[:_LONGEST]).replace("\t", "    ")
        self.query_one("#row-text Static", Static).update(Text.assemble(text, (more, "dim")))
        taken = "" if row.true == row.predicted else f", taken for {safe_line(row.predicted, 24)}"
        title = f"row {row.index:,}: {safe_line(row.true, 24)}{taken}"
        self.query_one(LabelBars).show((Guess(title, row.probabilities, self._looks, f"loss {row.loss:.3f}"),))

    def action_turn(self) -> None:
        self._lowest = not self._lowest
        self._read()

    def action_cursor(self, by: int) -> None:
        rows = self.query_one("#rows", OptionList)
        if by > 0:
            rows.action_cursor_down()
        else:
            rows.action_cursor_up()

    async def action_inspect(self) -> None:
        if (row := self._row) is not None:
            await self.dismiss()
            await self.state.inspect_text(row.text)

    async def action_classify(self) -> None:
        if (row := self._row) is not None:
            await self.dismiss()
            await self.state.classify_text(row.text)
