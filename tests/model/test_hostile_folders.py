"""Model folders made to harm: each ends, within bounds of time and memory, with a value or a sentence, as a user meets it."""

from __future__ import annotations

import base64
import json
import math
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from emotui.core.engine.client import Session
from emotui.core.errors import UserError
from emotui.core.questions import AskPath, AskTokens, PathAnswer, TokensAnswer
from safetensors.numpy import load_file, save_file

SECONDS = 60
"""Of computing, for both questions; a busy machine makes none of them longer."""
MEMORY = 500 << 20
TEXT = "i miss my old dog, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! 你好 1234"
TWO_TO_THE_62 = 1 << 62

Spoil = Callable[[Path], None]
CASES: dict[str, Spoil] = {}


def _case(name: str, spoil: Spoil) -> None:
    assert name not in CASES, name
    CASES[name] = spoil


def _write(name: str, content: bytes | str) -> Spoil:
    return lambda folder: (folder / name).unlink(missing_ok=True) or _put(folder / name, content)


def _put(path: Path, content: bytes | str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _fifo(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink(missing_ok=True) or os.mkfifo(folder / name)


def _folder(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink(missing_ok=True) or (folder / name).mkdir()


def _link(name: str, target: str) -> Spoil:
    return lambda folder: (folder / name).unlink(missing_ok=True) or (folder / name).symlink_to(target)


def _both(*spoils: Spoil) -> Spoil:
    def spoil(folder: Path) -> None:
        for each in spoils:
            each(folder)

    return spoil


def _remove(*names: str) -> Spoil:
    def spoil(folder: Path) -> None:
        for each in names:
            (folder / each).unlink()

    return spoil


def _change(name: str, change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text()) if path.exists() else {}
        change(content)
        path.write_text(json.dumps(content))

    return spoil


def _config(**values: Any) -> Spoil:
    return _change("config.json", lambda config: config.update(values))


def _settings(**values: Any) -> Spoil:
    return _change("tokenizer_config.json", lambda settings: settings.update(values))


def _tokenizer(**values: Any) -> Spoil:
    return _change("tokenizer.json", lambda tokenizer: tokenizer.update(values))


def _model(**values: Any) -> Spoil:
    return _change("tokenizer.json", lambda tokenizer: tokenizer["model"].update(values))


def _vocabulary(change: Callable[[dict[str, Any]], object]) -> Spoil:
    return _change("tokenizer.json", lambda tokenizer: change(tokenizer["model"]["vocab"]))


def _weights(change: Callable[[dict[str, np.ndarray]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return spoil


def _header(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        raw = (folder / "model.safetensors").read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8 : 8 + length])
        header = change(header) or header
        content = json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + raw[8 + length :])

    return spoil


def _first(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Change the entry of the first tensor."""
    return _header(lambda header: change(header[next(each for each in header if each != "__metadata__")]))


def _no_value(change: object) -> None:
    return None


def _index(content: object) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(content))

    return spoil


def _two_shards(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors").rename(folder / "model-00002-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def _only(name: str, content: bytes | str) -> Spoil:
    """A vocabulary of the older kind."""
    return _both(_remove("tokenizer.json", "vocab.txt"), _write(name, content))


def _word(name: str, value: Any) -> str:
    return f"{name} is {value!r}"[:60]


NESTED = "[" * 100_000 + "]" * 100_000
EMBEDDING = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"

for key, values in {
    "n_layers": (10**5, 10**9, 0, -1, True, "6", 1.5, [1], 500),
    "dim": (0, -5, 10**9, "x", 31, 64, 65_536),
    "n_heads": (0, 7, 10**9),
    "hidden_dim": (0, 10**12, 1 << 20),
    "vocab_size": (0, 10, 10**9, "x", 4_000_000),
    "max_position_embeddings": (0, -1, 10**12, 10**7, "x", [512], 8),
    "pad_token_id": (10**9, -5, "x", 4_000),
    "activation": ("nope", 5),
    "dropout": ("x", 5.0, -1),
    "num_labels": (10**7, -3),
    "id2label": ([1], {str(each): "x" for each in range(100_000)}, {"0": "\ud800"}),
    "architectures": (5, [5]),
    "is_decoder": ("yes", True),
    "model_type": (
        5,
        "../../etc",
        "gpt2",
        "t5",
        "a" * 100_000,
        "auto",
        "bert",
        "roberta",
        "modernbert",
        "albert",
        "deberta-v2",
        "longformer",
    ),
    "dtype": ("evil", 5),
    "torchscript": (True,),
    "return_dict": (False,),
    "attn_implementation": ("someone/kernel", "flash_attention_2"),
    "_attn_implementation": ("someone/kernel",),
    "quantization_config": ({"quant_method": "bitsandbytes"},),
    "auto_map": ({"AutoModel": "evil--code.Model", "AutoConfig": "evil.Config"},),
    "fusion_config": ({"patch_embeddings": True},),
    "chunk_size_feed_forward": (10**9, -1),
    "sinusoidal_pos_embds": (True, "x"),
    "something_else": (10**18, "x" * 1_000_000, [[[[[[[[[[1]]]]]]]]]]),
}.items():
    for value in values:
        _case(f"config: {_word(key, value)}", _config(**{key: value}))
_case("config: an ALBERT of very many groups", _config(model_type="albert", num_hidden_groups=10**9, num_hidden_layers=2))
_case("config: an ALBERT of very many inner groups", _config(model_type="albert", inner_group_num=10**9, num_hidden_layers=2))
_case("config: a Longformer with very many windows", _config(model_type="longformer", attention_window=[512] * 10**5))
_case("config: a RoFormer of very many positions", _config(model_type="roformer", max_position_embeddings=10**7))
_case("config: as many layers as are allowed", _config(n_layers=512, dim=64, n_heads=2, hidden_dim=10**6))
for name, content in {
    "empty": "",
    "nested": NESTED,
    "an object in an object": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "NaN": '{"model_type": "distilbert", "dropout": NaN}',
    "a number of 10,000 digits": '{"model_type": "distilbert", "n_layers": ' + "9" * 10_000 + "}",
    "infinite": '{"model_type": "distilbert", "dropout": 1e999}',
    "of 3 million lists": '{"a": [' + "[]," * 1_200_000 + "[]]}",
    "garbage": bytes(range(256)) * 40,
    "UTF-16": json.dumps({"model_type": "distilbert"}).encode("utf-16"),
}.items():
    _case(f"config: {name}", _write("config.json", content))
for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
    _case(f"{name} is a fifo", _both(_remove("tokenizer.json"), _fifo(name)) if name == "vocab.txt" else _fifo(name))
    _case(f"{name} is a folder", _both(_remove("tokenizer.json"), _folder(name)) if name == "vocab.txt" else _folder(name))
_case("config.json is /dev/zero", _link("config.json", "/dev/zero"))
_case("tokenizer.json is /dev/zero", _link("tokenizer.json", "/dev/zero"))
_case("model.safetensors is /dev/zero", _link("model.safetensors", "/dev/zero"))
_case("config.json is a link to nothing", _link("config.json", "nowhere"))
_case("model.safetensors is a link to itself", _link("model.safetensors", "model.safetensors"))
_case("config.json is this process's memory", _link("config.json", "/proc/self/mem"))

for name, content in {
    "empty": b"",
    "7 bytes": b"1234567",
    "a header of length 0": struct.pack("<Q", 0) + b"{}",
    "a header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}",
    "a header longer than the file": struct.pack("<Q", 10_000) + b"{}",
    "a header that is no JSON": struct.pack("<Q", 4) + b"oops",
    "a header that is a list": struct.pack("<Q", 2) + b"[]",
    "a nested header": struct.pack("<Q", len(NESTED)) + NESTED.encode(),
    "no tensor": struct.pack("<Q", 2) + b"{}",
    "a header of 20 MB": struct.pack("<Q", 20 << 20) + b" " * (20 << 20),
    "a header of 2 million values": struct.pack("<Q", 6_000_007) + b'{"a":[' + b"[]," * 2_000_000 + b"[]]}",
    "garbage": bytes(range(256)) * 1_000,
}.items():
    _case(f"weights: {name}", _write("model.safetensors", content))
_case("weights: cut", lambda folder: os.truncate(folder / "model.safetensors", 9_000))
_case(
    "weights: longer than they say", lambda folder: _put(folder / "model.safetensors", (folder / "model.safetensors").read_bytes() + b"x")
)
for key, values in {
    "dtype": ("F4", 5, None, "I32", "F16", "BOOL"),
    "shape": ([TWO_TO_THE_62, 4], [-1, 5], [1.5], "x", None, [1 << 40, 1 << 40], [1] * 100, [0], []),
    "data_offsets": ([0, 1], [0, TWO_TO_THE_62], [-4, 4], [8, 0], [1], "x", None, [1 << 63, 1 << 63]),
}.items():
    for value in values:
        _case(f"weights: {_word(key, value)}", _first(lambda entry, key=key, value=value: entry.update({key: value})))
_case(
    "weights: two tensors in one place",
    _header(lambda header: {name: header[POSITIONS] if name == EMBEDDING else each for name, each in header.items()}),
)
_case("weights: metadata is a number", _header(lambda header: {**header, "__metadata__": 5}))
_case("weights: metadata is deep", _header(lambda header: {**header, "__metadata__": {"a": "x" * 100_000}}))
_case("weights: an entry is a list", _header(lambda header: {**header, EMBEDDING: []}))
_case(
    "weights: a name of escape bytes",
    _header(lambda header: {(f"\x1b]52;c;x\x07{name}" if name == EMBEDDING else name): each for name, each in header.items()}),
)
_case("weights: not a number", _weights(lambda tensors: tensors[EMBEDDING].fill(math.nan)))
_case("weights: one infinite number", _weights(lambda tensors: tensors[POSITIONS].__setitem__((3, 3), math.inf)))
_case("weights: huge numbers", _weights(lambda tensors: tensors[EMBEDDING].fill(3e38)))
_case("weights: whole numbers", _weights(lambda tensors: tensors.update({EMBEDDING: tensors[EMBEDDING].astype(np.int8)})))
_case("weights: a layer is missing", _weights(lambda tensors: [tensors.pop(each) for each in list(tensors) if "layer.1." in each]))
_case("weights: the embedding is missing", _weights(lambda tensors: tensors.pop(EMBEDDING)))
_case("weights: only the embedding", _weights(lambda tensors: [tensors.pop(each) for each in list(tensors) if each != EMBEDDING]))
_case("weights: no rows", _weights(lambda tensors: tensors.update({EMBEDDING: np.zeros((0, 32), np.float32)})))
_case("weights: fewer rows", _weights(lambda tensors: tensors.update({EMBEDDING: tensors[EMBEDDING][:20].copy()})))
_case("weights: fewer positions", _weights(lambda tensors: tensors.update({POSITIONS: tensors[POSITIONS][:4].copy()})))
_case("weights: one dimension", _weights(lambda tensors: tensors.update({EMBEDDING: tensors[EMBEDDING].ravel().copy()})))
_case("weights: turned", _weights(lambda tensors: tensors.update({EMBEDDING: tensors[EMBEDDING].T.copy()})))
_case(
    "weights: 30,000 tensors more",
    _weights(lambda tensors: tensors.update({f"x{each}": np.zeros(1, np.float32) for each in range(30_000)})),
)
for name, weight_map in {
    "above": {"a": "../model.safetensors"},
    "elsewhere": {"a": "/etc/passwd"},
    "with NUL": {"a": "a\0.safetensors"},
    "that are not there": {"a": "model-00009-of-00009.safetensors"},
    "that are numbers": {"a": 5},
    "in a list": ["a"],
    "that are none": {},
    "100,000 of them": {str(each): f"{each}.safetensors" for each in range(100_000)},
}.items():
    _case(f"index: files {name}", _index({"weight_map": weight_map}))
_case("index: no map", _index({}))
_case("index: a list", _index([1]))
_case("index: two files with the same tensors", _two_shards)
_case("index: a fifo", _both(_remove("model.safetensors"), _fifo("model.safetensors.index.json")))
_case("weights: none", _remove("model.safetensors"))
_case(
    "weights: a pickle that runs code",
    _both(_remove("model.safetensors"), _write("pytorch_model.bin", b"cos\nsystem\n(S'touch /tmp/harmed'\ntR.")),
)

REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
for key, values in {
    "model": (None, 5, [], {}, {"type": "Nothing", "vocab": {"a": 0}}),
    "added_tokens": (
        5,
        [5],
        [{"id": 10**9, "content": "zz", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}],
        [{"id": -1, "content": "zz"}],
        [{"id": 1, "content": ""}],
        [{"id": 1, "content": 5}],
        [{"id": each, "content": f"zz{each}", "special": False} for each in range(100_000)],
        [{"id": 1, "content": "z" * 1_000_000}],
    ),
    "normalizer": (
        5,
        {},
        {"type": "Nothing"},
        {"type": "Sequence"},
        {"type": "Sequence", "normalizers": [REPLACE] * 40},
        {"type": "Sequence", "normalizers": [REPLACE] * 300},
        {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000},
        {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 8_000},
        {"type": "Replace", "pattern": {"Regex": ""}, "content": "a" * 8_000},
        {"type": "Replace", "pattern": {"Regex": "("}, "content": "a"},
        {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"},
        {"type": "Replace", "pattern": 5, "content": 5},
        {"type": "Prepend", "prepend": "a" * 1_000_000},
        {"type": "Precompiled", "precompiled_charsmap": "no base64"},
        {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(struct.pack("<I", 1 << 31) + b"x" * 64).decode()},
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(struct.pack("<I", 64) + os.urandom(64) + b"x").decode()},
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(struct.pack("<I", 4) + bytes(4) + b"x" * 100_000).decode()},
        {"type": "Strip"},
    ),
    "pre_tokenizer": (
        {"type": "Nothing"},
        {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"Regex": "(a|a|b)*c"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"Regex": "(?:(?:a*)*)*!!"}, "behavior": "Removed", "invert": True},
        {"type": "Split", "pattern": {"Regex": "(\\s*\\S*)*\\d\\d\\d\\d\\d$"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"Regex": "[a"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"Regex": "(?<=" + "(" * 500}, "behavior": "Isolated", "invert": False},
        {"type": "FixedLength", "length": 0},
        {"type": "Metaspace", "replacement": "long", "prepend_scheme": "always", "split": True},
        {"type": "CharDelimiterSplit", "delimiter": "ab"},
        {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}] * 5_000},
    ),
    "post_processor": (
        {"type": "Nothing"},
        {"type": "TemplateProcessing"},
        {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}},
        {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 1_000,
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {},
        },
        {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}] * 100_000 + [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}},
        },
        {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [10**9], "tokens": ["[CLS]"]}},
        },
        {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2] * 50_000, "tokens": ["[CLS]"] * 50_000}},
        },
        {"type": "BertProcessing", "sep": ["x", 10**9], "cls": ["y", 10**9]},
        {"type": "RobertaProcessing", "sep": ["x"], "cls": ["y"], "trim_offsets": True, "add_prefix_space": True},
    ),
    "decoder": (
        {"type": "Nothing"},
        {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 5_000},
        {"type": "Strip", "content": " ", "start": TWO_TO_THE_62, "stop": TWO_TO_THE_62},
        {"type": "CTC", "pad_token": "x", "word_delimiter_token": "y", "cleanup": True},
    ),
    "truncation": ({"max_length": 0, "stride": 10**12, "strategy": "LongestFirst", "direction": "Right"}, 5),
    "padding": (
        {
            "strategy": {"Fixed": 10**15},
            "direction": "Right",
            "pad_to_multiple_of": 10**15,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "x",
        },
        5,
    ),
}.items():
    for number, value in enumerate(values):
        _case(f"tokenizer: {key} {number}", _tokenizer(**{key: value}))
for key, values in {
    "vocab": ({}, {"a": 0}, 5, {"[UNK]": 0, "a": 10**9}, {"[UNK]": -1}, {"[UNK]": 0.5}, {"[UNK]": 0, "x" * 1_000_000: 1}),
    "unk_token": ("zz", None, 5),
    "max_input_chars_per_word": (10**12, -1, 0, "x"),
    "continuing_subword_prefix": ("x" * 1_000_000, 5),
}.items():
    for number, value in enumerate(values):
        _case(f"tokenizer: {key} {number}", _model(**{key: value}))
_case(
    "tokenizer: more tokens than are embedded",
    _vocabulary(lambda vocabulary: vocabulary.update({f"zz{each}": len(vocabulary) + each for each in range(50)})),
)
_case("tokenizer: one id for all", _vocabulary(lambda vocabulary: vocabulary.update(dict.fromkeys(list(vocabulary), 7))))
for name, model in {
    "merges of what is not there": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a c", "x y"]},
    "merges that are none": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a", 5]},
    "merges at random": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "dropout": 0.5},
    "merges at random, too often": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "dropout": 7.0},
    "an unknown token far away": {"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": 10**9},
    "no unknown token": {"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": None},
    "no tokens": {"type": "Unigram", "vocab": [], "unk_id": 0},
    "tokens without a number": {"type": "Unigram", "vocab": [["a"]], "unk_id": 0},
    "endless numbers": {"type": "Unigram", "vocab": [["a", 1e308], ["aa", 1e308], ["b", -1e308]], "unk_id": 0},
    "a number that no float holds": {"type": "Unigram", "vocab": [["a", 0.0], ["b", -(10**400)]], "unk_id": 0},
    "an empty token": {"type": "Unigram", "vocab": [["", 0.0], ["a", -1.0]], "unk_id": 0},
    "words without an unknown one": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "none"},
}.items():
    _case(f"tokenizer: {name}", _tokenizer(model=model))
for name, content in {
    "empty": "",
    "nested": NESTED,
    "a list": "[]",
    "garbage": bytes(range(256)) * 40,
    "of 3 million lists": '{"a": [' + "[]," * 2_500_000 + "[]]}",
}.items():
    _case(f"tokenizer: {name}", _write("tokenizer.json", content))
    _case(f"tokenizer_config: {name}", _write("tokenizer_config.json", content))
_case("special_tokens_map: a list", _write("special_tokens_map.json", "[]"))
_case("special_tokens_map: a number", _write("special_tokens_map.json", '{"pad_token": 5}'))
for key, values in {
    "model_max_length": ([512], "512", 0, -1, True, 1e300, 10**30, 10**400, 2, 3, None, {}),
    "model_input_names": (["\x1b]52;c;x\x07", "[/]", "input_ids"], 5, [5], ["x"] * 100_000),
    "pad_token": (5, [], {"content": 5}, "zz", "x" * 1_000_000),
    "tokenizer_class": (5, "Evil", "../x"),
    "auto_map": ({"AutoTokenizer": ["evil.Tokenizer", None]},),
}.items():
    for number, value in enumerate(values):
        _case(f"tokenizer_config: {key} {number}", _settings(**{key: value}))
for name, (file, content) in {
    "empty": ("vocab.txt", ""),
    "not UTF-8": ("vocab.txt", b"\xff\xfe[UNK]\n"),
    "a long line": ("vocab.txt", "x" * 1_000_000),
    "one token": ("vocab.txt", "[UNK]"),
    "5 million lines": ("vocab.txt", "\n" * 5_000_000),
    "a list": ("vocab.json", "[]"),
    "no merges": ("vocab.json", '{"a": 0}'),
    "ids that are texts": ("vocab.json", '{"a": "b"}'),
    "garbage pieces": ("spiece.model", bytes(range(256)) * 40),
    "no pieces": ("spm.model", b""),
    "cut pieces": ("sentencepiece.bpe.model", b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02\n\xff\xff\xff\x7f"),
}.items():
    _case(f"older vocabulary: {name}", _only(file, content))
_case(
    "older vocabulary: a class of its own",
    _both(_remove("tokenizer.json"), _settings(tokenizer_class="EvilTokenizer", auto_map={"AutoTokenizer": ["evil.T", None]})),
)
_case("older vocabulary: added tokens far away", _both(_remove("tokenizer.json"), _write("added_tokens.json", '{"zz": 2000000000}')))
_case("older vocabulary: merges without words", _both(_remove("tokenizer.json", "vocab.txt"), _write("merges.txt", "a b\n")))
_case("a folder of nothing", _remove("tokenizer.json", "vocab.txt", "config.json", "model.safetensors", "tokenizer_config.json"))
GROUPS = 6
UNEXPECTED = "not expected"


@pytest.fixture
def engine(emotui_home: Path) -> Iterator[Session]:
    with Session() as session:
        yield session


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 130


def _engines() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "emotui.core.engine.server" in " ".join(each.cmdline())]


def _figures() -> tuple[int, float, int]:
    """Return the engine's number, the seconds that it has computed, and the highest memory since this was last asked, in bytes."""
    (process,) = _engines()
    times = process.cpu_times()
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) << 10
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return process.pid, times.user + times.system, peak


def _ask(engine: Session, folder: Path) -> list[str]:
    """Return the sentences that the two questions end with; none where they are answered."""
    said = []
    for ask, kind in (
        (AskTokens(text=TEXT, model=str(folder), shapes=True), TokensAnswer),
        (AskPath(text=TEXT, model=str(folder)), PathAnswer),
    ):
        try:
            assert isinstance(engine.ask(ask), kind)
        except UserError as error:
            said.append(str(error) if error.exit_code == 2 else f"{UNEXPECTED}: {error}")
        except Exception as error:
            said.append(f"{UNEXPECTED}: {error!r}")
    return said


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process's memory is Linux's to tell")
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("group", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, GROUPS))])
def test_each_ends_with_a_value_or_a_sentence(group: int, engine: Session, tiny_model: Path, tmp_path: Path) -> None:
    assert not _ask(engine, tiny_model)
    faults = []
    for number, (name, spoil) in enumerate(CASES.items()):
        if number % GROUPS != group:
            continue
        folder = Path(shutil.copytree(tiny_model, tmp_path / f"model-{number}"))
        spoil(folder)
        pid, computed, resting = _figures()
        _, _, resting = _figures()
        for sentence in _ask(engine, folder):
            print(f"{name}: {sentence}")
            unsafe = any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in sentence)
            if unsafe or UNEXPECTED in sentence or not sentence[0].isprintable():
                faults.append(f"{name}: {sentence!r}")
        if not _engines():  # it was ended over one of them: a new one is as after the first question
            _ask(engine, tiny_model)
            continue
        now, after, peak = _figures()
        if now != pid:
            _ask(engine, tiny_model)
        elif after - computed > SECONDS or peak - resting > MEMORY:
            faults.append(f"{name}: {after - computed:.1f} s, {(peak - resting) >> 20} MB")
        shutil.rmtree(folder)
    assert not faults, "\n".join(faults)
    assert not Path("/tmp/harmed").exists()
