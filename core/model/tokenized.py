"""Tokenizes a whole data set in the format of the datasets library, which other tools read."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets.table import InMemoryTable

from .. import targets, writing
from ..data import sources
from ..data.table import Split
from ..errors import UserError
from ..questions import AskTokenize, TokenizeAnswer
from ..safe_text import safe_line
from ..sentences import Setting
from . import checkpoint
from .batches import TokenIds, tokenize

Report = Callable[[str, int, int | None, str], None]


def tokenize_dataset(ask: AskTokenize, report: Report) -> TokenizeAnswer:
    """Tokenize every split; with a folder, save the result there for datasets.load_from_disk.

    Nothing is padded, since padding belongs to a batch. Raises UserError if the folder already exists or cannot be written.
    """
    data = sources.load(ask.data)
    model = checkpoint.find(ask.model, offline=ask.data.offline)
    tokenizer, limit = model.tokenizer, model.checked_length(ask.max_length)
    target = targets.checked_new_folder(ask.folder, Setting("save"), sources=[ask.data.source]) if ask.folder else None
    features = Features(
        {
            "text": Value("string"),
            "label": ClassLabel(names=list(data.labels)),
            "input_ids": List(Value("int32")),
            "attention_mask": List(Value("int8")),
        }
    )
    started = time.monotonic()
    total, done, cut = sum(len(split) for split in data.splits.values()), 0, 0
    splits = DatasetDict()
    tokens: dict[str, int] = {}
    for name, split in data.splits.items():
        ids = tokenize(tokenizer, split.texts(), limit, lambda part, _, before=done: report("tokenize", before + part, total, "rows"))
        splits[name] = Dataset(InMemoryTable(_table(split, ids).cast(features.arrow_schema)))
        tokens[name] = len(ids.flat)
        cut += int((ids.full_lengths > ids.lengths).sum())
        done += len(split)
    seconds = time.monotonic() - started
    if target is not None:
        _save(splits, target)
    return TokenizeAnswer(
        columns=tuple(features),
        features={name: str(feature) for name, feature in features.items()},
        rows={str(name): len(split) for name, split in splits.items()},
        tokens=tokens,
        truncated=cut,
        max_length=limit,
        seconds=seconds,
        folder=str(target) if target else "",
    )


def _table(split: Split, ids: TokenIds) -> pa.Table:
    offsets = pa.array(ids.starts, pa.int32())
    return pa.table(
        {
            "text": split.table.column("text").combine_chunks(),
            "label": pa.array(split.label_ids(), pa.int64()),
            "input_ids": pa.ListArray.from_arrays(offsets, pa.array(ids.flat, pa.int32())),
            "attention_mask": pa.ListArray.from_arrays(offsets, pa.array(np.ones(len(ids.flat), dtype=np.int8))),
        }
    )


def _save(splits: DatasetDict, target: Path) -> None:
    """Write to another name, then rename, so that a folder of that name is always complete."""
    try:
        with writing.new_folder(target, last="dataset_dict.json") as aside:
            splits.save_to_disk(str(aside))
    except OSError as error:
        raise UserError(f"cannot write {safe_line(str(target))}: {error.strerror or error}", exit_code=1) from error
