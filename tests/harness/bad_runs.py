"""Faults of a run's folder, one each: a finished run or one without a result is written, and one thing in it is spoilt."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import run_folders as folders
from emotui.core import specs

Fault = Callable[[Path], object]
DEEP = "[" * 100_000 + "]" * 100_000
JOB = specs.TrainSpec(specs.DataSpec("/nowhere/at/all"))
LABELS = folders.LABELS


def write(runs: Path, name: str, fault: Fault, *, ended: bool) -> Path:
    """Write a run with a fault and return its folder."""
    folder = folders.write_run(
        runs,
        name,
        JOB,
        folders.train_events(steps=40, upto=None if ended else 30),
        state="finished" if ended else None,
        created=folders.STARTED - 10,
    )
    fault(folder)
    return folder


def _content(file: str, content: bytes | str) -> Fault:
    def spoil(folder: Path) -> None:
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def _edit(file: str, change: Callable[[Any], Any]) -> Fault:
    def spoil(folder: Path) -> None:
        value = json.loads((folder / file).read_bytes())
        (folder / file).write_text(json.dumps(change(value)))

    return spoil


def _set(file: str, *path: str, to: Any) -> Fault:
    def change(value: Any) -> Any:
        inner = value
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = to
        return value

    return _edit(file, change)


def _events(change: Callable[[list[Any]], list[Any] | None]) -> Fault:
    def spoil(folder: Path) -> None:
        lines = [json.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]
        changed = change(lines)
        (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (lines if changed is None else changed)))

    return spoil


def _event(kind: str, *path: str, to: Any) -> Fault:
    """Set one field of the last event of a kind."""

    def change(lines: list[Any]) -> None:
        inner = next(line for line in reversed(lines) if line["event"]["kind"] == kind)["event"]
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = to

    return _events(change)


def _line(text: bytes) -> Fault:
    def spoil(folder: Path) -> None:
        with (folder / "events.jsonl").open("ab") as file:
            file.write(text + b"\n")

    return spoil


def _instead(name: str, make: Callable[[Path], object]) -> Fault:
    def spoil(folder: Path) -> None:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            path.rename(folder.parent.parent / f"moved-{folder.name}")
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        make(path)

    return spoil


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(size: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


_KINDS: dict[str, Callable[[Path], object]] = {
    "a named pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": _socket,
    "a GB of nothing": _sparse(1 << 30),
    "an empty file": Path.touch,
}
_FILES = ("spec.json", "result.json", "events.jsonl", "proc.json", "lock", "worker.log", "sent.jsonl", "predictions/validation.parquet")


def _square(value: Any) -> Any:
    return {"split": "validation", "rows": 1, "accuracy": 0.5, "f1_weighted": 0.5, "f1_macro": 0.5, "per_class": {}, "confusion": value}


_MATRIX = ("metrics", "confusion")
FAULTS: dict[str, tuple[Fault, bool]] = {
    **{
        f"{what} as {file}": (_instead(file, make), file not in ("events.jsonl", "proc.json", "lock"))
        for file in _FILES
        for what, make in _KINDS.items()
    },
    **{
        f"{what} as {name}": (_instead(name, _KINDS[what]), True)
        for name in ("control", "checkpoints", "model")
        for what in ("a named pipe", "a link to nowhere")
    },
    **{
        f"{file}: {what}": (_content(file, content), file == "result.json")
        for file in ("spec.json", "result.json", "proc.json")
        for what, content in {
            "nested deep": DEEP,
            "nested deep inside": f'{{"x": {DEEP}}}',
            "no UTF-8": b'{"id": "\xff\xfe"}',
            "a list": "[]",
            "half": '{"id": "a", ',
            "NUL bytes": bytes(500),
            "a number of 5,000 digits": f'{{"id": {"9" * 5000}}}',
        }.items()
    },
    "a state that is not known": (_set("result.json", "state", to="paused"), True),
    "a result that ended never": (_set("result.json", "ended", to=1e308), True),
    "a result of before the epoch": (_set("result.json", "ended", to=-5.0), True),
    "a result of a step below 0": (_set("result.json", "step", to=-1), True),
    "a reason of 3 MB": (_set("result.json", "reason", to="\x1b]52;c;x\x07 why " * 200_000), True),
    "a result with other classes": (_set("result.json", "finished", *_MATRIX, to=[[1]]), True),
    "an empty matrix in the result": (_set("result.json", "finished", *_MATRIX, to=[]), True),
    "a ragged matrix in the result": (_set("result.json", "finished", *_MATRIX, to=[[1], [1, 2]] * 3), True),
    "an accuracy of 7": (_set("result.json", "finished", "metrics", "accuracy", to=7), True),
    "epochs that are texts": (_set("result.json", "epochs", to=["one"]), True),
    "a spec made in 1e308": (_set("spec.json", "created", to=1e308), True),
    "a spec made before the epoch": (_set("spec.json", "created", to=-1e9), True),
    "a spec of another task": (_set("spec.json", "job", "task", to="distil"), True),
    "a spec without a job": (_edit("spec.json", lambda value: {"id": value["id"]}), True),
    "a spec of -3 epochs": (_set("spec.json", "job", "epochs", to=-3), True),
    "a spec of 10^40 rows a step": (_set("spec.json", "job", "batch_size", to=10**40), True),
    "200,000 labels": (_set("spec.json", "labels", to=[f"label {number}" for number in range(200_000)]), True),
    "a lone surrogate as a label": (_set("spec.json", "labels", to=["a\ud800", "b"]), False),
    "a label twice": (_set("spec.json", "labels", to=["a", "a"]), True),
    "other labels in the spec": (_set("spec.json", "labels", to=["a", "b"]), True),
    "no labels in the spec": (_set("spec.json", "labels", to=[]), False),
    "a label of 1 MB": (_set("spec.json", "labels", to=["x" * 1_000_000, "y"]), False),
    "a spec of 5 MB": (_set("spec.json", "name", to="x" * 5_000_000), True),
    "a data set of hostile name": (_set("spec.json", "job", "data", "source", to="\x1b]0;a\x07[/]\n\u202e" * 50), False),
    "a setting of a newer version": (_set("spec.json", "job", "temperature", to=3), True),
    "a field of a newer version": (_set("spec.json", "color", to=[DEEP[:10]]), False),
    "an event of a newer version": (_line(b'{"attempt":1,"seq":9999,"time":1.0,"event":{"kind":"dreamt","of":"sheep"}}'), False),
    "events: nested deep": (_line(DEEP.encode()), False),
    "events: nested deep inside": (_line(b'{"attempt":1,"x":' + DEEP.encode() + b"}"), False),
    "events: no UTF-8": (_line(b'{"attempt":1,"seq":9999,"time":1.0,"event":{"kind":"note","level":"info","message":"\xff"}}'), False),
    "events: a list": (_line(b"[1,2,3]"), False),
    "events: NUL bytes": (_line(bytes(4096)), False),
    "events: a line of 20 MB": (_line(b'"' + b"x" * 20_000_000 + b'"'), False),
    "events: a torn line": (_content("events.jsonl", b'{"attempt":1,"seq":1'), False),
    "events: only newlines": (_content("events.jsonl", b"\n" * 10_000), False),
    "a step of 1e300": (_event("step", "step", to=1e300), False),
    "a step of 10^60": (_event("step", "step", to=10**60), False),
    "a step below 0": (_event("step", "step", to=-4), False),
    "a step far off": (_event("step", "step", to=2**53), False),
    "steps backwards": (_events(lambda lines: lines[:3] + lines[3:][::-1]), False),
    "a step twice": (_events(lambda lines: [line for line in lines for _ in range(2)]), False),
    "a loss of 1e38": (_event("step", "loss", to=1e38), False),
    "a loss of 1e308": (_event("step", "loss", to=1e308), False),
    "a gradient of 1e38": (_event("step", "gradient_norm", to=1e38), False),
    "a step that took 1e300 s": (_event("step", "seconds", to=1e300), False),
    "an event of the time 1e308": (_events(lambda lines: [{**line, "time": 1e308} for line in lines]), False),
    "an event of the time -1": (_events(lambda lines: [{**line, "time": -1.0} for line in lines]), False),
    "attempts of 10^30": (_events(lambda lines: [{**line, "attempt": 10**30} for line in lines]), False),
    "a ragged matrix": (_event("evaluated", *_MATRIX, to=[[1], [1, 2]] * 3), False),
    "an empty matrix": (_event("evaluated", *_MATRIX, to=[]), False),
    "a matrix that is not square": (_event("evaluated", *_MATRIX, to=[[1, 2]] * 6), False),
    "counts below 0": (_event("evaluated", *_MATRIX, to=[[-1] * 6] * 6), False),
    "no classes at all": (_event("evaluated", "metrics", to=_square([])), False),
    "classes that are not the spec's": (
        _event("evaluated", "metrics", "per_class", to={"x": dict.fromkeys(("precision", "recall", "f1"), 1.0) | {"support": 1}}),
        False,
    ),
    "labels that are not the spec's": (_event("started", "labels", to=["x", "y"]), False),
    "200,000 labels in the events": (_event("started", "labels", to=[f"label {number}" for number in range(200_000)]), False),
    "steps of 10^15": (_event("started", "steps", to=10**15), False),
    "steps of 0": (_event("started", "steps", to=0), False),
    "a device that is a list": (_event("started", "device", to=[]), False),
    "a setting of 10^30": (_event("started", "settings", "seed", to=10**30), False),
    "progress beyond the end": (
        _events(lambda lines: [*lines[:4], {**lines[2], "seq": 5000, "event": {**lines[2]["event"], "done": 10**9}}]),
        False,
    ),
    "memory of 10^15": (_event("telemetry", "memory", to=10**15), False),
    "3,000 attempts": (_events(lambda lines: [{**lines[0], "seq": seq, "attempt": seq} for seq in range(1, 3_000)] + lines), False),
    "10,000 notes": (
        _events(lambda lines: lines + [{**lines[0], "event": {"kind": "note", "level": "error", "message": "why " * 100}}] * 10_000),
        False,
    ),
    "a note of 2 MB": (
        _events(lambda lines: [*lines, {**lines[0], "event": {"kind": "note", "level": "error", "message": "\x1b[31m[/]" * 250_000}}]),
        False,
    ),
    "a process below 0": (
        _content("proc.json", '{"worker":{"pid":-1,"started":"1","boot":"x"},"supervisor":{"pid":0,"started":"1","boot":"x"}}'),
        False,
    ),
    "a process of 10^40": (_content("proc.json", f'{{"worker":{{"pid":{10**40},"started":"1","boot":"x"}}}}'), False),
    "proc.json of texts": (_content("proc.json", '{"worker":"me","supervisor":3,"launcher":[],"problem":{"a":1}}'), False),
    "a folder that others may write in": (lambda folder: folder.chmod(0o777), True),
    "a spec that is missing": (lambda folder: (folder / "spec.json").unlink(), True),
    "all files missing but the events": (lambda folder: [(folder / name).unlink() for name in ("spec.json", "result.json")], True),
    "predictions that are text": (_instead("predictions/validation.parquet", lambda path: path.write_text("PAR1" * 90)), True),
}
"""By name, with whether the run has a result."""
