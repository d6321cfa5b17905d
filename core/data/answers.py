"""Writes one answer for each row of a file, beside the row's own columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..questions import Prediction
from . import table_file
from .arrays import fields_of
from .batches import MISSING
from .text_files import TextFile, TextRow

_SAMPLE = 10_000
"""Rows whose types are looked at at once."""


class AnswerWriter(table_file.TableWriter):
    """Answers written to a file in order, one per row.

    With `carried`, the columns of the file of texts and their types, each row begins with its own values; where they would be
    nothing but the text, with its number. An answer's column whose name the file has already is called predicted_NAME.
    """

    def __init__(self, target: Path, labels: Sequence[str], carried: dict[str, pa.DataType] | None, *, numbered: bool) -> None:
        self._carried = carried
        self._numbered = numbered and carried is not None
        taken = set(carried or ())
        answer = {
            "label": pa.string(),
            "probabilities": pa.struct([(name, pa.float64()) for name in labels]),
            "tokens": pa.int32(),
            "truncated": pa.bool_(),
            "error": pa.string(),
        }
        self.names = {name: _free(name, taken) for name in (*answer, "row")}
        fields = [(self.names["row"], pa.int64())] if self._numbered else []
        fields += [("text", pa.string())] if carried is None else list(carried.items())
        prefix = "probability"
        while any(f"{prefix}_{label}" in taken for label in labels):
            prefix = f"predicted_{prefix}"
        schema = pa.schema([*fields, *((self.names[name], kind) for name, kind in answer.items())])
        super().__init__(target, schema, {self.names["probabilities"]: prefix})

    def answer(self, rows: Sequence[TextRow], predictions: Sequence[Prediction]) -> None:
        """Append a row for each of `rows`; the `predictions` are those of the rows with a text. Raises UserError."""
        given = iter(predictions)
        self.write(self._row(row, next(given) if row.text is not None else None) for row in rows)

    def _row(self, row: TextRow, prediction: Prediction | None) -> dict[str, Any]:
        names = self.names
        found: dict[str, Any] = {names["row"]: row.number} if self._numbered else {}
        if self._carried is None:
            found["text"] = row.text if prediction is None else prediction.text
        else:
            found.update((name, value) for name, value in zip(self._carried, row.values, strict=False) if value is not MISSING)
        for name in ("label", "probabilities", "tokens", "truncated"):
            found[names[name]] = None if prediction is None else getattr(prediction, name)
        found[names["error"]] = row.problem or None
        return found


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"predicted_{name}"
    return name


def carried(file: TextFile, target: Path) -> dict[str, pa.DataType]:
    """Return the columns of a file and, for a format that needs them before the first row, the types of all their values."""
    names = file.every_column()
    if not table_file.check_name(target).needs_types or not file.is_typed:
        return dict.fromkeys(names, pa.string())
    return dict(zip(names, _types(file, names), strict=True))


def _types(file: TextFile, names: tuple[str, ...]) -> list[pa.DataType]:
    """Return a type for each column that holds all its values; a text where they have none in common."""
    found: list[pa.DataType] = [pa.null()] * len(names)
    for rows in _chunks(row.values for row in file.rows(names) if row.values):
        for at, values in enumerate(zip(*rows, strict=True)):
            if not pa.types.is_string(found[at]):
                found[at] = _common(found[at], [None if value is MISSING else value for value in values])
    return [pa.string() if pa.types.is_null(kind) else kind for kind in found]


def _chunks(values: Iterable[tuple[Any, ...]]) -> Iterable[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for each in values:
        chunk.append(each)
        if len(chunk) == _SAMPLE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _common(before: pa.DataType, values: list[Any]) -> pa.DataType:
    try:
        here = pa.array(values).type
        both = [pa.schema([("value", kind)]) for kind in (before, here)]
        return fields_of(pa.unify_schemas(both, promote_options="permissive"))[0].type
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return pa.string()
