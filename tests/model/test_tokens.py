"""The tutorial's tokens, ids and shapes, from the starter's tokenizer, which has DistilBERT's vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, tokens
from emotui.core.questions import AskBatch, AskLengths, AskPath, AskTokens
from emotui.core.specs import DataSpec
from transformers import AutoTokenizer

TUTORIAL = "Tokenizing text is a core task of NLP."
pytestmark = pytest.mark.usefixtures("emotui_home")


def test_the_tutorials_three_ways_to_tokenize() -> None:
    answer = tokens.describe(AskTokens(text=TUTORIAL, shapes=True))
    assert answer.characters.tokens == tuple(TUTORIAL)
    assert answer.characters.one_hot == (38, 20)
    assert answer.characters.vocabulary == {character: index for index, character in enumerate(sorted(set(TUTORIAL)))}
    assert answer.words.tokens == ("Tokenizing", "text", "is", "a", "core", "task", "of", "NLP.")
    assert answer.words.one_hot == (8, 8)
    own = [i for i, flag in enumerate(answer.subwords.special) if not flag]
    assert [answer.subwords.tokens[i] for i in own] == ["token", "##izing", "text", "is", "a", "core", "task", "of", "nl", "##p", "."]
    assert [answer.subwords.ids[i] for i in own] == [19204, 6026, 3793, 2003, 1037, 4563, 4708, 1997, 17953, 2361, 1012]
    assert answer.subwords.round_trip == "tokenizing text is a core task of nlp."
    assert answer.subwords.vocab_size == 30522
    assert answer.subwords.model_max_length == 512
    assert [TUTORIAL[start:end] for start, end in (answer.subwords.offsets[i] for i in own)][:2] == ["Token", "izing"]
    assert answer.shapes is not None
    assert answer.shapes.input_ids == (1, 13)
    assert answer.shapes.one_hot == (1, 13, 30522)
    assert answer.shapes.embeddings == answer.shapes.hidden_state == (1, 13, 384)


def test_the_tutorials_hidden_state_of_one_text() -> None:
    answer = tokens.describe(AskTokens(text="this is a text", shapes=True))
    assert answer.shapes is not None
    assert answer.shapes.input_ids == (1, 6)
    assert answer.shapes.hidden_state[:2] == (1, 6)


@pytest.mark.parametrize("text", ["", " ", "\ud800", "日本語 text", "🙂" * 40, "a\x1b[2J\x00b"])
def test_any_text_has_tokens(tiny_model: Path, text: str) -> None:
    answer = tokens.describe(AskTokens(text=text, model=str(tiny_model), shapes=True))
    assert len(answer.subwords.tokens) == len(answer.subwords.ids) == len(answer.subwords.offsets) == len(answer.subwords.special)


def test_a_long_text_is_cut_where_the_answer_says(tiny_model: Path) -> None:
    text = "again " * 100
    answer = tokens.describe(AskTokens(text=text, model=str(tiny_model), max_length=12))
    assert (len(answer.subwords.ids), answer.subwords.full_length) == (12, 102)
    assert answer.subwords.cut_at == 10 * len("again ") - 1


def test_a_length_that_the_model_does_not_take_is_refused(tiny_model: Path) -> None:
    with pytest.raises(UserError, match="takes 3 to 48 tokens"):
        tokens.describe(AskTokens(text="a", model=str(tiny_model), max_length=49))


def test_a_batch_is_padded_to_its_longest_text(tiny_model: Path) -> None:
    answer = tokens.pad(AskBatch(texts=("again", "i miss my dog", "at home"), model=str(tiny_model)))
    assert answer.padded_to == 6
    assert answer.lengths == (3, 6, 4)
    assert [sum(mask) for mask in answer.attention_mask] == [3, 6, 4]
    assert answer.tokens[0][3:] == ("[PAD]",) * 3
    assert answer.padding_share == pytest.approx(5 / 18)
    assert answer.padding_share_fixed == pytest.approx(1 - 13 / (3 * 48))


def test_norms_by_layer_are_those_of_the_model(tiny_model: Path) -> None:
    answer = tokens.trace(AskPath(text="this is a text", model=str(tiny_model)))
    encoder, tokenizer = checkpoint.at(tiny_model).encoder(), AutoTokenizer.from_pretrained(tiny_model)
    with torch.inference_mode():
        states = encoder(**tokenizer("this is a text", return_tensors="pt", return_token_type_ids=False), output_hidden_states=True)
    assert [layer.name for layer in answer.layers] == ["ids", "one-hot", "embeddings", "layer 1", "layer 2", "[CLS]"]
    for got, state in zip(answer.token_norms, states.hidden_states, strict=True):
        assert got == pytest.approx([float((token**2).sum() ** 0.5) for token in state[0]], rel=1e-4)
    assert answer.layers[-1].shape == (32,)


def test_counts_of_a_data_set(tiny_model: Path, tiny_data: Path) -> None:
    seen: list[int] = []
    answer = tokens.count(
        AskLengths(data=DataSpec(str(tiny_data)), model=str(tiny_model)), lambda phase, done, total, unit: seen.append(done)
    )
    assert {name: len(each) for name, each in answer.tokens.items()} == {"train": 90, "validation": 30, "test": 30}
    assert seen[-1] == 150
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    first = (tiny_data / "train.jsonl").read_text().splitlines()[0]
    import json

    assert answer.tokens["train"][0] == len(tokenizer(json.loads(first)["text"])["input_ids"])
