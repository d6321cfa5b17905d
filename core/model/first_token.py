"""The last layer of a classifier for the first token alone, where the head looks at no other.

Its keys and values need all tokens; its queries and all after them are needed for [CLS] only, a seventh of the arithmetic of six layers.
The logits and the gradients are the same.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface

from .freezing import layers_of

_ATTENTION = AttentionInterface()


def _attend(
    layer: Any, width: int, query: nn.Module, key: nn.Module, value: nn.Module, hidden: torch.Tensor, mask: Any, more: dict[str, Any]
) -> torch.Tensor:
    """Return the first token's attention over all tokens of `hidden` [B, L, d], shape [B, 1, d], by a self-attention's own means."""
    heads = (hidden.shape[0], -1, hidden.shape[2] // width, width)
    asked, offered, given = (
        each(states).view(heads).transpose(1, 2) for each, states in ((query, hidden[:, :1]), (key, hidden), (value, hidden))
    )
    function = _ATTENTION[layer.config._attn_implementation]
    attended, _ = function(
        layer,
        asked,
        offered,
        given,
        mask[..., :1, :] if mask is not None else None,
        dropout=layer.dropout.p if layer.training else 0.0,
        scaling=layer.scaling,
        **more,
    )
    return attended.reshape(hidden.shape[0], 1, -1)


def _distilbert(block: Any, hidden_states: torch.Tensor, attention_mask: Any = None, **more: Any) -> torch.Tensor:
    """Return what a block of DistilBERT makes of the first token, [B, 1, d]."""
    its = block.attention
    attended = _attend(its, its.attention_head_size, its.q_lin, its.k_lin, its.v_lin, hidden_states, attention_mask, more)
    states = block.sa_layer_norm(its.out_lin(attended) + hidden_states[:, :1])
    return block.output_layer_norm(block.ffn(states) + states)


def _bert(layer: Any, hidden_states: torch.Tensor, attention_mask: Any = None, *_: Any, **more: Any) -> torch.Tensor:
    """Return what a layer of BERT, or of a model built like it, makes of the first token, [B, 1, d]."""
    for name in ("cache", "encoder_hidden_states", "encoder_attention_mask"):
        more.pop(name, None)
    its = layer.attention.self
    attended = _attend(its, its.attention_head_size, its.query, its.key, its.value, hidden_states, attention_mask, more)
    return layer.feed_forward_chunk(layer.attention.output(attended, hidden_states[:, :1]))


_FORWARD = {
    "DistilBertForSequenceClassification": _distilbert,
    **dict.fromkeys(
        (
            "BertForSequenceClassification",
            "RobertaForSequenceClassification",
            "XLMRobertaForSequenceClassification",
            "CamembertForSequenceClassification",
            "ElectraForSequenceClassification",
        ),
        _bert,
    ),
}
"""By classifier whose head takes the first token's hidden state and nothing else, how its layers work."""


@contextmanager
def first_token_only(model: Any) -> Generator[None]:
    """Within the context, compute of a classifier's last layer only what its logits need; hidden states are then those of one token."""
    forward = _FORWARD.get(type(model).__name__)
    layers = layers_of(model.base_model, model.config.num_hidden_layers) if forward else None
    if forward is None or not layers or model.config._attn_implementation == "eager" or getattr(model.config, "is_decoder", False):
        yield
        return
    layers[-1].forward = partial(forward, layers[-1])
    try:
        yield
    finally:
        vars(layers[-1]).pop("forward", None)  # another thread may have left the context before
