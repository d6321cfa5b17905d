"""Compares runs: their curves, the settings that differ, their metrics with a paired test, and their cost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from .. import hyperparameters
from ..errors import UserError
from ..events import Metrics
from ..figures.curves import Curve, Extremes, extremes, smoothed
from ..metric_table import BY_KEY, METRICS, Metric
from ..safe_text import safe_line
from ..specs import TrainSpec
from . import rungs
from .folder import RunFolder
from .state import RunView

if TYPE_CHECKING:  # NumPy and Arrow are imported when predictions are read
    from ..figures.chance import Paired
    from .examined import Examined

TRAIN_LOSS, LOSS = "train_loss", "loss"
CURVES = {TRAIN_LOSS: "training loss", LOSS: "validation loss"} | {metric.key: metric.name for metric in METRICS}
"""Names of the curves over a run's steps, by key: the losses, in nats, and the metrics on the validation split."""
MOST = 12
"""Runs that are compared at once, at most: each pair of them needs a test."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the runs that are compared."""

    view: RunView
    rung: str
    """The rung of a baseline; '' for other runs."""
    examined: Examined | None
    """Its predictions on the split; None if it cannot be evaluated there."""
    metrics: Metrics | None
    """Metrics on the split, with intervals if `examined` is there; None if nothing is known of it on that split."""
    curves: dict[str, Curve]
    """The run's curves by the keys of CURVES; the training loss is smoothed if asked for."""

    @property
    def name(self) -> str:
        """The run as it is named on the command line: RUN, or RUN:RUNG."""
        return f"{self.view.id}:{self.rung}" if self.rung else self.view.id

    def score(self, metric: Metric) -> float | None:
        """Return a metric on the split."""
        return metric.of(self.metrics) if self.metrics is not None else None

    def extremes(self, key: str) -> Extremes | None:
        """Return the extremes of a curve by its key; None if the run has no such curve."""
        return extremes(self.curves[key]) if key in self.curves else None


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run, or of a rung of a baseline. Unknown figures are None."""

    seconds: float | None
    """Wall time of all attempts; for a rung, its own time and that of the extraction of hidden states."""
    device: str | None
    device_name: str | None
    precision: str | None
    parameters: int | None
    """Parameters of the encoder and the head; None for a rung without an encoder."""
    peak_memory: int | None
    """Peak memory in bytes; for a rung that of the whole ladder."""
    examples_per_second: float | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs between runs."""

    name: str
    title: str
    values: tuple[Any, ...]
    """One value per run; None for a run without such a setting, or with its default."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs compared on the same rows."""

    first: str
    second: str
    paired: Paired | None
    p: float | None
    """The p-value of McNemar's exact test, corrected by Holm's method for the number of pairs."""
    fault: str = ""
    """Why they cannot be compared row by row; '' if they can."""


def measured(view: RunView) -> list[tuple[float, Metrics]]:
    """Return (step, metrics) of a run's evaluations: those during training, and that at a stop if its weights are of that step."""
    found = [(float(each.step), each.metrics) for each in view.evaluations]
    ended, job = view.finished, view.spec.job
    if ended is not None and view.is_whole and view.state == "stopped" and isinstance(job, TrainSpec) and job.patience is None:
        found = [*(each for each in found if each[0] < ended.steps), (float(ended.steps), ended.metrics)]
    return found


def curves(view: RunView, smoothing: float = 0.0) -> dict[str, Curve]:
    """Return the curves of a run by the keys of CURVES. Only the training loss is smoothed, not the evaluations."""
    found: dict[str, Curve] = {}
    if view.curve:
        losses = tuple(step.loss if step.finite else None for step in view.curve)
        found[TRAIN_LOSS] = Curve(tuple(step.step for step in view.curve), smoothed(losses, smoothing))
    points = measured(view)
    for key in CURVES:
        if key == TRAIN_LOSS:
            continue
        known = [
            (int(at), value) for at, metrics in points if (value := metrics.loss if key == LOSS else BY_KEY[key].of(metrics)) is not None
        ]
        if known:
            found[key] = Curve(*map(tuple, zip(*known, strict=True)))
    return found


def rung_of(run: RunFolder, view: RunView, named: str) -> str:
    """Return the rung of a baseline to compare: the one `named` if its model is stored, otherwise the best one."""
    if named in rungs.kept(run):
        return named
    best = view.best_rung
    return best.name if best is not None else ""


def entry(view: RunView, rung: str, split: str, found: Examined | None, *, smoothing: float = 0.0, resamples: int = 1000) -> Entry:
    """Return a run as an entry of the comparison; `found` are its evaluated predictions on the split.

    Without them, the metrics that the run itself reported for that split are used, without intervals. It takes some tenths of a
    second, so do not call it on the event loop.
    """
    import numpy as np

    from . import examined

    if found is not None and len(found.judged.truth):
        metrics = examined.figures(found, np.arange(len(found.judged.truth)), resamples=resamples).metrics
    else:
        reported = view.measured_by(rung)
        metrics = reported if reported is not None and reported.split == split else None
    return Entry(view, rung, found, metrics, curves(view, smoothing))


