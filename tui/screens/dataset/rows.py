"""Finds the rows that the dataset browser shows: those of a filter, or those of a problem. It knows no screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.data.checks import Problem
    from ....core.data.table import Dataset

Found = Mapping[str, Any]
"""Positions of the shown rows by split, int64, shape [n]."""


def met(dataset: Dataset, line: str, tokens: Mapping[str, Any] | None) -> Found | None:
    """Return the rows that match a filter; None for an empty one. It is slow, so do not call it on the event loop. Raises UserError."""
    from ....core.data import filters

    query = filters.parse(line)
    return filters.select(dataset, query, tokens=tokens) if query.terms else None


def of_problem(problem: Problem, found_in: Dataset, now: Dataset, *, in_order: bool) -> Found:
    """Return the rows of a problem `found_in` an earlier state of the data set; with `in_order` in the problem's order, else ascending."""
    import numpy as np

    from ....core.data.overlay import moved

    rows = np.asarray(problem.rows, np.int64)
    rows = moved(found_in, now, problem.split, rows if in_order else np.unique(rows))
    return {name: rows if name == problem.split else np.array([], np.int64) for name in now.splits}


def after_decision(found: Found | None, before: Dataset, now: Dataset) -> Found | None:
    """Return the positions of the same rows after a decision."""
    from ....core.data.overlay import moved

    return None if found is None else {name: moved(before, now, name, rows) for name, rows in found.items()}


def first_with_rows(found: Found | None, split: str) -> str:
    """Return `split`, or, if none of its rows were found, the first split with found rows."""
    if found is None or len(found[split]):
        return split
    return next((name for name, rows in found.items() if len(rows)), split)
