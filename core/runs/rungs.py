"""Chooses the rung of a baseline to use: the named one, as in RUN:tfidf, otherwise the best one whose model is stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .. import paths
from ..errors import UserError
from ..events import Rung
from ..safe_text import safe_line
from . import folder
from .folder import RunFolder

_STATES = "hidden states"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What people are told of a rung."""

    title: str
    """In a sentence."""
    short: str
    """In 13 cells."""
    features: str = ""
    """What the encoder gives that it is fitted on."""


_KINDS = {
    "most_frequent": _Kind("most frequent class", "most frequent"),
    "tfidf": _Kind("TF-IDF", "TF-IDF"),
    "static": _Kind("static embeddings", "static", features="token vectors"),
    "encoder": _Kind("logistic regression on hidden states", "LR on states", features=_STATES),
    "cls": _Kind("logistic regression on [CLS]", "LR on [CLS]", features=_STATES),
    "mean": _Kind("logistic regression on mean", "LR on mean", features=_STATES),
}
"""The rungs, from the lowest to the highest; 'encoder' is the last one of version 0.1.0."""
NAMES = tuple(_KINDS)
NEW = tuple(name for name in NAMES if name != "encoder")
"""Those of a new baseline."""
ON_STATES = tuple(name for name, kind in _KINDS.items() if kind.features == _STATES)
"""The rungs that stand on the hidden states of an encoder."""
OF_ENCODER = tuple(name for name, kind in _KINDS.items() if kind.features)
"""The rungs that another encoder would have made otherwise."""
_FIRST = ("", "encoder")
"""Whose files lie where those of a run without rungs do."""
ONNX_FILE = "model.onnx"
"""The model of an export in ONNX."""
_NOTE = "emotui.json"
"""The file without which there is no model in a folder."""


def title(name: str) -> str:
    """Return the name of a rung as it is written in sentences."""
    return _KINDS[name].title if name in _KINDS else safe_line(name, 40)


def short(name: str) -> str:
    """Return the short name of a rung, for narrow columns."""
    return _KINDS[name].short if name in _KINDS else safe_line(name.replace("_", " "), 13)


def features(name: str) -> str:
    """Return what of the encoder a rung is fitted on: 'hidden states', or 'token vectors'."""
    return _KINDS[name].features if name in _KINDS else _STATES


def find(ref: str) -> tuple[RunFolder, str]:
    """Return the run and the rung that RUN:RUNG names; the rung is '' if none is named. Raises UserError."""
    run, colon, rung = ref.rpartition(":")
    if not colon:
        return folder.find(ref), ""
    if rung not in NAMES:
        with suppress(UserError):
            return folder.find(ref), ""  # a path that contains a colon
    found = folder.find(run)
    return found, chosen(found, rung)


def find_model(ref: str) -> tuple[RunFolder, str]:
    """Return the run and the rung that RUN:RUNG names, or the folder of an export in ONNX in the place of a run. Raises UserError."""
    with suppress(UserError):
        found = RunFolder(paths.expand(ref))
        if is_exported(found):
            return found, ""
    return find(ref)


def folder_of(run: RunFolder, rung: str) -> Path:
    """Return the folder of a rung's model; '' is the model of a fine-tuned run."""
    if rung in _FIRST:
        return run.path if is_exported(run) else run.model
    return run.path / "rungs" / rung


def is_exported(run: RunFolder) -> bool:
    """Return whether a folder is no run but an export in ONNX, which can be asked as a run is."""
    return (run.path / ONNX_FILE).is_file() and not run.spec_file.exists()


def predicted(rows: str, rung: str) -> str:
    """Return the key under which a rung's predictions for a split or a file are stored."""
    return rows if rung in _FIRST else f"{rows}-{rung}"


def projected(run: RunFolder, rung: str) -> Path:
    """Return the path of the two-dimensional projection of the hidden states that a rung uses."""
    return run.path / f"{predicted('projection', rung)}.parquet"


def kept(run: RunFolder) -> tuple[str, ...]:
    """Return the rungs of a baseline whose models are stored."""
    return tuple(name for name in NAMES if (folder_of(run, name) / _NOTE).is_file())


def chosen(run: RunFolder, rung: str) -> str:
    """Return the rung to use for a run: `rung`, otherwise the best one; '' for a run without rungs.

    The best one has the highest macro-F1 on the validation split; among equals it is the highest rung. Raises UserError if the run
    has no such rung, or its model was not stored.
    """
    if is_exported(run) and not rung:
        return ""
    if rung:
        there = kept(run)
        if rung not in there or not _has_rungs(run):
            names = ", ".join(there) if _has_rungs(run) and there else "none that can be used"
            raise UserError(f"the run {safe_line(run.id, 60)} has no rung {safe_line(rung, 40)}", f"It has: {names}")
        return rung
    try:
        written = run.result_file.stat().st_mtime_ns
    except OSError:
        return _highest(run) if _has_rungs(run) else ""
    return _best(run.path, written)


def exported(run: RunFolder, rung: str) -> str:
    """Return the rung of a baseline whose model is written for others: `rung`, else that on [CLS]; '' for a run that has none.

    Raises UserError for a rung that no class of transformers loads.
    """
    if rung in NAMES and rung not in ON_STATES:
        raise UserError(f"no class of transformers loads the rung {rung}", f"Use it with: emotui predict {run.id}:{rung}")
    if rung or not _has_rungs(run):
        return rung
    return next((name for name in ("cls", *ON_STATES) if name in kept(run)), "encoder")


def _has_rungs(run: RunFolder) -> bool:
    from ..specs import BaselineSpec

    return isinstance(run.read_spec().job, BaselineSpec)


@lru_cache(maxsize=64)
def _best(path: Path, written: int) -> str:  # noqa: ARG001  (part of the cache key)
    run = RunFolder(path)
    if not _has_rungs(run):
        return ""
    result, there = run.read_result(), kept(run)
    found = best([rung for rung in (result.rungs if result else ()) if rung.name in there])
    return found.name if found is not None else _highest(run)


def _highest(run: RunFolder) -> str:
    """Return the highest rung that is kept; 'encoder', whose model is then missed, where none is."""
    return next(reversed(kept(run)), "encoder")


def best(measured: Sequence[Rung], named: str = "") -> Rung | None:
    """Return the rung `named`, or by default the one with the highest macro-F1, among equals the highest rung; None if there is none."""
    wanted = [rung for rung in measured if rung.name in NAMES and named in ("", rung.name)]
    return max(wanted, key=lambda rung: (rung.metrics.f1_macro, NAMES.index(rung.name)), default=None)


def after(measured: Sequence[Rung], name: str) -> str:
    """Return the name of the rung after the one called `name`, and the first after the last; '' if there is no such rung."""
    names = [rung.name for rung in measured if rung.name in NAMES]
    return names[(names.index(name) + 1) % len(names)] if name in names else ""
