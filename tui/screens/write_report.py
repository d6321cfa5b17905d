"""Writes the report of the selected run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from ...core.errors import UserError
from ...core.runs.folder import RunFolder
from ...core.safe_text import safe_line
from ..field_names import by_fields
from ..widgets.path_field import PathField
from .dialog import Dialog, line

_HELP = "All that is known of the run on {}: a page for a browser (.html), or Markdown (.md). A folder gets both.\n\nenter writes it"


class WriteReport(Dialog):
    """Enter writes the files and closes; pressing Enter again replaces files that already exist."""

    def __init__(self, folder: str, rung: str = "", split: str = "validation") -> None:
        """Prepare to write the report of the run in `folder`, or of a rung of a baseline, on a split."""
        run = RunFolder(Path(folder))
        super().__init__(f"write the report of {safe_line(run.id, 40)}", _HELP.format(split))
        self._run, self._rung, self._split = run, rung, split
        self._agreed = ""
        """The name whose files the user has agreed to replace; '' for none."""

    def compose_fields(self) -> ComposeResult:
        from ...core.report import files

        yield line("file", PathField(f"{files.stem(self._run.id, self._rung, self._split)}.html", id="file"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        self._write(message.value.strip())

    @work(exclusive=True)
    async def _write(self, name: str) -> None:
        from ...core.report import files

        self.show_doing("reading what the run keeps, and writing")
        try:
            written = await asyncio.to_thread(_written, self._run, self._rung, self._split, name, overwrite=name == self._agreed)
        except files.FileThereError as error:
            self._agreed = name
            self.show_wrong(f"{safe_line(str(error.place), 120)} already exists. enter once more replaces it")
            return
        except UserError as error:
            self.show_wrong(by_fields(error))
            return
        self.state.notify(f"written: {', '.join(safe_line(str(each)) for each in written)}")
        self.dismiss()


def _written(run: RunFolder, rung: str, split: str, name: str, *, overwrite: bool) -> list[Path]:
    """Write the report and return its files. Raises UserError."""
    from ...core.report import files, material

    places = files.chosen(name, None, files.stem(run.id, rung, split), run.path, overwrite=overwrite)
    files.write(material.gather(run, rung, split), places)
    return list(places.values())
