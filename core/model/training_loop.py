"""The training loop of a fine-tuning: steps, measurements, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from .. import paths
from ..errors import UserError
from ..events import CheckpointSaved, EpochDone, EpochRow, Evaluated, Event, Metrics, Note, Padding, Progress, Step
from ..figures.scores import measure
from ..runs import checkpoints
from ..runs.folder import RunFolder
from ..units import count
from . import device, distributed, dropout, fast_attention, predictions, presets, training_state, trials
from .batches import TokenIds, epoch_batches
from .checkpoint import Checkpoint
from .first_token import first_token_only
from .inference import logits
from .timed import Choice

CHECKPOINT_SECONDS = 60.0
KEEP_CHECKPOINTS = 2
LOGGED_STEPS = 500
"""A run logs about this many steps; more than that no chart can show."""
FORWARD_TOKENS = {"cpu": trials.TRAINING_TOKENS[0], "cuda": 262_144}
"""A part of a batch has at most so many tokens with padding, lest long texts exhaust the memory; `trials` may choose another number."""


class NotFiniteError(UserError):
    """The loss became infinite or not a number."""


class _Sums(msgspec.Struct):
    """What was added up since the last logged step, and since the epoch began; kept in checkpoints."""

    loss: float = 0.0
    """Of each row, times its weight."""
    weight: float = 0.0
    rows: int = 0
    tokens: int = 0
    padding: int = 0
    norm: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        if self.rows and not self.weight:  # of a checkpoint of version 0.1, where each row counted 1
            self.weight = float(self.rows)

    @property
    def mean_loss(self) -> float:
        """The weighted mean of the rows' losses; 0 where none counts."""
        return self.loss / self.weight if self.weight else 0.0


class _Best(msgspec.Struct):
    """The best evaluation so far, by macro-F1 on the validation split, which weights rare classes as much as frequent ones."""

    f1_macro: float = -1.0
    step: int = 0
    since: int = 0
    """Evaluations since then, none of them better."""

    def update(self, f1_macro: float, step: int) -> bool:
        """Add an evaluation; return whether it is the best so far."""
        if f1_macro > self.f1_macro:
            self.f1_macro, self.step, self.since = f1_macro, step, 0
            return True
        self.since += 1
        return False


class _Position(msgspec.Struct):
    """Where a training stands; with weights, optimizer and random numbers all that is needed to go on."""

    step: int = 0
    seconds: float = 0.0
    """In the training loop, evaluation not counted, over all attempts."""
    elapsed: float = 0.0
    """Wall-clock seconds of all attempts up to this checkpoint, with loading, evaluation and saving."""
    rows: int = 0
    since_log: _Sums = msgspec.field(default_factory=_Sums)
    epoch: _Sums = msgspec.field(default_factory=_Sums)
    epochs: list[EpochRow] = msgspec.field(default_factory=list)
    best: _Best = msgspec.field(default_factory=_Best)
    choice: Choice | None = None
    """How it is computed on the CPU; a resumed run computes in the same way."""


