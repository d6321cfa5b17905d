"""The temperature of a run: fitted on the validation split, stored with its model, and used for all its probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from .. import writing
from ..errors import UserError
from ..safe_text import safe_line
from . import kept_json, rungs
from .folder import RunFolder

FILE = "temperature.json"
_LARGEST = 1 << 16
_LOWEST, _HIGHEST = 1e-3, 1e3
SPLIT = "validation"
"""The split that it is fitted on: neither that of the training nor that of the test."""

_Figure = Annotated[float, Meta(ge=0, le=1e6)]


class Temperature(msgspec.Struct, frozen=True):
    """The divisor of a run's logits, and its effect on the rows that it was fitted on."""

    temperature: Annotated[float, Meta(ge=_LOWEST, le=_HIGHEST)]
    rows: Annotated[int, Meta(ge=0)] = 0
    loss: tuple[_Figure, _Figure] = (0.0, 0.0)
    """Mean cross entropy in nats before and after."""
    error: tuple[_Figure, _Figure] = (0.0, 0.0)
    """Expected calibration error before and after."""

    @property
    def sentence(self) -> str:
        """A sentence, without a full stop, to show with probabilities."""
        return f"probabilities are at the temperature {self.temperature:.3g}, fitted on {self.rows:,} rows of {SPLIT}"


def _file(run: RunFolder, rung: str) -> Path:
    return rungs.folder_of(run, rung) / FILE


def read(run: RunFolder, rung: str) -> Temperature | None:
    """Return the temperature of a run, or of a rung of a baseline; None if there is none. Raises UserError for a damaged file."""
    return kept_json.read(_file(run, rung), Temperature, _LARGEST, "Remove it and fit the temperature again")


def fit(run: RunFolder, rung: str) -> Temperature:
    """Fit the temperature on the predictions for the validation split, store it and return it.

    It reads and writes files, so do not call it on the event loop. Raises UserError if there are no such predictions, or writing fails.
    """
    from ..figures import calibration
    from . import measured

    found = measured.read(run, rung, SPLIT)
    if found is None:
        raise UserError(
            f"the run has not been evaluated on {SPLIT} yet",
            f"Evaluate it with: {measured.remedy(f'{run.id}:{rung}' if rung else run.id, SPLIT)}",
        )
    if not len(found.truth):
        raise UserError(f"the {SPLIT} split has no rows to fit a temperature on")
    value = calibration.temperature(found.probabilities, found.truth)
    after = calibration.heated(found.probabilities, value)

    kept = Temperature(
        value,
        len(found.truth),
        (float(calibration.losses(found.probabilities, found.truth).mean()), float(calibration.losses(after, found.truth).mean())),
        (calibration.error_of(found.truth, found.probabilities), calibration.error_of(found.truth, after)),
    )
    path = _file(run, found.rung)
    try:
        writing.write_private(path, msgspec.json.format(msgspec.json.encode(kept), indent=1))
    except OSError as problem:
        raise UserError(f"cannot write {safe_line(str(path), 160)}: {problem.strerror or problem}", exit_code=1) from problem
    return kept


def remove(run: RunFolder, rung: str) -> bool:
    """Remove the temperature of a run; return whether there was one. Raises UserError if it cannot be removed."""
    path = _file(run, rung)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"cannot remove {safe_line(str(path), 160)}: {error.strerror or error}") from error
    return True
