"""Times a few batches of a job in different ways before it begins, and lets it go on in the fastest."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from .. import units
from ..events import Note, Progress
from . import distributed, encode, timed
from .batches import TokenIds, by_length, epoch_batches
from .device import CPU_TOKENS, Compute
from .timed import Choice, Clock, Timing

if TYPE_CHECKING:
    from .training_loop import Training

TRAINING_TOKENS = (2_048, 1_024, 4_096)
"""Tokens of a part of a batch that are tried, the usual ones first.

Larger parts leave the processor's cache, and what they allocate in ever other sizes leaves holes: 2.9 GB in place of 1.7 GB after 100
steps at 8,192 tokens (distilbert-minilm, batch 64).
"""
FEWEST_STEPS = 200
"""Of a run before which something is timed."""
MOST_SHARE = 0.05
"""Of a run's steps, the batches that may be spent on it."""
FEWEST_TEXT_TOKENS = 50_000
"""Of texts whose hidden states are computed; below, all take a few seconds."""


class _Resumed(msgspec.Struct):
    """What is read of a checkpoint's position."""

    choice: Choice | None = None


def choose(training: Training, resume_from: Path | None = None, clock: Clock = time.perf_counter, *, may_time: bool = True) -> str:
    """Decide how a training computes, and return in words what decided it; '' where nothing is to be chosen, on a GPU.

    That is the checkpoint that is gone on from, else what was timed for such a model before, else a trial of a few batches, which
    changes no weight. A run of few steps, or of several processes, is not worth or not capable of one.
    """
    if training.compute.device.type != "cpu":
        return ""
    first = training.accelerator.is_main_process
    choice, reason = _decide(training, resume_from, clock, may_time=may_time) if first else (None, "")
    shared = distributed.share(training.accelerator, msgspec.json.encode((choice, reason)) if first else b"")
    chosen, reason = msgspec.json.decode(shared, type=tuple[Choice, str])
    apply(training, chosen)
    return reason


def apply(training: Training, choice: Choice) -> None:
    """Let a training compute as chosen."""
    if torch.get_num_threads() != choice.threads:
        torch.set_num_threads(choice.threads)
    training.compute = replace(training.compute, precision=choice.precision)
    training.part_tokens = choice.tokens
    training.position.choice = choice


def _decide(training: Training, resume_from: Path | None, clock: Clock, *, may_time: bool) -> tuple[Choice, str]:
    job, compute = training.settings.job, training.compute
    usual = Choice("bf16" if compute.precision == "bf16" else "float32", torch.get_num_threads(), TRAINING_TOKENS[0])
    if resume_from is not None:
        before = msgspec.json.decode((resume_from / "position.json").read_bytes(), type=_Resumed).choice
        return (before, "as before it was stopped") if before else (usual, "as before it was stopped")
    if training.accelerator.num_processes > 1:
        return usual, "not timed: several processes share the cores"
    lengths = training.train_ids.lengths
    typical = int(np.median(lengths)).bit_length()
    key = timed.key_of(
        "train", training.model.config, job.precision, job.freeze_layers, usual.threads, training.settings.batch_size, typical
    )
    if found := timed.kept().get(key):
        return found.choice, "timed here before"
    if not may_time or training.steps < FEWEST_STEPS:
        return usual, f"not timed: the run has under {FEWEST_STEPS} steps"
    batch = _typical(lengths, epoch_batches(lengths, training.settings.batch_size, job.seed, 0))
    begun = time.monotonic()

    def way(choice: Choice) -> Any:
        def run() -> None:
            training.emit(Progress("measure", 0, None, "steps", time.monotonic() - begun, str(choice)))
            apply(training, choice)
            training.parallel.train()
            training.accumulate_gradients(batch)
            training.optimizer.zero_grad(set_to_none=True)

        return run

    way(usual)()  # sets the libraries up
    worth = training.steps * MOST_SHARE
    best = usual
    seconds: dict[str, float] = {}
    for find in (
        lambda found: _ways(found, compute, training.model.config.hidden_size, clock),
        lambda found: _cuts(found, training, batch),
    ):
        tried = {choice: way(choice) for choice in find(best)}
        if len(tried) > 1:
            best, taken = timed.fastest(tried, worth=worth / 2, clock=clock)
            seconds |= taken
    timed.keep(key, Timing("train", training.checkpoint.name, best, seconds, time.time()))
    if not seconds:
        return best, "there is nothing to choose from"
    others = ", ".join(f"{each / seconds[str(best)]:.2g} times as long with {name}" for name, each in seconds.items() if name != str(best))
    took = units.duration(time.monotonic() - begun)
    training.emit(Note("info", f"{best}: the fastest of {len(seconds)} ways that were timed in {took} ({others})"))
    return best, "timed before the first step"


def _ways(usual: Choice, compute: Compute, width: int, clock: Clock) -> list[Choice]:
    """Return the precisions and numbers of threads that are worth timing, the usual ones first."""
    found = [usual]
    if compute.is_open and not timed.is_bf16_hopeless(width, clock=clock):
        found.append(msgspec.structs.replace(usual, precision="bf16"))
    if usual.threads >= 4:  # of which half may be the second ones of their cores
        found.append(msgspec.structs.replace(usual, threads=usual.threads // 2))
    return found


def _cuts(usual: Choice, training: Training, batch: np.ndarray) -> list[Choice]:
    """Return the numbers of tokens a part that cut a batch into different numbers of parts, the usual one first."""
    found: dict[int, Choice] = {}
    for tokens in TRAINING_TOKENS:
        choice = msgspec.structs.replace(usual, tokens=tokens)
        apply(training, choice)
        found.setdefault(len(training.pieces(batch, 0)), choice)
    return list(found.values())


def _typical(lengths: np.ndarray, batches: list[np.ndarray]) -> np.ndarray:
    """Return the batch with the median number of tokens."""
    return sorted(batches, key=lambda each: int(lengths[each].sum()))[len(batches) // 2]


def forward(encoder: Any, name: str, ids: TokenIds, pad_id: int, compute: Compute, clock: Clock = time.perf_counter) -> Compute:
    """Return how to compute the hidden states of many texts: what was timed for such an encoder before, else a trial on some of them."""
    if not compute.is_open:
        return compute
    key = timed.key_of("forward", encoder.config, torch.get_num_threads(), int(np.median(ids.lengths)).bit_length() if len(ids) else 0)
    found = timed.kept().get(key)
    if found is None and len(ids.flat) < FEWEST_TEXT_TOKENS:
        return compute
    if found is None:
        groups = by_length(ids.lengths, CPU_TOKENS)
        group = groups[len(groups) // 2]
        usual = Choice("float32", torch.get_num_threads(), CPU_TOKENS)
        choices = [usual]
        if not timed.is_bf16_hopeless(encoder.config.hidden_size, clock=clock):
            choices.append(msgspec.structs.replace(usual, precision="bf16"))

        def way(choice: Choice) -> Any:
            inside = replace(compute, precision=choice.precision)
            return lambda: encode.one_batch(encoder, ids, group, pad_id, inside)

        way(usual)()  # sets the libraries up
        best, seconds = timed.fastest({choice: way(choice) for choice in choices}, clock=clock)
        found = Timing("forward", name, best, seconds, time.time())
        timed.keep(key, found)
    return replace(compute, precision=found.choice.precision, is_open=False)
