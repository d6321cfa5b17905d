"""Freezes the lower layers of an encoder."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import ALL_BUT_HEAD
from ..units import count


def freeze(model: Any, asked: int | str | None) -> None:
    """Freeze the embeddings and the first `asked` layers of a sequence classifier, or all but its head for 'all-but-head'.

    Raises UserError if the model has fewer layers, or its layers cannot be found.
    """
    if asked is None:
        return
    encoder: nn.Module = model.base_model
    if asked == ALL_BUT_HEAD:
        encoder.requires_grad_(False)
        return
    layers = layers_of(encoder, model.config.num_hidden_layers)
    if layers is None:
        share = phrase(Setting("freeze_layers", asked), ": the layers of this model share their weights")
        raise UserError(share, phrase("Take ", Setting("freeze_layers", ALL_BUT_HEAD)))
    if int(asked) > len(layers):
        raise UserError(phrase(Setting("freeze_layers", asked), f" is out of range: this model has {count(len(layers), 'layer')}"))
    first = {id(each) for each in layers[0].parameters()}
    for each in encoder.parameters():  # in the order of the forward pass: parameters before the first layer are embeddings
        if id(each) in first:
            break
        each.requires_grad_(False)
    layers[: int(asked)].requires_grad_(False)


def layers_of(encoder: nn.Module, number: int) -> nn.ModuleList | None:
    """Return the layers of an encoder in order; None if no list of modules has `number` entries."""
    found = (each for each in encoder.modules() if isinstance(each, nn.ModuleList) and len(each) == number)
    return next(found, None)
