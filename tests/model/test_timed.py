"""How a model is computed on the CPU is timed, not looked up; it is kept, told, and taken again by a resumed run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from emotui.core.events import Event, Note, Started
from emotui.core.model import checkpoint, device, doctor, finetune, timed, trials
from emotui.core.model.extractor import Extractor
from emotui.core.model.timed import Choice
from emotui.core.runs import checkpoints, folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec

pytestmark = pytest.mark.usefixtures("emotui_home")

SLOW, QUICK, AWFUL = Choice("float32", 1, 2_048), Choice("float32", 1, 1_024), Choice("bf16", 1, 2_048)


class FakeTime:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passing(self, *seconds: float) -> Callable[[], None]:
        left = [*seconds]

        def run() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def test_the_way_with_the_least_seconds_is_taken_and_a_hopeless_one_is_timed_once() -> None:
    time = FakeTime()
    calls: list[str] = []

    def counted(name: str, run: Callable[[], None]) -> Callable[[], None]:
        return lambda: (calls.append(name), run())[1]

    ways = {
        SLOW: counted("slow", time.passing(2.0, 2.5, 2.0)),
        QUICK: counted("quick", time.passing(3.0, 1.5, 1.0)),
        AWFUL: counted("awful", time.passing(40.0)),
    }
    best, seconds = timed.fastest(ways, clock=time)
    assert best == QUICK
    assert seconds == {str(SLOW): 2.0, str(QUICK): 1.0, str(AWFUL): 40.0}
    assert calls.count("awful") == 1
    assert calls == ["slow", "quick", "awful", "slow", "quick", "slow", "quick"]


def test_a_trial_costs_no_more_than_it_is_worth() -> None:
    time = FakeTime()
    ways = {SLOW: time.passing(2.0), QUICK: time.passing(1.0), AWFUL: time.passing(1.5)}
    best, seconds = timed.fastest(ways, worth=2.5, clock=time)
    assert best == QUICK
    assert list(seconds) == [str(SLOW), str(QUICK)]
    assert time.now == 3.0


def test_bf16_is_not_tried_where_its_matrices_take_three_times_as_long() -> None:
    def clock(of_float32: float, of_bf16: float) -> Callable[[], float]:
        # The first of each is slow: what sets a library up decides nothing.
        taken = [9 * of_float32, *[of_float32] * 5, 9 * of_bf16, *[of_bf16] * 2]
        marks: Iterator[float] = iter(np.cumsum([part for each in taken for part in (0, each)]).tolist())
        return lambda: next(marks)

    assert timed.is_bf16_hopeless(8, clock=clock(1.0, 3.5))
    assert not timed.is_bf16_hopeless(8, clock=clock(1.0, 2.5))


def test_what_was_chosen_is_kept_by_machine_and_shape_and_a_damaged_file_is_as_good_as_none(
    emotui_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import DistilBertConfig

    key = timed.key_of("train", DistilBertConfig(), 64)
    assert key == timed.key_of("train", DistilBertConfig(), 64)
    others = [timed.key_of("train", DistilBertConfig(dim=384), 64), timed.key_of("train", DistilBertConfig(), 32)]
    monkeypatch.setattr(device, "cpu_name", lambda: "another")
    assert len({key, *others, timed.key_of("train", DistilBertConfig(), 64)}) == 4
    timed.keep(key, timed.Timing("train", "a model", QUICK, {}, 1.0))
    assert timed.kept()[key].choice == QUICK == timed.latest("train")
    assert timed.latest("forward") is None
    for path in emotui_home.rglob("timed.json"):
        path.write_text("[1", "utf-8")
    assert timed.kept() == {}


def job_of(data: Path, model: Path, **more: Any) -> TrainSpec:
    settings: dict[str, Any] = {"batch_size": 16, "epochs": 1, "learning_rate": 2e-3, "device": "cpu"} | more
    return TrainSpec(DataSpec(str(data)), str(model), **settings)


def run_of(
    job: TrainSpec, stop_after: int | None = None, run: RunFolder | None = None, resume: bool = False
) -> tuple[RunFolder, list[Event]]:
    run = run or folder.create(job, data_hash="", labels=(), versions={})
    events: list[Event] = []
    asked = iter(range(10_000))
    before = checkpoints.latest(run) if resume else None
    finetune.train(job, run, events.append, lambda: stop_after is not None and next(asked) >= stop_after, resume_from=before)
    return run, events


def settings_of(events: list[Event]) -> dict[str, Any]:
    return dict(next(event for event in events if isinstance(event, Started)).settings)


def test_a_run_of_few_steps_times_nothing_and_says_so(tiny_model: Path, tiny_data: Path) -> None:
    _, events = run_of(job_of(tiny_data, tiny_model))
    assert settings_of(events)["chosen"] == "not timed: the run has under 200 steps"
    assert settings_of(events)["part_tokens"] == 2_048
    assert timed.kept() == {}


def test_a_long_run_is_timed_once_and_a_resumed_one_goes_on_in_the_same_way(
    tiny_model: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "FEWEST_STEPS", 2)
    monkeypatch.setattr(trials, "MOST_SHARE", 100)
    monkeypatch.setattr(trials, "TRAINING_TOKENS", (2_048, 40, 70))
    before = torch.get_num_threads()
    job = job_of(tiny_data, tiny_model, precision="float32")
    run, events = run_of(job, stop_after=2)
    told = next(event.message for event in events if isinstance(event, Note) and "fastest" in str(event.message))
    assert "the fastest of 3 ways" in str(told)
    assert settings_of(events)["chosen"] == "timed before the first step"
    (timing,) = timed.kept().values()
    assert len(timing.seconds) == 3
    assert settings_of(events)["part_tokens"] == timing.choice.tokens
    assert any(str(timing.choice) in line for line in doctor.examine().timed)

    _, second = run_of(job)
    assert settings_of(second)["chosen"] == "timed here before"

    # What is kept changes meanwhile; the run that was stopped does not.
    at = checkpoints.latest(run)
    assert at is not None
    assert json.loads((at / "position.json").read_text())["choice"]["tokens"] == timing.choice.tokens
    (key,) = timed.kept()
    timed.keep(key, msgspec.structs.replace(timing, choice=Choice("float32", before, 999)))
    _, resumed = run_of(job, run=run, resume=True)
    assert settings_of(resumed)["part_tokens"] == timing.choice.tokens
    assert settings_of(resumed)["chosen"] == "as before it was stopped"
    assert torch.get_num_threads() == before


def test_a_trial_changes_nothing_that_the_run_learns(tiny_model: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file

    def weights() -> dict[str, torch.Tensor]:
        run, _ = run_of(job_of(tiny_data, tiny_model, precision="float32", max_steps=3))
        return load_file(run.model / "model.safetensors")

    plain = weights()
    monkeypatch.setattr(trials, "FEWEST_STEPS", 2)
    monkeypatch.setattr(trials, "MOST_SHARE", 100)
    monkeypatch.setattr(trials, "TRAINING_TOKENS", (2_048, 40))
    monkeypatch.setattr(
        timed, "fastest", lambda ways, **_: ([run() for run in ways.values()], (next(iter(ways)), dict.fromkeys(map(str, ways), 1.0)))[1]
    )
    again = weights()
    assert timed.kept()
    assert all(torch.equal(again[name], each) for name, each in plain.items())


def test_the_precision_of_hidden_states_is_timed_where_there_are_many_and_kept(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = checkpoint.at(tiny_model)
    monkeypatch.setattr(timed, "is_bf16_hopeless", lambda width, clock: False)
    monkeypatch.setattr(timed, "fastest", lambda ways, **_: ([run() for run in ways.values()], (list(ways)[-1], {}))[1])
    texts = ["this movie", "a really good movie", "of the core task"]
    few = Extractor(model, 16, device.choose("cpu", "auto"))
    few.states(texts, ("cls",))
    assert few.compute.precision == "float32"
    assert timed.kept() == {}
    monkeypatch.setattr(trials, "FEWEST_TEXT_TOKENS", 5)
    few.states([*texts, "good"], ("cls",))
    assert few.compute.precision == "float32", "the precision changed between two splits"
    many = Extractor(model, 16, device.choose("cpu", "auto"))
    many.states([*texts, "text"], ("cls",))
    assert many.compute.precision == "bf16"
    assert doctor.examine().devices[0]["baseline"] == "bf16"
    again = Extractor(model, 16, device.choose("cpu", "auto"))
    assert again.states([*texts, "text"], ("cls",))[1], "what was computed in the chosen precision was not found in the cache"
    named = Extractor(model, 16, device.choose("cpu", "float32"))
    named.states([*texts, "token"], ("cls",))
    assert named.compute.precision == "float32"
