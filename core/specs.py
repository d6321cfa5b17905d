"""What is to be done: immutable descriptions of data sets and runs, written to disk as JSON.

They are msgspec structs rather than dataclasses because the same definitions then check every value that is read back.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Pooling = Literal["cls", "mean"]
Preset = Literal["auto", "tutorial"]
Device = str
"""'auto', 'cpu', 'cuda' or 'cuda:N'."""
Precision = Literal["auto", "float32", "bf16"]


class DataSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where labelled texts come from and how their columns are read."""

    source: str
    """'starter', a file, a folder, 'ms:OWNER/NAME' or 'hf:OWNER/NAME'; local paths are absolute."""
    text_column: str | None = None
    label_column: str | None = None
    labels: tuple[str, ...] = ()
    """Names of integer labels in order; empty: from the data set's metadata, or from the labels themselves."""
    fold_case: bool = False
    skip_bad_rows: bool = False
    seed: int = 0
    """Seeds the split of a single file."""
    offline: bool = False


class BaselineSpec(msgspec.Struct, frozen=True, tag_field="task", tag="baseline", forbid_unknown_fields=True):
    """The ladder of baselines: most frequent class, TF-IDF and logistic regression on frozen hidden states."""

    data: DataSpec
    model: str = "starter"
    pooling: Pooling = "cls"
    layer: int | None = None
    """The encoder's layer whose hidden states are taken, 1 for the first; None: the last."""
    max_length: int | None = None
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"


class TrainSpec(msgspec.Struct, frozen=True, tag_field="task", tag="train", forbid_unknown_fields=True):
    """Fine-tuning of an encoder with a classification head. None stands for what the preset chooses."""

    data: DataSpec
    model: str = "starter"
    preset: Preset = "auto"
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    """Rows of one optimizer step, over all processes and accumulation."""
    accumulation: int = 1
    """Parts that a batch is split into, to save memory; the step is the same."""
    patience: int | None = None
    """Measurements without a better macro-F1 after which the training ends and its best weights are kept; None: never."""
    max_length: int | None = None
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    processes: int = 1
    """On this machine; each takes its share of every batch."""
    nodes: int = 1
    """Machines, each of which runs as many processes."""
    node_rank: int = 0
    """Of this machine; the first, 0, writes the checkpoints and the model."""
    master: str = ""
    """ADDRESS[:PORT] of the first machine; empty: there is no other."""


Job = BaselineSpec | TrainSpec


class RunSpec(msgspec.Struct, frozen=True):
    """spec.json of a run: the job, and all that is needed to repeat it."""

    id: str
    created: float
    """Seconds since the epoch, UTC."""
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
