"""What a run's files say, checked where it is read: against its schema and its bounds, and one thing against another."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ..errors import UserError
from ..events import Evaluated, Event, Finished, Metrics, Result, RungDone, Started
from ..safe_text import safe_line
from ..specs import RunSpec

MOST_LABELS = 10_000
"""Classes of a run; their confusion matrix has the square of it."""
_SHOWN = 160
"""Cells of what is said of a fault."""

T = TypeVar("T")


def decode(content: bytes, kind: type[T]) -> T:
    """Return JSON as a value of `kind`. Raises UserError with a part of a sentence that says what is wrong with it."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise UserError(why(error) if content.strip() else "it is empty") from error


def why(error: Exception) -> str:
    """Return a part of a sentence on why something could not be decoded."""
    match error:
        case UnicodeDecodeError():
            return "it is not valid UTF-8"
        case RecursionError():
            return "its values are nested too deep"
        case _:
            return safe_line(str(error), _SHOWN)


def spec(content: bytes) -> RunSpec:
    """Return the content of spec.json. Raises UserError with a part of a sentence."""
    found = decode(content, RunSpec)
    if fault := _labels_fault(found.labels):
        raise UserError(fault)
    return found


def unknown_settings(content: bytes) -> tuple[str, ...]:
    """Return the names in a spec.json, whose `spec` can be read, that this version does not know: a newer one wrote them."""
    value = msgspec.json.decode(content)
    known = spec(content)
    fields = [(value, RunSpec, ()), (value["job"], type(known.job), ("task",)), (value["job"]["data"], type(known.job.data), ())]
    return tuple(safe_line(name, 40) for each, kind, more in fields for name in each if name not in {*kind.__struct_encode_fields__, *more})


def result(content: bytes, labels: tuple[str, ...]) -> Result:
    """Return the content of result.json of a run with these labels, () where they are not known. Raises UserError as `decode` does."""
    found = decode(content, Result)
    measured = [rung.metrics for rung in found.rungs] + ([found.finished.metrics] if found.finished is not None else [])
    for metrics in measured:
        if fault := metrics_fault(metrics, labels):
            raise UserError(fault)
    return found


def event_fault(event: Event, labels: tuple[str, ...]) -> str:
    """Return what is wrong with an event of a run with these labels, () where they are not known yet; '' where it is sound."""
    match event:
        case Evaluated() | Finished():
            return metrics_fault(event.metrics, labels)
        case RungDone():
            return metrics_fault(event.rung.metrics, labels)
        case Started():
            return _labels_fault(event.labels) or ("its labels are not those of the run" if labels and event.labels != labels else "")
        case _:
            return ""


def metrics_fault(metrics: Metrics, labels: tuple[str, ...]) -> str:
    """Return where figures contradict each other or the run's labels; '' where they agree."""
    classes, counts = metrics.per_class, metrics.confusion
    if labels and tuple(classes) != labels:
        return "its classes are not the labels of the run"
    if fault := _labels_fault(tuple(classes)):
        return fault
    if len(counts) != len(classes) or any(len(row) != len(classes) for row in counts):
        return f"its confusion matrix is not {len(classes):,} by {len(classes):,}"
    if any(sum(row) != each.support for row, each in zip(counts, classes.values(), strict=True)):
        return "its confusion matrix and its rows of each class do not agree"
    return ""


def _labels_fault(labels: tuple[str, ...]) -> str:
    if len(labels) > MOST_LABELS:
        return f"it names {len(labels):,} labels, and {MOST_LABELS:,} are possible"
    return "it names a label twice" if len(set(labels)) < len(labels) else ""


def newer(error: Exception) -> bool:
    """Whether an event could not be decoded since it is of a kind that this version does not know."""
    return "`$.event.kind`" in str(error) and "Invalid value" in str(error)


def told(left_out: int, unknown: int, why: str) -> str:
    """Return a sentence on lines of events.jsonl that were not taken in; '' where all were."""
    parts: list[str] = []
    if left_out:
        lines = "1 line of events.jsonl is" if left_out == 1 else f"{left_out:,} lines of events.jsonl are"
        parts.append(f"{lines} damaged and left out ({why})")
    if unknown:
        lines = "1 event is" if unknown == 1 else f"{unknown:,} events are"
        parts.append(f"{lines} of a kind that only a newer emotui knows")
    return "; ".join(parts)
