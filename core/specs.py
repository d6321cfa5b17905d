"""Specifications: immutable descriptions of data sets and runs, written to disk as JSON.

They are msgspec structs rather than dataclasses because the same definitions then check every value that is read back. Fields of a
newer version are passed over: such a run can be looked at, and runs.folder tells which they are before it is gone on with.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from . import hyperparameters
from .hyperparameters import ClassWeights, DeviceName, Hyperparameter, OneOf, Real, Whole, WholeOr

Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Seconds since the epoch, up to the year 9999."""
Pooling = Literal["cls", "mean"]
Poolings = Literal["both", "cls", "mean"]
Preset = Literal["auto", "tutorial"]
Device = str
"""'auto', 'cpu', 'cuda' or 'cuda:N'."""
Precision = Literal["auto", "float32", "bf16"]
ALL_BUT_HEAD = "all-but-head"
Schedule = Literal["linear", "cosine", "constant"]


MOST_SKIPPED = 1_000_000
"""Lines above a table that can be skipped, at most."""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the files of a data set are read, where that is not to be guessed from their content."""

    encoding: str | None = None
    """One of Python's names, such as 'utf-8', 'cp1252', 'gb18030' or 'big5'."""
    delimiter: str | None = None
    """The character between fields; '' where a line is one field."""
    header: bool | None = None
    """Whether the first row names the columns."""
    quotes: bool | None = None
    """Whether quotes enclose fields; False: they are part of the text."""
    skip: Annotated[int, msgspec.Meta(ge=0, le=MOST_SKIPPED)] | None = None
    """Lines to skip above the header, or above the first row."""


class DataSpec(msgspec.Struct, frozen=True):
    """Where labelled texts come from and how their columns are read."""

    source: str
    """'starter', a file, a folder, 'ms:OWNER/NAME' or 'hf:OWNER/NAME'; local paths are absolute."""
    text_column: str | None = None
    label_column: str | None = None
    labels: tuple[str, ...] = ()
    """Names of integer labels, in ascending order of the integers; empty: from the data set's metadata, or the labels themselves."""
    fold_case: bool = False
    skip_bad_rows: bool = False
    seed: int = 0
    """Seeds the split of a single file."""
    offline: bool = False
    reading: Reading = Reading()
    files: tuple[tuple[str, str], ...] = ()
    """Pairs of a split ('train', 'validation' or 'test') and the absolute path of its file, where they are named one by one."""
    overlay: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """How many lines of the overlay's log are applied, from its beginning. None: all; 0: none."""


def _word(text: str) -> OneOf:
    return OneOf(tuple(text.split()))


MaxLength = Annotated[
    int | None,
    Hyperparameter("cut at", "truncate texts to N tokens", Whole(3), "tokens", unset="the model's limit", changes_speed=True),
]
Seed = Annotated[int, Hyperparameter("seed", "seed of all random numbers", Whole(0))]
DeviceChoice = Annotated[Device, Hyperparameter("device", "auto, cpu, cuda or cuda:N", DeviceName(), changes_speed=True)]
PrecisionChoice = Annotated[Precision, Hyperparameter("precision", "of the matrices", _word("auto float32 bf16"), changes_speed=True)]


class BaselineSpec(msgspec.Struct, frozen=True, tag_field="task", tag="baseline"):
    """The ladder of baselines: most frequent class, TF-IDF, static embeddings, and logistic regression on frozen hidden states."""

    data: DataSpec
    model: str = "starter"
    layer: Annotated[
        int | None,
        Hyperparameter("layer", "use the hidden states after the encoder's layer N", Whole(1), unset="the last", changes_speed=True),
    ] = None
    """The encoder's layer whose hidden states are used, 1 for the first; None: the last."""
    max_length: MaxLength = None
    seed: Seed = 0
    pooling: Annotated[
        Poolings,
        Hyperparameter(
            "hidden states", "what represents a text: [CLS], the mean of its tokens, or one rung for each", _word("both cls mean")
        ),
    ] = "both"
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    curve: bool = False
    """Whether to measure the rungs on ever fewer labels, too."""
    curve_fine_tuned: bool = False
    """Whether to fine-tune on each of these, too: it takes as long as several fine-tunings."""

    def __post_init__(self) -> None:
        hyperparameters.check(self)


