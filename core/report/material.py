"""Reads everything a report needs: the run's folder, and the user's notes about it in emotui's home."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..data import kept_faults
from ..data.kept_faults import KeptFaults
from ..errors import UserError
from ..events import Rung
from ..runs import behaviour, case_results, data_record, examined, folder, learning_curve, measured, notes, rungs, slices, state
from ..runs.behaviour import Behaviour
from ..runs.case_results import CaseResults
from ..runs.data_record import DataRecord
from ..runs.examined import Examined, Figures, NamedSlice
from ..runs.folder import RunFolder
from ..runs.learning_curve import LearningCurve
from ..runs.notes import RunNote
from ..runs.state import RunView
from ..specs import BaselineSpec

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a baseline, and the run that fitted them."""

    run: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything known about a run, or about one of its rungs, on one split."""

    view: RunView
    rung: str
    """The rung of a baseline; '' for other runs."""
    split: str
    note: RunNote
    data: DataRecord | None
    faults: KeptFaults | None
    examined: Examined | None
    """None if the run was not evaluated on the split, or its rows are not stored."""
    figures: Figures | None
    slices: tuple[NamedSlice, ...]
    behaviour: Behaviour | None
    cases: CaseResults | None
    ladder: Ladder | None
    curve: LearningCurve | None
    """Of a baseline."""
    missing: tuple[str, ...]
    """Sentences on files of the run that cannot be read."""
    written: float
    """When the report is written, in seconds since the epoch."""
    version: str
    """The version of emotui."""

    @property
    def name(self) -> str:
        """The run as it is named on the command line: RUN, or RUN:RUNG."""
        return f"{self.view.id}:{self.rung}" if self.rung else self.view.id


def gather(
    run: RunFolder,
    rung: str,
    split: str,
    lines: Mapping[str, str] | None = None,
    resamples: int = 1000,
    clock: Callable[[], float] = time.time,
) -> Material:
    """Return what is known about a run, or about a rung of it ('' is the best), on a split.

    `lines` are filters of slices by name, in addition to the saved ones; `clock` returns seconds since the epoch. Reading takes
    seconds, so do not call it on the event loop. Raises UserError if the run cannot be read.
    """
    view = state.view_of(run)
    if view.state == "unreadable":
        raise UserError(view.reason)
    spec = view.spec
    is_baseline = isinstance(spec.job, BaselineSpec)
    rung = rungs.chosen(run, rung) if is_baseline and rungs.kept(run) else ""
    missing: list[str] = []
    data = _known(lambda: data_record.read(run), missing)
    found = _known(lambda: _examined(run, rung, split), missing)
    named = {**slices.read(spec.job.data.source), **(lines or {})}
    return Material(
        view=view,
        rung=rung,
        split=split,
        note=notes.read().get(view.id, notes.NOTHING),
        data=data,
        faults=kept_faults.read(spec.data_hash) or (data.faults if data is not None else None),
        examined=found,
        figures=_figures(found, resamples),
        slices=tuple(examined.slices(found, named, resamples=resamples)) if found is not None and named else (),
        behaviour=_known(lambda: behaviour.read(run, split, rung), missing),
        cases=_known(lambda: case_results.read(run, rung), missing),
        ladder=Ladder(view.id, view.rungs) if is_baseline else _ladder_beside(view),
        curve=_known(lambda: learning_curve.read(run), missing) if is_baseline else None,
        missing=tuple(missing),
        written=clock(),
        version=importlib.metadata.version("emotui"),
    )


def _known(read: Callable[[], Kept | None], missing: list[str]) -> Kept | None:
    """Return what `read` returns; where it cannot be read, add a sentence on that to `missing`."""
    try:
        return read()
    except UserError as error:
        missing.append(str(error))
        return None


def _examined(run: RunFolder, rung: str, split: str) -> Examined | None:
    kept = measured.read_kept(run, rung, split)
    return examined.judged_at_its_temperature(run, kept) if kept is not None and len(kept.truth) else None


def _figures(found: Examined | None, resamples: int) -> Figures | None:
    import numpy as np

    return examined.figures(found, np.arange(len(found.judged.truth)), resamples=resamples) if found is not None else None


def _ladder_beside(view: RunView) -> Ladder | None:
    """Return the newest ladder of baselines fitted on the same data as a fine-tuning; None if there is none."""
    if not view.spec.data_hash:
        return None
    for run in folder.list_runs():
        try:
            spec = run.read_spec()
            if isinstance(spec.job, BaselineSpec) and spec.data_hash == view.spec.data_hash:
                found = state.glance(run)
                if found.rungs:
                    return Ladder(found.id, found.rungs)
        except UserError:  # a run that cannot be read is no comparison
            continue
    return None
