"""What all tests share: a private home, a tiny encoder and a tiny data set, all made here without a network."""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import signal
import string
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import warm

TINY_LABELS = ("sadness", "joy", "anger")
TINY_LIMIT = 48
"""The tiny model's context in tokens."""
_SENTENCES = {
    "sadness": ("i miss my old dog and i cry at night", "the house is empty and i feel alone", "she left and nothing helps me sleep"),
    "joy": ("we danced all day and i feel great", "my sister had a baby and i smile", "i won the game and laughed with my friends"),
    "anger": ("he lied to me again and i shout", "the bus left early and i hate it", "they broke my bike and i feel furious"),
}
_PLACES = ("today", "at home", "in the park", "at work", "on the train", "this morning", "last night", "with my mother", "in town", "again")


def pytest_configure(config: pytest.Config) -> None:
    """Let ctrl+C be heard, compute on one thread, and have torch loaded once for all processes.

    A shell's background jobs ignore SIGINT, and so would every process that a test starts and interrupts. Threads of torch that wait
    for each other spin, and a tiny model is ten times slower for it.
    """
    if (program := os.environ.get(warm.PROGRAM)) is None and not _measures(config):
        folder = Path(tempfile.mkdtemp(prefix="emotui-warm-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ[warm.PROGRAM] = program = warm.install(folder)
    if program and not config.getoption("numprocesses", None):  # pytest-xdist starts its workers with the interpreter
        sys.executable = program
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _measures(config: pytest.Config) -> bool:
    """Return whether every process must be started anew: for coverage and mutations, which follow a start, and where that is asked for."""
    return bool(config.getoption("cov_source", None) or {warm.COLD, "MUTANT_UNDER_TEST"} & os.environ.keys())


def pytest_xdist_auto_num_workers() -> int:
    """Return the processes of `-n auto`: two more than cores, since many tests wait for a run, a server or a clock."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that the real data is needed for, and keep the tests that load torch on one worker, which loads it once.

    The former are slow, and skipped where there is no such data. What takes longest comes first, so that the other workers have something
    to do meanwhile.
    """
    for item in items:
        if item.path.parent.name == "model" and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("torch"))
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.slow)
            if not os.environ.get("EMOTUI_REAL_DATA"):
                item.add_marker(pytest.mark.skip(reason="EMOTUI_REAL_DATA is not set"))
    items.sort(key=lambda item: (item.get_closest_marker("real_data") is None, item.get_closest_marker("xdist_group") is None))


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of the garbage collector: it took a fifth of the time of a pilot test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 20)


@pytest.fixture
def emotui_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, for this process and its children; the path does not exist yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("EMOTUI_HOME", str(home))
    monkeypatch.setenv("EMOTUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return home


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random DistilBERT (2 layers, 32 units, 48 tokens) and a real WordPiece tokenizer over a small vocabulary."""
    folder = tmp_path_factory.mktemp("tiny-distilbert")
    write_tiny_model(folder)
    return folder


@pytest.fixture
def still_model(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model without dropout, so that how a batch is cut cannot change anything."""
    model = shutil.copytree(tiny_model, tmp_path / "still")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0}))
    return model


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train, validation and test (90, 30 and 30 rows) of three classes that are easy to tell apart; string labels."""
    folder = tmp_path_factory.mktemp("tiny-data")
    write_tiny_data(folder)
    return folder


def write_tiny_data(folder: Path) -> None:
    """Write train.jsonl, validation.jsonl and test.jsonl; no text is there twice."""
    rows = [
        {"text": f"{sentence} {place}", "label": label}
        for place in _PLACES
        for label, sentences in _SENTENCES.items()
        for sentence in (*sentences, *(f"{a} {b}" for a, b in itertools.pairwise(sentences)))
    ]
    for name, start, stop in (("train", 0, 90), ("validation", 90, 120), ("test", 120, 150)):
        lines = "".join(json.dumps(row) + "\n" for row in rows[start:stop])
        (folder / f"{name}.jsonl").write_text(lines, "utf-8")


def write_tiny_model(folder: Path, *, dim: int = 32, layers: int = 2, heads: int = 2, limit: int = TINY_LIMIT, seed: int = 0) -> None:
    """Write config.json, model.safetensors, tokenizer.json, tokenizer_config.json and vocab.txt of a random DistilBERT."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    words = sorted({word for sentences in _SENTENCES.values() for sentence in sentences for word in sentence.split()})
    words += sorted({word for place in _PLACES for word in place.split()} - set(words))
    alphabet = string.ascii_lowercase + string.digits + string.punctuation
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *alphabet, *(f"##{each}" for each in string.ascii_lowercase + string.digits), "##ing", "##izing"]
    tokens += [*words, "text", "token", "this", "core", "task", "of", "movie", "good", "really"]
    tokens = list(dict.fromkeys(tokens))
    vocabulary = {token: index for index, token in enumerate(tokens)}

    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    cls, sep = ("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep]
    )
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), "utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "do_lower_case": True,
                "unk_token": "[UNK]",
                "sep_token": "[SEP]",
                "pad_token": "[PAD]",
                "cls_token": "[CLS]",
                "mask_token": "[MASK]",
                "model_max_length": limit,
                "tokenizer_class": "DistilBertTokenizer",
            }
        ),
        "utf-8",
    )
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "distilbert",
                "architectures": ["DistilBertModel"],
                "activation": "gelu",
                "dim": dim,
                "hidden_dim": 2 * dim,
                "n_layers": layers,
                "n_heads": heads,
                "dropout": 0.1,
                "attention_dropout": 0.1,
                "seq_classif_dropout": 0.2,
                "initializer_range": 0.02,
                "max_position_embeddings": limit,
                "pad_token_id": 0,
                "sinusoidal_pos_embds": False,
                "vocab_size": len(tokens),
            }
        ),
        "utf-8",
    )
    random = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}

    def linear(name: str, inputs: int, outputs: int) -> None:
        weights[f"{name}.weight"] = random.normal(0, 1 / np.sqrt(inputs), (outputs, inputs)).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(outputs, np.float32)

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = np.ones(dim, np.float32)
        weights[f"{name}.bias"] = np.zeros(dim, np.float32)

    weights["embeddings.word_embeddings.weight"] = random.normal(0, 1, (len(tokens), dim)).astype(np.float32)
    weights["embeddings.position_embeddings.weight"] = random.normal(0, 0.1, (limit, dim)).astype(np.float32)
    norm("embeddings.LayerNorm")
    for layer in range(layers):
        prefix = f"transformer.layer.{layer}"
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            linear(f"{prefix}.attention.{part}", dim, dim)
        norm(f"{prefix}.sa_layer_norm")
        linear(f"{prefix}.ffn.lin1", dim, 2 * dim)
        linear(f"{prefix}.ffn.lin2", 2 * dim, dim)
        norm(f"{prefix}.output_layer_norm")
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