@dataclass
class Training:
    """One training under way."""

    run: RunFolder
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    accelerator: Accelerator
    compute: device.Compute
    settings: presets.Settings
    labels: tuple[str, ...]
    model: Any
    checkpoint: Checkpoint
    """What the training began from."""
    train_ids: TokenIds
    train_labels: np.ndarray
    eval_ids: TokenIds
    eval_labels: np.ndarray
    parts: int
    class_weights: list[float] | None = None
    """The weight of each label in the training loss; None: all equal."""
    position: _Position = field(default_factory=_Position)
    saved_at: float = field(default_factory=time.monotonic)
    log_seconds: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    earlier: float = 0.0
    """Wall-clock seconds of the attempts before this one, as far as they were kept."""

    @property
    def elapsed(self) -> float:
        """Wall-clock seconds of all attempts."""
        return self.earlier + time.monotonic() - self.begun

    def __post_init__(self) -> None:
        self.part_tokens = FORWARD_TOKENS[self.compute.device.type]
        self.optimizer = torch.optim.AdamW(
            _decay_groups(self.model, self.settings.job.weight_decay),
            lr=self.settings.learning_rate,
            betas=(self.settings.beta1, self.settings.beta2),
            eps=self.settings.epsilon,
            fused=True,
        )
        if self.compute.device.type == "cpu":
            dropout.cheapen(self.model)
            fast_attention.use(self.model)
        self.parallel = self.accelerator.prepare_model(self.model)
        self.steps_per_epoch = math.ceil(len(self.train_ids) / self.settings.batch_size)
        self.steps = self.settings.steps
        self.weights = torch.tensor(self.class_weights, device=self.compute.device) if self.class_weights is not None else None
        self.log_every = max(1, self.steps // LOGGED_STEPS)
        per_epoch = min(self.settings.evaluations_per_epoch, self.steps_per_epoch)
        self.evaluate_at = {round(self.steps_per_epoch * (part + 1) / per_epoch) for part in range(per_epoch)}

    def loop(self) -> bool:
        """Train until done or stopped early; return False where it was asked to stop, and has saved itself."""
        while self.position.step < self.steps:
            epoch, first = divmod(self.position.step, self.steps_per_epoch)
            batches = epoch_batches(self.train_ids.lengths, self.settings.batch_size, self.settings.job.seed, epoch)
            for index in range(first, min(self.steps_per_epoch, first + self.steps - self.position.step)):
                request = self.step(batches[index])
                within = index + 1
                if within in self.evaluate_at or self.position.step == self.steps:
                    self._evaluate(within == self.steps_per_epoch)
                    if self._has_lost_patience():
                        return True
                if request == "stop":
                    if self.position.step < self.steps:
                        self.save()
                        return False
                elif (request == "save" or within == self.steps_per_epoch) and self.position.step < self.steps:
                    self.save()
        return True

    def step(self, batch: np.ndarray) -> str:
        """Take one optimizer step on the rows `batch`; return 'stop', 'save' or ''."""
        started = time.monotonic()
        self.parallel.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.position.step)
        loss = self.accumulate_gradients(batch)
        norm: Any = self.accelerator.clip_grad_norm_(self.parallel.parameters(), self.settings.max_gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        total, request = self._agree(loss)
        weight = self._weight(batch)

        position = self.position
        position.step += 1
        position.rows += len(batch)
        tokens = int(self.train_ids.lengths[batch].sum())
        padding = self._places(batch) - tokens
        for sums in (position.since_log, position.epoch):
            sums.loss += total
            sums.weight += weight
            sums.rows += len(batch)
            sums.tokens += tokens
            sums.padding += padding
            sums.norm += float(norm)
            sums.steps += 1
        position.seconds += time.monotonic() - started
        self._log(time.monotonic() - started)
        return request

    def accumulate_gradients(self, batch: np.ndarray) -> torch.Tensor:
        """Add up the gradients of the mean loss over `batch`, over parts and processes; return this process's sum of losses.

        With class weights it is the weighted mean that torch.nn.CrossEntropyLoss defines. Every part's sum of losses is divided by
        the weight of the whole batch, so that the parts' sizes do not matter.
        """
        of_batch = self._weight(batch) or 1.0
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        weight = 1.0 if len(batch) > rank else 0.0
        pieces = self.pieces(batch, rank)
        losses: list[torch.Tensor] = []
        for number, piece in enumerate(pieces):
            inputs = self.train_ids.pad(piece, self.checkpoint.tokenizer.padding, self.compute.device)
            truth = torch.from_numpy(self.train_labels[piece]).to(self.compute.device)
            last = number == len(pieces) - 1
            with self.accelerator.no_sync(self.parallel) if not last else nullcontext():
                with self.compute.autocast(), first_token_only(self.model):
                    output = self.parallel(**inputs).logits
                loss = F.cross_entropy(
                    output.float(), truth, self.weights, reduction="sum", label_smoothing=self.settings.job.label_smoothing
                )
                loss = loss * weight
                # DistributedDataParallel takes the mean over processes, hence the factor.
                self.accelerator.backward(loss * (world / of_batch))
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def pieces(self, batch: np.ndarray, rank: int) -> list[np.ndarray]:
        """Return the rows of `batch` that a process takes, cut into what goes through its model at once."""
        mine = batch[rank :: self.accelerator.num_processes]
        if not len(mine):
            mine = batch[:1]  # every process takes part in the exchange of gradients
        longest = int(self.train_ids.lengths[mine].max())
        fitting = math.ceil(len(mine) * longest / self.part_tokens)
        return np.array_split(mine, min(len(mine), max(self.parts, fitting)))

    def _places(self, batch: np.ndarray) -> int:
        """Return how many places of tokens go through the models of all processes for a batch, padding included."""
        lengths = self.train_ids.lengths
        ranks = range(self.accelerator.num_processes)
        return sum(len(piece) * int(lengths[piece].max()) for rank in ranks for piece in self.pieces(batch, rank))

    def _weight(self, batch: np.ndarray) -> float:
        """Return the sum of the weights of the rows of a batch, those of the other processes too."""
        if self.class_weights is None:
            return float(len(batch))
        return float(np.asarray(self.class_weights)[self.train_labels[batch]].sum())

    def _agree(self, loss: torch.Tensor) -> tuple[float, str]:
        """Return the batch's sum of losses over all processes, and what to do next: stop if any is asked to, save if the first wishes."""
        stop = self.should_stop()
        save = self.accelerator.is_main_process and time.monotonic() - self.saved_at > CHECKPOINT_SECONDS
        total: Any = loss
        if self.accelerator.num_processes > 1:
            mine = torch.tensor([0.0, stop, save], dtype=torch.float64, device=loss.device)
            mine[0] = loss
            total, stop, save = self.accelerator.reduce(mine, "sum")
        return float(total), "stop" if stop else "save" if save else ""

    def _log(self, seconds: float) -> None:
        position, sums = self.position, self.position.since_log
        self.log_seconds += seconds
        if position.step % self.log_every and position.step < self.steps and math.isfinite(sums.loss):
            return
        finite = math.isfinite(sums.loss)
        self.emit(
            Step(
                step=position.step,
                epoch=position.step / self.steps_per_epoch,
                loss=sums.mean_loss if finite else None,
                learning_rate=self.settings.rate_at(position.step - 1),
                gradient_norm=sums.norm / sums.steps if math.isfinite(sums.norm) else None,
                rows=sums.rows,
                tokens=sums.tokens,
                seconds=self.log_seconds,
                finite=finite,
            )
        )
        self.emit(Padding(position.step, sums.tokens + sums.padding, sums.padding))
        position.since_log = _Sums()
        self.log_seconds = 0.0
        if not finite:
            rate = self.settings.learning_rate
            raise NotFiniteError(
                f"the loss is NaN or infinite at step {position.step}. Try a lower learning rate than {rate:g}", exit_code=1
            )

    def _evaluate(self, epoch_ended: bool) -> None:
        """Measure the model on the validation split; at an epoch's end add a line to the table. The first process does it for all."""
        if not self.accelerator.is_main_process:
            if epoch_ended:
                self.position.epoch = _Sums()
            return
        metrics, _ = self.measure()
        self.emit(Evaluated(self.position.step, self.position.step / self.steps_per_epoch, metrics))
        if self.position.best.update(metrics.f1_macro, self.position.step) and self.settings.job.patience is not None:
            self.model.save_pretrained(paths.make_private(checkpoints.best_folder(self.run, self.position.step)))
        if not epoch_ended:
            return
        sums = self.position.epoch
        row = EpochRow(
            epoch=self.position.step // self.steps_per_epoch,
            train_loss=sums.mean_loss,
            eval_loss=metrics.loss,
            accuracy=metrics.accuracy,
            f1_weighted=metrics.f1_weighted,
            f1_macro=metrics.f1_macro,
            others=metrics.others,
        )
        self.position.epochs.append(row)
        self.position.epoch = _Sums()
        self.emit(EpochDone(self.position.step, row))

    def _has_lost_patience(self) -> bool:
        """Whether as many evaluations as the job's patience were no better than the best one. The first process decides for all."""
        patience, best = self.settings.job.patience, self.position.best
        if patience is None or self.position.step == self.steps:
            return False
        lost = self.accelerator.is_main_process and best.since >= patience
        if self.accelerator.num_processes > 1:
            lost = bool(self.accelerator.reduce(torch.tensor(float(lost), device=self.compute.device), "sum"))
        if lost and self.accelerator.is_main_process:
            self.emit(
                Note(
                    "info",
                    f"stopped early at step {self.position.step:,} of {self.steps:,}: {count(patience, 'evaluation')} in a row without a "
                    f"better macro-F1 than {best.f1_macro:.4f} at step {best.step:,}",
                )
            )
        return lost

    def load_best(self) -> None:
        """Go back to the weights of the best measurement, where they were kept and are not those at hand."""
        best = self.position.best
        if self.settings.job.patience is None or best.step in (0, self.position.step):
            return
        self.model = self.checkpoint.kept(checkpoints.best_folder(self.run, best.step)).classifier(device=self.compute.device)
        self.emit(Note("info", f"the model of step {best.step:,} is kept, with the best macro-F1, {best.f1_macro:.4f}"))

    def measure(self) -> tuple[Metrics, np.ndarray]:
        """Return the metrics and the probabilities, [rows, labels], on the validation split."""
        started = time.monotonic()

        def report(done: int, total: int) -> None:
            self.emit(Progress("evaluate", done, total, "rows", time.monotonic() - started, "validation"))

        self.model.eval()
        probabilities = predictions.softmax(logits(self.model, self.eval_ids, self.checkpoint.tokenizer.padding, self.compute, report))
        return measure("validation", self.eval_labels, probabilities, self.labels), probabilities

    def save(self) -> None:
        """Write a checkpoint of everything that the next step depends on, and mark it complete."""
        started = time.monotonic()
        folder = self.run.checkpoints / f"step-{self.position.step}"
        self.position.elapsed = self.elapsed
        if self.accelerator.is_main_process:
            paths.make_private(folder)
            self.model.save_pretrained(folder)
            (folder / "position.json").write_bytes(msgspec.json.encode(self.position))
        training_state.save(folder, self.optimizer, self.accelerator, self.compute.device)
        if self.accelerator.is_main_process:
            checkpoints.mark_complete(folder)
            checkpoints.prune(self.run, KEEP_CHECKPOINTS)
            checkpoints.prune_best(self.run, self.position.best.step)
            is_best = self.position.best.step == self.position.step
            self.emit(CheckpointSaved(self.position.step, time.monotonic() - started, is_best))
        self.accelerator.wait_for_everyone()
        self.saved_at = time.monotonic()

    def restore(self, folder: Path | None) -> None:
        """Go back to the first process's checkpoint, if it has one; its weights have been loaded already, and go to all processes."""
        has = self.accelerator.is_main_process and folder is not None
        position = distributed.share(self.accelerator, (folder / "position.json").read_bytes() if has and folder else b"")
        if position:
            training_state.restore(folder, self.optimizer, self.accelerator, self.compute.device)
            before = self.position.choice
            self.position = msgspec.json.decode(position, type=_Position)
            self.position.choice = self.position.choice or before
            self.earlier = self.position.elapsed


def _decay_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return parameter groups: biases and normalisation weights are not decayed, as in transformers' Trainer."""
    undecayed: set[str] = set()
    for prefix, module in model.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            if name == "bias" or "norm" in type(module).__name__.lower():
                undecayed.add(f"{prefix}.{name}" if prefix else name)
    named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    return [
        {"params": [each for name, each in named if name not in undecayed], "weight_decay": weight_decay},
        {"params": [each for name, each in named if name in undecayed], "weight_decay": 0.0},
    ]
