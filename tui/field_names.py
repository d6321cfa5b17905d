"""Names settings in the application by their fields, where the command line names options."""

from __future__ import annotations

from ..core import hyperparameters
from ..core.errors import UserError
from ..core.sentences import Setting, Words
from ..core.specs import BaselineSpec, Reading, TrainSpec

FIELDS = {
    "text_column": "text column",
    "label_column": "label column",
    "labels": "label names",
    "skip_bad_rows": "bad rows",
    "train": "train file",
    "validation": "validation file",
    "test": "test file",
    "out": "file",
}
"""Titles of the fields of dialogs by setting; those of the form of a run are in the specs."""
READ_AS = "read as"
"""The title of the field that holds all options of Reading."""


def by_fields(text: Words | UserError) -> str:
    """Return a text with its settings named by fields of the application."""
    words = text.sentence if isinstance(text, UserError) else text
    return words if isinstance(words, str) else "".join(_by_field(part) for part in words.parts)


def _by_field(part: str | Setting) -> str:
    if isinstance(part, str):
        return part
    value = part.value
    if part.name in Reading.__struct_fields__:
        set_to = f"{part.name}={('no', 'yes')[value] if isinstance(value, bool) else value} in " if value is not None else ""
        return f"{set_to}the field '{READ_AS}'"
    title = FIELDS.get(part.name) or _title(part.name)
    if title is None:
        return f"the command line's {part}"
    return f"the field '{title}'" if value is None else f"{value} in the field '{title}'"


def _title(name: str) -> str | None:
    """Return the title of a setting's field in the form of a run; None if there is no such field."""
    rows = (hyperparameters.rows(spec).get(name) for spec in (TrainSpec, BaselineSpec))
    return next((row.title for row in rows if row is not None and row.in_form), None)
