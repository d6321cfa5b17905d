"""Run folders written by hand, as a supervisor and a worker would have written them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from emotui.core import events, specs

Ending = Literal["finished", "stopped", "failed"]
LABELS = ("sadness", "joy", "love", "anger", "fear", "surprise")
STARTED = 1_760_000_000.0
"""Wall-clock time of the first event, seconds since the epoch."""
TEXTS = (
    "i feel so alone today",
    "i feel happy and loved",
    "i am in love with you",
    "i am furious about this",
    "i am scared of the dark",
    "what a strange turn of events",
)


def metrics(quality: float, *, labels: Sequence[str] = LABELS, rows: int = 600, split: str = "validation") -> events.Metrics:
    """Return metrics that agree with each other: `quality` in [0, 1] of each class is right, the rest goes to the next class."""
    count = len(labels)
    per = [rows // count * (count - index) * 2 // (count + 1) for index in range(count)]
    confusion = [[0] * count for _ in range(count)]
    for index, support in enumerate(per):
        right = round(support * quality)
        confusion[index][index] = right
        confusion[index][(index + 1) % count] += support - right
    per_class = {}
    for index, label in enumerate(labels):
        right, support, said = confusion[index][index], per[index], sum(row[index] for row in confusion)
        precision, recall = right / max(1, said), right / max(1, support)
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        per_class[label] = events.ClassMetrics(precision, recall, f1, support)
    total = sum(per)
    return events.Metrics(
        split=split,
        rows=total,
        accuracy=sum(confusion[index][index] for index in range(count)) / total,
        f1_weighted=sum(each.f1 * each.support for each in per_class.values()) / total,
        f1_macro=sum(each.f1 for each in per_class.values()) / count,
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion),
        loss=1.8 * (1 - quality) + 0.1,
    )


def train_spec(**changes: object) -> specs.TrainSpec:
    return msgspec.structs.replace(specs.TrainSpec(specs.DataSpec("starter"), epochs=2, learning_rate=3e-4, batch_size=64), **changes)


def train_events(*, steps: int = 500, upto: int | None = None, labels: Sequence[str] = LABELS, pid: int = 4321) -> list[events.Event]:
    """Return the events of one fine-tuning of two epochs up to step `upto`, evaluated four times an epoch."""
    done: list[events.Event] = [
        events.AttemptStarted(pid),
        events.Started(
            device="cpu",
            device_name="2 cores",
            precision="bf16",
            labels=tuple(labels),
            rows={"train": 16_000, "validation": 2_000, "test": 2_000},
            settings={"epochs": 2, "learning_rate": 3e-4, "batch_size": 64, "max_length": 512, "seed": 0},
            steps=steps,
            parameters=22_600_000,
        ),
        events.Progress("load", 1, 1, "files", 0.8),
    ]
    every = max(1, steps // 8)
    for step in range(1, (steps if upto is None else upto) + 1):
        loss = 0.25 + 1.5 * math.exp(-step / (steps / 6)) + 0.08 * math.sin(step * 1.7)
        rate = 3e-4 * (1 - step / steps)
        done.append(events.Step(step, 2 * step / steps, loss, rate, 1.2 + math.sin(step), 64, 1_424, 0.4))
        if step % 10 == 0:
            done.append(events.Telemetry(150 + 40 * math.sin(step), 1_400_000_000 + step * 100_000, 16_000_000_000))
        if step % every == 0:
            quality = 0.93 - 0.6 * math.exp(-step / (steps / 4))
            done.append(events.Evaluated(step, 2 * step / steps, metrics(quality, labels=labels)))
            done.append(events.CheckpointSaved(step, 0.3, best=True))
        if step in (steps // 2, steps):
            last = next(each for each in reversed(done) if isinstance(each, events.Evaluated)).metrics
            row = events.EpochRow(1 + (step == steps), loss, last.loss, last.accuracy, last.f1_weighted, last.f1_macro)
            done.append(events.EpochDone(step, row))
    if upto is None:
        final = next(each for each in reversed(done) if isinstance(each, events.Evaluated)).metrics
        done.append(events.Finished(final, seconds=212.5, steps=steps, examples_per_second=160.0, peak_memory=2_100_000_000))
    return done


def baseline_events(*, labels: Sequence[str] = LABELS) -> list[events.Event]:
    """Return the events of a finished ladder of baselines."""
    rungs = [
        events.Rung("most_frequent", metrics(0.19, labels=labels), 0.1),
        events.Rung("tfidf", metrics(0.88, labels=labels), 6.2, 41),
        events.Rung("static", metrics(0.62, labels=labels), 9.4, 53, shape=(16_000, 256)),
        events.Rung("cls", metrics(0.57, labels=labels), 29.0, 160, cached=True, shape=(16_000, 384)),
        events.Rung("mean", metrics(0.69, labels=labels), 31.0, 212, cached=True, shape=(16_000, 384)),
    ]
    return [
        events.AttemptStarted(4322),
        events.Started("cpu", "2 cores", "bf16", tuple(labels), {"train": 16_000, "validation": 2_000, "test": 2_000}, {"pooling": "both"}),
        events.Progress("extract", 16_000, 16_000, "rows", 30.0),
        *(events.RungDone(rung) for rung in rungs),
        events.Finished(rungs[1].metrics, seconds=40.0),
    ]


def write_run(
    runs: Path,
    id: str,  # noqa: A002 - the field's own name
    job: specs.Job,
    happened: Sequence[events.Event],
    *,
    state: Ending | None = "finished",
    reason: str = "",
    labels: Sequence[str] = LABELS,
    log: str = "",
    created: float = STARTED,
    attempt: int = 1,
    data_hash: str = "0" * 64,
) -> Path:
    """Write the folder of a run under `runs` and return it. With `state` None it has no result.json, and runs if its lock is held."""
    folder = runs / id
    for part in (runs.parent, runs, folder):
        part.mkdir(mode=0o700, exist_ok=True)
    spec = specs.RunSpec(id=id, created=created, job=job, data_hash=data_hash, labels=tuple(labels), versions={"emotui": "0.1.0"})
    (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
    (folder / "lock").touch()
    (folder / "control").mkdir(exist_ok=True)
    (folder / "worker.log").write_text(log, "utf-8", errors="surrogatepass")
    (folder / "events.jsonl").write_bytes(b"")
    append_events(folder, happened, attempt=attempt)
    if state is not None:
        write_result(folder, state, reason, happened)
    return folder


def append_events(folder: Path, happened: Sequence[events.Event], *, attempt: int = 1) -> None:
    """Add lines to events.jsonl, numbered on from the last one."""
    file = folder / "events.jsonl"
    before = file.read_bytes().count(b"\n") if file.exists() else 0
    encoder = msgspec.json.Encoder()
    lines = [
        encoder.encode(events.Line(attempt, before + offset, STARTED + (before + offset) * 0.4, each)) + b"\n"
        for offset, each in enumerate(happened, 1)
    ]
    with file.open("ab") as out:
        out.write(b"".join(lines))


def write_result(folder: Path, state: Ending, reason: str, happened: Sequence[events.Event]) -> None:
    """Write result.json, as the supervisor does when all is over."""
    finished = next((each for each in happened if isinstance(each, events.Finished)), None)
    finished = finished or next((each.finished for each in happened if isinstance(each, events.Stopped)), None)
    result = events.Result(
        state=state,
        reason=reason,
        ended=STARTED + 300,
        cause=state if state != "failed" else "crash",
        exit_code=int(state == "failed"),
        finished=finished,
        rungs=tuple(each.rung for each in happened if isinstance(each, events.RungDone)),
        epochs=tuple(each.row for each in happened if isinstance(each, events.EpochDone)),
    )
    (folder / "result.json").write_bytes(msgspec.json.encode(result))


def write_train_run(runs: Path, id: str = "fine77", **options: Any) -> Path:  # noqa: A002
    """Write a finished fine-tuning."""
    return write_run(runs, id, train_spec(), train_events(), **options)


def write_baseline_run(runs: Path, id: str = "base22", **options: Any) -> Path:  # noqa: A002
    """Write a finished baseline."""
    return write_run(runs, id, specs.BaselineSpec(specs.DataSpec("starter")), baseline_events(), **options)


def write_failed_run(runs: Path, id: str = "bad333", reason: str = "the disk is full: 0.2 GB are left", **options: Any) -> Path:  # noqa: A002
    """Write a fine-tuning that failed after 100 steps."""
    log = "loading the model\nTraceback (most recent call last):\nOSError: [Errno 28] No space left on device\n"
    settings: dict[str, Any] = {"state": "failed", "reason": reason, "log": log, **options}
    return write_run(runs, id, train_spec(), train_events(upto=100), **settings)


def write_predictions(
    folder: Path, truth: Sequence[int], probabilities: np.ndarray, labels: Sequence[str] = LABELS, split: str = "validation"
) -> Path:
    """Write predictions/SPLIT.parquet with one row a text, as core.model.predictions does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = np.asarray(labels, dtype=object)
    true = np.asarray(truth)
    table = pa.table(
        {
            "row": pa.array(np.arange(len(true)), pa.int64()),
            "label": pa.array(names[true], pa.string()),
            "prediction": pa.array(names[probabilities.argmax(1)], pa.string()),
            "probabilities": pa.array(list(probabilities), pa.list_(pa.float64())),
            "loss": pa.array(-np.log(np.maximum(probabilities[np.arange(len(true)), true], 1e-12)), pa.float64()),
        },
        metadata={"labels": "\n".join(labels)},
    )
    path = folder / "predictions" / f"{split}.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path)
    return path


