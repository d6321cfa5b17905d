"""Writes shown rows to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ...core import targets
from ...core.data.formats import WRITABLE
from ...core.errors import UserError
from ...core.units import count
from ..field_names import FIELDS, by_fields
from ..widgets.choice import Choice
from ..widgets.path_field import PathField
from .dialog import Dialog, line

if TYPE_CHECKING:
    from ...core.data.filters import Verdicts
    from ...core.data.table import Dataset

_HELP = f"The ending of the name sets the format: {WRITABLE}. Each row has its split, text and label.\n\nenter writes it"
_WITH_RUN = "text and label, and the run's prediction"


class SaveRows(Dialog):
    """Enter writes the file and closes. It offers the rows of the shown split, or of all splits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "write it"),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "field before", show=False),
    ]

    def __init__(
        self, dataset: Dataset, found: Mapping[str, Any] | None, split: str, verdicts: Mapping[str, Verdicts] | None = None
    ) -> None:
        """Prepare to write the rows in `found` (positions by split, int64, shape [n]), or all if it is None; `split` is the shown one.

        With `verdicts`, by split, each row also gets a run's prediction.
        """
        rows = {name: len(part) if found is None else len(found[name]) for name, part in dataset.splits.items()}
        some = {name: number for name, number in rows.items() if number}
        offered: dict[str, tuple[str, ...]] = {f"{name} {number:,}": (name,) for name, number in some.items()}
        if len(some) != 1:
            offered[f"all splits {sum(rows.values()):,}"] = tuple(some)
        self._offered = offered
        self._rows = rows
        self._first = next((option for option, names in offered.items() if names == (split,)), next(reversed(offered)))
        super().__init__(self._titled(self._first), _HELP if verdicts is None else _HELP.replace("text and label", _WITH_RUN))
        self._dataset, self._found, self._verdicts = dataset, found, verdicts

    def _titled(self, option: str) -> str:
        return f"write {count(sum(self._rows[name] for name in self._offered[option]), 'row')}"

    def compose_fields(self) -> ComposeResult:
        if len(self._offered) > 1:
            yield line("rows of", Choice(tuple(self._offered), self._first, id="splits"))
        yield line(FIELDS["out"], PathField("rows.jsonl", id="file"))

    @property
    def _chosen(self) -> str:
        return next((choice.value for choice in self.query(Choice)), self._first)

    @on(Choice.Changed)
    def _turned(self, message: Choice.Changed) -> None:
        self.query_one("#box").border_title = Text(self._titled(message.value))

    @on(Input.Submitted)
    def action_enter(self) -> None:
        self._write(self.query_one("#file", Input).value.strip(), self._offered[self._chosen])

    @work(exclusive=True)
    async def _write(self, name: str, splits: tuple[str, ...]) -> None:
        self.show_doing("writing")
        try:
            target = targets.checked(name, "the file", sources=[self._dataset.source])
            written = await asyncio.to_thread(_write, self._dataset, self._found, splits, target, self._verdicts)
        except UserError as error:
            self.show_wrong(by_fields(error))
            return
        self.state.notify(f"{count(written, 'row')} written to {target}")
        self.dismiss()


def _write(
    dataset: Dataset,
    found: Mapping[str, Any] | None,
    splits: tuple[str, ...],
    target: Path,
    verdicts: Mapping[str, Verdicts] | None = None,
) -> int:
    """Write the rows of some splits and return their number. Raises UserError."""
    import numpy as np

    from ...core.data import labelled_file

    def indices(name: str, rows: int) -> Any:
        if name not in splits:
            return np.array([], np.int64)
        return np.arange(rows) if found is None else found[name]

    chosen = {name: indices(name, len(part)) for name, part in dataset.splits.items()}
    return labelled_file.write(dataset, chosen, target, verdicts)
