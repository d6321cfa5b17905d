"""Attention with dropout on a CPU: torch's own has no fast way for it, and takes two to three times as long on short texts.

Softmax(Q Kᵀ · scale + mask) with dropout, times V (Vaswani et al., 2017), as transformers' `eager_attention_forward` computes it, with
a backward pass that saves the copies between its steps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from .dropout import noise

NAME = "emotui_cpu"
LONGEST = 128
"""Tokens up to which this is faster than torch's own without dropout, which keeps no matrix of weights."""


class _Attention(torch.autograd.Function):
    """Q [n, q, d], K and V [n, k, d], a mask to add [m, 1, q, k] or None, and noise [n, q, k] to multiply by or None -> [n, q, d]."""

    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        query, key, value, mask, drop, scale = given
        scores = torch.bmm(query, key.transpose(1, 2)).mul_(scale)
        if mask is not None:
            scores.view(mask.shape[0], -1, *scores.shape[1:]).add_(mask)
        weights = torch.softmax(scores, -1)
        ctx.save_for_backward(query, key, value, weights, drop)
        ctx.scale = scale
        return torch.bmm(weights * drop if drop is not None else weights, value)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        query, key, value, weights, drop = ctx.saved_tensors
        grad = grads[0].contiguous()
        of_value = torch.bmm((weights * drop if drop is not None else weights).transpose(1, 2), grad)
        of_weights = torch.bmm(grad, value.transpose(1, 2))
        if drop is not None:
            of_weights.mul_(drop)
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(ctx.scale)
        return torch.bmm(of_scores, key), torch.bmm(of_scores.transpose(1, 2), query), of_value, None, None, None


def _forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Attend, [B, heads, L, d] -> [B, L, heads, d]; the signature is that of transformers' attention functions."""
    is_here = query.device.type == "cpu" and query.dtype == key.dtype == value.dtype == torch.float32 and query.requires_grad
    is_plain = query.shape[:2] == key.shape[:2] and key.shape == value.shape and query.shape[-1] == key.shape[-1]
    is_masked = attention_mask is not None or not more.get("is_causal", getattr(module, "is_causal", True))
    is_better = 0 < dropout < 1 or (dropout == 0 and key.shape[2] <= LONGEST)
    if not (is_here and is_plain and is_masked and is_better) or any(more.get(name) is not None for name in ("position_bias", "softcap")):
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more)
    batch, heads, rows, width = query.shape
    scale = scaling if scaling is not None else width**-0.5
    mask = attention_mask
    if mask is not None and mask.dtype == torch.bool:
        # Not infinity: a padded place may see nothing at all, and its weights would not be numbers.
        mask = torch.zeros(mask.shape).masked_fill_(~mask, torch.finfo(torch.float32).min)
    drop = noise((batch * heads, rows, key.shape[2]), dropout) if dropout else None
    flat = [each.reshape(batch * heads, -1, width) for each in (query, key, value)]
    attended = _Attention.apply(*flat, mask, drop, scale)
    return attended.view(batch, heads, rows, width).transpose(1, 2).contiguous(), None


def use(model: Any) -> None:
    """Let a model attend by this module where it would by torch's `scaled_dot_product_attention`."""
    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)
