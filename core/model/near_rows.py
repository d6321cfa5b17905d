"""The training rows of a run that are nearest to a text, by the features that the run classifies by."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..data import overlay, sources
from ..data.overlay import Place
from ..data.table import Dataset
from ..errors import UserError
from ..figures import neighbours
from ..questions import AskNeighbours, NearRow, NeighboursAnswer
from ..runs import measured, rungs
from ..runs.folder import RunFolder
from ..specs import Pooling
from . import checkpoint, device, saved
from .classify import load
from .extractor import Extractor
from .rung_models import Tfidf
from .static_embeddings import StaticModel
from .tokenizer import well_formed

Report = Callable[[str, int, int | None, str], None]


def find(ask: AskNeighbours, report: Report) -> NeighboursAnswer:
    """Return the nearest training rows of a run, by exhaustive search.

    The hidden states of the training split are computed once and cached. Raises UserError if the run or its data cannot be read.
    """
    started = time.monotonic()
    run = RunFolder(Path(ask.run))
    rung = rungs.chosen(run, ask.rung)
    note = saved.read(rungs.folder_of(run, rung))
    text = well_formed(ask.text)
    if not text.strip():
        raise UserError("the text is empty, so no row is nearer than another")
    if note.kind == "most_frequent":
        raise UserError("this rung treats all texts alike, so none is nearer than another", "Choose another rung or run")
    rows = measured.rows(run, run.read_spec(), "train")
    texts = rows.split.texts()
    if note.kind == "tfidf":
        features, near = "TF-IDF", _by_terms(load(ask.run, rung=rung), texts, text, ask)
    elif note.kind == "static":
        features, near = "static embeddings", _by_vectors(load(ask.run, rung=rung), texts, text, ask)
    else:
        features, near = _by_states(run, note, texts, text, ask, report)
    return NeighboursAnswer(
        rows=tuple(_rows(rows.dataset, near)),
        searched=len(texts),
        features=features,
        distance=ask.distance,
        run=run.id,
        rung=rung,
        seconds=time.monotonic() - started,
    )


def _by_terms(model: Any, texts: list[str], text: str, ask: AskNeighbours) -> neighbours.Nearest:
    """Compare TF-IDF vectors; a text without any known term has the cosine distance 1 from all."""
    if not isinstance(model, Tfidf):
        raise TypeError("a rung on terms")
    states: Any = model.vectorizer.transform(texts)
    query: Any = model.vectorizer.transform([text])
    products = np.asarray((states @ query.T).todense()).ravel()
    if ask.distance == "cosine":  # the vectorizer scales all vectors to length 1, or 0
        return neighbours.of_distances(1.0 - products, ask.rows)
    lengths = np.asarray(states.multiply(states).sum(1)).ravel()
    squares = lengths - 2 * products + float(query.multiply(query).sum())
    return neighbours.of_distances(np.sqrt(np.maximum(squares, 0)), ask.rows)


def _by_vectors(model: Any, texts: list[str], text: str, ask: AskNeighbours) -> neighbours.Nearest:
    """Compare the mean vectors of the texts' tokens."""
    if not isinstance(model, StaticModel):
        raise TypeError("a rung on static embeddings")
    return neighbours.nearest(model.features(texts), model.features([text])[0], ask.rows, ask.distance)


def _by_states(
    run: RunFolder, note: saved.SavedModel, texts: list[str], text: str, ask: AskNeighbours, report: Report
) -> tuple[str, neighbours.Nearest]:
    fine_tuned = note.kind == "classifier"
    found = checkpoint.of_run(run.path) if fine_tuned else checkpoint.find(note.encoder)
    if not fine_tuned and found.hash != note.encoder_hash:
        raise UserError("the encoder has changed since the baseline was made", "Fit the baseline again")
    pooling: Pooling = "cls" if fine_tuned else note.pooling
    layer = None if fine_tuned else found.checked_layer(note.layer)
    extractor = Extractor(found, note.max_length, device.choose("auto", "auto"), layer)
    name = f"{run.read_spec().job.data.source}, train"
    states, _ = extractor.states(
        texts, (pooling,), lambda phase, done, total: report(f"{phase} training rows", done, total, "rows"), data=name
    )
    query, _ = extractor.states([text], (pooling,), use_cache=False)
    extractor.release()
    near = neighbours.nearest(states[pooling], query[pooling][0], ask.rows, ask.distance)
    return "[CLS]" if pooling == "cls" else "mean", near


def _rows(data: Dataset, near: neighbours.Nearest) -> list[NearRow]:
    """Return the given rows of the training split, with what the overlay has changed about them."""
    split, laid = data.splits["train"], data.overlay
    now = _now(data)
    found: list[NearRow] = []
    for index, distance in zip(near.rows.tolist(), near.distances.tolist(), strict=True):
        row = split.row(index)
        place = Place("train", index) if laid is None else laid.place("train", index)
        source = row if laid is None else laid.source.splits["train"].row(place.at)
        decision = now.overlay.decided.get(place) if now is not None and now.overlay is not None else None
        later = None if decision is None or decision.new == row.name else decision.new or ""
        changed = source.name if source.name != row.name else None
        found.append(NearRow(index, row.number, row.text, row.name, distance, changed, later))
    return found


def _now(data: Dataset) -> Dataset | None:
    """Return the data set with all decisions made about its rows until now; None if it can no longer be read in that way."""
    if data.spec is None or not overlay.later_decisions(data):
        return data
    try:
        now = sources.load(msgspec.structs.replace(data.spec, overlay=None))
    except UserError:
        return None
    return now if now.labels == data.labels else None
