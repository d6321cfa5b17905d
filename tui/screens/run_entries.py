"""Checks the entries of the form of a run and turns them into a job."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...core import hyperparameters
from ...core.errors import UserError
from ...core.hyperparameters import Hyperparameter
from ...core.model import naming
from ...core.runs.state import RunView
from ...core.specs import BaselineSpec, DataSpec, Job, TrainSpec
from ..field_names import by_fields

TASKS: dict[str, type[BaselineSpec] | type[TrainSpec]] = {"baseline": BaselineSpec, "fine-tune": TrainSpec}


def fields() -> dict[str, Hyperparameter]:
    """Return the hyper-parameters of all tasks that the form asks for, by field name."""
    every = {name: row for spec in (TrainSpec, BaselineSpec) for name, row in hyperparameters.rows(spec).items()}
    return {name: row for name, row in every.items() if row.in_form}


def parse(entries: Mapping[str, str], base: DataSpec) -> tuple[Job | None, dict[str, str]]:
    """Return the job that the entries describe, None if an entry is wrong, and a sentence for each wrong field.

    `base` is the spec of the open data set, whose columns and labels are kept if the source is the same.
    """
    from ...core.data import sources
    from ...core.model import limits, model_config

    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    spec = TASKS[entries["task"]]
    for name, row in hyperparameters.rows(spec).items():
        text = entries.get(name, "").strip()
        if text:
            try:
                values[name] = row.kind.parse(text)
            except ValueError as error:
                problems[name] = str(error)
    data = base
    try:
        source = sources.resolve(entries["data"].strip())
        data = base if source == base.source else DataSpec(source, offline=base.offline)
    except UserError as error:
        problems["data"] = by_fields(error)
    try:
        model = naming.resolve(entries["model"].strip())
    except UserError as error:
        problems["model"] = by_fields(error)
        return None, problems
    if "layer" in values:
        layers = model_config.layers_of(model)
        if layers is not None and values["layer"] > layers:
            problems["layer"] = f"this model has layers 1 to {layers}"
    with contextlib.suppress(UserError):  # faults of the model itself are reported when the run is started
        found = limits.glance(model) if "max_length" in values else None
        if found is not None and not 3 <= values["max_length"] <= found.length:
            problems["max_length"] = f"this model takes 3 to {found.length} tokens"
    return (None if problems else spec(data, model, **values)), problems


def hints(entries: Mapping[str, str], rows: int | None, validation_rows: int) -> dict[str, str]:
    """Return the values used for empty fields; `rows`, of the training split, are None if unknown."""
    from ...core.model import presets

    shown: dict[str, str] = {}
    for name, row in fields().items():
        default = next(found[name] for found in map(hyperparameters.defaults, (TrainSpec, BaselineSpec)) if name in found)
        shown[name] = row.unset if default is None else hyperparameters.shown(default)
    # The tutorial's values do not depend on the data.
    is_known = rows is not None or entries["preset"] == "tutorial"
    if is_known:
        chosen = presets.choices(entries["preset"], rows=rows or 0, validation_rows=validation_rows, parameters=None)
        shown |= {
            name: f"{hyperparameters.shown(value)} {fields()[name].unit}".rstrip()
            for name, value in chosen.items()
            if name in shown and value is not None
        }
    return shown


def same_speed(job: Job) -> bytes:
    """Return a key of the part of a job that determines the speed of its steps."""
    rows, defaults = hyperparameters.rows(type(job)), hyperparameters.defaults(type(job))
    return msgspec.json.encode(
        msgspec.structs.replace(job, **{name: defaults[name] for name, row in rows.items() if not row.changes_speed})
    )


def trained_epochs(job: Job, rows: int | None, shown: Mapping[str, str]) -> float | None:
    """Return the epochs that `job` trains for on `rows` training rows, possibly less than one if its steps are limited; None if unknown.

    `shown` are the hints of its fields, which begin with the values chosen by the preset.
    """
    if not isinstance(job, TrainSpec):
        return None
    epochs, batch = (asked or _first_number(shown[name]) for name, asked in (("epochs", job.epochs), ("batch_size", job.batch_size)))
    if epochs is None or job.max_steps is None or batch is None or not rows:
        return epochs
    return min(epochs, job.max_steps / math.ceil(rows / batch))


def _first_number(words: str) -> int | None:
    first = words.partition(" ")[0].replace(",", "")
    return int(first) if first.isdigit() else None


def estimate(job: Job, epochs: float | None, rows: int | None, runs: Sequence[RunView]) -> tuple[float, str] | None:
    """Return the estimated seconds of `job`, from the speed of an earlier run, and the name of that run.

    It is the newest run with the same model, device and text length; None if there is none.
    """
    for view in runs:
        other = view.spec.job
        if type(other) is not type(job) or (other.model, other.device, other.max_length) != (job.model, job.device, job.max_length):
            continue
        if isinstance(job, BaselineSpec):
            if view.finished is not None and (other.data.source, getattr(other, "layer", None)) == (job.data.source, job.layer):
                return view.finished.seconds, view.id
            continue
        speed = _rows_a_second(view)
        if speed and rows and epochs:
            start_up = 0.0
            if view.finished is not None and view.finished.steps:
                trained = sum(step.rows for step in view.curve)
                start_up = max(0.0, view.finished.seconds - trained / speed) if trained else 0.0
            return rows * epochs / speed + start_up, view.id
    return None


def _rows_a_second(view: RunView) -> float | None:
    if view.finished is not None and view.finished.examples_per_second:
        return view.finished.examples_per_second
    seconds = math.fsum(step.seconds for step in view.curve[1:])
    return sum(step.rows for step in view.curve[1:]) / seconds if seconds > 0 else None
