"""The worker of a run, `python -P -m emotui.core.engine.worker FOLDER`, and the only map from a job to the function that does it."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import crash, log_text, paths
from ..errors import UserError
from ..events import Event, Progress, note
from ..model import guard
from ..runs import endings, ranks
from ..runs.channel import Channel
from ..runs.folder import RunFolder
from ..runs.log import cannot_write, is_disk_full
from ..runs.telemetry import Telemeter
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..specs import BaselineSpec, Job, TrainSpec

IMPORT_SECONDS = 600.0
"""Limit of CPU time for loading the libraries, which takes about ten seconds; one that is refused memory or threads may hang."""
_ACCUMULATION = Setting("accumulation")
CHECKPOINTS_AT_ONCE = 3
"""Checkpoints on disk at once: two are kept while the next is written."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a task gets besides its job."""

    run: RunFolder
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    checkpoint: Path | None
    """The complete checkpoint to resume from; None at the first start."""
    batch_split: int
    """Number of micro-batches a batch is split into; it grows with each attempt that ran out of GPU memory."""
    writes: bool = True
    """Whether this process writes the checkpoints and the model."""


Task = Callable[[Any, Work], bool]
"""Does a job and returns False if it was stopped before its end."""


class RunError(UserError):
    """Raised for a known failure, with its exit code of `endings`."""

    def __init__(self, problem: Words, code: int, *, remedy: Words = "") -> None:
        super().__init__(problem, remedy, exit_code=1)
        self.code = code


def fit_baselines(job: BaselineSpec, work: Work) -> bool:
    """Fit the ladder of baselines, always from its first rung."""
    with guard.limited("load the libraries", seconds=IMPORT_SECONDS):
        from ..model import baseline

    return baseline.fit(job, work.run, work.emit, work.should_stop)


def fine_tune(job: TrainSpec, work: Work) -> bool:
    """Fine-tune, after checking the free disk space."""
    with guard.limited("load the libraries", seconds=IMPORT_SECONDS):
        from ..model import checkpoint as models
        from ..model import finetune, training_loop

    parameters = models.find(job.model, offline=job.data.offline).parameters
    if work.writes:
        check_room(work.run, needed_bytes(parameters, best_kept=job.patience is not None))
    try:
        return finetune.train(job, work.run, work.emit, work.should_stop, resume_from=work.checkpoint, batch_split=work.batch_split)
    except training_loop.NotFiniteError as error:
        raise RunError(error.problem, endings.NOT_FINITE, remedy=error.remedy) from error


TASKS: Mapping[type[Job], Task] = {BaselineSpec: fit_baselines, TrainSpec: fine_tune}


def needed_bytes(parameters: int, *, best_kept: bool = False) -> int:
    """Return the bytes that a fine-tuning writes: float32 weights and AdamW's two moments per checkpoint, and the model.

    With `best_kept`, two copies of the best weights exist for a moment.
    """
    return 4 * parameters * (3 * CHECKPOINTS_AT_ONCE + 1 + (2 if best_kept else 0))


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def check_room(run: RunFolder, needed: int) -> None:
    """Raise RunError unless the run has room to grow to `needed` bytes, including what it has already written."""
    import psutil

    written = sum(path.stat().st_size for path in run.checkpoints.rglob("*") if path.is_file())
    free = psutil.disk_usage(str(run.path)).free + written
    if free < needed:
        raise RunError(
            f"not enough disk space: the run needs {_size(needed)} for its checkpoints, and {_size(free)} are free in {run.path}",
            endings.DISK_FULL,
            remedy="Free some space or set EMOTUI_HOME",
        )


def main(arguments: Sequence[str] | None = None, *, tasks: Mapping[type[Job], Task] = TASKS) -> int:
    """Do the run's job and return an exit code of `endings`. `tasks` maps types of jobs to the functions that do them."""
    os.umask(0o077)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log_text.write_safely()
    faulthandler.enable()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    (given,) = sys.argv[1:] if arguments is None else arguments
    run = RunFolder(Path(given))
    is_first = ranks.NODES not in os.environ
    descriptor = int(os.environ.pop("EMOTUI_EVENTS"))
    channel = Channel(run, descriptor, int(os.environ["EMOTUI_ATTEMPT"])) if is_first else ranks.SecondaryChannel(descriptor)
    code = _work(run, channel, tasks, lambda: bool(asked) or channel.is_orphaned, is_first=is_first)
    _end(channel)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        os._exit(code)  # flushing a log that cannot be written would change the exit code
    return code


def _end(channel: Channel | ranks.SecondaryChannel) -> None:
    _end_children()
    channel.close()


