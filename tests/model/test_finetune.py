"""Fine-tuning is repeatable to the bit, resumes to the bit, and its loss is the true mean however a batch is cut."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.events import CheckpointSaved, EpochDone, Evaluated, Event, Finished, Note, Padding, Started, Step, Stopped
from emotui.core.model import classify, finetune, saved, training_loop
from emotui.core.model.batches import TokenIds
from emotui.core.runs import checkpoints, folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec
from safetensors.torch import load_file
from sklearn.metrics import f1_score
from variants import mostly_slow

pytestmark = pytest.mark.usefixtures("emotui_home")


def job_of(data: Path, model: Path, **settings: object) -> TrainSpec:
    defaults: dict[str, object] = {"batch_size": 16, "epochs": 2, "learning_rate": 2e-3, "device": "cpu", "precision": "float32"}
    return TrainSpec(DataSpec(str(data)), str(model), **{**defaults, **settings})  # type: ignore[arg-type]


def new_run(job: TrainSpec) -> RunFolder:
    return folder.create(job, data_hash="", labels=(), versions={})


def fine_tune(
    job: TrainSpec, *, stop_at: int | None = None, run: RunFolder | None = None, resume: bool = False, **more: int
) -> tuple[RunFolder, list[Event]]:
    """Run a job in this process; return its folder and its events. `stop_at` asks to stop after that many steps in all."""
    run = run or new_run(job)
    events: list[Event] = []
    resume_from = checkpoints.latest(run) if resume else None
    assert not resume or resume_from

    def should_stop() -> bool:
        taken = max((event.step for event in events if isinstance(event, Step)), default=0)
        return stop_at is not None and taken + 1 >= stop_at

    finetune.train(job, run, events.append, should_stop, resume_from=resume_from, **more)
    return run, events


def steps(events: list[Event]) -> dict[int, float | None]:
    return {event.step: event.loss for event in events if isinstance(event, Step)}


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_file(run.model / "model.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_learns_and_tells_everything(tiny_model: Path, tiny_data: Path) -> None:
    run, events = fine_tune(job_of(tiny_data, tiny_model, epochs=10, seed=1))
    started = next(event for event in events if isinstance(event, Started))
    assert started.settings["learning_rate"] == 2e-3
    assert started.rows == {"train": 90, "validation": 30, "test": 30}
    assert started.steps == 60
    assert list(steps(events)) == list(range(1, 61))
    rows = [event.row for event in events if isinstance(event, EpochDone)]
    assert [row.epoch for row in rows] == list(range(1, 11))
    assert rows[-1].f1_weighted > 0.9
    assert rows[-1].train_loss < rows[0].train_loss  # type: ignore[operator]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.metrics.f1_weighted == rows[-1].f1_weighted
    assert finished.examples_per_second and finished.examples_per_second > 0
    assert not checkpoints.latest(run)


def test_the_tables_training_loss_is_the_mean_over_the_rows(tiny_model: Path, tiny_data: Path) -> None:
    _, events = fine_tune(job_of(tiny_data, tiny_model))
    logged = [event for event in events if isinstance(event, Step)]
    for row in (event.row for event in events if isinstance(event, EpochDone)):
        mine = [event for event in logged if row.epoch - 1 < event.epoch <= row.epoch]
        assert sum(event.rows for event in mine) == 90
        assert row.train_loss == pytest.approx(sum(event.loss * event.rows for event in mine if event.loss) / 90)


def test_the_saved_predictions_and_the_saved_model_agree(tiny_model: Path, tiny_data: Path) -> None:
    from transformers import AutoModelForSequenceClassification, pipeline

    run, events = fine_tune(job_of(tiny_data, tiny_model))
    finished = events[-1]
    assert isinstance(finished, Finished)
    rows = pq.read_table(run.predictions_file("validation")).to_pylist()
    truth, predicted = [row["label"] for row in rows], [row["prediction"] for row in rows]
    assert finished.metrics.f1_weighted == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert finished.metrics.loss == pytest.approx(sum(row["loss"] for row in rows) / len(rows))
    texts = [json.loads(line)["text"] for line in (tiny_data / "validation.jsonl").read_text().splitlines()]
    model = AutoModelForSequenceClassification.from_pretrained(run.model)
    assert model.config.id2label == {0: "anger", 1: "joy", 2: "sadness"}
    classify = pipeline("text-classification", model=str(run.model), top_k=None)
    for row, answers in zip(rows, classify(texts), strict=True):
        scores = {answer["label"]: answer["score"] for answer in list[Any](answers)}
        assert [scores[name] for name in ("anger", "joy", "sadness")] == pytest.approx(row["probabilities"], abs=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny_model: Path, tiny_data: Path) -> None:
    (one, first), (two, second), (three, _) = (fine_tune(job_of(tiny_data, tiny_model, seed=seed)) for seed in (7, 7, 8))
    assert equal(weights(one), weights(two))
    assert steps(first) == steps(second)
    assert not equal(weights(one), weights(three))


def test_the_last_checkpoint_is_kept_until_it_is_told_that_the_run_is_finished(tiny_model: Path, tiny_data: Path) -> None:
    job = job_of(tiny_data, tiny_model)
    run = new_run(job)
    kept: list[Path | None] = []

    def look(event: Event) -> None:
        if isinstance(event, Finished):
            kept.append(checkpoints.latest(run))

    finetune.train(job, run, look, lambda: False)
    assert len(kept) == 1
    assert kept[0] is not None, "a run that is killed now would begin from its first step"
    assert checkpoints.latest(run) is None


def test_a_stopped_run_leaves_a_measured_model_until_a_resumed_one_replaces_it(tiny_model: Path, tiny_data: Path) -> None:
    job = job_of(tiny_data, tiny_model)
    run, before = fine_tune(job, stop_at=5)
    ended = before[-1]
    assert isinstance(ended, Stopped)
    assert ended.finished is not None
    kept = checkpoints.latest(run)
    assert kept is not None
    stopped = weights(run)
    assert equal(stopped, load_file(kept / "model.safetensors"))
    assert saved.read(run.model).stopped_at == 5
    lines = (tiny_data / "validation.jsonl").read_text().splitlines()
    answers = classify.predict(classify.load(str(run.path)), [json.loads(line)["text"] for line in lines])
    rows = pq.read_table(run.predictions_file("validation")).to_pylist()
    assert [answer.label for answer in answers] == [row["prediction"] for row in rows]
    truth, predicted = [row["label"] for row in rows], [answer.label for answer in answers]
    assert ended.finished.metrics.f1_macro == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert ended.finished.steps == 5
    _, after = fine_tune(job, run=run, resume=True)
    assert isinstance(after[-1], Finished)
    assert saved.read(run.model).stopped_at is None
    assert not equal(weights(run), stopped)
    assert sorted(path.name for path in run.path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("stop_at", mostly_slow([6, 7, 1, 5, 11], quick=2))
def test_a_resumed_run_is_bit_identical_to_one_that_was_not_interrupted(tiny_model: Path, tiny_data: Path, stop_at: int) -> None:
    job = job_of(tiny_data, tiny_model)
    whole, expected = fine_tune(job)
    run, before = fine_tune(job, stop_at=stop_at)
    assert isinstance(before[-1], Stopped)
    assert before[-1].step == stop_at
    _, after = fine_tune(job, run=run, resume=True)
    assert equal(weights(run), weights(whole))
    assert {**steps(before), **steps(after)} == steps(expected)
    assert min(steps(after)) == stop_at + 1
    table = [event.row for event in [*before, *after] if isinstance(event, EpochDone)]
    assert table == [event.row for event in expected if isinstance(event, EpochDone)]


def test_the_time_of_a_run_is_that_of_all_its_attempts(tiny_model: Path, tiny_data: Path) -> None:
    job = job_of(tiny_data, tiny_model)
    run, _ = fine_tune(job, stop_at=5)
    kept = checkpoints.latest(run)
    assert kept is not None
    position = json.loads((kept / "position.json").read_text())
    assert position["elapsed"] > position["seconds"] > 0
    (kept / "position.json").write_text(json.dumps(position | {"elapsed": 1_000.0}))
    checkpoints.mark_complete(kept)
    _, after = fine_tune(job, run=run, resume=True)
    finished = after[-1]
    assert isinstance(finished, Finished)
    assert finished.seconds > 1_000


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the one from the other")
def test_the_peak_of_memory_is_not_that_of_the_process_that_started_this_one() -> None:
    ballast = b"x" * 1_500_000_000
    program = "from emotui.core.model.finetune import peak_memory; print(peak_memory())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert 0 < int(done.stdout) < len(ballast)


def patient_job(data: Path, model: Path) -> TrainSpec:
    """A training whose macro-F1 on validation is best long before its end."""
    return job_of(data, model, epochs=40, learning_rate=5e-3, patience=3)


def macro_f1(events: list[Event]) -> dict[int, float]:
    return {event.step: event.metrics.f1_macro for event in events if isinstance(event, Evaluated)}


@pytest.mark.slow
def test_a_training_without_progress_ends_early_with_its_best_weights(tiny_model: Path, tiny_data: Path) -> None:
    run, events = fine_tune(patient_job(tiny_data, tiny_model))
    measured = macro_f1(events)
    best = max(measured, key=lambda step: (measured[step], -step))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert list(measured)[-3:] == [best + 6, best + 12, best + 18]
    assert finished.steps == best + 18 < 240
    assert finished.metrics.f1_macro == measured[best]
    told = [event.message for event in events if isinstance(event, Note)]
    assert any("stopped early" in message for message in told)
    until, _ = fine_tune(patient_job(tiny_data, tiny_model), stop_at=best)
    assert equal(weights(run), load_file(until.checkpoints / f"step-{best}" / "model.safetensors"))
    assert not list(run.checkpoints.iterdir())


@pytest.mark.slow
def test_a_run_that_is_stopped_after_its_best_measurement_leaves_the_best_weights(tiny_model: Path, tiny_data: Path) -> None:
    job = patient_job(tiny_data, tiny_model)
    _, whole = fine_tune(job)
    measured = macro_f1(whole)
    best = max(measured, key=lambda step: (measured[step], -step))
    run, events = fine_tune(job, stop_at=best + 7)
    ended = events[-1]
    assert isinstance(ended, Stopped)
    assert ended.step == best + 7
    assert ended.finished is not None
    assert ended.finished.metrics.f1_macro == measured[best]
    assert equal(weights(run), load_file(checkpoints.best_folder(run, best) / "model.safetensors"))


@pytest.mark.slow
def test_patience_goes_on_counting_in_a_resumed_run(tiny_model: Path, tiny_data: Path) -> None:
    job = patient_job(tiny_data, tiny_model)
    whole, expected = fine_tune(job)
    last = list(macro_f1(expected))[-1]
    run, _ = fine_tune(job, stop_at=last - 2)
    _, after = fine_tune(job, run=run, resume=True)
    assert list(macro_f1(after)) == [last]
    assert equal(weights(run), weights(whole))


def test_the_best_checkpoint_is_marked(tiny_model: Path, tiny_data: Path) -> None:
    _, events = fine_tune(job_of(tiny_data, tiny_model, epochs=4))
    best = -1.0
    marks = {event.step: event.best for event in events if isinstance(event, CheckpointSaved)}
    for step, f1 in macro_f1(events).items():
        if step in marks:  # the last one needs no checkpoint
            assert marks[step] == (f1 > best)
        best = max(best, f1)
    assert any(marks.values())


def test_checkpoints_are_marked_and_few(tiny_model: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "CHECKPOINT_SECONDS", 0.0)
    job = job_of(tiny_data, tiny_model)
    run, events = fine_tune(job, stop_at=8)
    assert sum(isinstance(event, CheckpointSaved) for event in events) == 8
    assert len(list(run.checkpoints.iterdir())) == training_loop.KEEP_CHECKPOINTS
    latest = checkpoints.latest(run)
    assert latest and latest.name == "step-8"


@pytest.mark.parametrize("parts", [1, 3])
def test_padding_is_told_as_it_went_through_the_model(
    still_model: Path, tiny_data: Path, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks: list[torch.Tensor] = []
    pad = TokenIds.pad

    def see(*given: Any, **more: Any) -> dict[str, torch.Tensor]:
        inputs = pad(*given, **more)
        masks.append(inputs["attention_mask"])
        return inputs

    monkeypatch.setattr(TokenIds, "pad", see)
    _, events = fine_tune(job_of(tiny_data, still_model, batch_size=45, accumulation=parts, max_steps=1))
    told = [event for event in events if isinstance(event, Padding)]
    trained = masks[:parts]
    assert sum(len(mask) for mask in trained) == 45
    assert told == [Padding(1, sum(mask.numel() for mask in trained), sum(int((mask == 0).sum()) for mask in trained))]
    assert told[0].empty > 0


@pytest.mark.parametrize("cut", mostly_slow([{"accumulation": 5}, {"accumulation": 2}]))
def test_the_loss_is_the_true_mean_however_a_batch_is_cut(still_model: Path, tiny_data: Path, cut: dict[str, int]) -> None:
    whole, expected = fine_tune(job_of(tiny_data, still_model))
    run, events = fine_tune(job_of(tiny_data, still_model, **cut))
    assert list(steps(events).values()) == pytest.approx(list(steps(expected).values()), rel=1e-4)
    norms = [next(event.gradient_norm for event in each if isinstance(event, Step)) for each in (events, expected)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)
    for name, tensor in weights(whole).items():
        torch.testing.assert_close(weights(run)[name], tensor, rtol=1e-2, atol=2e-3)


def test_the_first_loss_is_that_of_the_untrained_head(still_model: Path, tiny_data: Path) -> None:
    _, events = fine_tune(job_of(tiny_data, still_model, batch_size=90))
    assert steps(events)[1] == pytest.approx(math.log(3), abs=0.25)


def test_a_split_after_running_out_of_memory_gives_the_same_steps(still_model: Path, tiny_data: Path) -> None:
    _, expected = fine_tune(job_of(tiny_data, still_model))
    _, events = fine_tune(job_of(tiny_data, still_model), batch_split=4)
    assert list(steps(events).values()) == pytest.approx(list(steps(expected).values()), rel=1e-4)


def test_a_loss_that_is_no_number_ends_the_run_in_a_sentence(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    model = shutil.copytree(tiny_model, tmp_path / "broken")
    from safetensors.torch import save_file

    broken = load_file(model / "model.safetensors")
    broken["embeddings.word_embeddings.weight"][-60:] = 3e38  # of the words, whose sum is then infinite; not of the letters
    save_file(broken, model / "model.safetensors", metadata={"format": "pt"})
    run = new_run(job := job_of(tiny_data, model))
    events: list[Event] = []
    with pytest.raises(UserError, match="NaN or infinite at step 1"):
        finetune.train(job, run, events.append, lambda: False)
    last = next(event for event in reversed(events) if isinstance(event, Step))
    assert last.loss is None and not last.finite


def test_f1_is_measured_while_the_epoch_runs(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    data = shutil.copytree(tiny_data, tmp_path / "data")
    lines = (data / "validation.jsonl").read_text().splitlines(keepends=True)
    (data / "validation.jsonl").write_text("".join(lines[:6]))
    _, events = fine_tune(job_of(data, tiny_model, epochs=1, batch_size=4))
    marks = [event.epoch for event in events if isinstance(event, Evaluated)]
    assert marks == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.05)


TWO = """
import sys, msgspec, pathlib
from emotui.core.model import device, finetune, training_loop
from emotui.core.runs.folder import RunFolder
run = RunFolder(pathlib.Path(sys.argv[1]))
out = open(sys.argv[2], "ab", buffering=0)
finetune.train(run.read_spec().job, run, lambda event: out.write(msgspec.json.encode(event) + b"\\n"), lambda: False)
"""


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(still_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    job = job_of(tiny_data, still_model, epochs=1)
    one, expected = fine_tune(job)
    run, log, script = new_run(job), tmp_path / "events", tmp_path / "two.py"
    script.write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script), str(run.path), str(log)]
    subprocess.run(
        command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdin=subprocess.DEVNULL, timeout=200, capture_output=True
    )
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "step"]
    assert losses[0] == pytest.approx(steps(expected)[1], rel=1e-6)
    assert losses == pytest.approx(list(steps(expected).values()), rel=1e-3)
    assert len([line for line in lines if line["kind"] == "finished"]) == 1
    for name, tensor in weights(one).items():
        torch.testing.assert_close(weights(run)[name], tensor, rtol=1e-2, atol=2e-3)
