"""Batches hold every text once, in an order that depends on seed and epoch alone, and pad nothing but ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from emotui.core.model import batches, checkpoint
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

lengths_of_texts = st.lists(st.integers(2, 60), min_size=1, max_size=200).map(np.asarray)


@given(lengths_of_texts, st.integers(1, 300))
def test_by_length_keeps_to_the_budget_and_loses_nothing(lengths: np.ndarray, budget: int) -> None:
    groups = batches.by_length(lengths, budget)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or lengths[group].max() * len(group) <= budget


@given(lengths_of_texts, st.integers(1, 40), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_has_every_row_once_in_batches_of_the_size(lengths: np.ndarray, size: int, seed: int, epoch: int) -> None:
    epoch_batches = batches.epoch_batches(lengths, size, seed, epoch)
    assert sorted(np.concatenate(epoch_batches).tolist()) == list(range(len(lengths)))
    assert len(epoch_batches) == -(-len(lengths) // size)
    again = batches.epoch_batches(lengths, size, seed, epoch)
    assert all((a == b).all() for a, b in zip(epoch_batches, again, strict=True))


def test_epochs_differ_and_batches_waste_little() -> None:
    lengths = np.random.default_rng(0).integers(3, 80, 4_000)
    first, second = (batches.epoch_batches(lengths, 64, 1, epoch) for epoch in (0, 1))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(first, second, strict=True))
    padded = sum(len(batch) * lengths[batch].max() for batch in first)
    assert lengths.sum() / padded > 0.9
    assert lengths.sum() / (len(lengths) * lengths.max()) < 0.6


def test_tokenize_cuts_and_tells_the_full_length(tiny_model: Path) -> None:
    tokenizer = checkpoint.at(tiny_model).tokenizer
    texts = ["i miss my old dog", "again " * 30, "x \ud800 y"]
    ids = batches.tokenize(tokenizer, texts, 10)
    assert ids.lengths.tolist()[:2] == [7, 10]
    assert ids.full_lengths.tolist()[:2] == [7, 32]
    inputs = ids.pad(np.array([1, 0]), tokenizer.padding)
    assert inputs["input_ids"].shape == (2, 10)
    assert inputs["attention_mask"].sum(1).tolist() == [10, 7]
    theirs = AutoTokenizer.from_pretrained(tiny_model)
    expected = theirs([texts[1], texts[0]], truncation=True, max_length=10, padding=True, return_tensors="pt")
    assert (inputs["input_ids"] == expected["input_ids"]).all()
    assert (inputs["attention_mask"] == expected["attention_mask"]).all()


@pytest.mark.parametrize("count", [0, 1, batches.CHUNK + 1])
def test_tokenize_takes_any_number_of_texts(tiny_model: Path, count: int) -> None:
    seen: list[tuple[int, int]] = []
    ids = batches.tokenize(checkpoint.at(tiny_model).tokenizer, ["at home"] * count, 10, lambda done, total: seen.append((done, total)))
    assert len(ids) == count
    assert ids.lengths.tolist() == [4] * count
    assert not count or seen[-1] == (count, count)