class TrainSpec(msgspec.Struct, frozen=True, tag_field="task", tag="train"):
    """Fine-tuning of an encoder with a classification head."""

    data: DataSpec
    model: str = "starter"
    preset: Annotated[
        Preset,
        Hyperparameter(
            "preset",
            "auto: settings by the size of model and data; tutorial: 2 epochs, learning rate 2e-5, batch 64",
            _word("auto tutorial"),
        ),
    ] = "auto"
    epochs: Annotated[
        int | None,
        Hyperparameter("epochs", "passes over the training split", Whole(1, 1_000), unset="by the size of the data", by_preset=True),
    ] = None
    max_steps: Annotated[
        int | None,
        Hyperparameter("at most", "end after N steps, even within an epoch", Whole(1), "steps", unset="as many as the epochs need"),
    ] = None
    learning_rate: Annotated[
        float | None,
        Hyperparameter(
            "learning rate",
            "highest learning rate",
            Real(0, 1, "5e-5", above=True),
            unset="by the size of the model",
            by_preset=True,
        ),
    ] = None
    schedule: Annotated[
        Schedule,
        Hyperparameter(
            "schedule",
            "how the learning rate changes after the warm-up: to 0, but for constant",
            _word("linear cosine constant"),
        ),
    ] = "linear"
    warmup: Annotated[
        float | None,
        Hyperparameter(
            "warm-up",
            "steps in which the learning rate rises; below 1, their share of all steps",
            Real(0, 1e9, "100 or 0.1"),
            "of all steps",
            unset="0 in the tutorial, else a sixteenth of all steps",
            by_preset=True,
        ),
    ] = None
    """Steps; below 1, a share of all steps."""
    batch_size: Annotated[
        int | None,
        Hyperparameter(
            "batch size",
            "rows per optimizer step",
            Whole(1, 65_536),
            "rows per step",
            unset="by the size of the data",
            by_preset=True,
            changes_speed=True,
        ),
    ] = None
    """Rows of one optimizer step, over all processes and accumulation."""
    accumulation: Annotated[
        int,
        Hyperparameter(
            "accumulation", "parts into which a batch is split to save memory", Whole(1, 65_536), changes_speed=True, in_form=False
        ),
    ] = 1
    """Parts into which a batch is split to save memory; the result of a step is the same."""
    weight_decay: Annotated[
        float,
        Hyperparameter("weight decay", "AdamW's weight decay", Real(0, 1, "0.01")),
    ] = 0.01
    """Of all weights but biases and normalisation layers."""
    freeze_layers: Annotated[
        int | str | None,
        Hyperparameter(
            "freeze",
            "freeze the embeddings and the first N layers, or all-but-head",
            WholeOr(0, ALL_BUT_HEAD),
            "layers and the embeddings",
            unset="nothing",
            changes_speed=True,
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        Hyperparameter("smoothing", "share of each label that is spread evenly over all classes", Real(0, 1, "0.1", below=True)),
    ] = 0.0
    """Szegedy et al., 2016. The validation loss is never smoothed, so the two losses are then not comparable."""
    class_weights: Annotated[
        str,
        Hyperparameter("class weights", "none, balanced, or LABEL=WEIGHT,…; other labels have weight 1", ClassWeights()),
    ] = "none"
    """The weight of each class in the training loss."""
    patience: Annotated[
        int | None,
        Hyperparameter(
            "patience",
            "end after N evaluations without a better macro-F1 and keep the best model",
            Whole(1),
            "measurements",
            unset="train to the end and keep the last",
        ),
    ] = None
    """Evaluations without a better macro-F1 after which training ends and the best weights are kept; None: never."""
    max_length: MaxLength = None
    seed: Seed = 0
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    processes: int = 1
    """On this machine; each takes its share of every batch."""
    nodes: int = 1
    """Machines, each with this many processes."""
    node_rank: int = 0
    """Of this machine; the first, 0, writes the checkpoints and the model."""
    master: str = ""
    """ADDRESS[:PORT] of the first machine; empty: there is only one."""

    def __post_init__(self) -> None:
        hyperparameters.check(self)
        if self.batch_size is not None and self.accumulation > self.batch_size:
            raise ValueError(f"accumulation: {self.accumulation} parts are more than the {self.batch_size} rows of a batch")


Job = BaselineSpec | TrainSpec


class RunSpec(msgspec.Struct, frozen=True):
    """spec.json of a run: the job, and all that is needed to repeat it."""

    id: str
    created: Moment
    """UTC."""
    job: Job
    data_hash: str = ""
    labels: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    name: str = ""


def task_of(job: Job) -> str:
    """Return what users call the job: 'baseline' or 'fine-tune'."""
    match job:
        case BaselineSpec():
            return "baseline"
        case TrainSpec():
            return "fine-tune"
