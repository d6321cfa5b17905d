"""A worker with a job of its own: a small random walk with everything a training has, at a speed that a test chooses.

The model's name is the path of a JSON plan: steps, seconds (of one step), every (steps between checkpoints) and accidents.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotui.core import paths
from emotui.core.engine import worker
from emotui.core.errors import UserError
from emotui.core.events import CheckpointSaved, ClassMetrics, EpochDone, EpochRow, Finished, Metrics, Started, Step, Stopped
from emotui.core.runs import checkpoints, endings
from emotui.core.sentences import Setting, phrase
from emotui.core.specs import TrainSpec

FACTOR, TERM, MODULUS = 6364136223846793005, 1442695040888963407, 2**64


def metrics(labels: Sequence[str] = ("a", "b")) -> Metrics:
    """Return the figures of four rows of the first two of some labels."""
    classes = dict.fromkeys(labels, ClassMetrics(0.0, 0.0, 0.0, 0))
    classes |= {labels[0]: ClassMetrics(1.0, 0.5, 2 / 3, 2), labels[1]: ClassMetrics(2 / 3, 1.0, 0.8, 2)}
    counts = [[0] * len(labels) for _ in labels]
    counts[0][:2], counts[1][:2] = [1, 1], [0, 2]
    return Metrics("validation", 4, 0.75, 0.7, 0.6, classes, tuple(map(tuple, counts)))


def walk(state: int) -> int:
    """Take one step: the next state of a linear congruential generator (Knuth, MMIX)."""
    return (state * FACTOR + TERM) % MODULUS


def loss_of(state: int) -> float:
    return state / MODULUS


def states(steps: int) -> list[int]:
    """Return the states after step 1, 2, ... of a walk that nothing interrupts."""
    found = [1]
    for _ in range(steps):
        found.append(walk(found[-1]))
    return found[1:]


def walk_on(job: TrainSpec, work: worker.Work) -> bool:
    """Walk from the last checkpoint to the end of the plan."""
    plan = {"steps": 40, "seconds": 0.02, "every": 10, **json.loads(Path(job.model).read_text())}
    step, state = 0, 1
    if work.checkpoint:
        step, state = json.loads((work.checkpoint / "state.json").read_text())
    settings: dict[str, Any] = {"batch_size": 16, "accumulation": job.accumulation, "batch_split": work.batch_split}
    settings |= {"learning_rate": job.learning_rate or 0.5}
    labels = work.run.read_spec().labels or ("a", "b")
    if not plan.get("silent"):
        work.emit(Started("cpu", "a fake", "float32", labels, {"train": 10}, settings, plan["steps"], 1, job.model))
    for _ in range(plan.get("children", 0)):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(work.run.path)], stdin=subprocess.DEVNULL)
    while step < plan["steps"]:
        time.sleep(plan["seconds"])
        step, state = step + 1, walk(state)
        work.emit(Step(step, step / 10, loss_of(state), 0.1, None, 1, 1, plan["seconds"]))
        if step % 10 == 0:
            work.emit(EpochDone(step, EpochRow(step // 10, loss_of(state), None, 0.5, 0.5, 0.5)))
        stop = work.should_stop() and not plan.get("deaf")
        if work.writes and (stop or step % plan["every"] == 0):
            save(work, step, state)
        if stop:
            work.emit(Stopped(step))
            return False
        accident(plan, step, work)
    if work.writes:
        paths.make_private(work.run.model)
        (work.run.model / "model.safetensors").write_text(str(state))
    work.emit(Finished(metrics(labels), 1.0, step))
    return True


def save(work: worker.Work, step: int, state: int) -> None:
    folder = paths.make_private(work.run.checkpoints / f"step-{step}")
    (folder / "state.json").write_text(json.dumps([step, state]))
    (folder / "more.bin").write_bytes(bytes(1000))
    checkpoints.mark_complete(folder)
    checkpoints.prune(work.run, 2)
    work.emit(CheckpointSaved(step, 0.0))


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


def accident(plan: dict[str, Any], step: int, work: worker.Work) -> None:
    """Meet with the plan's accident at its step; all but a lack of the GPU's memory happen once."""
    if os.environ.get("RANK", "0") != plan.get("rank", "0") or step != plan.get("at", 15):
        return
    if plan.get("accident") != "oom" and os.environ["EMOTUI_ATTEMPT"] != "1":
        return
    match plan.get("accident"):
        case "crash":
            raise ZeroDivisionError("division by zero in the fake")
        case "bad_input":
            raise UserError("train.jsonl, row 3: the label is missing", phrase("Add one, or leave it out with ", Setting("skip_bad_rows")))
        case "nan":
            raise worker.RunError("the loss is not a number at step 15", endings.NOT_FINITE)
        case "oom":
            if work.batch_split < plan.get("fits", 4):
                raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        case "memory":
            raise MemoryError
        case "limit":
            limits = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (1 << 20, limits[1]))
            try:
                bytearray(1 << 30)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        case "disk":
            with open("/dev/full", "w") as file:
                file.write("x")
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "quit":
            os._exit(0)
        case "surrogate":
            raise ValueError("a lone \udcff surrogate and \x1b[31m")
        case "hostile":
            words = "\x1b]52;c;YQ==\x07 \x9b31m \u202e \x1b[1mbold\x1b[0m 10%\r20%"
            print(words, file=sys.stderr)
            logging.getLogger().warning(words)
            os.write(2, words.encode() + b"\xff\n")
            subprocess.run(["/bin/sh", "-c", "printf '\\033]0;from a child\\007\\302\\233\\n' >&2"], check=False)
            raise ValueError(words)
        case "raw":
            os.write(2, b"\x1b]0;raw\x07\xc2\x9b\n")
        case _:
            pass


if __name__ == "__main__":
    sys.exit(worker.main(tasks={TrainSpec: walk_on}))
