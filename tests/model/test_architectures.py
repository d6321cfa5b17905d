"""DistilBERT, BERT, RoBERTa and ModernBERT, small and random: encode, fine-tune, export."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from emotui.core.events import Event, Finished
from emotui.core.model import baseline, checkpoint, finetune, tokens
from emotui.core.questions import AskPath, AskTokens
from emotui.core.runs import folder
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from transformers import BertConfig, BertModel, ModernBertConfig, ModernBertModel, RobertaConfig, RobertaModel

pytestmark = pytest.mark.usefixtures("emotui_home")
SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "pad_token_id": 0}


@pytest.fixture(params=["distilbert", "bert", "roberta", "modernbert"])
def encoder(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Path:
    """A random encoder of one architecture with the tiny model's vocabulary."""
    if request.param == "distilbert":
        return tiny_model
    torch.manual_seed(0)
    vocabulary = len((tiny_model / "vocab.txt").read_text().splitlines())
    target = tmp_path / request.param
    match request.param:
        case "bert":
            model: Any = BertModel(BertConfig(vocab_size=vocabulary, max_position_embeddings=48, **SMALL))
        case "roberta":
            model = RobertaModel(RobertaConfig(vocab_size=vocabulary, max_position_embeddings=50, **SMALL))
        case _:
            ids: Any = {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
            model = ModernBertModel(ModernBertConfig(vocab_size=vocabulary, max_position_embeddings=48, **SMALL, **ids))
    model.save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(tiny_model / name, target / name)
    return target


def test_tokens_and_layers(encoder: Path) -> None:
    answer = tokens.describe(AskTokens(text="this is a text", model=str(encoder), shapes=True))
    assert answer.shapes is not None
    assert answer.shapes.embeddings == answer.shapes.hidden_state == (1, len(answer.subwords.ids), 32)
    path = tokens.trace(AskPath(text="this is a text", model=str(encoder)))
    assert len(path.token_norms) == 3


@pytest.mark.slow
def test_fine_tuning(encoder: Path, tiny_data: Path) -> None:
    job = TrainSpec(DataSpec(str(tiny_data)), str(encoder), epochs=12, batch_size=16, learning_rate=3e-3, device="cpu", precision="float32")
    run, events = folder.create(job, data_hash="", labels=(), versions={}), list[Event]()
    assert finetune.train(job, run, events.append, lambda: False)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.metrics.loss is not None
    assert finished.metrics.loss < 0.7 < math.log(3)
    assert checkpoint.at(run.model).classifier().config.id2label == {0: "anger", 1: "joy", 2: "sadness"}


def test_baseline(encoder: Path, tiny_data: Path) -> None:
    job = BaselineSpec(DataSpec(str(tiny_data)), str(encoder), device="cpu", precision="float32")
    run, events = folder.create(job, data_hash="", labels=(), versions={}), list[Event]()
    assert baseline.fit(job, run, events.append, lambda: False)
    assert isinstance(events[-1], Finished)
