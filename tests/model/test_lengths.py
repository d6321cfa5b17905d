"""The longest text of every architecture: as many tokens as its positions go, and one more does not work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, classify, export, finetune
from emotui.core.questions import AskClassify, AskExport
from emotui.core.runs import folder
from emotui.core.specs import DataSpec, TrainSpec
from variants import one_in

pytestmark = pytest.mark.usefixtures("emotui_home")
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
LIMITS: dict[str, tuple[int, bool, dict[str, Any]]] = {
    "albert": (40, True, {"embedding_size": 16}),
    "bert": (40, True, {}),
    "big_bird": (40, True, {"attention_type": "original_full"}),
    "camembert": (38, True, {"pad_token_id": 1}),
    "convbert": (40, True, {"embedding_size": 32}),
    "data2vec-text": (38, True, {"pad_token_id": 1}),
    "deberta": (40, True, {}),
    "deberta-v2": (40, False, {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]}),
    "distilbert": (40, True, {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2}),
    "electra": (40, True, {"embedding_size": 16}),
    "ernie": (40, True, {}),
    "longformer": (38, True, {"attention_window": [4, 4], "pad_token_id": 1}),
    "megatron-bert": (40, True, {}),
    "mobilebert": (40, True, {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}),
    "modernbert": (40, False, {"cls_token_id": 2, "sep_token_id": 3, "pad_token_id": 0}),
    "mpnet": (38, True, {"pad_token_id": 1}),
    "nystromformer": (40, True, {"segment_means_seq_len": 40, "num_landmarks": 40}),
    "rembert": (40, True, {"input_embedding_size": 16}),
    "roberta": (38, True, {"pad_token_id": 1}),
    "roberta-prelayernorm": (38, True, {"pad_token_id": 1}),
    "roformer": (40, True, {"embedding_size": 32}),
    "squeezebert": (40, True, {"embedding_size": 32}),
    "xlm-roberta": (35, True, {"pad_token_id": 4}),
}
"""By model type: the longest text, whether one token more fails, and settings of its own."""
QUICK = ("distilbert", "roberta")


def write_encoder(kind: str, tiny_model: Path, target: Path, *, settings: dict[str, Any]) -> Path:
    """Write a random encoder of an architecture with the tiny model's tokenizer, which names no limit."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    vocabulary = len((tiny_model / "vocab.txt").read_text().splitlines())
    config = AutoConfig.for_model(kind, **(SMALL | {"vocab_size": vocabulary, "pad_token_id": 0} | settings))
    AutoModel.from_config(config).save_pretrained(target)
    shutil.copy(tiny_model / "tokenizer.json", target)
    (target / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]", "unk_token": "[UNK]", "model_max_length": 10**30}))
    return target


@pytest.mark.parametrize("kind", one_in(2, LIMITS))
def test_a_text_of_the_limit_works_and_one_token_more_does_not(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    limit, fails, settings = LIMITS[kind]
    found = checkpoint.at(write_encoder(kind, tiny_model, tmp_path / "model", settings=settings))
    assert found.limit == limit
    found.try_length(limit)
    encoder = found.encoder()
    for length in (limit, limit + 1) if fails else (limit,):
        ids = torch.full((1, length), 9)
        if length > limit:
            with pytest.raises((IndexError, RuntimeError)), torch.inference_mode():
                encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
            with pytest.raises(UserError, match="fails on the"):
                found.try_length(length)
        else:
            with torch.inference_mode():
                assert encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.shape == (1, length, 32)


@pytest.mark.parametrize("kind", [*QUICK, *(pytest.param(each, marks=pytest.mark.slow) for each in LIMITS if each not in QUICK)])
@pytest.mark.parametrize("max_length", [None, 12])
def test_an_exported_models_own_example_takes_10000_words(
    kind: str, max_length: int | None, tiny_model: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limit, _, settings = LIMITS[kind]
    model = write_encoder(kind, tiny_model, tmp_path / "model", settings=settings)
    job = TrainSpec(DataSpec(str(tiny_data)), str(model), epochs=1, batch_size=32, max_length=max_length, device="cpu", precision="float32")
    run = folder.create(job, data_hash="", labels=("anger", "joy", "sadness"), versions={})
    assert finetune.train(job, run, lambda _: None, lambda: False)
    out = Path(export.export(AskExport(run=str(run.path), folder=str(tmp_path / "out"))).folder)
    example = (out / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert "THIS FOLDER" in example
    text = "i miss my old dog " * 2_000
    sentence = "I saw a movie today and it was really good."
    assert sentence in example
    exec(example.replace("THIS FOLDER", str(out)).replace(sentence, text), space := {})
    (answers,) = space["classify"]([text])
    theirs = {each["label"]: each["score"] for each in answers}
    ours = classify.classify(AskClassify(run=str(run.path), texts=(text,))).predictions[0]
    assert ours.tokens == (max_length or limit)
    assert theirs == pytest.approx(ours.probabilities, abs=1e-4)
    assert "anger" in capsys.readouterr().out
