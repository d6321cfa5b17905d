"""Faults of individual rows as the dataset browser lists them, besides the problems of the data set."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.data.checks import Problem
from ....core.data.overlay import Place
from ....core.data.table import Dataset
from ....core.questions import FaultsAnswer

WAY = "confident learning"
"""The source of suggested labels, as the overlay stores it."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults that the engine found in a data set in its state at that time."""

    dataset: Dataset
    problems: tuple[Problem, ...]
    """One problem per kind and split; rows with doubtful labels are in order of doubt."""
    suggested: dict[Place, tuple[str, float]]
    """The suggested label of a row of the source, and its probability."""
    not_searched: tuple[str, ...] = ()
    """What the data set is too large to be searched for, in sentences."""

    @classmethod
    def of(cls, answer: FaultsAnswer, dataset: Dataset) -> Faults:
        problems: list[Problem] = []
        suggested: dict[Place, tuple[str, float]] = {}
        for fault in answer.faults:
            examples = tuple(dataset.splits[fault.split].row(row).text for row in fault.rows[:5])
            problems.append(Problem(fault.kind, fault.split, len(fault.rows), examples, f"{fault.message}: {fault.how}", fault.rows))
            for row, label, share in zip(fault.rows, fault.suggested, fault.confidence, strict=False):
                place = dataset.overlay.place(fault.split, row) if dataset.overlay is not None else Place(fault.split, row)
                suggested[place] = (label, share)
        return cls(dataset, tuple(problems), suggested, answer.not_searched)
