"""The latest predictions of a run, or of a rung of a baseline, for the test cases of its data set, stored in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..events import Seconds
from ..questions import AskClassify, ClassifyAnswer
from ..specs import Moment
from . import kept_json, rungs
from .cases import Case, Outcome, judged
from .folder import RunFolder

PART = 64
"""Cases classified by one question, so that progress can be shown."""
_LARGEST = 1 << 29
"""Bytes of a file that is read, at most."""


class CaseResults(msgspec.Struct, frozen=True):
    """The outcomes of all cases that existed then."""

    run: str
    rung: str
    """The rung of a baseline; '' for other runs."""
    source: str
    """The data set that the cases belong to."""
    when: Moment
    outcomes: tuple[Outcome, ...]
    """Outcomes in the order in which the cases were added."""
    temperature: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    """The temperature of the probabilities."""
    seconds: Seconds = 0.0

    @property
    def failed(self) -> list[Outcome]:
        """The failed cases: first those that cannot pass, then by the probability of the expected label, lowest first."""
        failed = [each for each in self.outcomes if not each.passed]
        return sorted(failed, key=lambda each: -1.0 if each.probability is None else each.probability)

    def of(self, asked: Sequence[Case]) -> list[Outcome | None]:
        """Return the outcome of each case; None for a case that was added or given another label since."""
        known = {(each.case.text, each.case.label): each for each in self.outcomes}
        return [known.get((case.text, case.label)) for case in asked]

    @property
    def passed(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.passed]


def questions(run: RunFolder, rung: str, asked: Sequence[Case]) -> list[AskClassify]:
    """Return the questions for `collect`, one per PART cases."""
    parts = (asked[start : start + PART] for start in range(0, len(asked), PART))
    return [AskClassify(run=str(run.path), rung=rung, texts=tuple(case.text for case in part)) for part in parts]


def collect(run: RunFolder, asked: Sequence[Case], answers: Sequence[ClassifyAnswer], seconds: float, now: float) -> CaseResults:
    """Return the outcomes of all cases, from the answers to their `questions`. `now` is in seconds since the epoch."""
    spec = run.read_spec()
    outcomes = judged(asked, [each for answer in answers for each in answer.predictions], spec.labels)
    last = answers[-1]
    return CaseResults(run.id, last.rung, spec.job.data.source, now, tuple(outcomes), last.temperature, seconds)


def file_of(run: RunFolder, rung: str) -> Path:
    """Return the path of a run's results."""
    return run.path / f"{rungs.predicted('cases', rung)}.json"


def write(run: RunFolder, results: CaseResults) -> Path:
    """Store the results with the run, replacing earlier ones. Raises UserError if they cannot be written."""
    return kept_json.write(file_of(run, results.rung), results)


def read(run: RunFolder, rung: str = "") -> CaseResults | None:
    """Return the stored results of a run, or of a rung of it ('' is the best); None if there are none.

    It reads files, so do not call it on the event loop. Raises UserError for a damaged file.
    """
    remedy = "Remove it and run the tests again with: emotui cases"
    return kept_json.read(file_of(run, rungs.chosen(run, rung)), CaseResults, _LARGEST, remedy)
