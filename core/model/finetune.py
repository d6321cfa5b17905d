"""Fine-tuning of an encoder with a classification head, from the job to the saved model."""

from __future__ import annotations

import importlib.metadata
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import torch
from accelerate import Accelerator

from .. import class_weights, writing
from ..data import sources, unknown_tokens
from ..data.checks import Problem, distrusted, find_problems
from ..data.table import Dataset
from ..errors import UserError
from ..events import Event, Finished, Note, Progress, Started, Stopped, notes_on_data
from ..runs import checkpoints, data_record, kept_rows
from ..runs.folder import RunFolder
from ..sentences import Setting, phrase
from ..specs import BaselineSpec, TrainSpec
from . import checkpoint, device, distributed, freezing, predictions, presets, trials
from .batches import TokenIds, tokenize, unknown_share
from .extractor import StopRequestedError
from .saved import SavedModel
from .tokenizer import Tokenizer
from .training_loop import Training


def train(
    job: TrainSpec,
    run: RunFolder,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
    *,
    resume_from: Path | None = None,
    batch_split: int = 1,
) -> bool:
    """Fine-tune as `job` says, into the run's folder; return False if it was asked to stop before the end.

    `batch_split` splits each batch into that many more micro-batches, which takes less memory for the same step. Raises UserError for
    bad input, and for a loss that is not finite.
    """
    begun = time.monotonic()
    compute = _compute(job)
    if not distributed.join(compute.device, emit, should_stop):
        return False
    training, data = prepare(job, run, emit, should_stop, compute, resume_from=resume_from, batch_split=batch_split)
    training.begun = begun
    accelerator, emit = training.accelerator, training.emit
    chosen = trials.choose(training, resume_from)
    problems = find_problems(data, near=False)
    started = _started(job, training, data, problems, batch_split, chosen)
    emit(started)
    data_hash = sources.fingerprint(data)
    if accelerator.is_main_process:
        data_record.keep(run, data, data_hash, problems)
    for note in notes_on_data(started) if resume_from is None else ():
        emit(note)
    torch.manual_seed(job.seed + accelerator.process_index)
    training.restore(resume_from)
    done = training.loop()
    written = msgspec.json.encode(_finish(training, data, data_hash, done=done)) if accelerator.is_main_process else b""
    finished = msgspec.json.decode(distributed.share(accelerator, written), type=Finished)
    if done:
        emit(finished)
        if accelerator.is_main_process:
            # Only after the event is written: a run killed in between would otherwise restart from its first step.
            checkpoints.prune(run, 0)
            checkpoints.prune_best(run, None)
    else:
        emit(Stopped(training.position.step, finished))
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return done


def prepare(
    job: TrainSpec,
    run: RunFolder,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
    compute: device.Compute,
    *,
    resume_from: Path | None = None,
    batch_split: int = 1,
    rows: np.ndarray | None = None,
) -> tuple[Training, Dataset]:
    """Return a training ready for its first step, and its data, without writing anything. Raises UserError for bad input.

    With `rows` it trains on these rows of the training split only.
    """
    data = sources.load(job.data)
    if "validation" not in data.splits:
        raise UserError(f"{data.name} has no validation split, which fine-tuning needs")
    accelerator = Accelerator(cpu=compute.device.type == "cpu", mixed_precision="no")
    if not accelerator.is_local_main_process:
        emit = _discard
    found = checkpoint.find(job.model, offline=job.data.offline)
    limit, tokenizer = found.checked_length(job.max_length), found.tokenizer
    found.try_length(limit)
    torch.manual_seed(job.seed)
    if resume_from:
        model = found.kept(resume_from).classifier(device=compute.device)
    else:
        model = found.classifier(data.labels, compute.device)
        if note := found.describe_head(data.labels):
            emit(Note("info", note))
    freezing.freeze(model, job.freeze_layers)
    settings = presets.resolve(
        job,
        rows=len(data.splits["train"]) if rows is None else len(rows),
        validation_rows=len(data.splits["validation"]),
        parameters=sum(each.numel() for each in model.base_model.parameters()),
        max_length=limit,
    )
    if job.nodes > 1:
        distributed.check_same(accelerator, _facts(data, settings, compute))
    train_ids = _tokenize(data, "train", tokenizer, limit, emit)
    eval_ids = _tokenize(data, "validation", tokenizer, limit, emit)
    training = Training(
        run=run,
        emit=emit,
        should_stop=should_stop,
        accelerator=accelerator,
        compute=compute,
        settings=settings,
        labels=data.labels,
        model=model,
        checkpoint=found,
        train_ids=train_ids if rows is None else train_ids.of(rows),
        train_labels=data.splits["train"].label_ids() if rows is None else data.splits["train"].label_ids()[rows],
        eval_ids=eval_ids,
        eval_labels=data.splits["validation"].label_ids(),
        parts=job.accumulation * batch_split,
        class_weights=class_weights.resolve(job.class_weights, data.labels, data.splits["train"].counts()),
    )
    return training, data


