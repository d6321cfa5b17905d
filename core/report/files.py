"""Where the files of a report go: named after the run, and never replacing a file without consent."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import paths, targets, writing
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from . import as_html, as_markdown, build
from .material import Material

Format = Literal["html", "md"]
FORMATS: tuple[Format, ...] = ("html", "md")
_WRITERS = {"html": as_html.page, "md": as_markdown.page}
_ENDINGS: dict[str, Format] = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}
_OUT = Setting("out")
_LONGEST = 80
"""Characters of a run's name within a file name, at most."""


class FileThereError(UserError):
    """Raised for a file that already exists, unless it may be replaced."""

    def __init__(self, place: Path) -> None:
        remedy = phrase("Choose another name with ", _OUT, ", or replace it: ", Setting("overwrite", True))
        super().__init__(f"{safe_line(str(place), 120)} already exists", remedy)
        self.place = place


def stem(run: str, rung: str, split: str) -> str:
    """Return the name of a report's files without extension; runs of characters other than letters, digits, '.', '_' and '-' become '-'."""
    named = [run, *([rung] if rung else []), *([split] if split != "validation" else [])]
    plain = (re.sub(r"[^A-Za-z0-9._-]+", "-", each).strip("-.")[:_LONGEST] for each in named)
    return "-".join(["report", *(each or "run" for each in plain)])


def chosen(out: str | None, asked: str | None, named: str, run: Path, *, overwrite: bool) -> dict[Format, Path]:
    """Return the path of each format, without writing anything.

    `out` is an existing folder, or a file; `asked` is 'html', 'md', 'both', or None to go by the extension of `out`.
    Raises UserError for a path that may not be written, FileThereError for one that exists without `overwrite`.
    """
    if out is None or out.endswith("/") or os.path.isdir(paths.expand(out)):
        folder = Path() if out is None else paths.expand(out)
        if not folder.is_dir():
            raise UserError(f"there is no folder {safe_line(str(folder), 120)}", "Create it, or name a file")
        formats = _formats(asked)
        found: dict[Format, str] = {each: str(folder / f"{named}.{each}") for each in formats}
    else:
        found = _of_file(out, asked)
    checked: dict[Format, Path] = {each: targets.checked(place, _OUT, sources=[str(run)]) for each, place in found.items()}
    for place in checked.values():
        if not overwrite and os.path.lexists(place):
            raise FileThereError(place)
    return checked


def _of_file(out: str, asked: str | None) -> dict[Format, str]:
    root, ending = os.path.splitext(out)
    own = _ENDINGS.get(ending.lower())
    if asked is None and own is not None:
        return {own: out}
    formats = _formats(asked)
    if own is None and asked is None:
        problem = phrase(_OUT, f" {safe_line(out, 80)} is neither a folder nor a name that ends in .html or .md")
        raise UserError(problem, phrase("Name a folder, or give ", Setting("format")))
    if len(formats) == 1:
        return {formats[0]: out}
    return {each: f"{root if own is not None else out}.{each}" for each in formats}


def _formats(asked: str | None) -> Sequence[Format]:
    return [each for each in FORMATS if asked in (None, "both", each)]


def write(of: Material, places: dict[Format, Path], rows: int = build.ROWS) -> None:
    """Write the report; each file is replaced completely or not at all. Raises UserError if one cannot be written."""
    made = build.report(of, rows)
    for each, place in places.items():
        content = _WRITERS[each](made).encode("utf-8")
        try:
            with writing.replacing(place) as file:
                file.write(content)
        except OSError as error:
            raise UserError(f"cannot write {safe_line(str(place), 120)}: {error.strerror or error}", exit_code=1) from error
