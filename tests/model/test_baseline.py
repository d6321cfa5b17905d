"""Each rung of the ladder equals scikit-learn's own computation, and a kept baseline predicts what it was measured on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from emotui.core import paths
from emotui.core.data.arrays import texts_of
from emotui.core.errors import UserError
from emotui.core.events import Event, Finished, Line, Note, Progress, Result, RungDone, Started
from emotui.core.model import baseline, batches, checkpoint, classify, device, export, rung_models
from emotui.core.model.extractor import Extractor
from emotui.core.questions import AskClassify, AskExport
from emotui.core.runs import folder, tables
from emotui.core.runs.folder import RunFolder
from emotui.core.runs.rungs import ON_STATES
from emotui.core.specs import BaselineSpec, DataSpec, Pooling, Poolings
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, AutoTokenizer

pytestmark = pytest.mark.usefixtures("emotui_home")


def ladder(data: Path, model: Path, pooling: Poolings = "both", layer: int | None = None) -> tuple[RunFolder, list[Event]]:
    job = BaselineSpec(DataSpec(str(data)), str(model), pooling=pooling, layer=layer, device="cpu", precision="float32")
    run = folder.create(job, data_hash="", labels=(), versions={})
    events: list[Event] = []
    assert baseline.fit(job, run, events.append, lambda: False)
    return run, events


def rows(data: Path, split: str) -> tuple[list[str], list[str]]:
    lines = [json.loads(line) for line in (data / f"{split}.jsonl").read_text().splitlines()]
    return [line["text"] for line in lines], [line["label"] for line in lines]


def test_the_rungs_are_those_of_scikit_learn(tiny_model: Path, tiny_data: Path) -> None:
    run, events = ladder(tiny_data, tiny_model)
    rungs = {event.rung.name: event.rung for event in events if isinstance(event, RungDone)}
    assert list(rungs) == ["most_frequent", "tfidf", "static", "cls", "mean"]
    (texts, labels), (valid_texts, valid_labels) = rows(tiny_data, "train"), rows(tiny_data, "validation")
    most = max(sorted(set(labels)), key=labels.count)
    assert rungs["most_frequent"].metrics.accuracy == pytest.approx(valid_labels.count(most) / len(valid_labels))
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)
    predicted = pipeline.predict(valid_texts)
    assert rungs["tfidf"].metrics.f1_weighted == pytest.approx(f1_score(valid_labels, predicted, average="weighted"))
    assert rungs["tfidf"].iterations and all(rungs[name].iterations for name in ("cls", "mean"))
    assert [rung.shape for rung in rungs.values()] == [(), (), (90, 32), (90, 32), (90, 32)]
    tokenizer, encoder = AutoTokenizer.from_pretrained(tiny_model), AutoModel.from_pretrained(tiny_model).eval()
    for name in ("cls", "mean"):
        states = [each[name] for each in pooled_by_hand(tokenizer, encoder, texts + valid_texts)]
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1, max_iter=3000)).fit(states[: len(texts)], labels)
        predicted = pipeline.predict(states[len(texts) :])
        assert rungs[name].metrics.f1_weighted == pytest.approx(f1_score(valid_labels, predicted, average="weighted"), abs=0.04)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.metrics.f1_macro == max(rung.metrics.f1_macro for rung in rungs.values())
    for rung in rungs:
        kept = tables.read_predictions(run.predictions_file(f"validation-{rung}"), ("anger", "joy", "sadness"))
        assert kept["label"].to_pylist() == valid_labels
        right = sum(a == b for a, b in zip(kept["prediction"].to_pylist(), valid_labels, strict=True))
        assert right / len(valid_labels) == pytest.approx(rungs[rung].metrics.accuracy)


def pooled_by_hand(tokenizer, encoder, texts: list[str]) -> list[dict[str, np.ndarray]]:
    """The [CLS] hidden state of each text, and the mean over its tokens, one text at a time without padding."""
    found = []
    for text in texts:
        with torch.inference_mode():
            hidden = encoder(**tokenizer(text, return_tensors="pt", truncation=True, max_length=48)).last_hidden_state[0]
        found.append({"cls": hidden[0].numpy(), "mean": hidden.mean(0).numpy()})
    return found


def write_chinese(folder: Path) -> Path:
    """Write texts without spaces, whose class is in one character among others, and half of whose validation rows leak."""
    folder.mkdir()
    chosen = random.Random(3)
    kept: list[str] = []
    for name, count in (("train", 120), ("validation", 40)):
        lines: list[str] = []
        for number in range(count):
            signs = [chr(chosen.randrange(0x4E00, 0x4E80)) for _ in range(10)]
            signs[chosen.randrange(10)] = "好" if number % 2 else "坏"
            lines.append(json.dumps({"text": "".join(signs), "label": "pos" if number % 2 else "neg"}))
        if name == "train":
            kept = lines[:20]
        else:
            lines[:20] = kept
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_tfidf_counts_characters_where_texts_have_no_spaces_and_the_run_keeps_why_it_cannot_be_trusted(
    tiny_model: Path, tmp_path: Path
) -> None:
    data = write_chinese(tmp_path / "chinese")
    run, events = ladder(data, tiny_model)
    (texts, labels), (valid_texts, valid_labels) = rows(data, "train"), rows(data, "validation")
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    predicted = pipeline.fit(texts, labels).predict(valid_texts)
    rung = next(event.rung for event in events if isinstance(event, RungDone) and event.rung.name == "tfidf")
    assert rung.metrics.f1_weighted == pytest.approx(f1_score(valid_labels, predicted, average="weighted"))
    assert rung.metrics.f1_weighted > 0.9
    notes = [event.message for event in events if isinstance(event, Note)]
    assert any("TF-IDF uses character uni- and bigrams" in note for note in notes)
    started = next(event for event in events if isinstance(event, Started))
    leak, unknown = started.untrustworthy
    assert leak == "validation: 20 rows have their texts in train too (50.0 %)"
    assert "AI-ModelScope/bert-base-chinese" in unknown
    told = [note for note in notes if "cannot be trusted" in note]
    assert told == [f"results on this data cannot be trusted: {each}" for each in started.untrustworthy]

    run.events_file.write_bytes(b"".join(msgspec.json.encode(Line(1, at, 1.0, event)) + b"\n" for at, event in enumerate(events)))
    export.export(AskExport(run=str(run.path), folder=str(tmp_path / "out")))
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "## Results on this data cannot be trusted" in card
    assert "20 rows have their texts in train too" in card


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_kept_baseline_predicts_what_was_measured(tiny_model: Path, tiny_data: Path, pooling: Pooling) -> None:
    run, events = ladder(tiny_data, tiny_model, pooling)
    finished = events[-1]
    assert isinstance(finished, Finished)
    (only,) = [event.rung for event in events if isinstance(event, RungDone) and event.rung.name in ON_STATES]
    assert only.name == pooling
    table = pq.read_table(run.predictions_file(f"validation-{pooling}")).to_pylist()
    predicted, truth = [row["prediction"] for row in table], [row["label"] for row in table]
    assert only.metrics.f1_weighted == pytest.approx(f1_score(truth, predicted, average="weighted"))
    texts, labels = rows(tiny_data, "validation")
    assert truth == labels
    answer = classify.classify(AskClassify(run=str(run.path), texts=tuple(texts)))
    for prediction, row in zip(answer.predictions, table, strict=True):
        assert list(prediction.probabilities) == ["anger", "joy", "sadness"]
        assert list(prediction.probabilities.values()) == pytest.approx(row["probabilities"], abs=1e-5)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_the_hidden_states_of_a_layer_are_those_of_the_whole_encoder(tiny_model: Path, tiny_data: Path) -> None:
    texts = rows(tiny_data, "validation")[0][:4]
    encoder, tokenizer = checkpoint.at(tiny_model).encoder(), checkpoint.at(tiny_model).tokenizer
    ids = batches.tokenize(tokenizer, texts, 48)
    with torch.inference_mode():
        every = encoder(**ids.pad(np.arange(4), tokenizer.padding), output_hidden_states=True).hidden_states
    compute = device.choose("cpu", "float32")
    for layer, expected in ((1, every[1]), (2, every[2])):
        asked = checkpoint.at(tiny_model).checked_layer(layer)
        states, _ = Extractor(checkpoint.at(tiny_model), 48, compute, asked).states(texts, ("cls",))
        np.testing.assert_allclose(states["cls"], expected[:, 0], atol=1e-5)
    with pytest.raises(UserError, match="--layer 3 is out of range: this model has layers 1 to 2"):
        checkpoint.at(tiny_model).checked_layer(3)


@pytest.mark.parametrize("layer", [1, 2])
def test_a_baseline_on_a_layer_is_kept_and_exported_with_it(tiny_model: Path, tiny_data: Path, tmp_path: Path, layer: int) -> None:
    from transformers import pipeline

    run, happened = ladder(tiny_data, tiny_model, layer=layer)
    texts, _ = rows(tiny_data, "validation")
    measured = pq.read_table(run.predictions_file("validation-cls")).to_pylist()
    answer = classify.classify(AskClassify(run=str(run.path), rung="cls", texts=tuple(texts)))
    measured_rungs = tuple(event.rung for event in happened if isinstance(event, RungDone))
    finished = happened[-1]
    assert isinstance(finished, Finished)
    run.result_file.write_bytes(msgspec.json.encode(Result("finished", "", 0.0, rungs=measured_rungs, finished=finished)))
    export.export(AskExport(run=str(run.path), folder=str(tmp_path / "exported")))
    card = (tmp_path / "exported" / "README.md").read_text("utf-8")
    of_cls = next(rung.metrics for rung in measured_rungs if rung.name == "cls")
    assert f"| macro-F1 | {of_cls.f1_macro:.4f} |" in card  # not those of the best rung
    assert "| pooling | cls |" in card
    assert card.count("| (90, 32) |") == 3 and "| most frequent class |" in card and "| logistic regression on mean |" in card
    with pytest.raises(UserError, match=f"has no class for a baseline with mean pooling.* Export its rung cls, as {run.id}:cls"):
        export.export(AskExport(run=str(run.path), folder=str(tmp_path / "mean"), rung="mean"))
    exported = pipeline("text-classification", model=str(tmp_path / "exported"), top_k=None)(texts)
    for prediction, row, scores in zip(answer.predictions, measured, exported, strict=True):
        assert list(prediction.probabilities.values()) == pytest.approx(row["probabilities"], abs=1e-5)
        assert {each["label"]: each["score"] for each in list[Any](scores)} == pytest.approx(prediction.probabilities, abs=1e-3)


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 2], [1, 2]])
def test_the_head_is_the_regressions_own_function(classes: list[int], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    states, truth = random.normal(2, 3, (60, 5)), random.choice(classes, 60)
    scaler = StandardScaler().fit(states)
    regression = LogisticRegression().fit(scaler.transform(states), truth)
    head = rung_models.Head.from_regression(scaler, regression, 3)
    head.save(tmp_path)
    probabilities = rung_models.Head.load(tmp_path).probabilities(states)
    np.testing.assert_allclose(probabilities[:, classes], regression.predict_proba(scaler.transform(states)), atol=1e-9)
    assert probabilities[:, [each for each in range(3) if each not in classes]].sum() < 1e-9
    weight, bias = head.folded()
    np.testing.assert_allclose(states @ weight.T + bias, head.logits(states), atol=1e-8)


def test_a_second_ladder_takes_the_hidden_states_from_the_cache(tiny_model: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = ladder(tiny_data, tiny_model)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the encoder was loaded again")

    monkeypatch.setattr(checkpoint.Checkpoint, "encoder", refuse)
    _, second = ladder(tiny_data, tiny_model)
    rungs = [next(event.rung for event in events if isinstance(event, RungDone) and event.rung.name == "cls") for events in (first, second)]
    assert (rungs[0].cached, rungs[1].cached) == (False, True)
    assert rungs[0].metrics == rungs[1].metrics
    _, mean = ladder(tiny_data, tiny_model, "mean")
    assert isinstance(mean[-1], Finished)


def test_progress_is_told_in_rows(tiny_model: Path, tiny_data: Path) -> None:
    _, events = ladder(tiny_data, tiny_model)
    extracted = [(event.done, event.total) for event in events if isinstance(event, Progress) and event.phase == "extract"]
    assert (90, 90) in extracted and (30, 30) in extracted


def test_the_ladder_stops_when_asked(tiny_model: Path, tiny_data: Path) -> None:
    job = BaselineSpec(DataSpec(str(tiny_data)), str(tiny_model))
    run = folder.create(job, data_hash="", labels=(), versions={})
    events: list[Event] = []
    assert not baseline.fit(job, run, events.append, lambda: bool(events) and isinstance(events[-1], RungDone))
    assert not any(isinstance(event, Finished) for event in events)


def test_the_projection_is_the_first_two_principal_components(tiny_model: Path, tiny_data: Path) -> None:
    run, _ = ladder(tiny_data, tiny_model)
    table = pq.read_table(run.path / "projection-cls.parquet")
    assert table.num_rows == 90
    assert sorted(texts_of(table.column("label"))) == sorted(rows(tiny_data, "train")[1])
    key = next((paths.cache_folder() / "hidden_states").iterdir())
    assert key.suffix == ".npy"
    points = np.stack([table.column("x").to_numpy(), table.column("y").to_numpy()], 1)
    assert np.var(points[:, 0]) >= np.var(points[:, 1])
    assert abs(np.corrcoef(points.T)[0, 1]) < 1e-3
