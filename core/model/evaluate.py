"""Evaluates a run on a split of its data or on a labelled file, and stores the prediction for every row."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ..data import known_labels, overlay_log, sources
from ..errors import UserError
from ..figures import calibration
from ..figures.scores import bootstrap, measure
from ..questions import AskEvaluate, EvaluateAnswer, ScoredRow
from ..runs import kept_rows, links, rungs
from ..runs import measured as kept
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from ..sentences import Words
from ..specs import RunSpec
from ..units import count
from . import classify, predictions, saved

Report = Callable[[str, int, int | None, str], None]
PART = 2_000


@dataclass(frozen=True, slots=True)
class _Measured:
    """The rows on which a run is evaluated."""

    name: str
    """The name of the split or of the file."""
    key: str
    """The part of the name of the predictions' file that identifies the rows."""
    texts: list[str]
    truth: np.ndarray
    """int64, shape [rows]."""
    notes: list[Words]
    data: str = ""
    """The fingerprint of the data set that the rows are from; '' for a file."""
    rows: kept.Rows | None = None
    """The rows to store with the predictions of a split; None for a file."""


def evaluate(ask: AskEvaluate, report: Report) -> EvaluateAnswer:
    """Return the metrics of a run on one split or on a labelled file, with bootstrap intervals and the rows of highest and lowest loss.

    The data is read again from the run's source, and changes since then are reported. Raises UserError if there is no such split,
    if its labels differ, or if the run may have been trained on its rows.
    """
    started = time.monotonic()
    run = RunFolder(Path(ask.run))
    links.check(run)
    spec = run.read_spec()
    rung = rungs.chosen(run, ask.rung)
    if ask.file:
        classifier = classify.load(ask.run, rung=rung)
        measured = _file(ask, run, spec, rung, classifier.labels)
    else:
        measured = _split(ask.split, run, spec)
        classifier = classify.load(ask.run, rung=rung)
    if rung == "" and (note := saved.read(run.model).stopped_note(run.id)):
        measured.notes.append(note)
    texts, truth, labels = measured.texts, measured.truth, classifier.labels
    parts: list[np.ndarray] = []
    for start in range(0, len(texts), PART):
        parts.append(classifier.probabilities(texts[start : start + PART])[0])
        report("evaluate", min(start + PART, len(texts)), len(texts), "rows")
    probabilities = np.concatenate(parts)
    predicted, losses = probabilities.argmax(1), calibration.losses(probabilities, truth)
    metrics = measure(measured.name, truth, probabilities, labels)
    metrics = msgspec.structs.replace(metrics, intervals=bootstrap(truth, predicted, labels, ask.resamples))
    path = run.predictions_file(rungs.predicted(measured.key, rung))
    if measured.rows is not None:
        kept_rows.save(run, measured.key, measured.rows.split, measured.rows.data)
    predictions.save(path, truth, probabilities, labels, data=measured.data)

    def scored(index: int) -> ScoredRow:
        best = int(predicted[index])
        return ScoredRow(
            row=index,
            text=texts[index],
            label=labels[truth[index]],
            prediction=labels[best],
            probability=float(probabilities[index, best]),
            loss=float(losses[index]),
        )

    order = np.argsort(-losses, kind="stable")
    return EvaluateAnswer(
        run=run.id,
        rung=rung,
        split=measured.name,
        metrics=metrics,
        highest_loss=tuple(scored(int(index)) for index in order[: ask.worst]),
        lowest_loss=tuple(scored(int(index)) for index in order[::-1][: ask.worst]),
        predictions=str(path),
        seconds=time.monotonic() - started,
        notes=tuple(map(str, measured.notes)),
    )


def _split(name: str, run: RunFolder, spec: RunSpec) -> _Measured:
    rows = kept.rows(run, spec, name)
    return _Measured(name, rows.key, rows.split.texts(), rows.split.label_ids(), list(rows.notes), rows.data, rows)


def _file(ask: AskEvaluate, run: RunFolder, spec: RunSpec, rung: str, labels: tuple[str, ...]) -> _Measured:
    path = Path(ask.file)
    data = spec.job.data

    def integers() -> tuple[int, ...]:
        try:
            found = sources.load(data)
        except UserError:
            return ()
        return found.values if found.labels == labels else ()

    note = saved.read(rungs.folder_of(run, rung))
    wanted = known_labels.Wanted(
        labels,
        ask.text_column,
        ask.label_column,
        (note.text_column, data.label_column or ""),
        fold_case=data.fold_case,
        skip_bad_rows=ask.skip_bad_rows,
        reading=ask.reading,
    )
    read = known_labels.read(path, wanted, integers)
    missing = [name for number, name in enumerate(labels) if number not in set(read.ids.tolist())]
    notes = read.notes
    if missing:
        notes = [*notes, f"no row of {safe_line(path.name, 80)} has the label {safe_line(', '.join(missing), 120)}, so its F1 is 0"]
    if decided := len(overlay_log.read(overlay_log.file_of(sources.resolve(str(path)))).live):
        decisions = f"{count(decided, 'decision')} about rows of {safe_line(path.name, 80)}"
        notes = [*notes, f"{decisions} {'is' if decided == 1 else 'are'} not used: a file is measured by its own labels"]
    key = f"file-{hashlib.sha256(str(path).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
    return _Measured(path.name, key, read.texts, read.ids, notes)
