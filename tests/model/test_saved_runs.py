"""A finished run is evaluated, exported and asked for predictions: few texts, or a file of any size."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
import torch
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.events import Event
from emotui.core.model import baseline, classify, classify_file, device, evaluate, export, finetune
from emotui.core.questions import AskClassify, AskClassifyFile, AskEvaluate, AskExport
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from variants import mostly_slow

TEXTS = ("i miss my old dog", "we danced all day in the park", "again " * 60)


def quiet(*_: object) -> None:
    return None


@pytest.fixture(params=["baseline", "train"])
def run(request: pytest.FixtureRequest, emotui_home: Path, tiny_model: Path, tiny_data: Path) -> RunFolder:
    """A finished run of either task, on data whose hash it knows."""
    data = DataSpec(str(tiny_data))
    known = {"data_hash": sources.fingerprint(sources.load(data)), "labels": ("anger", "joy", "sadness"), "versions": {"emotui": "0"}}
    events: list[Event] = []
    if request.param == "baseline":
        job: BaselineSpec | TrainSpec = BaselineSpec(data, str(tiny_model), device="cpu", precision="float32")
        made = folder.create(job, **known)
        baseline.fit(job, made, events.append, lambda: False)
    else:
        job = TrainSpec(data, str(tiny_model), epochs=3, learning_rate=2e-3, batch_size=16, device="cpu", precision="float32")
        made = folder.create(job, **known)
        finetune.train(job, made, events.append, lambda: False)
    return made


def test_evaluate_gives_scikit_learns_figures_on_the_predictions_it_keeps(run: RunFolder) -> None:
    answer = evaluate.evaluate(AskEvaluate(run=str(run.path), split="test", worst=3), quiet)
    table = pq.read_table(answer.predictions).to_pylist()
    truth, predicted = [row["label"] for row in table], [row["prediction"] for row in table]
    assert answer.metrics.rows == len(table) == 30
    assert answer.metrics.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert answer.metrics.f1_weighted == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert answer.metrics.f1_macro == pytest.approx(f1_score(truth, predicted, average="macro"))
    expected = confusion_matrix(truth, predicted, labels=["anger", "joy", "sadness"])
    assert [list(row) for row in answer.metrics.confusion] == expected.tolist()
    for name, (low, high) in answer.metrics.intervals.items():
        assert 0 <= low <= high <= 1, name
    ordered = sorted((row["loss"] for row in table), reverse=True)
    assert [row.loss for row in answer.highest_loss] == ordered[:3]
    assert [row.loss for row in answer.lowest_loss] == ordered[::-1][:3]


def test_evaluate_tells_that_data_has_changed_and_refuses_other_labels(run: RunFolder) -> None:
    spec = run.read_spec()
    run.spec_file.write_bytes(msgspec.json.encode(msgspec.structs.replace(spec, data_hash="0" * 64)))
    assert "has changed since the run was made" in evaluate.evaluate(AskEvaluate(run=str(run.path), resamples=10), quiet).notes[0]
    run.spec_file.write_bytes(msgspec.json.encode(msgspec.structs.replace(spec, labels=("anger", "joy", "love"))))
    with pytest.raises(UserError, match=r"the labels of .* have changed since the run .* they are anger, joy, sadness, and the run's are"):
        evaluate.evaluate(AskEvaluate(run=str(run.path)), quiet)


def test_evaluate_names_the_splits_there_are(run: RunFolder) -> None:
    with pytest.raises(UserError, match="train, validation, test"):
        evaluate.evaluate(AskEvaluate(run=str(run.path), split="dev"), quiet)


def test_an_export_is_loaded_by_transformers_alone_and_says_the_same(run: RunFolder, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, pipeline

    target = tmp_path / "exported"
    answer = export.export(AskExport(run=str(run.path), folder=str(target)))
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(answer.files)
    assert AutoModelForSequenceClassification.from_pretrained(target).config.id2label == {0: "anger", 1: "joy", 2: "sadness"}
    rung = "cls" if (run.path / "rungs").is_dir() else ""  # the one that is written
    own = classify.classify(AskClassify(run=str(run.path), rung=rung, texts=TEXTS[:2])).predictions
    theirs = pipeline("text-classification", model=str(target), top_k=None)(list(TEXTS[:2]))
    for mine, other in zip(own, theirs, strict=True):
        scores = {each["label"]: each["score"] for each in list[Any](other)}
        assert scores == pytest.approx(mine.probabilities, abs=2e-4)
    card = (target / "README.md").read_text()
    assert run.id in card and "anger, joy, sadness" in card
    assert str(Path.home()) not in card and "LABEL_0" not in (target / "config.json").read_text()
    settings = dict(line.strip("| ").split(" | ", 1) for line in card.splitlines() if line.startswith("| ") and line.count(" | ") == 1)
    if "epochs" in settings:  # what was left open is told as the run took it
        assert float(settings["learning_rate"]) > 0 and int(settings["batch_size"]) > 0
    with pytest.raises(UserError, match="not empty"):
        export.export(AskExport(run=str(run.path), folder=str(target)))
    assert (target / "emotui-export.json").is_file()
    assert export.export(AskExport(run=str(run.path), folder=str(target), overwrite=True)).files == answer.files


def test_only_a_model_is_overwritten(run: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "documents"
    ask = AskExport(run=str(run.path), folder=str(target), overwrite=True)
    for known, sentence in (((), "thesis.tex, which is not part"), (("config.json", "vocab.txt"), "thesis.tex, which is not part")):
        target.mkdir(exist_ok=True)
        (target / "thesis.tex").write_text("ten years")
        for name in known:
            (target / name).write_text("{}")
        before = sorted(os.listdir(target))
        with pytest.raises(UserError, match=sentence):
            export.export(ask)
        assert sorted(os.listdir(target)) == before
    (target / "thesis.tex").unlink()
    (target / "config.json").unlink()
    with pytest.raises(UserError, match="holds no model"):
        export.export(ask)
    (target / "config.json").write_text("{}")
    target.chmod(0o750)
    assert "model.safetensors" in export.export(ask).files
    assert target.stat().st_mode & 0o777 == 0o750
    (target / "thesis.tex").write_text("ten years")  # beside an export, too
    with pytest.raises(UserError, match=r"thesis\.tex"):
        export.export(ask)
    assert (target / "thesis.tex").read_text() == "ten years"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_empty_folder_is_filled_and_stays_the_same_one(run: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "shared"
    target.mkdir()
    target.chmod(0o2775)
    before = target.stat()
    (tmp_path / "link").symlink_to(target)
    export.export(AskExport(run=str(run.path), folder=str(tmp_path / "link")))
    assert (target.stat().st_ino, target.stat().st_mode) == (before.st_ino, before.st_mode)
    assert (target / "config.json").is_file() and (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("kind", mostly_slow(["parquet", "jsonl.gz", "jsonl", "csv", "tsv"], quick=2))
def test_a_file_is_classified_in_order(run: RunFolder, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(classify_file, "PART", 4)
    texts = [f"{text} {number}" for number in range(4) for text in TEXTS] + ['a "quoted",\nline']
    source, target = tmp_path / "in.jsonl", tmp_path / f"out.{kind}"
    source.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(texts)))
    seen: list[int] = []
    ask = AskClassifyFile(run=str(run.path), source=str(source), target=str(target))
    answer = classify_file.classify_file(ask, lambda phase, done, total, unit: seen.append(done))
    assert answer.rows == len(texts) and seen == [4, 8, 12, 13]
    own = classify.classify(AskClassify(run=str(run.path), texts=tuple(texts))).predictions
    match kind:
        case "parquet":
            got = pq.read_table(target).to_pylist()
            found = [(row["text"], row["label"], row["probabilities"]["joy"], row["truncated"]) for row in got]
        case "csv" | "tsv":
            got = list(csv.DictReader(target.open(newline=""), delimiter="," if kind == "csv" else "\t"))
            found = [(row["text"], row["label"], float(row["probability_joy"]), row["truncated"] == "true") for row in got]
        case _:
            raw = gzip.decompress(target.read_bytes()) if kind.endswith("gz") else target.read_bytes()
            got = [json.loads(line) for line in raw.splitlines()]
            found = [(row["text"], row["label"], row["probabilities"]["joy"], row["truncated"]) for row in got]
    assert [each[0] for each in found] == texts
    assert [each[1] for each in found] == [each.label for each in own]
    assert [each[2] for each in found] == pytest.approx([each.probabilities["joy"] for each in own], abs=1e-5)
    assert [each[3] for each in found] == [each.truncated for each in own]
    assert any(each.truncated for each in own)


def test_a_run_without_a_model_gets_a_sentence(emotui_home: Path, tiny_data: Path) -> None:
    made = folder.create(TrainSpec(DataSpec(str(tiny_data))), data_hash="", labels=(), versions={})
    with pytest.raises(UserError, match="no model yet"):
        classify.classify(AskClassify(run=str(made.path), texts=("a",)))


def test_a_sentence_is_classified_on_one_thread_and_many_texts_on_all(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = classify.load(str(run.path))
    network = classifier.model if isinstance(classifier, classify.FineTuned) else classifier.encoder  # type: ignore[attr-defined]
    seen: list[int] = []
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda *args, **kwargs: seen.append(torch.get_num_threads()) or forward(*args, **kwargs))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        short = classifier.probabilities(TEXTS[:1])[0]
        many, ids = classifier.probabilities(TEXTS * 20)
        assert ids.lengths.sum() > device.ONE_THREAD_TOKENS
        assert seen[0] == 1
        assert set(seen[1:]) == {2}
        assert torch.get_num_threads() == 2
        assert short[0] == pytest.approx(many[0], abs=1e-5)
    finally:
        torch.set_num_threads(before)


def test_a_model_is_loaded_without_a_sentence(run: RunFolder) -> None:
    answer = classify.classify(AskClassify(run=str(run.path), texts=()))
    assert answer.predictions == ()
    assert answer.run == run.path.name
