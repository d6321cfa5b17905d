"""Writes the rows that the dataset browser shows to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ...core.errors import UserError
from ...core.safe_text import safe_text
from ..state import AppState
from ..widgets.text_field import LineField
from .open_data import Paths

if TYPE_CHECKING:
    from ...core.data.table import Dataset

_HELP = "The name says the format: jsonl, jsonl.gz, csv, tsv or parquet. Each row has its split, text and label.\n\nenter writes it"


class SaveRows(ModalScreen[None]):
    """Enter writes the file and closes; what is wrong is said."""

    CSS_PATH = "open_data.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self, dataset: Dataset, found: dict[str, Any] | None) -> None:
        """Prepare to write the rows at the indices in `found` (by split, int64, shape [n]), or all where it is None."""
        super().__init__()
        self._dataset, self._found = dataset, found

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            with Horizontal(classes="line"):
                yield Label("file")
                yield LineField("rows.jsonl", id="file", suggester=Paths())
            yield Static(Text(_HELP, "dim"), id="said", markup=False)

    def on_mount(self) -> None:
        rows = sum(map(len, (self._dataset.splits if self._found is None else self._found).values()))
        box = self.query_one("#box")
        box.border_title = f"write {rows:,} rows"
        box.border_subtitle = "esc closes"
        self.query_one("#file").focus()

    @on(Input.Submitted)
    @work(exclusive=True)
    async def _entered(self, message: Input.Submitted) -> None:
        from ...core.data import labelled_file

        target = Path(message.value.strip()).expanduser().absolute()
        said = self.query_one("#said", Static)
        said.update(Text("writing", "dim"))
        try:
            written = await asyncio.to_thread(labelled_file.write, self._dataset, self._found, target)
        except UserError as error:
            said.update(Text(safe_text(str(error)), self.app.theme_variables["error"]))
            return
        cast(AppState, self.app).say(f"{written:,} rows written to {target}")
        self.dismiss()
