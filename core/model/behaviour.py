"""Tests how a run's predictions change under small edits of a split's texts, and stores the results with the run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..data import edits
from ..data.edits import Edit
from ..errors import UserError
from ..figures import calibration
from ..figures.chance import wilson
from ..questions import AskBehaviour, BehaviourAnswer
from ..runs import behaviour as kept
from ..runs import links, measured, rungs
from ..runs.behaviour import Behaviour, EditTest, Example
from ..runs.folder import RunFolder
from . import classify

Report = Callable[[str, int, int | None, str], None]
PART = 500


def test(ask: AskBehaviour, report: Report, clock: Callable[[], float] = time.time) -> BehaviourAnswer:
    """Apply each edit to the texts of a split, classify both versions, and store the failure rates with the run.

    `clock` returns seconds since the epoch. Raises UserError if the split cannot be evaluated, and for an unknown edit.
    """
    started = time.monotonic()
    chosen = [edits.BY_NAME[name] for name in ask.edits if name in edits.BY_NAME] if ask.edits else list(edits.EDITS)
    if unknown := [name for name in ask.edits if name not in edits.BY_NAME]:
        raise UserError(f"there is no edit {unknown[0]!r}", f"The edits are: {', '.join(edits.BY_NAME)}")
    run = RunFolder(Path(ask.run))
    links.check(run)
    rung = rungs.chosen(run, ask.rung)
    found = measured.rows(run, run.read_spec(), ask.split)
    texts = found.split.texts()
    if not texts:
        raise UserError(f"the {ask.split} split has no rows")
    drawn = np.arange(len(texts))
    if ask.rows is not None and ask.rows < len(texts):
        drawn = np.sort(np.random.default_rng(ask.seed).choice(len(texts), ask.rows, replace=False))
    classifier = classify.load(ask.run, rung=rung)
    heat = classify.heat_of(run, rung)

    def asked(part: Sequence[str], phase: str) -> np.ndarray:
        found: list[np.ndarray] = [np.empty((0, len(classifier.labels)))]
        for start in range(0, len(part), PART):
            found.append(calibration.heated(classifier.probabilities(part[start : start + PART])[0], heat))
            report(phase, min(start + PART, len(part)), len(part), "rows")
        return np.concatenate(found)

    before = asked([texts[row] for row in drawn], "unedited")
    tests = tuple(_tested(edit, texts, drawn, before, classifier.labels, ask.seed, asked) for edit in chosen)
    made = Behaviour(
        run=run.id,
        rung=rung,
        split=ask.split,
        data=found.data,
        when=clock(),
        rows=len(drawn),
        of=len(texts),
        seed=ask.seed,
        temperature=heat,
        tests=tests,
        notes=tuple(map(str, found.notes)),
        seconds=time.monotonic() - started,
    )
    return BehaviourAnswer(str(kept.write(run, made)), made.seconds)


def _tested(
    edit: Edit,
    texts: Sequence[str],
    drawn: np.ndarray,
    before: np.ndarray,
    labels: Sequence[str],
    seed: int,
    asked: Callable[[Sequence[str], str], np.ndarray],
) -> EditTest:
    """Return how often a run fails under an edit; `before`, shape [drawn, labels], are its probabilities for the texts at `drawn`."""
    places: list[int] = []
    versions: list[str] = []
    left_out = Counter[str]()
    for place, row in enumerate(drawn):
        try:
            versions.append(edits.edited(edit, texts[int(row)], seed))
        except edits.NotApplicableError as reason:
            left_out[str(reason)] += 1
        else:
            places.append(place)
    after = asked(versions, edit.name)
    here = np.arange(len(places))
    predicted = before[places].argmax(1) if places else np.empty(0, np.int64)
    first, second = before[places, predicted], after[here, predicted]
    now = after.argmax(1) if places else predicted
    failed = now != predicted if edit.expectation == edits.INVARIANCE else second >= first
    examples = [
        Example(
            row=int(drawn[places[at]]),
            text=kept.shown(texts[int(drawn[places[at]])]),
            edited=kept.shown(versions[at]),
            before=labels[int(predicted[at])],
            after=labels[int(now[at])],
            probability_before=float(first[at]),
            probability_after=float(second[at]),
        )
        for at in map(int, np.flatnonzero(failed))
    ]
    failures = int(failed.sum())
    return EditTest(
        edit.name,
        edit.expectation,
        len(places),
        failures,
        wilson(failures, len(places)),
        kept.worst(examples, edit.expectation),
        dict(left_out.most_common()),
    )
