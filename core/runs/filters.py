"""Filters of runs, one line of terms that must all match: words, state:failed, task:baseline, data:…, model:…, tag:…, f1>0.9; - negates."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import get_args

from ..errors import UserError
from ..filter_line import Piece, pieces
from ..metric_table import FIGURE_TERMS, METRICS
from ..safe_text import safe_line
from .notes import RunNote
from .state import RunView, State

FIGURES = {metric.word: metric.key for metric in METRICS}
SYNTAX = f"words, state:failed, task:baseline, data:NAME, model:NAME, tag:WORD, id:START, {FIGURE_TERMS}; a leading - negates"

Test = Callable[[RunView, RunNote], bool]

_FIELD = re.compile(rf"(id|data|model|task|state|tag):|({'|'.join(FIGURES)})(>=|<=|>|<|=)", re.IGNORECASE)
_COMPARE = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq}
_STATES: tuple[str, ...] = get_args(State)
_TASKS = ("baseline", "fine-tune")


def parse(line: str) -> Test:
    """Return a test that a run passes if it matches all terms of a line. Raises UserError for an invalid line.

    Words are searched in id, name, data, model, task, state and tags, ignoring case. State, task and tag accept several names
    separated by commas; the beginning of a state or a task is enough.
    """
    tests = [(_test(piece), piece.negated) for piece in pieces(line, _FIELD)]
    return lambda view, note: all(test(view, note) != negated for test, negated in tests)


def _test(piece: Piece) -> Test:
    if piece.field is None:
        word = piece.text.casefold()
        return lambda view, note: any(word in part.casefold() for part in _words(view, note))
    if not piece.text:
        raise UserError(f"the filter's {piece.field[0]} needs something after it, as in: {SYNTAX}")
    wanted = piece.text.casefold()
    match (piece.field[1] or piece.field[2]).lower():
        case "id":
            return lambda view, _: view.id.casefold().startswith(wanted) or view.spec.name.casefold().startswith(wanted)
        case "data":
            return lambda view, _: wanted in view.spec.job.data.source.casefold()
        case "model":
            return lambda view, _: wanted in view.spec.job.model.casefold()
        case "task":
            tasks = _begun("task", wanted, _TASKS)
            return lambda view, _: view.task in tasks
        case "state":
            states = _begun("state", wanted, _STATES)
            return lambda view, _: view.state in states
        case "tag":
            tags = {part.lstrip("#") for part in wanted.split(",")}
            return lambda _, note: any(tag.casefold() in tags for tag in note.tags)
        case figure:
            return _compared(FIGURES[figure], piece.field, piece.text)


def _words(view: RunView, note: RunNote) -> tuple[str, ...]:
    job = view.spec.job
    return view.id, view.spec.name, job.data.source, job.model, view.task, view.state, *note.tags


def _begun(field: str, wanted: str, names: tuple[str, ...]) -> set[str]:
    """Return the names that begin with one of the comma-separated parts of `wanted`. Raises UserError for a part without a match."""
    found: set[str] = set()
    for start in filter(None, (part.strip() for part in wanted.split(","))):
        begun = {name for name in names if name.startswith(start)}
        if not begun:
            raise UserError(f"there is no {field} {safe_line(start, 40)!r}: choose from {', '.join(names)}")
        found |= begun
    return found


def _compared(figure: str, field: re.Match[str], text: str) -> Test:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise UserError(f"the filter's {field[0]} needs a number after it, such as 0.9, not {safe_line(text, 40)!r}")
    compare = _COMPARE[field[3]]

    def met(view: RunView, _: RunNote) -> bool:
        measured = view.score(figure)
        return measured is not None and compare(measured, bound)

    return met
