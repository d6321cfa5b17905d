"""Stores what `emotui check --faults` found, by the fingerprint of the data, for reports."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from .. import paths, writing
from ..errors import UserError
from ..events import Count
from ..plain_files import read_plain
from ..questions import Fault, FaultsAnswer
from ..specs import Moment
from .table import Dataset

EXAMPLES = 20
"""Rows of a fault that are kept, the most suspect ones."""
LONGEST = 300
"""Characters of a text that are kept."""
_LARGEST = 8 << 20
_HASH = re.compile("[0-9a-f]{64}")


class FaultyRow(msgspec.Struct, frozen=True):
    """One row of a fault."""

    row: Count
    """0-based position in the split."""
    label: str
    text: str
    """Its first LONGEST characters."""
    suggested: str = ""
    confidence: float | None = None
    """The probability of the suggested label."""


class KeptFault(msgspec.Struct, frozen=True):
    """One kind of fault in one split."""

    kind: str
    split: str
    count: Count
    """Rows."""
    message: str
    how: str
    rows: tuple[FaultyRow, ...] = ()


class KeptFaults(msgspec.Struct, frozen=True):
    """What was found in a data set, and when."""

    when: Moment
    model: str
    """Whose hidden states were looked at."""
    faults: tuple[KeptFault, ...]
    not_searched: tuple[str, ...] = ()
    """What the data set was too large to be searched for, in sentences."""


def folder() -> Path:
    return paths.home() / "faults"


def save(data_hash: str, data: Dataset, model: str, answer: FaultsAnswer, clock: Callable[[], float] = time.time) -> None:
    """Store what was found in a data set of this fingerprint, replacing what was found before.

    A failure to write is ignored.
    """
    kept = KeptFaults(clock(), model, tuple(_kept(data, each) for each in answer.faults), answer.not_searched)
    with contextlib.suppress(OSError, UserError):
        writing.write_private(paths.make_private(folder()) / f"{data_hash}.json", msgspec.json.encode(kept))


def _kept(data: Dataset, fault: Fault) -> KeptFault:
    rows: list[FaultyRow] = []
    for at, index in enumerate(fault.rows[:EXAMPLES]):
        row = data.splits[fault.split].row(index)
        suggested = (fault.suggested[at], fault.confidence[at]) if fault.suggested else ("", None)
        rows.append(FaultyRow(index, row.name, row.text[:LONGEST], *suggested))
    return KeptFault(fault.kind, fault.split, len(fault.rows), fault.message, fault.how, tuple(rows))


def read(data_hash: str) -> KeptFaults | None:
    """Return what is kept of a data set; None where nothing is, or it cannot be read."""
    if not _HASH.fullmatch(data_hash):
        return None
    try:
        return msgspec.json.decode(read_plain(folder() / f"{data_hash}.json", _LARGEST), type=KeptFaults)
    except (OSError, UserError, ValueError, RecursionError):
        return None
