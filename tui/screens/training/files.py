"""Reads a run's log and the projection of its hidden states. Do not call it on the event loop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ....core.errors import UserError
from ....core.plain_files import open_plain
from ....core.runs.folder import RunFolder
from ...widgets.density import Cloud
from ...widgets.label_look import LabelLook

LOG_BYTES = 64 << 10
"""Bytes at the end of a log that are shown."""
_FARTHEST = 1e30
"""Largest coordinate of a point that is drawn."""


def read_log(file: Path, before: tuple[int, int] | None = None) -> tuple[tuple[int, int], str] | None:
    """Return a mark (size in bytes, time of change in ns) and the last lines of a log; None if the mark is still `before`.

    A missing log counts as empty. Raises UserError if it cannot be read.
    """
    try:
        with open_plain(file) as log:
            status = os.fstat(log.fileno())
            mark = (status.st_size, status.st_mtime_ns)
            if mark == before:
                return None
            log.seek(max(0, status.st_size - LOG_BYTES))
            end = log.read(LOG_BYTES)
    except FileNotFoundError:
        return ((0, 0), "") if before != (0, 0) else None
    except OSError as error:
        raise UserError(f"cannot read the log {file}: {error.strerror or error}") from error
    text = end.decode("utf-8", "replace")
    if status.st_size > LOG_BYTES:
        text = f"(the last {LOG_BYTES >> 10} KiB of {file})\n" + text.partition("\n")[2]
    return mark, text


def read_projection(run: Path, looks: Sequence[LabelLook], rung: str = "") -> Cloud | None:
    """Return the projected hidden states of a rung; None if it has none. Raises UserError if they cannot be read."""
    import numpy as np
    import pyarrow as pa

    from ....core.data.arrays import one_chunk
    from ....core.runs import rungs, tables

    schema = pa.schema([("x", pa.float64()), ("y", pa.float64()), ("label", pa.string())])
    try:
        table = tables.read(rungs.projected(RunFolder(run), rung), schema)
    except FileNotFoundError:
        return None
    encoded = one_chunk(table["label"])
    index = {look.name: number for number, look in enumerate(looks)}
    known = np.array([index.get(name, -1) for name in encoded.dictionary.to_pylist()] or [-1])
    label = known[encoded.indices.to_numpy(zero_copy_only=False)] if len(encoded) else np.empty(0, int)
    x, y = (table[name].to_numpy() for name in ("x", "y"))
    kept = (label >= 0) & np.isfinite(x) & np.isfinite(y) & (abs(x) < _FARTHEST) & (abs(y) < _FARTHEST)
    return Cloud(x[kept], y[kept], label[kept], tuple(looks))
