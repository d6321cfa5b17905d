"""What happened in a run: immutable facts, one JSON line each, in the order of `seq`.

A number that is not finite is written as null (NaN is no JSON), and `Step.finite` says so.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from .sentences import Sentence, Words
from .specs import Moment

# What is read back is checked against these: a run's folder may come from elsewhere, or be damaged.
Count = Annotated[int, Meta(ge=0, le=2**53)]
Code = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
"""An exit code, or minus a signal."""
Process = Annotated[int, Meta(ge=0, lt=2**31)]
Share = Annotated[float, Meta(ge=0, le=1 + 1e-9)]
"""A mean of shares may exceed 1 by a rounding error."""
Figure = Annotated[float, Meta(ge=-1e39, le=1e39)]
"""Whatever float32 holds."""
Seconds = Annotated[float, Meta(ge=0, le=1e10)]
Setting = str | Annotated[int, Meta(ge=-(2**62), le=2**62)] | float | bool | None

IMBALANCE = 3.0
"""The ratio of the largest to the smallest class from which on accuracy says little."""


class ClassMetrics(msgspec.Struct, frozen=True):
    """Precision, recall and F1 of one class in [0, 1]; 0 where undefined, as scikit-learn's zero_division=0."""

    precision: Share
    recall: Share
    f1: Share
    support: Count


class Confusion(NamedTuple):
    """The rows of one class that were predicted as another."""

    true: str
    predicted: str
    rows: int
    of: int
    """Rows of the true class."""


class Metrics(msgspec.Struct, frozen=True):
    """Quality of predictions on one split."""

    split: str
    rows: Count
    accuracy: Share
    f1_weighted: Share
    f1_macro: Share
    per_class: dict[str, ClassMetrics]
    """In label order."""
    confusion: tuple[tuple[Count, ...], ...]
    """Counts; one row a true class, one column a predicted class."""
    loss: Figure | None = None
    """Mean cross entropy in nats."""
    intervals: dict[str, tuple[Figure, Figure]] = {}
    """95 % bootstrap percentile intervals by metric name; per-class F1 as 'f1:LABEL'."""
    others: dict[str, Figure] = {}
    """The metrics of metric_table that have no field here."""

    def confusions(self) -> list[Confusion]:
        """Return the cells of the matrix with wrong rows, the most frequent first."""
        names = list(self.per_class)
        found = [
            Confusion(names[true], names[predicted], number, sum(counts))
            for true, counts in enumerate(self.confusion)
            for predicted, number in enumerate(counts)
            if number and true != predicted
        ]
        return sorted(found, key=lambda each: -each.rows)


class EpochRow(msgspec.Struct, frozen=True):
    """One line of the epoch table."""

    epoch: Count
    train_loss: Figure | None
    eval_loss: Figure | None
    accuracy: Share
    f1_weighted: Share
    f1_macro: Share
    others: dict[str, Figure] = {}
    """As in Metrics."""


class Rung(msgspec.Struct, frozen=True):
    """One rung of the ladder of baselines, measured on the validation split."""

    name: str
    """'most_frequent', 'tfidf', 'static', 'cls' or 'mean'; 'encoder' in runs of version 0.1.0, which had one of the latter."""
    metrics: Metrics
    seconds: Seconds
    """Including the extraction of hidden states, which the rungs on them share."""
    iterations: Count | None = None
    """Iterations of lbfgs until it converged."""
    cached: bool = False
    """Whether the hidden states came from the cache."""
    shape: tuple[Count, ...] = ()
    """Of the features that it was fitted on, [training rows, hidden units]; empty where the model has no part in them."""


class AttemptStarted(msgspec.Struct, frozen=True, tag_field="kind", tag="attempt_started"):
    """Written by the supervisor when it has started a worker."""

    worker_pid: Process
    batch_size: Count | None = None
    accumulation: Count | None = None
    reason: str = ""
    """Why there is another attempt; empty for the first."""
    resumed_step: Count = 0
    """The step of the checkpoint that it resumes from; 0: from the beginning."""


class Started(msgspec.Struct, frozen=True, tag_field="kind", tag="started"):
    """The worker knows what it will do."""

    device: str
    device_name: str
    precision: str
    labels: tuple[str, ...]
    rows: dict[str, Count]
    """Rows of each split."""
    settings: dict[str, Setting]
    """Every resolved hyper-parameter by its name."""
    steps: Count = 0
    parameters: Count = 0
    model: str = ""
    """The checkpoint that it starts from, as spec.json names it."""
    untrustworthy: tuple[str, ...] = ()
    """Why results on its data cannot be trusted, one sentence each."""
    overlay: str = ""
    """What was changed by hand in its data, as in '12 labels changed, 3 rows left out'."""


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress"):
    """The progress of a phase other than training."""

    phase: str
    """'load', 'tokenize', 'extract', 'fit', 'evaluate' or 'save'."""
    done: Count
    total: Count | None
    unit: str
    """What is counted: 'rows', 'iterations', 'files'."""
    seconds: Seconds
    detail: str = ""


class OfStep(msgspec.Struct, frozen=True, tag_field="kind"):
    """An event about one step, of which a step has at most one of a kind.

    What reads a run keeps all of them by their kind, in order of step, and drops those that a later attempt takes back.
    """

    step: Count
    """1 after the first optimizer step."""


