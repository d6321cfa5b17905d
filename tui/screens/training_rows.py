"""The rows of a split by their loss, or those behind a cell of the confusion matrix, read from a run's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import UserError
from ...core.runs.folder import RunFolder
from ...core.runs.rungs import predicted
from ...core.shell import quote

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

MOST = 500
"""Rows that are listed."""


@dataclass(frozen=True, slots=True)
class LossRow:
    """One text and what a run said of it."""

    index: int
    """0-based position in the split."""
    text: str
    true: str
    predicted: str
    probabilities: tuple[float, ...]
    """In the order of the run's labels."""
    loss: float
    """Cross entropy of the true label in nats."""


def read_rows(
    run: Path,
    labels: Sequence[str],
    dataset: Dataset,
    split: str,
    cell: tuple[str, str] | None = None,
    *,
    lowest: bool = False,
    rung: str = "",
) -> tuple[list[LossRow], int]:
    """Return rows of a run with these labels by their loss, the highest first or the `lowest`, MOST of them, and how many there are.

    With a `cell`, a true and a predicted class, only its rows; of a baseline those of a `rung`. It reads a file: not for the event loop.
    Raises UserError where the run has no predictions, or ones of other data.
    """
    import pyarrow.compute as compute

    from ...core.runs import tables

    try:
        found = tables.read_predictions(RunFolder(run).predictions_file(predicted(split, rung)), labels)
    except FileNotFoundError:
        if rung:
            remedy = f"emotui evaluate {quote(f'{run.name}:{rung}')} --split {quote(split)}"
            raise UserError(f"the rows of this rung were not kept when {run.name} was made. They are written by: {remedy}") from None
        raise UserError(f"the rows are known when the run has finished: there is no {split} prediction in {run.name} yet") from None
    if cell is not None:
        found = found.filter((compute.field("label") == cell[0]) & (compute.field("prediction") == cell[1]))
    found = found.sort_by([("loss", "ascending" if lowest else "descending")])
    listed = found.slice(0, MOST).to_pydict()
    if split not in dataset.splits or (found.num_rows and max(listed["row"]) >= len(dataset.splits[split])):
        raise UserError(f"the data set that is open is not the one of run {run.name}: its {split} split is shorter")
    texts = dataset.splits[split]
    columns = (listed[name] for name in ("row", "label", "prediction", "probabilities", "loss"))
    rows = [
        LossRow(index, texts.row(index).text, true, predicted, tuple(probabilities), loss)
        for index, true, predicted, probabilities, loss in zip(*columns, strict=True)
    ]
    return rows, found.num_rows
