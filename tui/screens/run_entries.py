"""What is typed into the form of a run, checked and turned into a job."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ...core.cli import options
from ...core.errors import UserError
from ...core.model import naming
from ...core.runs.state import RunView
from ...core.specs import BaselineSpec, DataSpec, Job, TrainSpec

NUMBERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "epochs": ("epochs", options.positive),
    "learning_rate": ("learning rate", options.learning_rate),
    "batch_size": ("batch size", options.positive),
    "patience": ("patience", options.positive),
    "layer": ("layer", options.positive),
    "max_length": ("cut at", options.positive),
    "seed": ("seed", options.natural),
}
"""Fields that hold a number: their name for people and the parser of the command line's own option."""
TRAIN_ONLY = ("preset", "epochs", "learning_rate", "batch_size", "patience")
BASELINE_ONLY = ("layer", "pooling")


def parse(entries: Mapping[str, str], base: DataSpec) -> tuple[Job | None, dict[str, str]]:
    """Return the job that the entries describe, and a sentence for each field that is wrong; None where any is.

    `base` is the data set as it was opened, whose columns and labels stay where the source is still the same.
    """
    from ...core.data import sources
    from ...core.model import model_config

    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    is_training = entries["task"] == "fine-tune"
    for name, (_, parser) in NUMBERS.items():
        text = entries.get(name, "").strip()
        if not text or name in (BASELINE_ONLY if is_training else TRAIN_ONLY):  # a field that is not on the screen
            continue
        try:
            values[name] = parser(text)
        except argparse.ArgumentTypeError as error:
            problems[name] = str(error)
    try:
        values["device"] = options.device(entries["device"])
    except argparse.ArgumentTypeError as error:
        problems["device"] = str(error)
    data = base
    try:
        source = sources.resolve(entries["data"].strip())
        data = base if source == base.source else DataSpec(source, offline=base.offline)
    except UserError as error:
        problems["data"] = str(error)
    try:
        values["model"] = naming.resolve(entries["model"].strip())
    except UserError as error:
        problems["model"] = str(error)
    if is_training and not problems:
        problems |= _out_of_range(values)
    if "layer" in values and "model" in values:
        layers = model_config.layers_of(values["model"])
        if layers is not None and values["layer"] > layers:
            problems["layer"] = f"this model has layers 1 to {layers}"
    if problems:
        return None, problems
    shared = {name: value for name, value in values.items() if name not in TRAIN_ONLY} | {"precision": entries["precision"]}
    if not is_training:
        return BaselineSpec(data, pooling=entries["pooling"], **shared), {}  # type: ignore[arg-type]
    named = {name: value for name, value in values.items() if name in TRAIN_ONLY}
    return TrainSpec(data, preset=entries["preset"], **shared, **named), {}  # type: ignore[arg-type]


def _out_of_range(values: Mapping[str, Any]) -> dict[str, str]:
    if values.get("epochs", 1) > 1_000:
        return {"epochs": "more than 1,000 epochs are not possible"}
    if values.get("batch_size", 1) > 65_536:
        return {"batch_size": "more than 65,536 rows are not possible"}
    return {}


def hints(entries: Mapping[str, str], rows: int | None, validation_rows: int) -> dict[str, str]:
    """Return what an empty field stands for, by the size of the data where that is known (`rows` of the training split)."""
    from ...core.model import presets

    said = {"max_length": "the model's limit", "seed": "0", "layer": "the last", "patience": "measurements: train to the end"}
    if entries["preset"] == "tutorial":
        said["learning_rate"] = "2e-05, as in the tutorial"
    else:
        said["learning_rate"] = "by the size of the model"
    if rows is None:
        return said | {"epochs": "by the size of the data", "batch_size": "by the size of the data"}
    job = TrainSpec(DataSpec("starter"), preset="tutorial" if entries["preset"] == "tutorial" else "auto")
    settings = presets.resolve(job, rows=rows, validation_rows=validation_rows, parameters=1, max_length=1)
    return said | {"epochs": str(settings.epochs), "batch_size": f"{settings.batch_size} rows a step"}


def same_speed(job: Job) -> Job:
    """Return the part of a job that the speed of its steps depends on."""
    if isinstance(job, TrainSpec):
        return msgspec.structs.replace(job, epochs=None, learning_rate=None, patience=None, seed=0)
    return msgspec.structs.replace(job, seed=0)


def estimate(job: Job, epochs: int | None, rows: int | None, runs: Sequence[RunView]) -> tuple[float, str] | None:
    """Return how many seconds `job` takes, from the measured steps of earlier runs, and which run that was.

    The speed is that of the newest run with the same model, device and length of texts; None where there is none.
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
