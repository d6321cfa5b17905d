"""The rows behind a cell of the confusion matrix, read from a run's predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import UserError
from ...core.runs.folder import RunFolder

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

MOST = 500
"""Rows that are listed."""


@dataclass(frozen=True, slots=True)
class CellRow:
    """One text of a cell."""

    index: int
    """0-based position in the split."""
    text: str
    probabilities: tuple[float, ...]
    """In the order of the run's labels."""
    loss: float
    """Cross entropy of the true label in nats."""


def read_cell(run: Path, dataset: Dataset, split: str, true: str, predicted: str) -> tuple[list[CellRow], int]:
    """Return the rows of class `true` taken for `predicted`, the highest loss first, at most MOST of them, and how many there are.

    It reads a file: not for the event loop. Raises UserError where the run has no predictions, or ones of other data.
    """
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    file = RunFolder(run).predictions_file(split)
    try:
        table = parquet.read_table(file)
    except FileNotFoundError:
        raise UserError(f"the rows are known when the run has finished: there is no {split} prediction in {run.name} yet") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    kept = (compute.field("label") == true) & (compute.field("prediction") == predicted)
    found = table.filter(kept).sort_by([("loss", "descending")])
    listed = found.slice(0, MOST).to_pydict()
    if split not in dataset.splits or (found.num_rows and max(listed["row"]) >= len(dataset.splits[split])):
        raise UserError(f"the data set that is open is not the one of run {run.name}: its {split} split is shorter")
    texts = dataset.splits[split]
    rows = [
        CellRow(index, texts.row(index).text, tuple(probabilities), loss)
        for index, probabilities, loss in zip(listed["row"], listed["probabilities"], listed["loss"], strict=True)
    ]
    return rows, found.num_rows
