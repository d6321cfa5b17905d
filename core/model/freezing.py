"""Keeps the lower part of an encoder as it was pre-trained."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import ALL_BUT_HEAD
from ..units import count


def freeze(model: Any, asked: int | str | None) -> None:
    """Let the embeddings and the first `asked` layers of a sequence classifier, or all but its head, take no gradients.

    Raises UserError where the model has fewer layers, or none that can be told apart.
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
    for each in encoder.parameters():  # in the order of the forward pass: what stands before the first layer embeds
        if id(each) in first:
            break
        each.requires_grad_(False)
    layers[: int(asked)].requires_grad_(False)


def layers_of(encoder: nn.Module, number: int) -> nn.ModuleList | None:
    """Return the layers of an encoder in their order; None where no list of modules has that many."""
    found = (each for each in encoder.modules() if isinstance(each, nn.ModuleList) and len(each) == number)
    return next(found, None)
