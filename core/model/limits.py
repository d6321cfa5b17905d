"""The longest text and the number of layers of a checkpoint, from its files alone, so that screens and commands can check them early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import Job
from . import model_config, tokenizer_files, weights
from .tokenizer_files import UNLIMITED

AFTER_PADDING = {
    "camembert",
    "data2vec-text",
    "esm",
    "ibert",
    "lilt",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
"""Model types whose position ids start after the id of the padding token (transformers' create_position_ids_from_input_ids)."""
AFTER_TWO = {"mra", "nystromformer", "yoso"}
"""Model types whose position ids start at 2, and whose table has two rows more than max_position_embeddings."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a checkpoint."""

    length: int
    """The longest input in tokens: the lower of the tokenizer's and the encoder's limit."""
    layers: int
    """The number of layers; 0 if the configuration does not state it."""

    def checked_length(self, asked: int | None) -> int:
        """Return the length in tokens to truncate at. Raises UserError if `asked` exceeds the model's limit."""
        if asked is None:
            return self.length
        if not 3 <= asked <= self.length:
            raise UserError(phrase(Setting("max_length", asked), f" is out of range: this model takes 3 to {self.length} tokens"))
        return asked

    def checked_layer(self, asked: int | None) -> int | None:
        """Return the layer whose hidden states are used, None for the last. Raises UserError if the model has no such layer."""
        if asked is None or asked == self.layers:
            return None
        if not 1 <= asked < self.layers:
            raise UserError(phrase(Setting("layer", asked), f" is out of range: this model has layers 1 to {self.layers}"))
        return asked


def glance(model: str) -> Limits | None:
    """Return the limits of a checkpoint ('starter', a folder or an id); None if it is not here. Raises UserError for damaged files."""
    folder = model_config.place_of(model)
    if folder is None or not folder.is_dir():
        return None
    found = weights.read(folder)
    if found is None:
        return None
    return of(model_config.read_config(folder), tokenizer_files.read_settings(folder), found)


def check(job: Job) -> None:
    """Raise UserError if the job asks for longer texts than its model accepts, or for a layer that it does not have."""
    if (found := glance(job.model)) is not None:
        found.checked_length(job.max_length)
        found.checked_layer(getattr(job, "layer", None))


def of(config: dict[str, Any], settings: dict[str, Any], found: weights.Weights) -> Limits:
    """Return the limits given by a checkpoint's files."""
    length = min(tokenizer_files.model_max_length(settings), positions(config, found), UNLIMITED)
    return Limits(length, model_config.layers(config))


def positions(config: dict[str, Any], found: weights.Weights) -> int:
    """Return the number of positions that the encoder knows; UNLIMITED if it has no table of them and its configuration no limit."""
    table = found.rows("position_embeddings.weight", "embed_positions.weight")
    if table is None:
        table = next((config[key] for key in ("max_position_embeddings", "n_positions") if (config.get(key) or 0) > 0), UNLIMITED)
        table += 2 if config["model_type"] in AFTER_TWO else 0
    if config["model_type"] in AFTER_PADDING:
        pad = config.get("pad_token_id")
        return table - (2 if pad is None or config["model_type"] == "mpnet" else pad + 1)
    return table - 2 if config["model_type"] in AFTER_TWO else table