def write_projection(folder: Path, rows: int = 900, labels: Sequence[str] = LABELS, seed: int = 0) -> Path:
    """Write the projection of a baseline's mean hidden states: one cluster a class."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(seed)
    label = random.integers(0, len(labels), rows)
    angle = 2 * math.pi * label / len(labels)
    table = pa.table(
        {
            "x": pa.array((3 * np.cos(angle) + random.normal(0, 1, rows)).astype(np.float32)),
            "y": pa.array((3 * np.sin(angle) + random.normal(0, 1, rows)).astype(np.float32)),
            "label": pa.array(np.asarray(labels, dtype=object)[label], pa.string()),
        }
    )
    path = folder / "projection-mean.parquet"
    pq.write_table(table, path)
    return path


def write_data(folder: Path, rows: int = 60, labels: Sequence[str] = LABELS, texts: Sequence[str] = TEXTS) -> Path:
    """Write a data set of three splits in `folder`; row i has the label i modulo the number of labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        lines = (
            json.dumps({"text": f"{texts[index % len(texts)]} {split} {index}", "label": labels[index % len(labels)]})
            for index in range(rows)
        )
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


_HOLD = "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run's lock from another process, as its supervisor does: the run is then alive."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(folder / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            child.stdin.close()
            child.wait()
