"""An export in ONNX answers as the original does, is measured beside it, and is not left behind where it is worse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from emotui.core.cli import main
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.model import classify, export, finetune, onnx_export, onnx_model
from emotui.core.questions import AskExport
from emotui.core.runs import folder, rungs
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec

TEXTS = ["a", "i miss my old dog and i cry at night", "we danced all day " * 40, "", "他 zzz !"]


@pytest.fixture
def tuned_run(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> RunFolder:
    spec = DataSpec(str(tiny_data))
    known = sources.load(spec)
    job = TrainSpec(spec, str(tiny_model), epochs=8, learning_rate=5e-3, device="cpu", precision="float32")
    made = folder.create(job, data_hash=sources.fingerprint(known), labels=known.labels, versions={})
    assert finetune.train(job, made, lambda _: None, lambda: False)
    return made


def test_without_the_extra_one_sentence_says_how_to_get_it(ladder_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model.importlib.util, "find_spec", lambda name: None)
    target = tmp_path / "out"
    with pytest.raises(UserError, match="onnxruntime and onnx and onnxscript are not installed, which ONNX needs") as caught:
        export.export(AskExport(run=str(ladder_run.path), folder=str(target), format="onnx"))
    assert str(caught.value.remedy) == "Install it with: pip install 'emotui[onnx]'" and not target.exists()


def test_only_a_folder_with_a_model_in_onnx_and_no_spec_is_an_export(ladder_run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run"):
        rungs.find_model(f"{tmp_path}/")
    (tmp_path / rungs.ONNX_FILE).write_bytes(b"")
    assert rungs.find_model(str(tmp_path)) == (RunFolder(tmp_path), "")
    (ladder_run.path / rungs.ONNX_FILE).write_bytes(b"")
    assert rungs.find_model(f"{ladder_run.path}:tfidf") == (ladder_run, "tfidf")
    assert rungs.folder_of(ladder_run, "") == ladder_run.model


def check_same(run: RunFolder, rung: str, target: Path) -> None:
    """Compare the logits of both, up to a constant, on texts of all lengths, alone and together."""
    original, exported = classify.load(str(run.path), "cpu", rung), classify.load(str(target))
    assert isinstance(exported, onnx_model.OnnxModel) and exported.labels == original.labels
    for texts in (TEXTS, TEXTS[:1], TEXTS[2:3], TEXTS * 30):
        (expected, lengths), (found, ours) = original.probabilities(texts), exported.probabilities(texts)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
        assert ours.lengths.tolist() == lengths.lengths.tolist() and ours.full_lengths.tolist() == lengths.full_lengths.tolist()


@pytest.mark.slow
def test_it_answers_as_the_original_predict_runs_it_and_a_worse_one_is_refused(
    tuned_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    target = tmp_path / "whole"
    answer = export.export(AskExport(run=str(tuned_run.path), folder=str(target), format="onnx"))
    check_same(tuned_run, "", target)
    original, exported = answer.measured
    assert (original.name, exported.name) == ("original", "onnx")
    assert original.f1_macro == pytest.approx(exported.f1_macro) and original.f1_macro > 0.5
    assert exported.size == (target / "model.onnx").stat().st_size and exported.latency > 0
    card = (target / "README.md").read_text("utf-8")
    assert f"| onnx | {exported.f1_weighted:.4f} | {exported.f1_macro:.4f} |" in card and "InferenceSession" in card
    assert {"config.json", "emotui.json", "model.onnx", "tokenizer.json"} <= set(answer.files)
    assert main(["predict", str(target), TEXTS[1], "--json"]) == 0
    expected = classify.load(str(tuned_run.path), "cpu").probabilities(TEXTS[1:2])[0][0]
    told = json.loads(capsys.readouterr().out)["predictions"][0]["probabilities"]
    assert list(told.values()) == pytest.approx(expected.tolist(), abs=1e-4)
    out = tmp_path / "answers.csv"
    (tmp_path / "in.txt").write_text("\n".join(TEXTS[1:3]) + "\n", "utf-8")
    assert main(["predict", str(target), "--file", str(tmp_path / "in.txt"), "--out", str(out)]) == 0
    assert len(out.read_text("utf-8").splitlines()) == 3

    # The same graph again, without torch's exporter, which takes longest.
    monkeypatch.setattr(onnx_export, "_export", lambda classifier, path: shutil.copyfile(target / "model.onnx", path))
    small = tmp_path / "small"
    _, quantised = export.export(AskExport(run=str(tuned_run.path), folder=str(small), format="onnx-int8", most_loss=1.0)).measured
    assert (small / "model.onnx").stat().st_size < exported.size and quantised.name == "onnx-int8"
    ours, theirs = (classify.load(str(each)).probabilities(TEXTS)[0] for each in (small, target))
    assert 0 < np.abs(ours - theirs).max() < 0.2

    right = onnx_model.OnnxModel.probabilities
    monkeypatch.setattr(onnx_model.OnnxModel, "probabilities", lambda self, texts: (right(self, texts)[0][:, ::-1], right(self, texts)[1]))
    with pytest.raises(UserError, match=r"macro-F1 on validation falls from .* by more than 0\.005") as caught:
        export.export(AskExport(run=str(tuned_run.path), folder=str(tmp_path / "worse"), format="onnx"))
    assert caught.value.exit_code == 1 and "--most-loss" in str(caught.value.remedy)
    assert not [each for each in tmp_path.iterdir() if each.name == "worse" or "partial" in each.name]

    (target / "model.onnx").write_bytes(b"no model")
    capsys.readouterr()
    assert main(["predict", str(target), "a"]) == 2
    assert "cannot be run by onnxruntime" in capsys.readouterr().err


@pytest.mark.slow
def test_a_rung_on_hidden_states_is_exported_with_its_head(ladder_run: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export.export(AskExport(run=str(ladder_run.path), folder=str(tmp_path / "onnx"), rung="mean", format="onnx"))
    check_same(ladder_run, "mean", tmp_path / "onnx")
