"""Opens another data set, after showing how its columns are read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from ...core.data import reading_words
from ...core.data.formats import READABLE
from ...core.errors import UserError
from ...core.safe_text import cell_width, cut, pad, safe_line, safe_text
from ...core.sentences import Words
from ...core.specs import DataSpec
from ..facts import Loading
from ..field_names import FIELDS, READ_AS, by_fields
from ..theme import class_looks
from ..widgets.choice import Choice
from ..widgets.path_field import PathField
from ..widgets.text_field import LineField
from .dialog import Dialog, line

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_PREVIEWED = 5
_SPLITS = ("train", "validation", "test")
_COLUMNS = ("text_column", "label_column", "labels", "reading", *_SPLITS)
_GUESSED = "guessed where it is clear"
_HELP = (
    f"A file ({READABLE}), a folder with train, validation and test,\n"
    "ms:OWNER/NAME (ModelScope), hf:OWNER/NAME (Hugging Face), or starter.\n\nenter reads it; nothing changes until you accept it"
)


class OpenData(Dialog):
    """Enter reads the data set and shows five rows; Enter again opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "read it, then accept it"),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "field before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("open a data set", _HELP)
        self._read: tuple[DataSpec, Dataset] | None = None
        self._asked: tuple[str, ...] | None = None
        """The content of the fields when the data set was read, with the guessed columns."""

    def compose_fields(self) -> ComposeResult:
        yield line("source", PathField(id="source", placeholder="path or id"))
        with Vertical(id="columns"):
            yield line(FIELDS["text_column"], LineField(id="text_column", placeholder=_GUESSED))
            yield line(FIELDS["label_column"], LineField(id="label_column", placeholder=_GUESSED))
            yield line(FIELDS["labels"], LineField(id="labels", placeholder="of integer labels in order, with commas between them"))
            yield line(READ_AS, LineField(id="reading", placeholder="such as encoding=cp1252 delimiter=semicolon header=no quotes=no"))
            for split in _SPLITS:
                yield line(FIELDS[split], PathField(id=split, placeholder="where the names of the files do not say it"))
            yield line(FIELDS["skip_bad_rows"], Choice(("refuse", "skip"), "refuse", id="bad_rows"))

    def on_mount(self) -> None:
        if self.state.data_error and self.state.spec is not None:
            # It could not be read with these options, but others may work.
            self.query_one("#source", Input).value = safe_line(self.state.spec.source)
            self._refuse(self.state.data_error)

    @property
    def _wanted(self) -> tuple[str, ...]:
        fields = (self.query_one(f"#{name}", Input).value.strip() for name in ("source", *_COLUMNS))
        return (*fields, self.query_one("#bad_rows", Choice).value)

    @on(Input.Submitted)
    def action_enter(self) -> None:
        wanted = self._wanted
        if not wanted[0]:
            self.show_status(Text("write a path or an id first", self.app.theme_variables["warning"]))
        elif self._read is not None and wanted == self._asked:
            self.state.data.use(*self._read)
            self.dismiss()
        else:
            self._read_named(wanted)

    @on(Input.Changed)
    @on(Choice.Changed)
    def _changed(self) -> None:
        if self._asked is not None and self._wanted[0] != self._asked[0]:
            # Columns guessed for one source do not apply to another.
            self._asked = None
            for name in _COLUMNS:
                with self.prevent(Input.Changed):
                    self.query_one(f"#{name}", Input).value = ""
        if self._read is not None and self._wanted != self._asked:
            self._read = None
            self.offer("enter reads it again")

    @work(exclusive=True)
    async def _read_named(self, wanted: tuple[str, ...]) -> None:
        source, text, label, names, reading, *splits, bad_rows = wanted
        try:
            asked = reading_words.parse(reading)
            source, files = await asyncio.to_thread(
                _named, source, {split: file for split, file in zip(_SPLITS, splits, strict=True) if file}
            )
        except UserError as error:
            self._refuse(error)
            return
        spec = DataSpec(
            source,
            text or None,
            label or None,
            labels=tuple(name.strip() for name in names.split(",")) if names else (),
            skip_bad_rows=bad_rows == "skip",
            offline=self.state.offline,
            reading=asked,
            files=files,
        )

        def report(loading: Loading) -> None:
            self.show_doing(loading.phase, loading.done, loading.total)

        self.show_doing("reading")
        try:
            dataset = await self.state.data.read(spec, report)
        except UserError as error:
            self._refuse(error)
            return
        self._show(spec, dataset)

    def _refuse(self, error: Words | UserError) -> None:
        """Show why nothing can be opened, below the fields that may help."""
        self._read = None
        self.query_one("#columns").add_class("-read")
        self.show_wrong(by_fields(error))
        self.offer("enter reads it again")

    def _show(self, spec: DataSpec, dataset: Dataset) -> None:
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
        self._asked = self._wanted
        self.show_status(preview(dataset, max(40, self.query_one("#said").size.width), dark=self.state.dark))
        self.offer("enter selects it")


def _named(source: str, files: dict[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the source and its files by split, if they are named. Raises UserError for a file that does not exist."""
    from ...core.data import sources

    return sources.named_files(source, files) if files else (source, ())


def preview(dataset: Dataset, width: int, *, dark: bool) -> Text:
    """Return sizes, columns, the first five rows and the reader's notes, in lines of `width` cells."""
    rows = ", ".join(f"{safe_line(name)} {len(split):,}" for name, split in dataset.splits.items())
    text = Text().append(f"{safe_line(dataset.name, 40)}: {rows} rows\n", "bold")
    others = [safe_line(name, 20) for name in dataset.columns if name not in (dataset.text_column, dataset.label_column)]
    if others:
        text.append(f"columns not used: {cut(', '.join(others), width - 20)}\n", "dim")
    looks = class_looks(dataset.labels, dark=dark)
    # Glyph and space are drawn only with one more cell.
    names = min(24, max(4, *(cell_width(safe_line(look.name, 20)) + look.id_cells + 2 for look in looks)))
    for row in next(iter(dataset.splits.values())).rows(0, _PREVIEWED):
        text.append_text(looks[row.label].text(names, numbered=True)).append(
            " " + pad(safe_line(row.text, width - names - 1), width - names - 1) + "\n"
        )
    for note in dataset.notes:
        text.append(f"{safe_text(by_fields(note))}\n", "dim")
    text.rstrip()
    return text
