"""The tokenizer gives what transformers' gives for the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emotui.core.model import checkpoint, model_config
from emotui.core.model.tokenizer import Tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

pytestmark = pytest.mark.usefixtures("emotui_home")
STARTER = model_config.starter_folder()


@pytest.fixture(scope="module", params=["starter", "real"])
def folder(request: pytest.FixtureRequest) -> Path:
    """The starter's tokenizer, which carries a truncation of its own, and DistilBERT's."""
    real = os.environ.get("EMOTUI_REAL_MODEL")
    if request.param == "real" and not real:
        pytest.skip("EMOTUI_REAL_MODEL is not set")
    found = Path(real) if request.param == "real" and real else STARTER
    assert found
    return found


def test_figures_are_transformers_own(folder: Path) -> None:
    found, theirs = checkpoint.at(folder), AutoTokenizer.from_pretrained(folder)
    ours = found.tokenizer
    assert ours.vocab_size == theirs.vocab_size
    assert found.limit == theirs.model_max_length
    assert ours.pad_token_id == theirs.pad_token_id
    assert ours.unk_token_id == theirs.unk_token_id
    assert ours.specials == theirs.num_special_tokens_to_add()
    assert list(ours.input_names) == theirs.model_input_names


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=200), limit=st.integers(3, 40))
def test_ids_offsets_and_masks_are_transformers_own(text: str, limit: int) -> None:
    assert STARTER
    ours, theirs = _pair(STARTER)
    encoding = ours.encode([text], limit)[0]
    expected = theirs(text, truncation=True, max_length=limit, padding=False, return_offsets_mapping=True, return_special_tokens_mask=True)
    assert encoding.ids == expected["input_ids"]
    assert encoding.offsets == expected["offset_mapping"]
    assert encoding.special_tokens_mask == expected["special_tokens_mask"]
    assert ours.full_length(encoding) == len(theirs(text, truncation=False, padding=False)["input_ids"])
    own = [token for token, special in zip(encoding.tokens, encoding.special_tokens_mask, strict=True) if not special]
    assert ours.join(own) == theirs.convert_tokens_to_string(own)


_made: dict[Path, tuple[Tokenizer, AutoTokenizer]] = {}


def _pair(folder: Path) -> tuple[Tokenizer, Any]:
    if folder not in _made:
        _made[folder] = checkpoint.at(folder).tokenizer, AutoTokenizer.from_pretrained(folder)
    return _made[folder]


def test_a_vocabulary_of_the_older_kind_is_read(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny_model / name).read_bytes())
    ours, known = checkpoint.at(tmp_path).tokenizer, checkpoint.at(tiny_model).tokenizer
    assert ours.encode(["i miss my old dog"])[0].ids == known.encode(["i miss my old dog"])[0].ids


def test_tokens_are_told_without_torch(emotui_home: Path) -> None:
    code = (
        "import sys\n"
        "from emotui.core.questions import AskTokens\n"
        "from emotui.core.model import tokens\n"
        "assert tokens.describe(AskTokens(text='this is a text')).subwords.ids\n"
        "print([name for name in ('torch', 'transformers', 'sklearn') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