def fit_and_ask(job: BaselineSpec, run: RunFolder, should_stop: Callable[[], bool], rows: np.ndarray, seed: int) -> np.ndarray:
    """Fine-tune on some rows of the training split, with the settings that `auto` chooses for so many, and keep nothing.

    Returns probabilities on validation, [rows, labels]. Raises StopRequestedError.
    """
    tuning = TrainSpec(job.data, job.model, max_length=job.max_length, seed=seed, device=job.device, precision=job.precision)
    aside = RunFolder(run.path / "curve")
    try:
        training, _ = prepare(tuning, aside, _discard, should_stop, _compute(tuning), rows=rows)
        torch.manual_seed(seed)
        if not training.loop():
            raise StopRequestedError
        _, probabilities = training.measure()
        return probabilities
    finally:
        shutil.rmtree(aside.path, ignore_errors=True)


def _finish(training: Training, data: Dataset, data_hash: str, *, done: bool) -> Finished:
    """Write the model and its predictions, and return the results, at the end of the run or where it was stopped.

    The model of an earlier stop is replaced in one step; until then it is the one in use.
    """
    run = training.run
    training.emit(Progress("save", 0, 1, "files", 0.0))
    training.load_best()
    metrics, probabilities = training.measure()
    note = SavedModel(
        kind="classifier",
        labels=training.labels,
        max_length=training.settings.max_length,
        text_column=data.text_column,
        stopped_at=None if done else training.position.step,
    )
    with writing.new_folder(run.model, may_replace=_is_replaced) as folder:
        training.model.save_pretrained(folder)
        training.checkpoint.save_tokenizer(folder, training.settings.max_length)
        note.write(folder)
    kept_rows.save(run, "validation", data.splits["validation"], data_hash)
    predictions.save(run.predictions_file("validation"), training.eval_labels, probabilities, training.labels)
    return Finished(
        metrics=metrics,
        seconds=training.elapsed,
        steps=training.position.step,
        examples_per_second=training.position.rows / max(1e-9, training.position.seconds),
        peak_memory=peak_memory(),
    )


def _is_replaced(_: Path) -> None:
    """Allow the model of a stopped run to be replaced: it is emotui's own."""


def _facts(data: Dataset, settings: presets.Settings, compute: device.Compute) -> dict[str, str]:
    """Return what must be equal on all machines, by its name for people."""
    return {
        "the versions of emotui": importlib.metadata.version("emotui"),
        "the texts or labels": f"{sources.fingerprint(data)} {data.labels}",
        "the settings": msgspec.json.encode(settings.shown()).decode(),
        "the kinds of device": f"{compute.device.type} {compute.precision}",
    }


def _started(job: TrainSpec, training: Training, data: Dataset, problems: tuple[Problem, ...], batch_split: int, chosen: str) -> Started:
    weights = training.class_weights
    settings = training.settings.shown() | {
        "row_weights": ", ".join(f"{a}={b:.4g}" for a, b in zip(data.labels, weights, strict=True)) if weights is not None else None,
        "threads": torch.get_num_threads(),
        "part_tokens": training.part_tokens,
        "chosen": chosen or None,
        "processes": training.accelerator.num_processes,
        "nodes": job.nodes,
        "batch_split": batch_split,
        "longest": int(training.train_ids.lengths.max()),
        "truncated": int((training.train_ids.full_lengths > training.train_ids.lengths).sum()),
    }
    return Started(
        device=str(training.compute.device),
        device_name=training.compute.name,
        precision=training.compute.precision,
        labels=data.labels,
        rows={name: len(split) for name, split in data.splits.items()},
        settings=settings,
        steps=training.steps,
        parameters=sum(each.numel() for each in training.model.parameters()),
        model=job.model,
        untrustworthy=distrusted(problems)
        + unknown_tokens.distrust(data, unknown_share(training.checkpoint.tokenizer, training.train_ids)),
        overlay=data.overlay.summary if data.overlay is not None else "",
    )


def _compute(job: TrainSpec) -> device.Compute:
    """Return the device and precision; with several processes, each takes the GPU of its local rank."""
    wanted, rank, needed = job.device, os.environ.get("LOCAL_RANK"), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if rank and cards and job.device in ("auto", "cuda"):
        if cards < needed:
            raise UserError(
                f"{needed} processes need {needed} CUDA devices, but there {'is' if cards == 1 else 'are'} {cards}",
                phrase("Take ", Setting("processes", cards), ", or ", Setting("device", "cpu")),
            )
        wanted = f"cuda:{rank}"
    compute = device.choose(wanted, job.precision)
    if compute.device.type == "cuda":
        torch.cuda.set_device(compute.device)
    return compute


def _tokenize(data: Dataset, split: str, tokenizer: Tokenizer, limit: int, emit: Callable[[Event], None]) -> TokenIds:
    started = time.monotonic()

    def report(done: int, total: int) -> None:
        emit(Progress("tokenize", done, total, "rows", time.monotonic() - started, split))

    return tokenize(tokenizer, data.splits[split].texts(), limit, report)


def peak_memory() -> int:
    """Return the peak resident memory of this program in bytes. On Linux getrusage would include the program that started it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8")) if status.exists() else None
    if found:
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _discard(event: Event) -> None:
    """Drop the events of a process that is not the first of its machine: only that one emits them."""
