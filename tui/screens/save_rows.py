"""Writes the rows that the dataset browser shows to a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from ...core import targets
from ...core.errors import UserError
from ...core.units import count
from ..widgets.path_field import PathField
from .dialog import Dialog, line

if TYPE_CHECKING:
    from ...core.data.table import Dataset

_HELP = "The name says the format: jsonl, jsonl.gz, csv, tsv or parquet. Each row has its split, text and label.\n\nenter writes it"


class SaveRows(Dialog):
    """Enter writes the file and closes."""

    def __init__(self, dataset: Dataset, found: dict[str, Any] | None) -> None:
        """Prepare to write the rows at the indices in `found` (by split, int64, shape [n]), or all where it is None."""
        rows = sum(map(len, (dataset.splits if found is None else found).values()))
        super().__init__(f"write {count(rows, 'row')}", _HELP)
        self._dataset, self._found = dataset, found

    def compose_fields(self) -> ComposeResult:
        yield line("file", PathField("rows.jsonl", id="file"))

    @on(Input.Submitted)
    @work(exclusive=True)
    async def _entered(self, message: Input.Submitted) -> None:
        from ...core.data import labelled_file

        self.say_doing("writing")
        try:
            target = targets.checked(message.value.strip(), "the file", sources=[self._dataset.source])
            written = await asyncio.to_thread(labelled_file.write, self._dataset, self._found, target)
        except UserError as error:
            self.say_wrong(str(error))
            return
        self.state.say(f"{count(written, 'row')} written to {target}")
        self.dismiss()
