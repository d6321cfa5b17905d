"""A whole data set tokenized is what transformers' tokenizer makes of each row, and datasets reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import DatasetDict, load_from_disk
from emotui.core.errors import UserError
from emotui.core.model import tokenized
from emotui.core.questions import AskTokenize
from emotui.core.specs import DataSpec
from transformers import AutoTokenizer

pytestmark = pytest.mark.usefixtures("emotui_home")


def quiet(*_: object) -> None:
    return None


def test_datasets_reads_what_was_kept(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    target = tmp_path / "tokenized"
    ask = AskTokenize(data=DataSpec(str(tiny_data)), model=str(tiny_model), max_length=10, folder=str(target))
    answer = tokenized.tokenize_dataset(ask, quiet)
    assert answer.columns == ("text", "label", "input_ids", "attention_mask")
    assert answer.rows == {"train": 90, "validation": 30, "test": 30}
    kept = load_from_disk(str(target))
    assert isinstance(kept, DatasetDict)
    assert kept["train"].features["label"].names == ["anger", "joy", "sadness"]
    theirs, cut = AutoTokenizer.from_pretrained(tiny_model), 0
    for name, split in kept.items():
        rows = [json.loads(line) for line in (tiny_data / f"{name}.jsonl").read_text().splitlines()]
        for row, source in zip(split, rows, strict=True):
            assert row["text"] == source["text"]
            assert split.features["label"].int2str(row["label"]) == source["label"]
            assert row["input_ids"] == theirs(source["text"], truncation=True, max_length=10)["input_ids"]
            assert row["attention_mask"] == [1] * len(row["input_ids"])
            cut += len(theirs(source["text"])["input_ids"]) > 10
        assert answer.tokens[str(name)] == sum(len(row["input_ids"]) for row in split)
    assert answer.truncated == cut > 0
    with pytest.raises(UserError, match="already exists and is not empty"):
        tokenized.tokenize_dataset(ask, quiet)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_the_command_tells_columns_and_time(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emotui.tui", "tokens", "--data", str(tiny_data), "--model", str(tiny_model)]
    told = run([*command, "--json"])
    answer = json.loads(told.stdout)
    assert answer["columns"] == ["text", "label", "input_ids", "attention_mask"]
    shown = subprocess.run(
        [*command, "--save", str(tmp_path / "kept")], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert "tokenized in" in shown.stdout and "ClassLabel" in shown.stdout
    assert (tmp_path / "kept" / "dataset_dict.json").is_file()
    wrong = run([*command, "a text"])
    assert wrong.returncode == 2 and "not both" in wrong.stderr
