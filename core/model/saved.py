"""The note saved with a model: what emotui needs to use it, and transformers' own files do not contain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from .. import writing
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from ..shell import quote
from ..specs import Pooling
from .model_config import MAX_LABELS
from .tokenizer_files import UNLIMITED

FILE = "emotui.json"
LIMIT = 4 << 20
"""Bytes of a note that is read, at most: 10,000 labels of 100 letters take 1 MB."""


class SavedModel(msgspec.Struct, frozen=True):
    """emotui.json in a run's model folder."""

    kind: Literal["classifier", "logistic_regression", "static", "tfidf", "most_frequent", "onnx"]
    labels: tuple[str, ...]
    max_length: int
    """Tokens at which texts are truncated."""
    pooling: Pooling = "cls"
    layer: int | None = None
    """The encoder's layer whose hidden states a logistic regression uses; None for the last."""
    encoder: str = ""
    """The encoder of a logistic regression or of static embeddings, as it was named with --model."""
    encoder_hash: str = ""
    precision: str = "float32"
    text_column: str = ""
    """The text column of the run's data set, which is looked for first in a file to classify."""
    most_frequent: int = 0
    """The index of the label that 'most_frequent' predicts."""
    stopped_at: int | None = None
    """The step at which the run was stopped; None if it was not."""

    def stopped_note(self, run: str) -> str:
        """Return a sentence, without a full stop, on the model of a run that was stopped; '' if it was not."""
        return "" if self.stopped_at is None else f"the run {run} was stopped at step {self.stopped_at:,}; this is its model of that step"

    def write(self, folder: Path) -> None:
        writing.write_private(folder / FILE, msgspec.json.format(msgspec.json.encode(self), indent=2))


def read(folder: Path) -> SavedModel:
    """Return the note in a run's model folder. Raises UserError if the run has no model, or one that emotui did not write."""
    path = folder / FILE
    try:
        note = msgspec.json.decode(read_plain(path, LIMIT), type=SavedModel)
    except OSError as error:
        name = folder.parent.parent.name if folder.parent.name == "rungs" else folder.parent.name
        raise UserError(f"the run {safe_line(name)} has no model yet", f"See its state with: emotui show {quote(name)}") from error
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise UserError(f"{safe_line(str(path))} is damaged: {safe_line(str(error), 120)}", "Train the run again") from error
    for each in folder.iterdir():
        if each.is_symlink() or not each.is_file():  # a run from elsewhere could point to files outside it
            raise UserError(f"{safe_line(str(each))} is not a regular file, unlike the files of a run's model", "Train the run again")
    if fault := next(_faults(note), None):
        raise UserError(f"{safe_line(str(path))} is damaged: {fault}", "Train the run again")
    return note


def _faults(note: SavedModel) -> Iterator[str]:
    if not 1 <= len(note.labels) <= MAX_LABELS or len(set(note.labels)) < len(note.labels) or not all(note.labels):
        yield "its labels are not distinct names"
    if not 3 <= note.max_length <= UNLIMITED:
        yield f"it cuts texts at {note.max_length} tokens"
    if not 0 <= note.most_frequent < len(note.labels):
        yield f"it answers with label {note.most_frequent}"
    if note.layer is not None and note.layer < 1:
        yield f"it takes layer {note.layer}"
    if note.kind in ("logistic_regression", "static") and not note.encoder:
        yield "it names no encoder"
