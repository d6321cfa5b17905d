"""Attention as the model computes it, told token by token, of texts of any length."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import attention, checkpoint, classify
from emotui.core.questions import AskAttention, AttentionAnswer
from emotui.core.runs.folder import RunFolder


@pytest.fixture
def run(ladder_run: RunFolder) -> Path:
    return ladder_run.path


def look(run: Path, text: str, **more: Any) -> tuple[AttentionAnswer, np.ndarray]:
    answer = attention.compute(AskAttention(run=str(run), text=text, rung=more.pop("rung", "cls"), **more), lambda *_: None)
    return answer, np.frombuffer(answer.weights, "<f2").astype(np.float64).reshape(len(answer.tokens), -1)


def by_hand(model: Path, text: str, layer: int) -> np.ndarray:
    """Softmax of queries times keys over the root of the width, from the layer's own input: [heads, tokens, tokens]."""
    encoder = checkpoint.find(str(model)).encoder()
    ids = torch.tensor([checkpoint.find(str(model)).tokenizer.encode([text], 48)[0].ids])
    with torch.inference_mode():
        state = encoder(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states[layer - 1][0]
        part = encoder.transformer.layer[layer - 1].attention
        queries, keys = (each(state).reshape(len(state), 2, 16).transpose(0, 1).double() for each in (part.q_lin, part.k_lin))
        return torch.softmax(queries @ keys.transpose(1, 2) / 4.0, -1).numpy()


def test_attention_is_that_of_the_model(run: Path, tiny_model: Path) -> None:
    text = "i miss my old dog"
    for layer in (1, 2):
        heads = by_hand(tiny_model, text, layer)
        for head in (1, 2):
            answer, weights = look(run, text, layer=layer, head=head)
            assert weights == pytest.approx(heads[head - 1], abs=2e-3)
            assert weights.sum(1) == pytest.approx(1.0, abs=5e-3)
        assert (answer.layers, answer.heads, answer.tokens[0], answer.tokens[-1]) == (2, 2, "[CLS]", "[SEP]")
        assert look(run, text, layer=layer, head=0)[1] == pytest.approx(heads.mean(0), abs=2e-3)


def test_the_model_that_answers_keeps_its_own_attention(run: Path) -> None:
    classifier: Any = classify.load(str(run), rung="cls")
    before = classifier.encoder.config._attn_implementation
    look(run, "a movie")
    assert classifier.encoder.config._attn_implementation == before != "eager"


def test_a_long_text_is_cut_and_told(run: Path) -> None:
    answer, weights = look(run, "movie " * 3_000)
    assert weights.shape == (48, 48)
    assert answer.full_length == 3_002


def test_the_attention_of_a_large_model_fits_in_memory() -> None:
    small = SimpleNamespace(num_attention_heads=12, num_hidden_layers=6)
    large = SimpleNamespace(num_attention_heads=64, num_hidden_layers=48)
    assert attention.longest(small) == 512
    assert 100 < attention.longest(large) < 512
    assert 64 * 48 * attention.longest(large) ** 2 * 4 <= attention.MEMORY


def test_what_is_not_there_is_refused(run: Path) -> None:
    for fault, more in (("no layer 3", {"layer": 3}), ("head 3", {"head": 3}), ("no attention", {"rung": "tfidf"})):
        with pytest.raises(UserError, match=fault):
            look(run, "a movie", **more)
    with pytest.raises(UserError, match="empty"):
        look(run, " ")