def ordered(entries: Sequence[Entry], metric: Metric | None) -> list[Entry]:
    """Return the runs ordered by a metric on the split, the best first and those without it last; unchanged if `metric` is None."""
    if metric is None:
        return list(entries)
    sign = -1.0 if metric.higher_is_better else 1.0
    keys = {id(each): (score is None, sign * (score or 0.0)) for each in entries for score in (each.score(metric),)}
    return sorted(entries, key=lambda each: keys[id(each)])


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """Return McNemar's exact test for each pair of runs whose predictions are known, corrected for the number of pairs."""
    from ..figures import chance
    from . import examined

    found: list[tuple[str, str, Paired | None, str]] = []
    for one, other in itertools.combinations([each for each in entries if each.examined is not None], 2):
        assert one.examined is not None and other.examined is not None  # noqa: S101 - left out above
        try:
            examined.check_same_rows(one.examined.predictions, other.examined.predictions)
        except UserError as error:
            found.append((one.name, other.name, None, str(error)))
            continue
        judged = one.examined.judged
        found.append((one.name, other.name, chance.paired(judged.truth, judged.predicted, other.examined.judged.predicted), ""))
    corrected = iter(chance.holm([pair.p for _, _, pair, _ in found if pair is not None]))
    return [Pair(first, second, pair, next(corrected) if pair is not None else None, fault) for first, second, pair, fault in found]


def cost(of: Entry) -> Cost:
    """Return the cost of a run, or of its rung."""
    view, finished, started = of.view, of.view.finished, of.view.started
    rung = view.rung(of.rung) if of.rung else None
    has_encoder = rung is None or rung.name in rungs.OF_ENCODER
    seconds = rung.seconds if rung is not None else finished.seconds if finished is not None else None
    return Cost(
        seconds,
        started.device if started is not None else None,
        started.device_name or None if started is not None else None,
        started.precision if started is not None else None,
        started.parameters or None if started is not None and has_encoder else None,
        finished.peak_memory if finished is not None else None,
        finished.examples_per_second if finished is not None else None,
    )


def settings(of: Entry) -> dict[str, tuple[str, Any]]:
    """Return the settings of a run by name, each with its name for people; a setting that was left open has the run's own choice."""
    view, job = of.view, of.view.spec.job
    found: dict[str, tuple[str, Any]] = {"task": ("task", view.task)}
    if of.rung:
        found["rung"] = ("rung", of.rung)
    found |= {"model": ("model", job.model), "data": ("data", job.data.source)}
    found |= {f"data.{name}": (f"data: {name.replace('_', ' ')}", _plain(value)) for name, value in _data_fields(of)}
    found["data_hash"] = ("data: fingerprint", view.spec.data_hash[:12] or None)
    found["labels"] = ("labels", _plain(view.spec.labels))
    resolved: dict[str, Any] = dict(view.started.settings) if view.started is not None else {}
    for name, row in hyperparameters.rows(type(job)).items():
        value = getattr(job, name)
        found[name] = (row.title, resolved.pop(name, value) if value is None else value)
        resolved.pop(name, None)
    found |= {name: (name.replace("_", " "), value) for name, value in resolved.items()}
    found |= {f"version.{name}": (f"version of {name}", version) for name, version in view.spec.versions.items()}
    return found


def _data_fields(of: Entry) -> list[tuple[str, Any]]:
    fields = msgspec.structs.asdict(of.view.spec.job.data)
    return [(name, value) for name, value in fields.items() if name not in ("source", "offline")]


def _plain(value: Any) -> Any:
    """Return a setting as one value that can be shown in a cell and compared."""
    if isinstance(value, msgspec.Struct):
        value = {name: each for name, each in msgspec.structs.asdict(value).items() if each is not None}
        return ", ".join(f"{name} {each}" for name, each in value.items()) or None
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or None  # pyright: ignore[reportUnknownArgumentType]
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """What is not the same in all runs, and how much else there is."""

    differing: list[Setting]
    alike: int
    """The number of settings that are the same in all runs."""
    of_some: int
    """The number of settings that only some runs have, because of their task or version, and that are the same in those."""


def differing(entries: Sequence[Entry]) -> Settings:
    """Return the settings that differ between the runs that have them."""
    each = [settings(one) for one in entries]
    titles = {name: title for one in each for name, (title, _) in one.items()}
    found: list[Setting] = []
    alike = of_some = 0
    for name, title in titles.items():
        values = [one[name][1] for one in each if name in one]
        if any(value != values[0] for value in values[1:]):
            found.append(Setting(name, title, tuple(one[name][1] if name in one else None for one in each)))
        elif len(values) < len(each):
            of_some += 1
        else:
            alike += 1
    return Settings(found, alike, of_some)


def check_names(names: Sequence[str]) -> None:
    """Raise UserError unless these are several runs, each named once."""
    if len(names) < 2:
        raise UserError("a comparison needs two or more runs", "Name another, or list them with: emotui runs")
    if len(names) > MOST:
        raise UserError(f"{len(names)} runs are too many: at most {MOST} can be compared", "Leave some out")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{safe_line(twice, 60)} is named twice", "Name each run once")
