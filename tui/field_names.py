"""Names the fields of the application where a sentence of the core names the command line's options."""

from __future__ import annotations

import re

from ..core import hyperparameters
from ..core.specs import BaselineSpec, TrainSpec

_FIELDS = {
    "--text-column": "the field 'text column'",
    "--label-column": "the field 'label column'",
    "--labels a,b,c": "the field 'label names'",
    "--labels": "the field 'label names'",
    "--skip-bad-rows": "the field 'bad rows'",
    "--encoding": "the field 'read as'",
    "--delimiter": "the field 'read as'",
    "--skip-lines 0": "skip=0 in the field 'read as'",
    "--skip-lines": "skip=N in the field 'read as'",
    "--no-header": "header=no in the field 'read as'",
    "--header": "header=yes in the field 'read as'",
    "--no-quotes": "quotes=no in the field 'read as'",
    "--quotes": "quotes=yes in the field 'read as'",
    "--train/--validation/--test FILE": "the fields 'train file', 'validation file' and 'test file'",
    "--train FILE": "the field 'train file'",
    "--validation FILE": "the field 'validation file'",
    "--test FILE": "the field 'test file'",
    "--train": "the field 'train file'",
    "--validation": "the field 'validation file'",
    "--test": "the field 'test file'",
}
"""The options of reading, by the fields of the dialog that opens data. An option that begins as another one comes before it."""
_COMMAND = re.compile(r"emotui [a-z]+(?: [^ ,;:.'\"]+)*")
_OPTION = re.compile(r"(--[a-z]+(?:-[a-z]+)*)(?: (\d[\d.]*))?")


def in_fields(sentence: str) -> str:
    """Return a sentence with fields in the place of options; those of a whole command that is to be typed in a shell stay."""
    said: list[str] = []
    end = 0
    for command in _COMMAND.finditer(sentence):
        said += [_with_fields(sentence[end : command.start()]), command[0]]
        end = command.end()
    return "".join((*said, _with_fields(sentence[end:])))


def _with_fields(words: str) -> str:
    for option, field in _FIELDS.items():
        words = words.replace(option, field)
    return _OPTION.sub(_in_form, words)


def _in_form(said: re.Match[str]) -> str:
    """Return the field of the form of a run in the place of its option and a number after it; as it was where there is none."""
    rows = (row for spec in (TrainSpec, BaselineSpec) for row in hyperparameters.rows(spec).values())
    title = next((row.title for row in rows if row.option == said[1] and row.in_form), None)
    if title is None:
        return said[0]
    return f"{said[2]} in the field '{title}'" if said[2] else f"the field '{title}'"
