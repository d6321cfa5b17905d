"""The predictions for all rows of a split, stored with the run that made them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .. import paths, writing
from ..figures.calibration import losses


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, float64, from logits of shape [n, labels]."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def save(path: Path, truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], *, data: str = "") -> None:
    """Write Parquet with row (0-based), label, prediction (names), probabilities (list, in label order) and loss (nats).

    `data` is the fingerprint of the data set that the rows are from; '' for the run's own.
    """
    predicted = probabilities.argmax(1)
    names = np.asarray(labels, dtype=object)
    table = pa.table(
        {
            "row": pa.array(np.arange(len(truth)), pa.int64()),
            "label": pa.array(names[truth], pa.string()),
            "prediction": pa.array(names[predicted], pa.string()),
            "probabilities": pa.array(list(probabilities), pa.list_(pa.float64())),
            "loss": pa.array(losses(probabilities, truth), pa.float64()),
        },
        metadata={"labels": "\n".join(labels), "data": data},
    )
    paths.make_private(path.parent)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    writing.write_private(path, sink.getvalue().to_pybytes())
