"""Reads the stored predictions of a run on a split, and of the run to compare it with. Do not call it on the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ....core.errors import UserError
from ....core.runs.folder import RunFolder
from ....core.runs.state import RunView
from ....core.safe_text import safe_line
from ...field_names import by_fields
from ..choose_run import RunRef, choices

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.data.table import Dataset
    from ....core.runs.examined import Examined


class Read(NamedTuple):
    """A run on a split, and another one on the same rows, or why the two cannot be compared."""

    found: Examined
    other: RunRef | None
    compared: Examined | None
    why_not_compared: str


def read(ref: RunRef, split: str, other: RunRef | None, opened: Dataset | None) -> Read | None:
    """Return the stored predictions of a run on a split, and of `other`; None if the run was not evaluated there. Raises UserError.

    `opened` is the open data set.
    """
    from ....core.runs import examined

    found = examined.examine(RunFolder(Path(ref.folder)), ref.rung, split, opened)
    if found is None:
        return None
    if other is None:
        return Read(found, None, None, "no other run has a model: a baseline is a good one to compare with")
    return Read(found, other, *_compared(found, other, split, opened))


def _compared(found: Examined, other: RunRef, split: str, opened: Dataset | None) -> tuple[Examined | None, str]:
    """Return another run on the rows of `found`, and a sentence on why they cannot be compared; one of the two is empty."""
    from ....core.runs import examined

    run = RunFolder(Path(other.folder))
    try:
        compared = examined.examine(run, other.rung, split, opened)
        if compared is None:
            return None, f"{run.id} was not measured on {split} yet: o looks at it, m measures it"
        examined.check_same_rows(found.predictions, compared.predictions)
    except UserError as error:
        return None, safe_line(by_fields(error), 400)
    return compared, ""


def other_run(runs: Sequence[RunView], ref: RunRef) -> RunRef | None:
    """Return the run to compare with by default: the newest one on the same data, for a fine-tuning preferably a baseline."""
    view = next((view for view in runs if view.folder == ref.folder), None)
    if view is None:
        return None
    others = [
        (each, of) for each, of in choices(runs) if not each.rung and each.folder != ref.folder and of.spec.data_hash == view.spec.data_hash
    ]
    return next((each for each, of in others if of.task != view.task), next((each for each, _ in others), None))


def turn_temperature(run: RunFolder, rung: str, *, is_kept: bool) -> str:
    """Fit a temperature on validation and store it with the run, or remove the stored one; return a sentence on it. Raises UserError."""
    from ....core.runs import temperature

    if is_kept:
        temperature.remove(run, rung)
        return "the temperature was removed: probabilities are the model's own again"
    made = temperature.fit(run, rung)
    return f"T = {made.temperature:.3g} is kept with the run: predict and the prompt use it"
