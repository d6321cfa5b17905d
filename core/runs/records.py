"""Decodes a run's files, and checks them against schema, bounds and each other."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from .. import hyperparameters
from ..errors import UserError
from ..events import Evaluated, Event, Finished, Metrics, Result, RungDone, Started, Stopped
from ..json_kinds import is_object
from ..safe_text import safe_line
from ..specs import BaselineSpec, RunSpec, TrainSpec

MOST_LABELS = 10_000
"""Classes of a run, at most; the confusion matrix has the square of that."""
_SHOWN = 160
"""Cells of the description of a fault, at most."""

T = TypeVar("T")


def decode(content: bytes, kind: type[T]) -> T:
    """Return JSON as a value of `kind`. Raises UserError with part of a sentence on what is wrong."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise UserError(why(error) if content.strip() else "it is empty") from error


def why(error: Exception) -> str:
    """Return part of a sentence on why something could not be decoded."""
    match error:
        case UnicodeDecodeError():
            return "it is not valid UTF-8"
        case RecursionError():
            return "its values are nested too deep"
        case _:
            return safe_line(str(error), _SHOWN)


def spec(content: bytes) -> tuple[RunSpec, tuple[str, ...]]:
    """Return the content of spec.json, and part of a sentence on each setting that is unknown or out of bounds.

    Such settings, from other versions, are ignored. Raises UserError with part of a sentence if the rest is not a valid spec.
    """
    try:
        found, strange = decode(content, RunSpec), []
    except UserError:
        value, strange = _within_bounds(decode(content, dict[str, Any]))
        if not strange:
            raise
        found = decode(msgspec.json.encode(value), RunSpec)
    if fault := _labels_fault(found.labels):
        raise UserError(fault)
    value = decode(content, dict[str, Any])
    if "overlay" not in value["job"]["data"]:  # from a version without overlays: today's decisions would change its data
        data = msgspec.structs.replace(found.job.data, overlay=0)
        found = msgspec.structs.replace(found, job=msgspec.structs.replace(found.job, data=data))
    return found, (*strange, *_unknown(value, found))


def _within_bounds(value: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a spec without the hyper-parameters that are out of bounds, and what is wrong with those."""
    job = value.get("job")
    kind = next((each for each in (BaselineSpec, TrainSpec) if is_object(job) and job.get("task") == _tag(each)), None)
    if kind is None or not is_object(job):
        return value, []
    wrong: dict[str, str] = {}
    for name in hyperparameters.rows(kind).keys() & job.keys():
        try:
            msgspec.convert({"task": _tag(kind), "data": {"source": ""}, name: job[name]}, kind)
        except (ValueError, msgspec.MsgspecError) as error:
            wrong[name] = f"{name} {safe_line(str(job[name]), 40)} ({why(error)})"
    return {**value, "job": {name: each for name, each in job.items() if name not in wrong}}, list(wrong.values())


def _unknown(value: dict[str, Any], known: RunSpec) -> list[str]:
    """Return the names in a spec that are unknown to this version."""
    fields = [(value, RunSpec, ()), (value["job"], type(known.job), ("task",)), (value["job"]["data"], type(known.job.data), ())]
    return [safe_line(name, 40) for each, kind, more in fields for name in each if name not in {*kind.__struct_encode_fields__, *more}]


def _tag(kind: type[BaselineSpec | TrainSpec]) -> Any:
    return kind.__struct_config__.tag


def result(content: bytes, labels: tuple[str, ...]) -> Result:
    """Return the content of result.json of a run with these labels, () if they are unknown. Raises UserError as `decode` does."""
    found = decode(content, Result)
    measured = [rung.metrics for rung in found.rungs] + ([found.finished.metrics] if found.finished is not None else [])
    for metrics in measured:
        if fault := metrics_fault(metrics, labels):
            raise UserError(fault)
    return found


def event_fault(event: Event, labels: tuple[str, ...]) -> str:
    """Return what is wrong with an event of a run with these labels, () if they are not known yet; '' for a valid event."""
    match event:
        case Evaluated() | Finished():
            return metrics_fault(event.metrics, labels)
        case Stopped() if event.finished is not None:
            return metrics_fault(event.finished.metrics, labels)
        case RungDone():
            return metrics_fault(event.rung.metrics, labels)
        case Started():
            return _labels_fault(event.labels) or ("its labels are not those of the run" if labels and event.labels != labels else "")
        case _:
            return ""


def metrics_fault(metrics: Metrics, labels: tuple[str, ...]) -> str:
    """Return how metrics contradict each other or the run's labels; '' if they do not."""
    classes, counts = metrics.per_class, metrics.confusion
    if labels and tuple(classes) != labels:
        return "its classes are not the labels of the run"
    if fault := _labels_fault(tuple(classes)):
        return fault
    if len(counts) != len(classes) or any(len(row) != len(classes) for row in counts):
        return f"its confusion matrix is not {len(classes):,} by {len(classes):,}"
    if any(sum(row) != each.support for row, each in zip(counts, classes.values(), strict=True)):
        return "its confusion matrix and its class counts do not agree"
    return ""


def _labels_fault(labels: tuple[str, ...]) -> str:
    if len(labels) > MOST_LABELS:
        return f"it names {len(labels):,} labels, and {MOST_LABELS:,} are possible"
    return "it has a label twice" if len(set(labels)) < len(labels) else ""


def newer(error: Exception) -> bool:
    """Whether an event could not be decoded because its type is unknown to this version."""
    return "`$.event.kind`" in str(error) and "Invalid value" in str(error)


def describe_skipped(left_out: int, unknown: int, why: str) -> str:
    """Return a sentence on skipped lines of events.jsonl; '' where there are none."""
    parts: list[str] = []
    if left_out:
        lines = "1 line of events.jsonl is" if left_out == 1 else f"{left_out:,} lines of events.jsonl are"
        parts.append(f"{lines} damaged and skipped ({why})")
    if unknown:
        lines = "1 event is" if unknown == 1 else f"{unknown:,} events are"
        parts.append(f"{lines} of a kind that only a newer emotui knows")
    return "; ".join(parts)
