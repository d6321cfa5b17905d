"""Runs from elsewhere whose model was changed to harm: each ends with a value or a sentence."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emotui.core.data import sources
from emotui.core.engine.client import Session
from emotui.core.errors import UserError
from emotui.core.model import baseline, finetune
from emotui.core.questions import AskClassify, ClassifyAnswer
from emotui.core.runs import folder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from safetensors.numpy import load_file, save_file

Spoil = Callable[[Path], object]


def _json(name: str, **values: Any) -> Spoil:
    def spoil(model: Path) -> None:
        content = json.loads((model / name).read_text())
        (model / name).write_text(json.dumps(content | values))

    return spoil


def _tensor(name: str, key: str, change: Callable[[np.ndarray], np.ndarray | None]) -> Spoil:
    def spoil(model: Path) -> None:
        tensors = {each: value.copy() for each, value in load_file(model / name).items()}
        changed = change(tensors[key])
        tensors[key] = tensors[key] if changed is None else np.ascontiguousarray(changed)
        save_file(tensors, model / name)

    return spoil


def _replaced(name: str, how: Callable[[Path], object]) -> Spoil:
    return lambda model: ((model / name).unlink(missing_ok=True), how(model / name))


NOTE: dict[str, Spoil] = {
    "no labels": _json("emotui.json", labels=[]),
    "two labels": _json("emotui.json", labels=["a", "b"]),
    "the same label thrice": _json("emotui.json", labels=["a", "a", "a"]),
    "an empty label": _json("emotui.json", labels=["a", "b", ""]),
    "labels that are numbers": _json("emotui.json", labels=[1, 2, 3]),
    "100,000 labels": _json("emotui.json", labels=[str(each) for each in range(100_000)]),
    "a length of 0": _json("emotui.json", max_length=0),
    "a length of 10^12": _json("emotui.json", max_length=10**12),
    "a length of 1,000": _json("emotui.json", max_length=1_000),
    "a length below 0": _json("emotui.json", max_length=-1),
    "a length that is a list": _json("emotui.json", max_length=[48]),
    "another kind": _json("emotui.json", kind="pickle"),
    "not a note": _replaced("emotui.json", lambda path: path.write_text("[]")),
    "a note that is nested": _replaced("emotui.json", lambda path: path.write_text("[" * 100_000)),
    "a note that is no text": _replaced("emotui.json", lambda path: path.write_bytes(b"\xff" * 99)),
    "a fifo": _replaced("emotui.json", os.mkfifo),
    "a link to what is not the run's": _replaced("stray", lambda path: path.symlink_to("/etc/passwd")),
    "a fifo beside it": _replaced("stray", os.mkfifo),
}
HEAD = "head.safetensors"
BASELINE: dict[str, Spoil] = NOTE | {
    "layer 0": _json("emotui.json", layer=0),
    "layer 1,000": _json("emotui.json", layer=1_000),
    "no encoder": _json("emotui.json", encoder=""),
    "an encoder elsewhere": _json("emotui.json", encoder="/etc"),
    "an encoder from above": _json("emotui.json", encoder="hf:../../x"),
    "another encoder": _json("emotui.json", encoder_hash="0"),
    "not a number": _tensor(HEAD, "coef", lambda coef: coef.fill(math.nan)),
    "an infinite number": _tensor(HEAD, "intercept", lambda each: each.fill(math.inf)),
    "a scale of 0": _tensor(HEAD, "scale", lambda scale: scale.fill(0)),
    "too few labels": _tensor(HEAD, "coef", lambda coef: coef[:2]),
    "too few units": _tensor(HEAD, "coef", lambda coef: coef[:, :5]),
    "a mean of one number": _tensor(HEAD, "mean", lambda mean: mean[:1]),
    "whole numbers": _tensor(HEAD, "coef", lambda coef: coef.astype(np.int64)),
    "a cut head": lambda model: os.truncate(model / HEAD, 100),
    "no head": lambda model: (model / HEAD).unlink(),
    "a head that is a fifo": _replaced(HEAD, os.mkfifo),
}
WEIGHTS = "model.safetensors"
TRAINED: dict[str, Spoil] = NOTE | {
    "weights that are no numbers": _tensor(WEIGHTS, "classifier.weight", lambda each: each.fill(math.nan)),
    "a head of two labels": _tensor(WEIGHTS, "classifier.weight", lambda each: each[:2]),
    "a head of 5 units": _tensor(WEIGHTS, "classifier.weight", lambda each: each[:, :5]),
    "weights from elsewhere": _replaced(WEIGHTS, lambda path: path.symlink_to("/dev/zero")),
    "cut weights": lambda model: os.truncate(model / WEIGHTS, 9_000),
    "no weights": lambda model: (model / WEIGHTS).unlink(),
    "labels of its own": _json("config.json", id2label={"0": "x"}),
    "no names": _json("config.json", id2label={}),
    "names that are numbers": _json("config.json", id2label={"0": 1, "1": 2, "2": 3}),
    "10^7 labels": _json("config.json", num_labels=10**7),
    "10^9 layers": _json("config.json", n_layers=10**9),
    "several labels a text": _json("config.json", problem_type="multi_label_classification"),
}


@pytest.fixture
def engine(emotui_home: Path) -> Iterator[Session]:
    with Session() as session:
        yield session


@pytest.mark.slow
@pytest.mark.parametrize("task", ["baseline", "train"])
def test_each_ends_with_a_value_or_a_sentence(task: str, engine: Session, tiny_model: Path, tiny_data: Path, emotui_home: Path) -> None:
    data = DataSpec(str(tiny_data))
    known: dict[str, Any] = {"data_hash": sources.fingerprint(sources.load(data)), "labels": ("anger", "joy", "sadness"), "versions": {}}
    if task == "baseline":
        ladder = BaselineSpec(data, str(tiny_model), device="cpu", precision="float32")
        baseline.fit(ladder, made := folder.create(ladder, **known), lambda _: None, lambda: False)
        model = made.path / "rungs" / "mean"
    else:
        job = TrainSpec(data, str(tiny_model), epochs=1, batch_size=32, device="cpu", precision="float32")
        finetune.train(job, made := folder.create(job, **known), lambda _: None, lambda: False)
        model = made.model
    ask = AskClassify(run=str(made.path), rung="mean" if task == "baseline" else "", texts=("i miss my old dog",))
    assert engine.ask(ask).predictions[0].label in known["labels"]
    whole = shutil.copytree(model, emotui_home / "whole")
    for name, spoil in (BASELINE if task == "baseline" else TRAINED).items():
        shutil.rmtree(model)
        shutil.copytree(whole, model)
        spoil(model)
        try:
            answer = engine.ask(ask)
        except UserError as error:
            assert error.exit_code == 2, (name, str(error))
        else:
            assert isinstance(answer, ClassifyAnswer), name
            assert sum(answer.predictions[0].probabilities.values()) == pytest.approx(1), name
            assert name in ("several labels a text", "10^7 labels"), name
