"""Hidden states are those of one text at a time, whatever batch they come from, and the cache gives them back unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from emotui.core.model import batches, checkpoint, encode, state_cache
from emotui.core.model.device import Compute
from transformers import AutoTokenizer

TEXTS = ["i miss my old dog and i cry at night", "again", "we danced all day in the park with my mother", "x"] * 3
CPU = Compute(torch.device("cpu"), "", "float32")


def test_pooled_states_equal_those_of_each_text_alone(tiny_model: Path) -> None:
    encoder, tokenizer = checkpoint.at(tiny_model).encoder(), checkpoint.at(tiny_model).tokenizer
    theirs = AutoTokenizer.from_pretrained(tiny_model)
    ids = batches.tokenize(tokenizer, TEXTS, 48)
    states = encode.hidden_states(encoder, ids, tokenizer.padding, CPU)
    assert states is not None
    for index, text in enumerate(TEXTS):
        with torch.inference_mode():
            alone = encoder(**theirs(text, return_tensors="pt", return_token_type_ids=False)).last_hidden_state[0]
        np.testing.assert_allclose(states["cls"][index], alone[0].numpy(), atol=2e-6)
        np.testing.assert_allclose(states["mean"][index], alone.mean(0).numpy(), atol=2e-6)


def test_asked_to_stop_nothing_is_returned(tiny_model: Path) -> None:
    encoder, tokenizer = checkpoint.at(tiny_model).encoder(), checkpoint.at(tiny_model).tokenizer
    ids = batches.tokenize(tokenizer, TEXTS, 48)
    assert encode.hidden_states(encoder, ids, tokenizer.padding, CPU, stop=lambda: True) is None


def test_the_cache_keeps_arrays_and_survives_damage(emotui_home: Path) -> None:
    key = state_cache.key_of("t", "m", "cls", 512, "float32", "cpu")
    assert state_cache.cached(key) is None
    states = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    state_cache.keep(key, states)
    kept = state_cache.cached(key)
    assert kept is not None
    np.testing.assert_array_equal(kept, states)
    path = next((emotui_home / "cache").rglob("*.npy"))
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes()[:90])
    assert state_cache.cached(key) is None


@pytest.mark.parametrize("other", [("u", "m", "cls", 512, "float32"), ("t", "n", "cls", 512, "float32"), ("t", "m", "mean", 512, "float32"),
                                   ("t", "m", "cls", 64, "float32"), ("t", "m", "cls", 512, "bf16")])  # fmt: skip
def test_the_key_depends_on_all_that_a_state_depends_on(other: tuple[str, str, encode.Pooling, int, str]) -> None:
    assert state_cache.key_of(*other, "cpu") != state_cache.key_of("t", "m", "cls", 512, "float32", "cpu")


def test_the_hash_of_texts_sees_their_borders() -> None:
    assert state_cache.texts_hash(["ab", "c"]) != state_cache.texts_hash(["a", "bc"])
    assert state_cache.texts_hash(["a", "b"]) != state_cache.texts_hash(["b", "a"])
