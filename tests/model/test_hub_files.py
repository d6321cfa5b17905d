from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emotui.core.errors import UserError
from emotui.core.model import hub_files
from emotui.core.model.hub_files import missing_files, model_files, split_files


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train.jsonl.gz", "test.jsonl.gz", "README.md"], ["train.jsonl.gz", "test.jsonl.gz"]),
        (["train.csv", "val.csv", "dev.csv", "test.csv", "labels.csv"], ["train.csv", "val.csv", "dev.csv", "test.csv"]),
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"], None),
        (["train.jsonl", "data/train.csv"], ["train.jsonl"]),
        (["train.csv", "train.parquet", "test.parquet"], ["train.parquet", "test.parquet"]),
        (["Training.tsv", "Testing.tsv"], None),
        (["test.csv", "data/train.csv"], ["data/train.csv"]),
        (["trainer_state.csv", "testimonials.csv", "values.csv"], []),
        (["test.jsonl"], []),
        (["raw/train.csv"], []),
        (["train.exe", "train.pkl", "train.py"], []),
        (["emotion_train.csv", "emotion_test.csv", "other.csv"], ["emotion_train.csv", "emotion_test.csv"]),
        (["data/train_data.csv", "data/val_data.csv"], None),
        (["train/0000.parquet", "test/0000.parquet", "README.md"], ["train/0000.parquet", "test/0000.parquet"]),
        (["data/train/0.csv", "data/train/1.csv", "data/dev/0.csv"], None),
        (["train_test.csv", "retrain.csv"], []),
    ],
)
def test_split_files_are_found_by_name(names: list[str], expected: list[str] | None) -> None:
    assert split_files(names, {}) == (names if expected is None else expected)


def test_the_card_is_asked_last_and_its_default_configuration_taken() -> None:
    card = {
        "configs": [
            {"config_name": "raw", "data_files": [{"split": "train", "path": "raw/*.csv"}]},
            {"config_name": "default", "data_files": [{"split": "train", "path": ["clean/a.csv", "clean/b.csv"]}]},
        ]
    }
    names = ["raw/x.csv", "clean/a.csv", "clean/b.csv", "clean/c.csv", "clean/a.pkl"]
    assert split_files(names, card) == ["clean/a.csv", "clean/b.csv"]
    assert split_files([*names, "train.csv"], card) == ["train.csv"]
    assert split_files(["a_train.csv", *names], card) == ["clean/a.csv", "clean/b.csv"]
    assert split_files(["a_train.csv", *names], None) == []
    assert split_files(["a_train.csv", *names], {}) == ["a_train.csv"]
    assert split_files(names, {"configs": [card["configs"][0]]}) == ["raw/x.csv"]
    odd: list[Any] = ["x", [1], [{"data_files": "train.csv"}], [{"data_files": [{"path": None}]}]]
    for configs in odd:
        assert split_files(names, {"configs": configs}) == []


def test_a_model_is_its_configuration_tokenizer_and_safe_weights() -> None:
    names = {
        "config.json",
        "vocab.json",
        "merges.txt",
        "model.safetensors",
        "model-00001-of-00002.safetensors",
        "flax_model.msgpack",
        "x/config.json",
    }
    assert model_files(names, "it") == ["config.json", "merges.txt", "model.safetensors", "vocab.json"]
    names -= {"model.safetensors", "model-00001-of-00002.safetensors"}
    assert model_files(names | {"pytorch_model.bin", "training_args.bin"}, "it") == [
        "config.json",
        "merges.txt",
        "pytorch_model.bin",
        "vocab.json",
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"vocab.txt", "model.safetensors"}, "the model has no config.json"),
        ({"config.json", "model.safetensors"}, "the model has no tokenizer.json or vocab.txt"),
        ({"config.json", "vocab.txt"}, "the model has no model.safetensors"),
        ({"config.json", "vocab.txt", "tf_model.h5"}, "the model has no model.safetensors or pytorch_model.bin"),
        ({"config.json", "vocab.txt", "model-00001-of-00002.safetensors"}, "the model has no model.safetensors"),
    ],
)
def test_what_is_no_model_is_said(names: set[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        model_files(names, "the model")


def test_missing_files_of_a_folder_filled_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert missing_files(folder, "model") == ["config.json", "tokenizer.json", "model.safetensors"]
    assert missing_files(folder, "dataset") == ["train.jsonl"]
    folder.mkdir()
    shards = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    for name in ("config.json", "vocab.txt", shards[0]):
        (folder / name).write_text("x")
    (folder / hub_files.INDEX).write_text(json.dumps({"weight_map": dict(zip("ab", shards, strict=True))}))
    assert missing_files(folder, "model") == [shards[1]]
    (folder / hub_files.INDEX).write_text("[]")
    with pytest.raises(UserError, match="index of weights"):
        missing_files(folder, "model")
    (folder / "train.csv").write_text("text,label")
    assert missing_files(folder, "dataset") == []
