"""The note beside a saved model: what emotui must know to use it that transformers' own files do not say."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from .. import writing
from ..errors import UserError
from ..specs import Pooling

FILE = "emotui.json"


class SavedModel(msgspec.Struct, frozen=True):
    """emotui.json in a run's model folder."""

    kind: Literal["classifier", "logistic_regression"]
    labels: tuple[str, ...]
    max_length: int
    """Tokens at which texts are cut."""
    pooling: Pooling = "cls"
    layer: int | None = None
    """The encoder's layer that a logistic regression stands on; None: the last."""
    encoder: str = ""
    """The encoder that a logistic regression stands on, as DATASET's model was named."""
    encoder_hash: str = ""
    precision: str = "float32"

    def write(self, folder: Path) -> None:
        writing.write_private(folder / FILE, msgspec.json.format(msgspec.json.encode(self), indent=2))


def read(folder: Path) -> SavedModel:
    """Return the note in a run's model folder. Raises UserError where the run has no model, or an unreadable one."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=SavedModel)
    except OSError as error:
        raise UserError(f"the run {folder.parent.name} has no model yet. See its state with: emotui show {folder.parent.name}") from error
    except msgspec.MsgspecError as error:
        raise UserError(f"{folder / FILE} is damaged: {error}. Train the run again") from error
