"""What happened in a run: immutable facts, one JSON line each, in the order of `seq`.

A number that is not finite is written as null (NaN is no JSON), and `Step.finite` says so.
"""

from __future__ import annotations

import msgspec

IMBALANCE = 3.0
"""How many times as many rows the largest class has as one that is called small: accuracy then says little."""


class ClassMetrics(msgspec.Struct, frozen=True):
    """Precision, recall and F1 of one class in [0, 1]; 0 where undefined, as scikit-learn's zero_division=0."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(msgspec.Struct, frozen=True):
    """Quality of predictions on one split."""

    split: str
    rows: int
    accuracy: float
    f1_weighted: float
    f1_macro: float
    per_class: dict[str, ClassMetrics]
    """In label order."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts; one row a true class, one column a predicted class."""
    loss: float | None = None
    """Mean cross entropy in nats."""
    intervals: dict[str, tuple[float, float]] = {}
    """95 % bootstrap percentile intervals by metric name; per-class F1 as 'f1:LABEL'."""


class EpochRow(msgspec.Struct, frozen=True):
    """One line of the tutorial's table."""

    epoch: int
    train_loss: float | None
    eval_loss: float | None
    accuracy: float
    f1_weighted: float
    f1_macro: float


class Rung(msgspec.Struct, frozen=True):
    """One rung of the ladder of baselines, measured on the validation split."""

    name: str
    """'most_frequent', 'tfidf' or 'encoder'."""
    metrics: Metrics
    seconds: float
    iterations: int | None = None
    """Iterations of lbfgs until it converged."""
    cached: bool = False
    """Whether the hidden states came from the cache."""


class AttemptStarted(msgspec.Struct, frozen=True, tag_field="kind", tag="attempt_started"):
    """Written by the supervisor when it has started a worker."""

    worker_pid: int
    batch_size: int | None = None
    accumulation: int | None = None
    reason: str = ""
    """Why there is another attempt; empty for the first."""
    resumed_step: int = 0
    """The step of the checkpoint that it goes on from; 0: from the beginning."""


class Started(msgspec.Struct, frozen=True, tag_field="kind", tag="started"):
    """The worker knows what it will do."""

    device: str
    device_name: str
    precision: str
    labels: tuple[str, ...]
    rows: dict[str, int]
    """Rows of each split."""
    settings: dict[str, str | int | float | bool | None]
    """Every resolved hyperparameter by its name."""
    steps: int = 0
    parameters: int = 0
    model: str = ""
    """The checkpoint that it starts from, as spec.json names it."""


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress"):
    """How far a phase other than training steps has come."""

    phase: str
    """'load', 'tokenize', 'extract', 'fit', 'evaluate' or 'save'."""
    done: int
    total: int | None
    unit: str
    """What is counted: 'rows', 'iterations', 'files'."""
    seconds: float
    detail: str = ""


class Step(msgspec.Struct, frozen=True, tag_field="kind", tag="step"):
    """One optimizer step, or the mean over the steps since the last one logged."""

    step: int
    """1 after the first optimizer step."""
    epoch: float
    loss: float | None
    """Mean cross entropy over the rows since the last Step event, in nats."""
    learning_rate: float
    gradient_norm: float | None
    rows: int
    """Rows trained on since the last Step event."""
    tokens: int
    """Tokens without padding since the last Step event."""
    seconds: float
    """Time in the training loop since the last Step event."""
    finite: bool = True


class Evaluated(msgspec.Struct, frozen=True, tag_field="kind", tag="evaluated"):
    """The model was measured during training."""

    step: int
    epoch: float
    metrics: Metrics


class EpochDone(msgspec.Struct, frozen=True, tag_field="kind", tag="epoch_done"):
    row: EpochRow
    step: int


class RungDone(msgspec.Struct, frozen=True, tag_field="kind", tag="rung_done"):
    rung: Rung


class CheckpointSaved(msgspec.Struct, frozen=True, tag_field="kind", tag="checkpoint_saved"):
    step: int
    seconds: float
    best: bool = False


class Telemetry(msgspec.Struct, frozen=True, tag_field="kind", tag="telemetry"):
    """Load of the machine. CPU in percent of one core; memory in bytes."""

    cpu_percent: float
    memory: int
    memory_total: int
    gpu_percent: float | None = None
    gpu_memory: int | None = None
    gpu_memory_total: int | None = None


class Note(msgspec.Struct, frozen=True, tag_field="kind", tag="note"):
    """A sentence for the user."""

    level: str
    """'info', 'warning' or 'error'."""
    message: str


class Finished(msgspec.Struct, frozen=True, tag_field="kind", tag="finished"):
    """The worker did all it was asked; what result.json keeps."""

    metrics: Metrics
    seconds: float
    """Wall time of the work in all attempts, start-up and loading included, but for what was lost with an attempt."""
    steps: int = 0
    examples_per_second: float | None = None
    """Rows trained on a second of the training loop, evaluation not counted."""
    peak_memory: int | None = None
    """Highest resident memory of the worker in bytes."""


class Stopped(msgspec.Struct, frozen=True, tag_field="kind", tag="stopped"):
    """The worker saved and ended because it was asked to."""

    step: int


class AttemptEnded(msgspec.Struct, frozen=True, tag_field="kind", tag="attempt_ended"):
    """Written by the supervisor when a worker is gone."""

    exit_code: int | None
    signal: int | None
    cause: str
    """'finished', 'stopped', 'oom_gpu', 'oom_kernel', 'disk_full', 'nan', 'bad_input', 'killed' or 'crash'."""
    reason: str
    retry: bool = False


Event = (
    AttemptStarted
    | Started
    | Progress
    | Step
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

    attempt: int
    seq: int
    time: float
    event: Event
    sent: int = 0
    """The worker's own count of its events in this attempt; 0 for what the supervisor has to say."""


class Result(msgspec.Struct, frozen=True):
    """result.json: how the run ended. Written once by the supervisor; removed when the run is resumed."""

    state: str
    """'finished', 'stopped' or 'failed'."""
    reason: str
    ended: float
    cause: str = ""
    exit_code: int = 0
    finished: Finished | None = None
    rungs: tuple[Rung, ...] = ()
    epochs: tuple[EpochRow, ...] = ()
    attempt: int = 1
    step: int = 0
    """The last step that was logged, of `steps`."""
    steps: int = 0
