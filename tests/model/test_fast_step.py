"""The faster forward pass on a CPU computes what transformers' own does, with the same gradients, and dropout of the same distribution."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from emotui.core.events import Event, Step
from emotui.core.model import dropout, fast_attention, finetune, first_token, training_loop
from emotui.core.runs import folder
from emotui.core.specs import DataSpec, TrainSpec
from torch import nn

SMALL = {"vocab_size": 50, "max_position_embeddings": 40, "num_labels": 3, "initializer_range": 0.5}
BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, **SMALL}
DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, **SMALL}


def classifier(kind: str, **settings: Any) -> Any:
    import transformers

    torch.manual_seed(1)
    named = (DISTILBERT if kind == "DistilBert" else BERT) | settings
    return getattr(transformers, f"{kind}ForSequenceClassification")(getattr(transformers, f"{kind}Config")(**named))


def batch() -> dict[str, torch.Tensor]:
    """Five texts of 3 to 7 tokens."""
    lengths = torch.tensor([7, 7, 5, 4, 3])
    mask = (torch.arange(7) < lengths[:, None]).long()
    return {"input_ids": torch.randint(5, 50, (5, 7), generator=torch.Generator().manual_seed(2)) * mask, "attention_mask": mask}


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Return the gradients of a loss on `batch`, and the loss, in training mode."""
    model.train()
    model.zero_grad()
    loss = F.cross_entropy(model(**batch()).logits, torch.tensor([0, 1, 2, 0, 1]))
    loss.backward()
    return {"loss": loss.detach(), **{name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}}


def test_a_mask_keeps_each_number_with_the_probability_asked_for_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    drawn = dropout.noise((400, 1_000), 0.1)
    values, counts = drawn.unique(return_counts=True)
    assert values.tolist() == [0.0, pytest.approx(1 / 0.9, rel=1e-4)]
    kept = counts[1].item() / drawn.numel()
    assert kept == pytest.approx(0.9, abs=5 * (0.09 / drawn.numel()) ** 0.5)
    assert drawn.mean().item() == pytest.approx(1.0, abs=0.003)
    dropped = (drawn == 0).double()
    for shift in (1, 2, 4):  # neighbours come from one word of random bits
        together = (dropped[:, shift:] * dropped[:, :-shift]).mean().item()
        assert together == pytest.approx(0.01, abs=0.001)


def test_masks_follow_from_torchs_random_state_and_differ_from_one_another() -> None:
    torch.manual_seed(5)
    first, second = dropout.noise((9, 5), 0.5), dropout.noise((9, 5), 0.5)
    state = torch.get_rng_state()
    third = dropout.noise((9, 5), 0.5)
    torch.set_rng_state(state)
    assert torch.equal(dropout.noise((9, 5), 0.5), third)
    torch.manual_seed(5)
    assert torch.equal(dropout.noise((9, 5), 0.5), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("p", [1e-9, 1 - 1e-9])
def test_the_ends_of_the_range_wrap_round_to_nothing_else(p: float) -> None:
    drawn = dropout.noise((100,), p)
    assert (drawn == 1).all() if p < 0.5 else (drawn == 0).sum() > 95


def test_cheap_dropout_drops_in_training_alone_and_passes_the_gradient_of_what_it_kept() -> None:
    model = nn.Sequential(nn.Dropout(0.3))
    dropout.cheapen(model)
    given = torch.ones(50, 20, requires_grad=True)
    assert torch.equal(model.eval()(given), given)
    out = model.train()(given)
    out.sum().backward()
    assert 0.2 < (out == 0).double().mean() < 0.4
    assert given.grad is not None and torch.equal(given.grad, out.detach())


@pytest.mark.parametrize("p", [0.0, 0.4])
def test_attention_and_its_gradients_are_those_of_the_formula(p: float) -> None:
    query, key, value = (torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(at), requires_grad=True) for at in range(3))
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    mask[1, :, :, 3:] = False
    torch.manual_seed(3)
    module = nn.Module()
    mine, _ = fast_attention._forward(module, query, key, value, mask, dropout=p, scaling=0.5)
    torch.manual_seed(3)
    drop = dropout.noise((6, 5, 5), p).view(2, 3, 5, 5) if p else 1.0
    theirs = (torch.softmax((query @ key.transpose(2, 3) * 0.5).masked_fill(~mask, -torch.inf), -1) * drop) @ value
    torch.testing.assert_close(mine, theirs.transpose(1, 2))
    direction = torch.randn(mine.shape)
    for one, other in zip(
        torch.autograd.grad(mine, (query, key, value), direction),
        torch.autograd.grad(theirs, (query, key, value), direction.transpose(1, 2)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", ["DistilBert", "Bert", "Roberta", "XLMRoberta", "Electra"])
def test_the_first_token_of_the_last_layer_alone_gives_the_same_logits_and_gradients(kind: str) -> None:
    still = {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0} if kind == "DistilBert" else {}
    still = still or {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    model = classifier(kind, **still)
    whole = gradients(model)
    dropout.cheapen(model)
    fast_attention.use(model)
    seen: list[torch.Size] = []
    model.base_model.register_forward_hook(lambda *given: seen.append(given[-1].last_hidden_state.shape))
    with first_token.first_token_only(model):
        quick = gradients(model)
    assert seen == [torch.Size([5, 1, 16])]
    assert quick.keys() == whole.keys()
    for name, each in whole.items():
        torch.testing.assert_close(quick[name], each, rtol=1e-4, atol=1e-5, msg=lambda said, name=name: f"{name}: {said}")
    gradients(model)
    assert seen[-1] == torch.Size([5, 7, 16])  # outside the context all is as it was


def test_a_head_that_looks_at_more_than_the_first_token_gets_all_of_them() -> None:
    model = classifier("Bert")
    model.config._attn_implementation = "eager"
    with first_token.first_token_only(model):
        assert model.base_model(**batch()).last_hidden_state.shape == (5, 7, 16)
    other = nn.Module()
    with first_token.first_token_only(other):
        pass


def test_a_run_learns_by_the_fast_way_what_it_learns_by_transformers_own(
    still_model: Path, tiny_data: Path, emotui_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = TrainSpec(
        DataSpec(str(tiny_data)), str(still_model), batch_size=16, max_steps=8, learning_rate=2e-3, device="cpu", precision="float32"
    )

    def losses() -> list[float | None]:
        events: list[Event] = []
        run = folder.create(job, data_hash="", labels=(), versions={})
        finetune.train(job, run, events.append, lambda: False)
        assert "attn" not in (run.model / "config.json").read_text("utf-8")
        assert json.loads((run.model / "config.json").read_text("utf-8"))["architectures"] == ["DistilBertForSequenceClassification"]
        return [event.loss for event in events if isinstance(event, Step)]

    quick = losses()
    monkeypatch.setattr(dropout, "cheapen", lambda model: None)
    monkeypatch.setattr(fast_attention, "use", lambda model: None)
    monkeypatch.setattr(training_loop, "first_token_only", lambda model: nullcontext())
    assert quick == pytest.approx(losses(), rel=1e-4)
    assert len(quick) == 8
