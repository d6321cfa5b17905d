"""The rows on which a run is evaluated, and its stored predictions; read without a model library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import overlay, sources
from ..data.arrays import numbers, one_chunk, strings, texts_of
from ..data.table import Dataset, Split
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..shell import quote
from ..specs import RunSpec
from . import kept_rows, rungs, state, tables
from .folder import RunFolder

if TYPE_CHECKING:
    import numpy as np


CLASSIFY_FILE = "emotui predict RUN --file FILE --out OUT"


@dataclass(frozen=True, slots=True)
class Rows:
    """A split of a run's data in its present state."""

    split: Split
    key: str
    """The part of the name of the predictions' file that identifies the rows."""
    data: str
    """The fingerprint of the data set that the split is from."""
    dataset: Dataset
    """That data set, with the decisions about its rows that applied when the run was started."""
    notes: tuple[Words, ...] = ()
    """Sentences on what has changed since the run was started."""
    has_texts: bool = True
    """Whether the texts are known; otherwise they are empty."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions of a run, or of a rung of it, for each row of a split."""

    run: str
    rung: str
    """The rung of a baseline; '' for other runs."""
    rows: Rows
    labels: tuple[str, ...]
    truth: np.ndarray
    """Indices of the true labels, int64, shape [rows]."""
    probabilities: np.ndarray
    """Probabilities of the model before any temperature, float64, shape [rows, labels]."""

    @property
    def name(self) -> str:
        """The run as it is named on the command line: RUN, or RUN:RUNG."""
        return f"{self.run}:{self.rung}" if self.rung else self.run


def rows(run: RunFolder, spec: RunSpec, name: str, opened: Dataset | None = None) -> Rows:
    """Return a split of the run's data: from `opened` if that is the same data, otherwise read again from the run's source.

    Raises UserError if the run cannot be evaluated on it: there is no such split, it has no labels or different ones now, or the run
    may have been trained on its rows.
    """
    found = sources.fingerprint(opened) if opened is not None else ""
    if opened is not None and found == spec.data_hash and opened.labels == spec.labels:
        data = opened
    else:
        data = sources.load(spec.job.data)
        found = sources.fingerprint(data)
    shown = safe_line(data.name, 80)
    if spec.labels and data.labels != spec.labels:
        raise UserError(
            f"the labels of {shown} have changed since the run {run.id} was made: they are {safe_line(', '.join(data.labels), 120)}, "
            f"and the run's are {safe_line(', '.join(spec.labels), 120)}",
            "Train again, or evaluate a file with: emotui evaluate RUN --file FILE",
        )
    if name in data.unlabelled:
        raise UserError(
            f"the {name} split of {shown} has no labels, so the run cannot be evaluated on it",
            phrase("Measure another (", Setting("split", "validation"), "), or classify its file with: ", CLASSIFY_FILE),
        )
    notes: list[Words] = []
    key = name
    if spec.data_hash and found != spec.data_hash:
        started = state.view_of(run).started
        before = dict(started.rows) if started else {}
        data, notes = _changed(data, name, before, spec)
        key = f"{name}-changed"
    if name not in data.splits:
        raise UserError(f"{shown} has no split {name!r}", f"It has: {', '.join(data.splits)}")
    if later := overlay.later_decisions(data):
        notes = [*notes, later]
    return Rows(data.splits[name], key, found, data, tuple(notes))


def _changed(data: Dataset, name: str, rows: dict[str, int], spec: RunSpec) -> tuple[Dataset, list[Words]]:
    """Return the data to evaluate on and sentences on what has changed, if the data is no longer that of the run.

    Random splits would differ with more rows, so they are drawn again from as many rows as there were. Raises UserError if that does
    not reproduce the run's splits.
    """
    now = {split: len(part) for split, part in data.splits.items()}
    differ = [
        f"{split} has {now.get(split, 0):,} rows and had {rows.get(split, 0):,}"
        for split in {**now, **rows}
        if now.get(split) != rows.get(split)
    ]
    what = "; ".join(differ) if rows and differ else "texts or labels differ"
    changed = f"the data set {safe_line(data.name, 80)} has changed since the run was made"
    if name not in data.drawn:
        return data, [f"{changed}: {what}"]
    before = sum(count for split, count in rows.items() if split in data.drawn)
    total = sum(now.get(split, 0) for split in data.drawn)
    if 0 < before <= total:
        try:
            same = sources.load(spec.job.data, first=before)
        except UserError:
            same = None
        if same is not None and sources.fingerprint(same) == spec.data_hash:
            grown = total - before
            more = f"{grown:,} row{'s have' if grown > 1 else ' has'} been added to the {before:,} from which its splits were drawn"
            file = Setting("file", example="FILE")
            return same, [phrase(f"{changed}: {more}. {name} is evaluated as it was then (", file, " evaluates new rows)")]
    raise UserError(
        f"{changed}, and its split {name} is drawn at random from all rows: the run may have been trained on part of it",
        "Put new rows into a file and evaluate it with: emotui evaluate RUN --file FILE; or train again",
    )


