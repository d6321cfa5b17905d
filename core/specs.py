"""What is to be done: immutable descriptions of data sets and runs, written to disk as JSON.

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
"""Lines above a table that are passed over, at most."""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the files of a data set are read where that is not left to be guessed from what they hold."""

    encoding: str | None = None
    """A name that Python knows, such as 'utf-8', 'cp1252', 'gb18030' or 'big5'."""
    delimiter: str | None = None
    """Between the fields of a line: one character, or '' where a line is one field."""
    header: bool | None = None
    """Whether the first row names the columns."""
    quotes: bool | None = None
    """Whether quotes stand around fields; False: they are characters of the text."""
    skip: Annotated[int, msgspec.Meta(ge=0, le=MOST_SKIPPED)] | None = None
    """Lines above the header, or above the first row, that are passed over."""


class DataSpec(msgspec.Struct, frozen=True):
    """Where labelled texts come from and how their columns are read."""

    source: str
    """'starter', a file, a folder, 'ms:OWNER/NAME' or 'hf:OWNER/NAME'; local paths are absolute."""
    text_column: str | None = None
    label_column: str | None = None
    labels: tuple[str, ...] = ()
    """Names of integer labels in ascending order of these; empty: from the data set's metadata, or from the labels themselves."""
    fold_case: bool = False
    skip_bad_rows: bool = False
    seed: int = 0
    """Seeds the split of a single file."""
    offline: bool = False
    reading: Reading = Reading()
    files: tuple[tuple[str, str], ...] = ()
    """Each split ('train', 'validation' or 'test') and the absolute path of its file, where they are named one by one."""
    overlay: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """The lines of the overlay's log that are laid over it: the first N of them never change. None: all that there are; 0: none."""


def _word(text: str) -> OneOf:
    return OneOf(tuple(text.split()))


MaxLength = Annotated[
    int | None,
    Hyperparameter("cut at", "cut texts at N tokens", Whole(3), "tokens", unset="the model's limit", changes_speed=True),
]
Seed = Annotated[int, Hyperparameter("seed", "seed of all random numbers", Whole(0))]
DeviceChoice = Annotated[Device, Hyperparameter("device", "auto, cpu, cuda or cuda:N", DeviceName(), changes_speed=True)]
PrecisionChoice = Annotated[Precision, Hyperparameter("precision", "of the matrices", _word("auto float32 bf16"), changes_speed=True)]


class BaselineSpec(msgspec.Struct, frozen=True, tag_field="task", tag="baseline"):
    """The ladder of baselines: most frequent class, TF-IDF, and logistic regression on frozen hidden states, [CLS] and their mean."""

    data: DataSpec
    model: str = "starter"
    layer: Annotated[
        int | None,
        Hyperparameter("layer", "take the hidden states after the encoder's layer N", Whole(1), unset="the last", changes_speed=True),
    ] = None
    """The encoder's layer whose hidden states are taken, 1 for the first; None: the last."""
    max_length: MaxLength = None
    seed: Seed = 0
    pooling: Annotated[
        Poolings,
        Hyperparameter("hidden states", "what stands for a text: [CLS], the mean of its tokens, or both in turn", _word("both cls mean")),
    ] = "both"
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"

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
        Hyperparameter("at most", "end after N steps, also within an epoch", Whole(1), "steps", unset="as many as the epochs have"),
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
            "how the learning rate goes on after the warm-up, to 0 but for constant",
            _word("linear cosine constant"),
        ),
    ] = "linear"
    warmup: Annotated[
        float | None,
        Hyperparameter(
            "warm-up",
            "steps of a rising learning rate, or their share of all steps where it is below 1",
            Real(0, 1e9, "100 or 0.1"),
            "of all steps",
            unset="0 in the tutorial, else a sixteenth of all steps",
            by_preset=True,
        ),
    ] = None
    """Steps, or below 1 a share of all steps."""
    batch_size: Annotated[
        int | None,
        Hyperparameter(
            "batch size",
            "rows of one step",
            Whole(1, 65_536),
            "rows a step",
            unset="by the size of the data",
            by_preset=True,
            changes_speed=True,
        ),
    ] = None
    """Rows of one optimizer step, over all processes and accumulation."""
    accumulation: Annotated[
        int,
        Hyperparameter("accumulation", "parts of a batch, to save memory", Whole(1, 65_536), changes_speed=True, in_form=False),
    ] = 1
    """Parts that a batch is split into, to save memory; the step is the same."""
    weight_decay: Annotated[
        float,
        Hyperparameter("weight decay", "decay of the weights a step, as AdamW has it", Real(0, 1, "0.01")),
    ] = 0.01
    """Of all weights but biases and those of normalisations."""
    freeze_layers: Annotated[
        int | str | None,
        Hyperparameter(
            "freeze",
            "keep the embeddings and the first N layers as they are, or all-but-head",
            WholeOr(0, ALL_BUT_HEAD),
            "layers and the embeddings",
            unset="nothing",
            changes_speed=True,
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        Hyperparameter("smoothing", "share of each label that all classes get alike", Real(0, 1, "0.1", below=True)),
    ] = 0.0
    """Szegedy et al., 2016; the training loss is then no longer that of the validation split, which is never smoothed."""
    class_weights: Annotated[
        str,
        Hyperparameter("class weights", "none, balanced, or LABEL=WEIGHT,… with 1 for the others", ClassWeights()),
    ] = "none"
    """What a row of each class counts in the training loss."""
    patience: Annotated[
        int | None,
        Hyperparameter(
            "patience",
            "end after N measurements without a better macro-F1 and keep the best model",
            Whole(1),
            "measurements",
            unset="train to the end and keep the last",
        ),
    ] = None
    """Measurements without a better macro-F1 after which the training ends and its best weights are kept; None: never."""
    max_length: MaxLength = None
    seed: Seed = 0
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    processes: int = 1
    """On this machine; each takes its share of every batch."""
    nodes: int = 1
    """Machines, each of which runs as many processes."""
    node_rank: int = 0
    """Of this machine; the first, 0, writes the checkpoints and the model."""
    master: str = ""
    """ADDRESS[:PORT] of the first machine; empty: there is no other."""

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
    """Return the user's word for the job: 'baseline' or 'fine-tune'."""
    match job:
        case BaselineSpec():
            return "baseline"
        case TrainSpec():
            return "fine-tune"
