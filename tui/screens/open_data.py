"""Opens another data set, after showing how its columns were read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, cast

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label, Static

from ...core.errors import UserError
from ...core.safe_text import cut, pad, safe_line, safe_text
from ...core.specs import DataSpec
from ..state import AppState, Loading
from ..theme import class_looks
from ..widgets.text_field import LineField

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_PREVIEWED = 5
_HELP = (
    "A file (jsonl, csv, tsv, parquet, also .gz), a folder with train, validation and test,\n"
    "ms:OWNER/NAME (ModelScope), hf:OWNER/NAME (Hugging Face), or starter.\n\nenter reads it; nothing is changed until you take it"
)


class Paths(Suggester):
    """Completes the path of a file or folder; → takes the suggestion."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        folder, _, start = value.rpartition("/")
        if not start and not folder:
            return None
        try:
            with os.scandir(os.path.expanduser(folder) if folder else ("/" if value.startswith("/") else ".")) as entries:
                names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in entries if entry.name.startswith(start))
        except OSError:
            return None
        safe = [name for name in names if name.isprintable() and (start or not name.startswith("."))]
        return value[: len(value) - len(start)] + safe[0] if safe else None


class OpenData(ModalScreen[None]):
    """Two steps: enter reads and shows five rows, enter again takes what is shown."""

    CSS_PATH = "open_data.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self) -> None:
        super().__init__()
        self._read: tuple[DataSpec, Dataset] | None = None
        self._asked: tuple[str, str, str] | None = None

    @property
    def _state(self) -> AppState:
        return cast(AppState, self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            with Horizontal(classes="line"):
                yield Label("source")
                yield LineField(id="source", placeholder="path or id", suggester=Paths())
            with Vertical(id="columns"):
                with Horizontal(classes="line"):
                    yield Label("text column")
                    yield LineField(id="text_column")
                with Horizontal(classes="line"):
                    yield Label("label column")
                    yield LineField(id="label_column")
            yield Static(Text(_HELP, "dim"), id="said", markup=False)

    def on_mount(self) -> None:
        box = self.query_one("#box")
        box.border_title = "open a data set"
        box.border_subtitle = "esc closes"
        self.query_one("#source").focus()

    @property
    def _wanted(self) -> tuple[str, str, str]:
        source, text, label = (self.query_one(f"#{name}", Input).value.strip() for name in ("source", "text_column", "label_column"))
        if self._asked is not None and source != self._asked[0]:
            # Columns that were guessed for one source say nothing about another.
            return source, "", ""
        return source, text, label

    @on(Input.Submitted)
    def _entered(self) -> None:
        wanted = self._wanted
        if not wanted[0]:
            self._say(Text("write a path or an id first", self._color("warning")))
        elif self._read is not None and wanted == self._asked:
            self._state.take_dataset(*self._read)
            self.dismiss()
        else:
            self._look(wanted)

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._read is not None and self._wanted != self._asked:
            self._read = None
            self.query_one("#box").border_subtitle = "enter reads it again   esc closes"

    @work(exclusive=True)
    async def _look(self, wanted: tuple[str, str, str]) -> None:
        source, text, label = wanted
        current = self._state.spec
        spec = DataSpec(source, text or None, label or None, offline=current.offline if current is not None else False)

        def report(loading: Loading) -> None:
            share = f" {100 * loading.done / loading.total:.0f} %" if loading.total else ""
            self._say(Text(f"{loading.phase}{share}", "dim"))

        self._say(Text("reading", "dim"))
        try:
            dataset = await self._state.read_dataset(spec, report)
        except UserError as error:
            self._read = None
            self._say(Text(safe_text(str(error)), self._color("error")))
            return
        self._show(spec, dataset, source)

    def _show(self, spec: DataSpec, dataset: Dataset, source: str) -> None:
        for name, value in (("text_column", dataset.text_column), ("label_column", dataset.label_column)):
            with self.prevent(Input.Changed):
                self.query_one(f"#{name}", Input).value = safe_line(value)
        self.query_one("#columns").add_class("-read")
        guessed = (dataset.text_column, dataset.label_column)
        self._read = (
            msgspec.structs.replace(
                spec,
                source=dataset.source,
                text_column=spec.text_column and guessed[0],
                label_column=spec.label_column and guessed[1],
            ),
            dataset,
        )
        self._asked = (source, safe_line(guessed[0]), safe_line(guessed[1]))
        self._say(preview(dataset, max(40, self.query_one("#said").size.width), dark=self._state.dark))
        self.query_one("#box").border_subtitle = "enter takes it   esc closes"

    def _say(self, text: Text) -> None:
        self.query_one("#said", Static).update(text)

    def _color(self, name: str) -> str:
        return self.app.theme_variables[name]


def preview(dataset: Dataset, width: int, *, dark: bool) -> Text:
    """Return sizes, columns, the first five rows and the reader's notes in lines of `width` cells."""
    rows = ", ".join(f"{safe_line(name)} {len(split):,}" for name, split in dataset.splits.items())
    text = Text().append(f"{safe_line(dataset.name, 40)}: {rows} rows\n", "bold")
    others = [safe_line(name, 20) for name in dataset.columns if name not in (dataset.text_column, dataset.label_column)]
    if others:
        text.append(f"columns not used: {cut(', '.join(others), width - 20)}\n", "dim")
    looks = class_looks(dataset.labels, dark=dark)
    names = min(24, max(Text(safe_line(name, 22)).cell_len for name in dataset.labels) + 2)
    for row in next(iter(dataset.splits.values())).rows(0, _PREVIEWED):
        text.append_text(looks[row.label].text(names)).append(" " + pad(safe_line(row.text, width - names - 1), width - names - 1) + "\n")
    for note in dataset.notes:
        text.append(f"{safe_text(note)}\n", "dim")
    text.rstrip()
    return text