def _work(
    run: RunFolder,
    channel: Channel | ranks.SecondaryChannel,
    tasks: Mapping[type[Job], Task],
    should_stop: Callable[[], bool],
    *,
    is_first: bool,
) -> int:
    others: ranks.Ranks | None = None

    def fail(code: int, sentence: str) -> None:
        _report_error(channel, sentence)
        _end(channel)
        ranks.end_as(code)

    guard.announce_to(lambda what: _log(f"about to {what}") if what else None)
    try:
        paths.check_private(run.path)
        job = run.read_spec().job
        world = ranks.world_of(job)
        given = os.environ.get("EMOTUI_CHECKPOINT")
        checkpoint = Path(given) if given else None
        channel.emit(Progress("load", 0, None, "files", 0.0))
        if is_first and not world.is_alone:
            others = ranks.Ranks(world, sys.orig_argv, fail)
        with Telemeter(channel.emit) if is_first else contextlib.nullcontext():
            split = int(os.environ.get("EMOTUI_BATCH_SPLIT", "1"))
            work = Work(run, channel.emit, should_stop, checkpoint, split, writes=is_first and world.node == 0)
            done = tasks[type(job)](job, work)
        code = endings.FINISHED if done else endings.STOPPED
    except UserError as error:
        if others is not None:
            others.leave()
        _report_error(channel, error.sentence)
        return _code_of(error, run)
    except Exception as error:
        code = _code_of(error, run)
        if others is not None and code == endings.PEER_LOST:
            others.wait_for_failure()
        if others is not None:
            others.leave()
        channel.emit(note("error", _in_words(error, run)))
        with contextlib.suppress(OSError):
            sys.stderr.write(crash.described(error))
        return code
    if others is not None:
        others.leave()
    return code


def _report_error(channel: Channel | ranks.SecondaryChannel, words: Words) -> None:
    channel.emit(note("error", words))
    _log(str(words))


def _log(sentence: str) -> None:
    with contextlib.suppress(OSError):  # the log may be on the disk that is full
        sys.stderr.write(f"{safe_line(sentence)}\n")
        sys.stderr.flush()


def _end_children() -> None:
    """End all child processes, even if the supervisor is killed at this very moment."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _code_of(error: Exception, run: RunFolder) -> int:
    """Return the exit code for an exception."""
    if isinstance(error, RunError):
        return error.code
    if isinstance(error, UserError):
        return endings.BAD_INPUT if error.exit_code == endings.BAD_INPUT else endings.FAILED
    if _is_lost_peer(error):
        return endings.PEER_LOST
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError" or any(sign in text for sign in ("CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED")):
        return endings.GPU_MEMORY
    if isinstance(error, MemoryError) or "DefaultCPUAllocator: can't allocate memory" in text:
        return endings.MEMORY
    return endings.DISK_FULL if _is_for_lack_of_disk(error, run) else endings.CRASHED


def _is_lost_peer(error: Exception) -> bool:
    """Whether an exception shows that another process of the run has ended."""
    if ranks.NODES not in os.environ or "torch" not in sys.modules:
        return False
    from ..model import distributed

    return distributed.is_lost_peer(error)


def _is_for_lack_of_disk(error: BaseException | None, run: RunFolder) -> bool:
    """Whether an exception, or one that caused it, comes from a full disk. torch's own messages never say so."""
    while error is not None:
        text = str(error)
        if is_disk_full(error) or "No space left on device" in text or "Disk quota exceeded" in text:
            return True
        if ("PytorchStreamWriter failed" in text or "inline_container" in text) and cannot_write(run.path, 1 << 20):
            return True
        error = error.__cause__ or error.__context__
    return False


def _in_words(error: Exception, run: RunFolder) -> Words:
    """Return a sentence, without a full stop, on what an unexpected exception means."""
    last = crash.last_words(error)
    match _code_of(error, run):
        case endings.GPU_MEMORY:
            smaller = phrase("Use a smaller ", Setting("batch_size"), " or a larger ", _ACCUMULATION)
            return phrase("the GPU ran out of memory. ", smaller, f" ({last})")
        case endings.MEMORY:
            return phrase("memory ran out. Close other programs or use a larger ", _ACCUMULATION, f" ({last})")
        case endings.DISK_FULL if "File too large" in last:
            return f"a file reached the limit of its size (ulimit -f). Raise that and resume the run ({last})"
        case endings.DISK_FULL:
            return f"the disk is full. Free some space in {run.path} and resume the run ({last})"
        case endings.PEER_LOST:
            return f"another process of the run has ended, so this one ends too. The log of the other machine may say why ({last})"
        case _:
            return last


if __name__ == "__main__":
    sys.exit(main())
