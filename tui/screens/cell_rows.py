"""The texts of one cell of a confusion matrix, with their probabilities, worst first."""

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
from ...core.runs.state import RunView
from ...core.safe_text import safe_line, safe_text
from ..state import AppState
from ..widgets.label_bars import Guess, LabelBars
from ..widgets.label_look import LabelLook
from .training_rows import MOST, CellRow, read_cell

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_LONGEST = 4_000
"""Characters of a text that are shown in full."""


class CellRows(ModalScreen[None]):
    """Lists rows of a true class that a run took for a class; `t` inspects the row under the cursor, `p` classifies it."""

    CSS_PATH = "cell_rows.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "inspect", "tokens", id="rows.inspect"),
        Binding("p", "classify", "prompt", id="rows.classify"),
        Binding("j", "cursor(1)", "down", show=False, id="rows.down"),
        Binding("k", "cursor(-1)", "up", show=False, id="rows.up"),
        Binding("escape,q", "dismiss", "back", id="rows.back"),
    ]

    def __init__(self, view: RunView, split: str, looks: tuple[LabelLook, ...], true: int, predicted: int) -> None:
        super().__init__()
        self._view, self._split, self._looks, self._true, self._predicted = view, split, looks, true, predicted
        self._rows: list[CellRow] = []

    @property
    def state(self) -> AppState:
        return cast(AppState, self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="cell-rows"):
            yield OptionList(id="rows", markup=False)
            with VerticalScroll(id="row-text"):
                yield Static()
            yield LabelBars(id="row-bars")
            yield Static(
                Text.assemble(
                    (" t ", "bold reverse"), " tokens  ", (" p ", "bold reverse"), " prompt  ", (" esc ", "bold reverse"), " back"
                )
            )

    def on_mount(self) -> None:
        true, predicted = self._looks[self._true], self._looks[self._predicted]
        self._title = Text.assemble((f"{true.glyph} {safe_line(true.name, 24)}", true.color), " taken for ")
        self._title.append_text(Text(f"{predicted.glyph} {safe_line(predicted.name, 24)}", predicted.color))
        self._title.append(f", run {safe_line(self._view.id)}, {self._split}")
        self.query_one("#cell-rows").border_title = self._title
        self.query_one("#row-text Static", Static).update(Text("reading the predictions…", "dim"))
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        try:
            self._rows, total = await asyncio.to_thread(self._find, self.state.dataset)
        except UserError as error:
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text(safe_text(str(error)), self.app.theme_variables["error"]))
            return
        listed = f"{total:,} rows" if total <= MOST else f"the worst {MOST} of {total:,} rows"
        self.query_one("#cell-rows").border_subtitle = Text(f"{listed}, the highest loss first")
        if not self._rows:
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text("no row is in this cell", "dim"))
            return
        rows = self.query_one("#rows", OptionList)
        rows.add_options([Option(self._line(row)) for row in self._rows])
        rows.highlighted = 0
        rows.focus()

    def _find(self, opened: Dataset | None) -> tuple[list[CellRow], int]:
        from ...core.data import sources

        spec, dataset = self._view.spec, opened
        if dataset is None or (spec.data_hash and sources.fingerprint(dataset) != spec.data_hash):
            dataset = sources.load(spec.job.data)
            if spec.data_hash and sources.fingerprint(dataset) != spec.data_hash:
                raise UserError(
                    f"the data set {spec.job.data.source} has changed since run {spec.id}: its rows are no longer those of the run"
                )
        names = [look.name for look in self._looks]
        return read_cell(Path(self._view.folder), dataset, self._split, names[self._true], names[self._predicted])

    def _line(self, row: CellRow) -> Text:
        true, predicted = self._looks[self._true], self._looks[self._predicted]
        line = Text.assemble((f"{row.index:>7,} ", "dim"), no_wrap=True)
        line.append(f"{true.glyph}{100 * row.probabilities[self._true]:5.1f} % ", true.color)
        if self._true != self._predicted:
            line.append(f"{predicted.glyph}{100 * row.probabilities[self._predicted]:5.1f} % ", predicted.color)
        return line.append(safe_line(row.text, 400))

    @property
    def _row(self) -> CellRow | None:
        index = self.query_one("#rows", OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def on_option_list_option_highlighted(self) -> None:
        row = self._row
        if row is None:
            return
        more = f"… {len(row.text) - _LONGEST:,} more characters" if len(row.text) > _LONGEST else ""
        text = safe_text(row.text[:_LONGEST]).replace("\t", "    ")
        self.query_one("#row-text Static", Static).update(Text.assemble(text, (more, "dim")))
        title = f"row {row.index:,}"
        self.query_one(LabelBars).show((Guess(title, row.probabilities, self._looks, f"loss {row.loss:.3f}"),))

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
