"""Checkpoints whose vocabulary is a sentencepiece model alone give the pieces that sentencepiece itself gives."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, older_tokenizers, tokens
from emotui.core.questions import AskTokens

pytestmark = pytest.mark.usefixtures("emotui_home")
NAMES = {
    "xlm-roberta": "sentencepiece.bpe.model",
    "camembert": "sentencepiece.bpe.model",
    "deberta-v2": "spm.model",
    "albert": "spiece.model",
}
LAYOUTS: dict[str, dict[str, Any]] = {
    "xlm-roberta": {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1},
    "camembert": {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1},
    "deberta-v2": {
        "pad_id": 0,
        "bos_id": 1,
        "eos_id": 2,
        "unk_id": 3,
        "pad_piece": "[PAD]",
        "bos_piece": "[CLS]",
        "eos_piece": "[SEP]",
        "unk_piece": "[UNK]",
    },
    "albert": {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
}
"""How the published checkpoints number their special pieces."""
MOVED = {"xlm-roberta": 1, "camembert": 4}
"""What is added to sentencepiece's numbers, as fairseq did it."""
ENDS = {"xlm-roberta": (0, 2), "camembert": (5, 6), "deberta-v2": (1, 2), "albert": (2, 3)}
UNKNOWN = {"xlm-roberta": 3, "camembert": 3}
TEXTS = ("my sister danced at home today", "the movie was really good in town", "we walked  home", "dancing sisters", "zebra qux today")


@pytest.fixture(scope="module", params=NAMES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of one architecture with a sentencepiece model that was trained here."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from transformers import AutoConfig, AutoModel

    kind: str = request.param
    target = tmp_path_factory.mktemp(kind)
    words = "we danced all day and i feel great my sister had a baby smile won the game movie was really good today at home in town"
    sentences = [" ".join(each) for each in itertools.islice(itertools.permutations(words.split(), 4), 0, 60_000, 20)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_prefix=str(target / "made"), vocab_size=80, hard_vocab_limit=False, **LAYOUTS[kind]
    )
    (target / "made.model").rename(target / NAMES[kind])
    (target / "made.vocab").unlink()
    torch.manual_seed(0)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
    own = {"albert": {"embedding_size": 16}}.get(kind, {})
    AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=120, **small, **own)).save_pretrained(target)
    return target


def _by_sentencepiece(folder: Path, text: str) -> list[int]:
    import sentencepiece

    kind = json.loads((folder / "config.json").read_text())["model_type"]
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / NAMES[kind]))
    ids: Sequence[int] = processor.encode(text)
    first, last = ENDS[kind]
    return [first, *(UNKNOWN[kind] if kind in UNKNOWN and each == processor.unk_id() else each + MOVED.get(kind, 0) for each in ids), last]


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_sentencepieces_own(folder: Path, text: str) -> None:
    assert checkpoint.at(folder).tokenizer.encode([text])[0].ids == _by_sentencepiece(folder, text)


def test_the_model_runs_on_them(folder: Path) -> None:
    answer = tokens.describe(AskTokens(text=TEXTS[0], model=str(folder), shapes=True))
    assert answer.shapes is not None
    assert answer.shapes.hidden_state == (1, len(answer.subwords.ids), 32)


def test_the_vocabulary_is_part_of_the_hash(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (name,) = (each.name for each in copy.glob("*.model"))
    (copy / name).write_bytes((copy / name).read_bytes() + b"\0")
    assert checkpoint.at(copy).hash != checkpoint.at(folder).hash


def test_without_the_packages_a_sentence_says_how_to_get_them(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    for name in ("tokenizer.json", "vocab.txt"):
        (copy / name).unlink()
    (copy / "spm.model").write_bytes(b"x" * 200)
    found = importlib.util.find_spec
    monkeypatch.setattr(older_tokenizers.importlib.util, "find_spec", lambda name: None if name == "sentencepiece" else found(name))
    with pytest.raises(UserError, match=r"only in spm.model.*pip install 'emotui\[sentencepiece\]'"):
        _ = checkpoint.find(str(copy)).tokenizer
