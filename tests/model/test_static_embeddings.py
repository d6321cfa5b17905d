"""Static embeddings are those of model2vec's formulas, computed here by hand, and the rung on them answers and explains exactly."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.model import attribution, baseline, checkpoint, classify, device, near_rows, static_embeddings
from emotui.core.model.batches import TokenIds, tokenize
from emotui.core.model.extractor import Extractor, StopRequestedError
from emotui.core.model.rung_models import Head
from emotui.core.questions import AskAttention, AskExport, AskNeighbours, AskWhy
from emotui.core.runs import rungs
from emotui.core.runs.folder import RunFolder
from transformers import AutoModel, AutoTokenizer

TEXTS = ["i miss my old dog", "we danced all day in the park", "zzz", ""]


def extractor(model: Path) -> Extractor:
    return Extractor(checkpoint.at(model), 48, device.choose("cpu", "float32"))


def test_they_are_the_weighted_components_of_each_token_alone(emotui_home: Path, tiny_model: Path) -> None:
    ours = extractor(tiny_model)
    ids = tokenize(ours.model.tokenizer, TEXTS, 48)
    found, cached = static_embeddings.distil(ours, ids)
    assert not cached and static_embeddings.distil(ours, ids)[1]
    theirs = AutoTokenizer.from_pretrained(tiny_model)
    tokens = sorted(set(theirs.get_vocab().values()) - set(theirs.all_special_ids))
    assert found.tokens.tolist() == tokens
    encoder = AutoModel.from_pretrained(tiny_model).eval()
    sequences = torch.tensor([[theirs.cls_token_id, token, theirs.sep_token_id] for token in tokens])
    with torch.inference_mode():
        states = encoder(input_ids=sequences, attention_mask=torch.ones_like(sequences)).last_hidden_state.mean(1).double().numpy()
    share = 1 / np.arange(2, len(tokens) + 2)
    unweighted = found.vectors / (1e-4 / (1e-4 + share / share.sum()))[:, None]
    centred = states - states.mean(0)
    # Components of equal variance may be turned; what they say of two tokens stays.
    largest = np.abs(centred @ centred.T).max()
    np.testing.assert_allclose(unweighted @ unweighted.T, centred @ centred.T, rtol=0, atol=3e-3 * largest)
    np.testing.assert_allclose(unweighted.var(0), np.sort(np.linalg.eigvalsh(np.cov(centred.T, bias=True)))[::-1], rtol=1e-2, atol=1e-6)


def test_a_text_is_the_mean_of_its_known_tokens() -> None:
    vectors = static_embeddings.Vectors(np.array([5, 7, 9], np.int32), np.array([[1, 0], [0, 2], [4, 4]], np.float16))
    ids = TokenIds(np.array([101, 5, 7, 102, 101, 8, 102, 101, 9, 9, 5, 102], np.int32), np.array([0, 4, 7, 12]), np.array([4, 3, 5]))
    np.testing.assert_allclose(vectors.features(ids), [[0.5, 1.0], [0.0, 0.0], [3.0, 8 / 3]], rtol=1e-6)


def test_of_a_large_vocabulary_the_first_tokens_and_those_of_the_texts_are_distilled(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_embeddings, "LARGEST", 4)
    tokenizer = checkpoint.at(tiny_model).tokenizer
    ids = tokenize(tokenizer, ["dog"], 48)
    tokens = static_embeddings.tokens_of(tokenizer, ids)
    assert tokens[:4].tolist() == [5, 6, 7, 8] and tokens[4:].tolist() == [tokenizer.backend.token_to_id("dog")]


def test_it_can_be_asked_to_stop(emotui_home: Path, tiny_model: Path) -> None:
    ours = extractor(tiny_model)
    with pytest.raises(StopRequestedError):
        static_embeddings.distil(ours, tokenize(ours.model.tokenizer, TEXTS, 48), should_stop=lambda: True)


def why(run: RunFolder, text: str, label: str = "") -> attribution.WhyAnswer:
    return attribution.explain(AskWhy(run=str(run.path), rung="static", text=text, label=label), lambda *_: None)


def test_the_rung_answers_and_its_words_add_up_to_the_score(ladder_run: RunFolder) -> None:
    classifier = classify.load(str(ladder_run.path), rung="static")
    assert isinstance(classifier, static_embeddings.StaticModel)
    scores, ids = classifier.probabilities(TEXTS)
    np.testing.assert_allclose(scores.sum(1), 1)
    assert ids.lengths.tolist() == [7, 9, 5, 2]
    logits = classifier.head.logits(classifier.features(TEXTS[:1]))[0]
    for place, label in enumerate(classifier.labels):
        found = why(ladder_run, TEXTS[0], label)
        assert (found.method, found.rung, found.score) == ("exact", "static", pytest.approx(logits[place]))
        total = sum(word.weight for word in found.words) + sum(rest.weight for rest in found.rest)
        assert found.baseline is not None and total + found.baseline == pytest.approx(found.score, abs=1e-5)
        assert found.gap == pytest.approx(0, abs=1e-5)
        assert [TEXTS[0][word.start : word.stop] for word in found.words] == TEXTS[0].split()
    asked = AskNeighbours(run=str(ladder_run.path), rung="static", text="i miss my old dog and i cry at night")
    near = near_rows.find(asked, lambda *_: None)
    assert near.features == "static embeddings" and near.rows[0].label == "sadness"


def test_of_two_classes_the_log_odds_are_explained(ladder_run: RunFolder) -> None:
    model = classify.load(str(ladder_run.path), rung="static")
    assert isinstance(model, static_embeddings.StaticModel)
    from emotui.core.model import exact

    width = model.vectors.vectors.shape[1]
    random = np.random.default_rng(0)
    head = Head(random.normal(size=(2, width)), random.normal(size=2), random.normal(size=width), random.uniform(0.5, 2, width))
    two = static_embeddings.StaticModel(("a", "b"), model.tokenizer, model.limit, model.vectors, head)
    found = exact.of_static(two, TEXTS[1], 1)
    probabilities = two.probabilities(TEXTS[1:2])[0][0]
    assert found.score == pytest.approx(np.log(probabilities[1] / probabilities[0]), abs=1e-6)
    assert found.gap == pytest.approx(0, abs=1e-5)


def test_what_does_not_go_with_the_rung_is_refused_in_words(ladder_run: RunFolder, tmp_path: Path) -> None:
    from emotui.core.model import attention, export

    with pytest.raises(UserError, match="no encoder reads the text"):
        attention.compute(AskAttention(run=str(ladder_run.path), rung="static", text="a"), lambda *_: None)
    with pytest.raises(UserError, match="no class of transformers loads the rung static"):
        export.export(AskExport(run=str(ladder_run.path), rung="static", folder=str(tmp_path / "out")))


def damaged(folder: Path, how: str) -> None:
    from safetensors.numpy import load_file, save_file

    arrays = load_file(folder / static_embeddings.FILE)
    match how:
        case "no file":
            (folder / static_embeddings.FILE).unlink()
            return
        case "a missing row":
            arrays["vectors"] = arrays["vectors"][1:].copy()
        case "an unknown token":
            arrays["tokens"] = arrays["tokens"] + np.int32(10_000)
        case "no order":
            arrays["tokens"] = arrays["tokens"][::-1].copy()
        case "NaN":
            arrays["vectors"][0, 0] = np.nan
        case _:
            arrays["vectors"] = arrays["vectors"][:, :4].copy()
    save_file(arrays, folder / static_embeddings.FILE)


@pytest.mark.parametrize("how", ["no file", "a missing row", "an unknown token", "no order", "NaN", "another width"])
def test_damaged_files_are_refused_in_a_sentence(ladder_run: RunFolder, how: str) -> None:
    damaged(rungs.folder_of(ladder_run, "static"), how)
    with pytest.raises(UserError) as caught:
        classify.load(str(ladder_run.path), rung="static")
    assert "Fit the baseline again" in str(caught.value.remedy)


def test_another_encoder_in_its_place_is_noticed(emotui_home: Path, tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    from emotui.core.runs import folder
    from emotui.core.specs import BaselineSpec, DataSpec

    model = shutil.copytree(tiny_model, tmp_path / "model")
    spec = DataSpec(str(tiny_data))
    job = BaselineSpec(spec, str(model), pooling="cls", device="cpu", precision="float32")
    run = folder.create(job, data_hash="", labels=sources.load(spec).labels, versions={})
    assert baseline.fit(job, run, lambda _: None, lambda: False)
    (model / "vocab.txt").write_text((model / "vocab.txt").read_text() + "more\n")
    with pytest.raises(UserError, match="has changed since"):
        classify.load(str(run.path), rung="static")