def read(run: RunFolder, rung: str, name: str, opened: Dataset | None = None) -> Predictions | None:
    """Return a run's stored predictions on a split; None if its present model was not evaluated on these rows yet.

    `rung` is '' for the best one of a baseline. It reads files, so do not call it on the event loop. Raises UserError as `rows` does,
    and for a file that does not belong to the run.
    """
    spec = run.read_spec()
    rung = rungs.chosen(run, rung)
    found = rows(run, spec, name, opened)
    return _said_of(run, rung, found, spec.labels or found.split.labels)


def read_kept(run: RunFolder, rung: str, name: str) -> Predictions | None:
    """Return what `read` does from the run's folder alone: the rows are those that were evaluated, even if the data has changed.

    Earlier versions stored no rows, so the texts are missing. None if the run was not evaluated on that split. It reads files, so do
    not call it on the event loop. Raises UserError for a file that does not belong to the run.
    """
    spec = run.read_spec()
    rung = rungs.chosen(run, rung)
    for key in (name, f"{name}-changed"):
        kept = kept_rows.read(run, key, name, spec.labels)
        if kept is None:
            continue
        notes = () if key == name else ("the data set had already changed when the run was evaluated",)
        found = _said_of(run, rung, _kept(spec, key, *kept, notes), spec.labels)
        if found is not None:
            return found
    return _said_of_rows_without_texts(run, rung, name, spec)


def _kept(spec: RunSpec, key: str, split: Split, data: str, notes: tuple[str, ...], *, has_texts: bool = True) -> Rows:
    source = spec.job.data.source
    dataset = Dataset(source, source, {split.name: split}, spec.labels, (), "text", "label", {}, {})
    return Rows(split, key, data, dataset, notes, has_texts)


def _said_of_rows_without_texts(run: RunFolder, rung: str, name: str, spec: RunSpec) -> Predictions | None:
    import numpy as np
    import pyarrow as pa

    try:
        table, data = tables.read_predictions_and_data(run.predictions_file(rungs.predicted(name, rung)), spec.labels)
    except (FileNotFoundError, NotADirectoryError):
        return None
    order = np.argsort(table["row"].to_numpy(), kind="stable")
    ids = {label: index for index, label in enumerate(spec.labels)}
    label = np.array([ids[each] for each in texts_of(table["label"])], np.int32)[order]
    places = np.arange(1, len(label) + 1)
    columns: dict[str, Any] = {"text": strings([""] * len(label)), "label": numbers(label, "int32"), "number": numbers(places, "int64")}
    return _said_of(run, rung, _kept(spec, name, Split(name, pa.table(columns), spec.labels), data, (), has_texts=False), spec.labels)


def _said_of(run: RunFolder, rung: str, found: Rows, labels: tuple[str, ...]) -> Predictions | None:
    """Return a run's stored predictions for some rows; None if there are none, or they are of other rows or of another model."""
    import numpy as np

    path = run.predictions_file(rungs.predicted(found.key, rung))
    try:
        table, kept_of = tables.read_predictions_and_data(path, labels)
        if found.split.name != "validation" and _is_older(path, rungs.folder_of(run, rung)):
            return None  # the run was resumed since
    except FileNotFoundError:
        return None
    ids = {label: index for index, label in enumerate(labels)}
    truth = found.split.label_ids()
    order = np.argsort(table["row"].to_numpy(), kind="stable")
    names = one_chunk(table["label"])
    given = np.array([ids[label] for label in names.dictionary.to_pylist()], np.int64)[names.indices.to_numpy()][order]
    if kept_of not in ("", found.data) or not np.array_equal(table["row"].to_numpy()[order], np.arange(len(truth))):
        return None
    if not np.array_equal(given, truth):
        return None
    flat = one_chunk(table["probabilities"]).flatten().to_numpy()
    probabilities = flat.reshape(len(truth), len(labels))[order]
    if probabilities.size and (probabilities.min() < 0 or abs(probabilities.sum(1) - 1).max() > 1e-3):
        raise UserError(f"{safe_line(str(path), 160)} contains invalid probabilities", "Remove it and evaluate again")
    return Predictions(run.id, rung, found, tuple(labels), truth, probabilities)


def _is_older(path: Path, model: Path) -> bool:
    """Whether the model's weights were written after the predictions."""
    made = path.stat().st_mtime_ns
    try:
        return any(each.stat().st_mtime_ns > made for each in model.iterdir() if each.suffix in (".safetensors", ".npz"))
    except OSError:
        return False


def remedy(predictions_of: str, split: str) -> str:
    """Return the command that evaluates RUN, or RUN:RUNG, on a split."""
    return f"emotui evaluate {quote(predictions_of)} --split {quote(split)}"
