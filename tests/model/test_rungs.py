"""Any rung of a baseline answers, the best one by default, as it did when it was measured."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from emotui.core.cli import main
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.events import Event, Result, Rung, RungDone
from emotui.core.model import baseline, classify, classify_file, evaluate
from emotui.core.questions import AskClassify, AskClassifyFile, AskEvaluate
from emotui.core.runs import folder, rungs
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score


def ladder(data: Path, model: Path) -> tuple[RunFolder, dict[str, Rung]]:
    spec = DataSpec(str(data))
    known = sources.load(spec)
    job = BaselineSpec(spec, str(model), device="cpu", precision="float32")
    run = folder.create(job, data_hash=sources.fingerprint(known), labels=known.labels, versions={})
    events: list[Event] = []
    assert baseline.fit(job, run, events.append, lambda: False)
    return run, {event.rung.name: event.rung for event in events if isinstance(event, RungDone)}


def ended(run: RunFolder, measured: dict[str, Rung], **f1: float) -> None:
    """Write the result of a run whose rungs came to these macro-F1."""
    changed = [
        msgspec.structs.replace(rung, metrics=msgspec.structs.replace(rung.metrics, f1_macro=f1.get(name, rung.metrics.f1_macro)))
        for name, rung in measured.items()
    ]
    run.result_file.write_bytes(msgspec.json.encode(Result("finished", "", 0.0, rungs=tuple(changed))))


def rows(data: Path, split: str) -> tuple[list[str], list[str]]:
    lines = [json.loads(line) for line in (data / f"{split}.jsonl").read_text().splitlines()]
    return [line["text"] for line in lines], [line["label"] for line in lines]


def test_each_rung_answers_as_scikit_learn_does(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    run, measured = ladder(tiny_data, tiny_model)
    assert rungs.kept(run) == tuple(measured) == ("most_frequent", "tfidf", "static", "cls", "mean")
    texts, truth = rows(tiny_data, "validation")
    train, labels = rows(tiny_data, "train")
    vectorizer = TfidfVectorizer()
    regression = LogisticRegression(C=baseline.TFIDF_C, max_iter=baseline.ITERATIONS, random_state=0)
    regression.fit(vectorizer.fit_transform(train), labels)
    classifier = classify.load(str(run.path), rung="tfidf")
    scores, counts = classifier.probabilities(texts)
    assert classifier.labels == tuple(regression.classes_)
    np.testing.assert_allclose(scores, regression.predict_proba(vectorizer.transform(texts)), rtol=0, atol=1e-9)
    assert list(counts.lengths) == [len(vectorizer.build_analyzer()(text)) for text in texts]
    for name, rung in measured.items():
        predicted = [each.label for each in classify.predict(classify.load(str(run.path), rung=name), texts)]
        assert f1_score(truth, predicted, average="macro", labels=sorted(set(truth))) == pytest.approx(rung.metrics.f1_macro, abs=1e-12), (
            name
        )
    frequent = classify.predict(classify.load(str(run.path), rung="most_frequent"), ["a", ""])
    assert {each.label for each in frequent} == {max(sorted(set(labels)), key=labels.count)}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (run.path / "rungs").rglob("*"))


def test_the_best_rung_answers_by_default(emotui_home: Path, tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    run, measured = ladder(tiny_data, tiny_model)
    ask = AskClassify(run=str(run.path), texts=("i feel great",))
    assert classify.classify(ask).rung == "mean"  # before it has ended
    for best in measured:
        ended(run, measured, **{name: 0.9 if name == best else 0.5 for name in measured})
        assert classify.classify(ask).rung == best
        assert classify.classify(msgspec.structs.replace(ask, rung="tfidf")).rung == "tfidf"
    ended(run, measured, most_frequent=0.5, tfidf=0.5, static=0.5, cls=0.5, mean=0.5)
    assert classify.classify(ask).rung == "mean"
    ended(run, measured, tfidf=1.0, static=0.1, cls=0.1, mean=0.1)
    (tmp_path / "in.csv").write_text("id,text\n1,i feel great\n")
    answer = classify_file.classify_file(
        AskClassifyFile(str(run.path), str(tmp_path / "in.csv"), str(tmp_path / "out.csv")), lambda *_: None
    )
    assert (answer.rung, answer.rows) == ("tfidf", 1)
    before = run.predictions_file("validation-cls").read_bytes()
    found = evaluate.evaluate(AskEvaluate(run=str(run.path), split="validation", resamples=10), lambda *_: None)
    assert found.rung == "tfidf" and found.metrics.f1_macro == pytest.approx(measured["tfidf"].metrics.f1_macro)
    assert found.predictions.endswith("validation-tfidf.parquet")
    assert run.predictions_file("validation-cls").read_bytes() == before


def test_rungs_are_named_after_a_colon(emotui_home: Path, tiny_model: Path, tiny_data: Path, tmp_path: Path, capsys) -> None:
    run, _ = ladder(tiny_data, tiny_model)
    for ref in (run.id, "last", run.id[:3], str(run.path)):
        assert rungs.find(ref) == (run, "") and rungs.find(f"{ref}:tfidf") == (run, "tfidf")
    with pytest.raises(UserError, match=r"has no rung nothing\. It has: most_frequent, tfidf"):
        rungs.find(f"{run.id}:nothing")
    for ref in ("nothing:tfidf", ":tfidf"):
        with pytest.raises(UserError):
            rungs.find(ref)
    trained = folder.create(TrainSpec(DataSpec("starter"), "starter"), data_hash="", labels=("a", "b"), versions={})
    with pytest.raises(UserError, match=r"has no rung tfidf\. It has: none that can be used"):
        rungs.find(f"{trained.id}:tfidf")
    assert main(["export", f"{run.id}:tfidf", str(tmp_path / "out")]) == 2
    assert f"emotui predict {run.id}:tfidf" in capsys.readouterr().err
    (run.path / "rungs" / "cls").rename(run.model)
    for path in (run.path / "rungs").rglob("emotui.json"):
        path.unlink()
    with pytest.raises(UserError, match="It has: encoder"):  # a run of an earlier version
        rungs.find(f"{run.id}:tfidf")


@pytest.mark.parametrize("name", ["tfidf.json", "tfidf.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100, b'{"terms": ["a"]}', b"[" * 100_000])
def test_a_damaged_rung_gets_a_sentence(emotui_home: Path, tiny_model: Path, tiny_data: Path, name: str, content: bytes) -> None:
    run, _ = ladder(tiny_data, tiny_model)
    (run.path / "rungs" / "tfidf" / name).write_bytes(content)
    with pytest.raises(UserError, match="Fit the baseline again"):
        classify.load(str(run.path), rung="tfidf")
