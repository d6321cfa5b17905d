"""Estimates how long a job will take on this machine by timing a few of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from .. import paths
from ..data import sources
from ..events import Event
from ..questions import AskEstimate, EstimateAnswer
from ..runs.folder import RunFolder
from ..specs import BaselineSpec, TrainSpec
from . import checkpoint, device, encode, finetune, static_embeddings, trials
from .batches import epoch_batches, tokenize

STEPS = 5
TEXTS = 64
FORWARD_SHARE = 1 / 3
"""Time per token in evaluation as a share of that in training: a backward pass costs twice a forward pass."""

Report = Callable[[str, int, int | None, str], None]


def estimate(ask: AskEstimate, report: Report) -> EstimateAnswer:
    """Run a few steps of the job and return how long it will take, scaling their time by the tokens of all steps. Raises UserError."""
    if isinstance(ask.job, TrainSpec):
        return _fine_tuning(ask.job, report)
    return _hidden_states(ask.job, report)


def _fine_tuning(job: TrainSpec, report: Report) -> EstimateAnswer:
    started = time.monotonic()
    # This run folder is never created: only checkpoints would be written there.
    training, _ = finetune.prepare(
        job, RunFolder(paths.runs_folder() / "estimate"), _discard, lambda: False, device.choose(job.device, job.precision)
    )
    trials.choose(training, may_time=False)
    before = time.monotonic() - started
    lengths = training.train_ids.lengths
    batches = epoch_batches(lengths, training.settings.batch_size, job.seed, 0)[: STEPS + 1]
    seconds, tokens = 0.0, 0
    for number, batch in enumerate(batches):
        report("measure", number, len(batches), "steps")
        started = time.monotonic()
        training.step(batch)
        if number or len(batches) == 1:  # the first one initialises the libraries
            seconds += time.monotonic() - started
            tokens += int(lengths[batch].sum())
    evaluated = int(training.eval_ids.lengths.sum()) * len(training.evaluate_at)
    epoch = seconds / tokens * (int(lengths.sum()) + FORWARD_SHARE * evaluated)
    return EstimateAnswer(before, epoch, max(1, len(batches) - 1), "steps")


def _hidden_states(job: BaselineSpec, report: Report) -> EstimateAnswer:
    started = time.monotonic()
    data = sources.load(job.data)
    compute = device.choose(job.device, job.precision)
    model = checkpoint.find(job.model, offline=job.data.offline)
    layer, limit = model.checked_layer(job.layer), model.checked_length(job.max_length)
    tokenizer = model.tokenizer
    texts = [text for name in ("train", "validation") if name in data.splits for text in data.splits[name].texts()]
    ids = tokenize(tokenizer, texts, limit)
    total = int(ids.lengths.sum()) + len(static_embeddings.tokens_of(tokenizer, ids)) * (tokenizer.specials + 1)
    encoder = model.encoder(compute.device, layer)
    sample = tokenize(tokenizer, texts[:: max(1, len(texts) // TEXTS)][:TEXTS], limit)
    warm = tokenize(tokenizer, texts[:1], limit)
    encode.hidden_states(encoder, warm, tokenizer.padding, compute)
    before = time.monotonic() - started
    started = time.monotonic()
    encode.hidden_states(encoder, sample, tokenizer.padding, compute, lambda done, of: report("measure", done, of, "texts"))
    seconds = time.monotonic() - started
    return EstimateAnswer(before, seconds / max(1, len(sample.flat)) * total, len(sample), "texts")


def _discard(event: Event) -> None:
    """Drop the events of steps that are run only for timing."""
