"""Asks for the expected label of a sentence, and stores both as a test case."""

from __future__ import annotations

import asyncio

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...core.errors import UserError
from ...core.runs import cases
from ...core.safe_text import safe_line
from ...core.specs import DataSpec
from ..field_names import by_fields
from ..widgets.label_look import LabelLook
from .dialog import Dialog


class SaveCase(Dialog):
    """Enter stores the sentence with the label under the cursor, and closes."""

    AUTO_FOCUS = "OptionList"

    def __init__(self, text: str, data: DataSpec, looks: tuple[LabelLook, ...], predicted: str) -> None:
        """Prepare to store a text for all runs on `data`, with one of the labels; the cursor begins at the `predicted` one."""
        super().__init__(
            "which label should this sentence get?",
            f"{safe_line(text, 300)}\n\nIt is kept for every run on this data. enter keeps it; the cases screen (6) asks about all",
        )
        self._text, self._data, self._looks, self._predicted = text, data, looks, predicted

    def compose_fields(self) -> ComposeResult:
        yield OptionList(*(Option(Text(f"{look.glyph} {safe_line(look.name, 40)}", look.color)) for look in self._looks), markup=False)

    def on_mount(self) -> None:
        names = [look.name for look in self._looks]
        options = self.query_one(OptionList)
        options.styles.max_height = 12
        options.highlighted = names.index(self._predicted) if self._predicted in names else 0

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._keep(self._looks[event.option_index].name)

    @work(exclusive=True)
    async def _keep(self, label: str) -> None:
        names = [look.name for look in self._looks]
        try:
            before = await asyncio.to_thread(cases.add, self._data, self._text, label, names)
        except UserError as error:
            self.show_wrong(by_fields(error))
            return
        self.dismiss()
        changed = before is not None and before.label != label
        self.state.notify(
            f"kept as a case: {safe_line(label, 40)}{f' instead of {safe_line(before.label, 40)}' if changed and before else ''}"
        )
