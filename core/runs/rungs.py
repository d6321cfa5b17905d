"""Which rung of a baseline answers: the one that is named, as in RUN:tfidf, else the best of those that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import UserError
from ..events import Rung
from ..safe_text import safe_line
from . import folder
from .folder import RunFolder

NAMES = ("most_frequent", "tfidf", "encoder")
"""From the lowest rung to the highest."""
_NOTE = "emotui.json"
"""The file without which there is no model in a folder."""


def find(ref: str) -> tuple[RunFolder, str]:
    """Return the run and the rung that RUN:RUNG names; '' where no rung is named. Raises UserError."""
    run, colon, rung = ref.rpartition(":")
    if not colon or rung not in NAMES:
        return folder.find(ref), ""
    found = folder.find(run)
    return found, chosen(found, rung)


def folder_of(run: RunFolder, rung: str) -> Path:
    """Return where the model of a rung lies; '' is that of a fine-tuned run."""
    return run.model if rung in ("", "encoder") else run.path / "rungs" / rung


def predicted(rows: str, rung: str) -> str:
    """Return what the predictions of a rung for a split, or for a file, are kept under."""
    return rows if rung in ("", "encoder") else f"{rows}-{rung}"


def kept(run: RunFolder) -> tuple[str, ...]:
    """Return the rungs of a baseline whose models are kept."""
    return tuple(name for name in NAMES if (folder_of(run, name) / _NOTE).is_file())


def chosen(run: RunFolder, rung: str) -> str:
    """Return the rung that answers for a run: `rung`, else the best one; '' for a run that has none.

    The best is that of the highest macro-F1 on the validation split, of equals the highest rung. Raises UserError where the run
    has no such rung, or its model was not kept.
    """
    if rung:
        there = kept(run)
        if rung not in there or not _has_rungs(run):
            names = ", ".join(there) if _has_rungs(run) and there else "none that can be asked"
            raise UserError(f"the run {safe_line(run.id, 60)} has no rung {safe_line(rung, 40)}. It has: {names}")
        return rung
    try:
        written = run.result_file.stat().st_mtime_ns
    except OSError:
        return "encoder" if _has_rungs(run) else ""
    return _best(run.path, written)


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
    return found.name if found is not None else "encoder"


def best(measured: Sequence[Rung], named: str = "") -> Rung | None:
    """Return the rung with the highest macro-F1, of equals the highest one, or the one that is `named`; None where there is none."""
    wanted = [rung for rung in measured if rung.name in NAMES and named in ("", rung.name)]
    return max(wanted, key=lambda rung: (rung.metrics.f1_macro, NAMES.index(rung.name)), default=None)


def after(measured: Sequence[Rung], name: str) -> str:
    """Return the name of the rung that follows the one called `name`, the first after the last; '' where there is no such rung."""
    names = [rung.name for rung in measured if rung.name in NAMES]
    return names[(names.index(name) + 1) % len(names)] if name in names else ""