class Step(OfStep, frozen=True, tag="step"):
    """One optimizer step, or the mean over the steps since the last one logged."""

    epoch: Figure
    loss: Figure | None
    """Mean cross entropy over the rows since the last Step event, in nats."""
    learning_rate: Figure
    gradient_norm: Figure | None
    rows: Count
    """Rows trained on since the last Step event."""
    tokens: Count
    """Tokens without padding since the last Step event."""
    seconds: Seconds
    """Time in the training loop since the last Step event."""
    finite: bool = True


class Padding(OfStep, frozen=True, tag="padding"):
    """How much the model computed on since the last Step event that was no token of a row."""

    places: Count
    """Places of tokens in the batches as they went through the model, in all processes."""
    empty: Count
    """How many of these held padding."""


class Evaluated(OfStep, frozen=True, tag="evaluated"):
    """The model was measured during training."""

    epoch: Figure
    metrics: Metrics


class EpochDone(OfStep, frozen=True, tag="epoch_done"):
    row: EpochRow


class RungDone(msgspec.Struct, frozen=True, tag_field="kind", tag="rung_done"):
    rung: Rung


class CheckpointSaved(OfStep, frozen=True, tag="checkpoint_saved"):
    seconds: Seconds
    best: bool = False


class Telemetry(msgspec.Struct, frozen=True, tag_field="kind", tag="telemetry"):
    """Load of the machine. CPU in percent of one core; memory in bytes."""

    cpu_percent: Figure
    memory: Count
    memory_total: Count
    gpu_percent: Figure | None = None
    gpu_memory: Count | None = None
    gpu_memory_total: Count | None = None


class Note(msgspec.Struct, frozen=True, tag_field="kind", tag="note", omit_defaults=True):
    """A sentence for the user."""

    level: str
    """'info', 'warning' or 'error'."""
    message: str
    """In the words of the command line."""
    sentence: Sentence | None = None
    """The message in parts where it names settings; None in runs of version 0.1.0."""

    @property
    def words(self) -> Words:
        return self.message if self.sentence is None else self.sentence


def note(level: str, words: Words) -> Note:
    """Return a note with these words."""
    return Note(level, str(words), words if isinstance(words, Sentence) else None)


def notes_on_data(started: Started) -> tuple[Note, ...]:
    """Return what was changed by hand in a run's data, and a warning for each reason why results on it cannot be trusted."""
    changed = (Note("info", f"overlay: {started.overlay}"),) if started.overlay else ()
    return changed + tuple(Note("warning", f"results on this data cannot be trusted: {each}") for each in started.untrustworthy)


class Finished(msgspec.Struct, frozen=True, tag_field="kind", tag="finished"):
    """The worker finished its work. result.json keeps this, also for a run that was stopped and then evaluated."""

    metrics: Metrics
    seconds: Seconds
    """Wall time of all attempts, start-up and loading included, but not the work that a failed attempt lost."""
    steps: Count = 0
    examples_per_second: Figure | None = None
    """Training throughput in rows per second, without evaluation."""
    peak_memory: Count | None = None
    """Highest resident memory of the worker in bytes."""


class Stopped(msgspec.Struct, frozen=True, tag_field="kind", tag="stopped"):
    """The worker saved and ended because it was asked to."""

    step: Count
    finished: Finished | None = None
    """Its evaluation at that step, where a usable model was saved."""


class AttemptEnded(msgspec.Struct, frozen=True, tag_field="kind", tag="attempt_ended"):
    """Written by the supervisor when a worker has ended."""

    exit_code: Code | None
    signal: Code | None
    cause: str
    """'finished', 'stopped', 'oom_gpu', 'oom_kernel', 'disk_full', 'nan', 'bad_input', 'killed' or 'crash'."""
    reason: str
    retry: bool = False
    sentence: Sentence | None = None
    """The reason in parts where it names settings."""

    @property
    def why(self) -> Words:
        return self.reason if self.sentence is None else self.sentence


Event = (
    AttemptStarted
    | Started
    | Progress
    | Step
    | Padding
    | Evaluated
    | EpochDone
    | RungDone
    | CheckpointSaved
    | Telemetry
    | Note
    | Finished
    | Stopped
    | AttemptEnded
)


class Line(msgspec.Struct, frozen=True):
    """One line of events.jsonl. The order is by `seq`; `time` (seconds since the epoch) is only shown."""

    attempt: Count
    seq: Count
    time: Moment
    event: Event
    sent: Count = 0
    """The worker's own count of its events in this attempt; 0 for the supervisor's events."""


class Result(msgspec.Struct, frozen=True):
    """result.json: how the run ended. Written once by the supervisor; removed when the run is resumed."""

    state: Literal["finished", "stopped", "failed"]
    reason: str
    ended: Moment
    cause: str = ""
    exit_code: Code = 0
    finished: Finished | None = None
    rungs: tuple[Rung, ...] = ()
    epochs: tuple[EpochRow, ...] = ()
    attempt: Count = 1
    step: Count = 0
    """The last logged step, of `steps`."""
    steps: Count = 0
    sentence: Sentence | None = None
    """The reason in parts where it names settings."""

    @property
    def why(self) -> Words:
        return self.reason if self.sentence is None else self.sentence
