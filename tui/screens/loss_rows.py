"""The texts of a run by their loss, or those of one cell of its confusion matrix, with their probabilities, worst first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
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
from ..field_names import by_fields
from ..state import AppState
from ..widgets.key_legend import lines_of
from ..widgets.label_bars import Guess, LabelBars
from ..widgets.label_look import LabelLook
from .label_keys import LABEL_KEYS, LabelKeys, legend
from .training_rows import MOST, LossRow, read_rows

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.overlay import Place
    from ...core.data.overlay_edit import Editor
    from ...core.data.overlay_log import Decision
    from ...core.data.table import Dataset

_LONGEST = 4_000
"""Characters of a text that are shown in full."""
_HEADS = "  loss     row true     pred.    text"
"""Over what `_line` puts together: loss, row, and the probabilities of the true and of the predicted class."""


class LossRows(ModalScreen[None], LabelKeys):
    """Lists rows, the highest loss first or the lowest; `t` inspects the row under the cursor, `p` classifies it, `L` labels by key."""

    CSS_PATH = "loss_rows.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *LABEL_KEYS,
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
        self._data: Dataset | None = None
        """The data set with the decisions that the run was made with."""
        self._editor: Editor | None = None

    @property
    def state(self) -> AppState:
        return cast(AppState, self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="loss-rows"):
            yield Static(Text(_HEADS, "dim", no_wrap=True), id="row-heads", markup=False)
            yield OptionList(id="rows", markup=False)
            with VerticalScroll(id="row-text"):
                yield Static(markup=False)
            yield LabelBars(id="row-bars")
            yield Static(self._keys(), id="row-keys", markup=False)

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
            self._rows, total, self._data = await asyncio.to_thread(self._find, self.state.dataset)
        except UserError as error:
            if not self._is_whole:
                return
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text(safe_text(by_fields(error)), self.app.theme_variables["error"]))
            return
        if not self._is_whole:
            return
        listed = count(total, "row") if total <= MOST else f"{MOST} of {total:,} rows"
        self.query_one("#loss-rows").border_subtitle = Text(f"{listed}, the {'lowest' if self._lowest else 'highest'} loss first")
        if not self._rows:
            self.add_class("-empty")
            self.query_one("#row-text Static", Static).update(Text("no row is in this cell", "dim"))
            return
        if self._editor is None:
            self._editor = self.state.decisions.editor(self._data)
            with suppress(UserError):
                await asyncio.to_thread(self._editor.follow)  # what was decided since the run is shown, too
        if not self._is_whole:
            return
        rows = self.query_one("#rows", OptionList)
        rows.clear_options()
        rows.add_options([Option(self._line(row)) for row in self._rows])
        rows.highlighted = 0
        rows.focus()

    def _find(self, opened: Dataset | None) -> tuple[list[LossRow], int, Dataset]:
        from ...core.data import sources

        spec, dataset = self._view.spec, opened
        if dataset is None or (spec.data_hash and sources.fingerprint(dataset) != spec.data_hash):
            dataset = sources.load(spec.job.data)
            if spec.data_hash and sources.fingerprint(dataset) != spec.data_hash:
                raise UserError(
                    f"the data set {spec.job.data.source} has changed since run {spec.id}: its rows are no longer those of the run"
                )
        cell = None if self._cell is None else (self._looks[self._cell[0]].name, self._looks[self._cell[1]].name)
        names = tuple(self._by_name)
        rows, total = read_rows(Path(self._view.folder), names, dataset, self._split, cell, lowest=self._lowest, rung=self._rung)
        return rows, total, dataset

    def _line(self, row: LossRow) -> Text:
        """Return loss, row number, what the true and the predicted class were given, and the text."""
        line = Text.assemble((f"{row.loss:6.3f} ", ""), (f"{row.index:>7,} ", "dim"), no_wrap=True)
        for name in (row.true, row.predicted):
            index = self._by_name[name]
            line.append(f"{self._looks[index].glyph}{100 * row.probabilities[index]:5.1f} % ", self._looks[index].color)
        decision = self._decision(row)
        if decision is not None:
            look = next((each for each in self._looks if each.name == decision.new), None)
            given = "left out " if decision.new is None else ""
            if look is not None and look.name != row.true:
                given = f"{look.glyph} {safe_line(look.name, 20)} "
            line.append(f"* {given}", "bold" if look is None else f"bold {look.color}")
        return line.append(safe_line(row.text, 400))

    # --- labels by key ---------------------------------------------------------------------------------

    def _place(self, row: LossRow) -> Place:
        from ...core.data.overlay import Place

        laid = self._data.overlay if self._data is not None else None
        return Place(self._split, row.index) if laid is None else laid.place(self._split, row.index)

    def _decision(self, row: LossRow) -> Decision | None:
        """Return what was decided about a row since the run was made; None where it is as the run had it."""
        now = self._editor.dataset.overlay if self._editor is not None else None
        decision = now.decided.get(self._place(row)) if now is not None else None
        laid = self._data.overlay if self._data is not None else None
        return None if decision is None or (laid is not None and laid.decided.get(self._place(row)) == decision) else decision

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        may = self.may_act(action, parameters)
        return True if may is None else may

    def looks_to_give(self) -> tuple[LabelLook, ...]:
        return self._looks if self._rows and self._editor is not None else ()

    def row_to_decide(self) -> tuple[Editor, Place | None] | None:
        row = self._row if self._is_whole else None
        return None if self._editor is None else (self._editor, None if row is None else self._place(row))

    def suggestion(self) -> tuple[str, float, str] | None:
        row = self._row if self._is_whole else None
        if row is None or row.predicted == row.true:
            return None
        return row.predicted, row.probabilities[self._by_name[row.predicted]], self._view.id

    def row_decided(self) -> None:
        self._draw_decisions()
        if self._is_whole and (rows := self.query_one("#rows", OptionList)).highlighted != len(self._rows) - 1:
            rows.action_cursor_down()

    def decision_undone(self) -> None:
        self._draw_decisions()

    def _draw_decisions(self) -> None:
        if not self._is_whole:
            return
        rows = self.query_one("#rows", OptionList)
        for index, row in enumerate(self._rows):
            line = self._line(row)
            if rows.get_option_at_index(index).prompt != line:
                rows.replace_option_prompt_at_index(index, line)

    def show_labelling(self) -> None:
        self.query_one("#row-keys", Static).update(self._keys())

    def _keys(self) -> Text:
        if self.is_labelling:
            keys = legend(self._looks, self.app.theme_variables["accent"], suggests="as predicted")
            return Text("\n", no_wrap=True).join(lines_of(keys, self.query_one("#row-keys").content_size.width))
        return Text.assemble(
            *((" v ", "bold reverse"), " other end  ", (" t ", "bold reverse"), " tokens  "),
            *((" p ", "bold reverse"), " prompt  ", (" L ", "bold reverse"), " label  ", (" esc ", "bold reverse"), " back"),
        )

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
