"""Measures a saved run on a split of its data and keeps the prediction of every row."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ..data import known_labels, sources
from ..data.table import Dataset
from ..errors import UserError
from ..questions import AskEvaluate, EvaluateAnswer, ScoredRow
from ..runs import links, rungs, state
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from ..specs import RunSpec
from . import classify, predictions, saved
from .metrics import bootstrap, measure

Report = Callable[[str, int, int | None, str], None]
PART = 2_000


@dataclass(frozen=True, slots=True)
class _Measured:
    """The rows on which a run is measured."""

    name: str
    """Of the split or the file."""
    key: str
    """In the name of the file that keeps the predictions."""
    texts: list[str]
    truth: np.ndarray
    """int64, shape [rows]."""
    notes: list[str]


def evaluate(ask: AskEvaluate, report: Report) -> EvaluateAnswer:
    """Return the metrics of a run on one split or on a labelled file, with bootstrap intervals and the rows of highest and lowest loss.

    The data is read again from where the run read it; what has changed there is told. Raises UserError where it has no such split,
    other labels, or a split whose rows the run may have been trained on.
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
    if rung == "" and (told := saved.read(run.model).stopped_told(run.id)):
        measured.notes.append(told)
    texts, truth, labels = measured.texts, measured.truth, classifier.labels
    parts: list[np.ndarray] = []
    for start in range(0, len(texts), PART):
        parts.append(classifier.probabilities(texts[start : start + PART])[0])
        report("evaluate", min(start + PART, len(texts)), len(texts), "rows")
    probabilities = np.concatenate(parts)
    predicted, losses = probabilities.argmax(1), predictions.losses(probabilities, truth)
    metrics = measure(measured.name, truth, predicted, labels, float(losses.mean()))
    metrics = msgspec.structs.replace(metrics, intervals=bootstrap(truth, predicted, labels, ask.resamples))
    path = run.predictions_file(rungs.predicted(measured.key, rung))
    predictions.save(path, truth, probabilities, labels)

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
        notes=tuple(measured.notes),
    )


def _split(name: str, run: RunFolder, spec: RunSpec) -> _Measured:
    """Return a split of the run's data as it is now. Raises UserError where it cannot be measured."""
    data = sources.load(spec.job.data)
    shown = safe_line(data.name, 80)
    if spec.labels and data.labels != spec.labels:
        raise UserError(
            f"the labels of {shown} have changed since the run {run.id} was made: they are {safe_line(', '.join(data.labels), 120)}, and "
            f"the run knows {safe_line(', '.join(spec.labels), 120)}. Train again, or measure a file with: emotui evaluate RUN --file FILE"
        )
    if name in data.unlabelled:
        raise UserError(
            f"the {name} split of {shown} has no labels to measure the run by. Measure another (--split validation), or classify its file "
            "with: emotui predict RUN --file FILE --out OUT"
        )
    notes: list[str] = []
    key = name
    if spec.data_hash and sources.fingerprint(data) != spec.data_hash:
        started = state.view_of(run).started
        rows = dict(started.rows) if started else {}
        data, notes = _changed(data, name, rows, spec)
        key = f"{name}-changed"
    if name not in data.splits:
        raise UserError(f"{shown} has no split {name!r}. It has: {', '.join(data.splits)}")
    split = data.splits[name]
    return _Measured(name, key, split.texts(), split.label_ids(), notes)


def _changed(data: Dataset, name: str, rows: dict[str, int], spec: RunSpec) -> tuple[Dataset, list[str]]:
    """Return the data to measure, and what has changed in it, where it is no longer that of the run.

    Splits that were drawn at random hold other rows once there are more: they are drawn again from as many rows as there were then.
    Raises UserError where that does not give the run's own splits.
    """
    now = {split: len(part) for split, part in data.splits.items()}
    differ = [
        f"{split} has {now.get(split, 0):,} rows, then {rows.get(split, 0):,}"
        for split in {**now, **rows}
        if now.get(split) != rows.get(split)
    ]
    what = "; ".join(differ) if rows and differ else "texts or labels are others"
    told = f"the data set {safe_line(data.name, 80)} has changed since the run was made"
    if name not in data.drawn:
        return data, [f"{told}: {what}"]
    before = sum(count for split, count in rows.items() if split in data.drawn)
    total = sum(now.get(split, 0) for split in data.drawn)
    if 0 < before <= total:
        try:
            same = sources.load(spec.job.data, first=before)
        except UserError:
            same = None
        if same is not None and sources.fingerprint(same) == spec.data_hash:
            grown = total - before
            more = f"{grown:,} row{'s have' if grown > 1 else ' has'} come to the {before:,} from which its splits were drawn"
            return same, [f"{told}: {more}. {name} is measured as it was then (--file FILE measures new rows)"]
    raise UserError(
        f"{told}, and its split {name} is drawn at random from all rows: the run may have been trained on some of it. "
        "Put new rows into a file and measure it with: emotui evaluate RUN --file FILE; or train again"
    )


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
        notes = [*notes, f"no row of {safe_line(path.name, 80)} has the label {safe_line(', '.join(missing), 120)}: its F1 counts as 0"]
    key = f"file-{hashlib.sha256(str(path).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
    return _Measured(path.name, key, read.texts, read.ids, notes)
