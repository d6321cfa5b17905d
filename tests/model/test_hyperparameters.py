"""Each hyper-parameter acts as its name says, against an independent computation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from emotui.core import paths
from emotui.core.errors import UserError
from emotui.core.events import EpochDone, Evaluated, Event, Started, Step
from emotui.core.model import device, finetune, freezing
from emotui.core.model.training_loop import Training
from emotui.core.runs import folder, launch
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec
from sklearn.utils.class_weight import compute_class_weight
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
)

pytestmark = pytest.mark.usefixtures("emotui_home")


def job_of(data: Path, model: Path, **settings: Any) -> TrainSpec:
    defaults: dict[str, Any] = {"batch_size": 16, "epochs": 2, "learning_rate": 2e-3, "device": "cpu", "precision": "float32"}
    return TrainSpec(DataSpec(str(data)), str(model), **{**defaults, **settings})


def prepared(data: Path, model: Path, events: list[Event] | None = None, **settings: Any) -> Training:
    """Return a training that stands before its first step."""
    job = job_of(data, model, **settings)
    told = events if events is not None else []
    run = RunFolder(paths.runs_folder() / "test")
    training, _ = finetune.prepare(job, run, told.append, lambda: False, device.choose("cpu", "float32"))
    return training


def test_weight_decay_is_that_of_adamw_and_spares_biases_and_normalisations(still_model: Path, tiny_data: Path) -> None:
    groups = prepared(tiny_data, still_model, weight_decay=0.25).optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.25, 0.0]
    assert all(each.ndim > 1 for each in groups[0]["params"])
    assert all(each.ndim == 1 for each in groups[1]["params"])


def test_every_hyperparameter_is_told_when_a_run_starts(tiny_model: Path, tiny_data: Path) -> None:
    shown = prepared(tiny_data, tiny_model, weight_decay=0.25).settings.shown()
    assert shown["weight_decay"] == 0.25
    assert shown["seed"] == 0
    assert shown["learning_rate"] == 2e-3
    assert "device" not in shown


@pytest.mark.parametrize(("asked", "taken"), [(4, 4), (6, 6), (7, 7), (12, 12), (50, 12)])
def test_max_steps_ends_a_training_within_an_epoch_and_never_makes_it_longer(
    tiny_model: Path, tiny_data: Path, asked: int, taken: int
) -> None:
    events: list[Event] = []
    job = job_of(tiny_data, tiny_model, max_steps=asked)  # two epochs of 6 steps
    run = folder.create(job, data_hash="", labels=(), versions={})
    job = run.read_spec().job
    assert isinstance(job, TrainSpec)
    assert finetune.train(job, run, events.append, lambda: False)
    assert [event.step for event in events if isinstance(event, Step)] == list(range(1, taken + 1))
    assert next(event.steps for event in events if isinstance(event, Started)) == taken
    assert [event.step for event in events if isinstance(event, Evaluated)][-1] == taken
    assert len([event for event in events if isinstance(event, EpochDone)]) == taken // 6
    rates = [event.learning_rate for event in events if isinstance(event, Step)]
    assert rates[-1] == pytest.approx(2e-3 / taken)  # it falls to 0 over the steps that there are


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", ["none", "balanced", "joy=3,anger=0.5"])
@pytest.mark.parametrize("parts", [1, 5])
def test_the_loss_is_the_weighted_mean_that_torch_defines_however_a_batch_is_cut(
    still_model: Path, tiny_data: Path, smoothing: float, weights: str, parts: int
) -> None:
    settings = {"label_smoothing": smoothing, "class_weights": weights, "accumulation": parts}
    training = prepared(tiny_data, still_model, **settings)
    batch = np.arange(0, 32, 2)
    training.optimizer.zero_grad()
    total = training.accumulate_gradients(batch)
    mine = {name: each.grad.clone() for name, each in training.model.named_parameters() if each.grad is not None}

    counts = np.bincount(training.train_labels)
    by_hand = {
        "none": None,
        "balanced": torch.tensor(compute_class_weight("balanced", classes=np.arange(3), y=training.train_labels), dtype=torch.float32),
        "joy=3,anger=0.5": torch.tensor([0.5, 3.0, 1.0]),
    }[weights]
    assert len(counts) == 3
    training.model.zero_grad()
    inputs = training.train_ids.pad(batch, training.checkpoint.tokenizer.padding, "cpu")
    loss = torch.nn.CrossEntropyLoss(by_hand, label_smoothing=smoothing)(
        training.model(**inputs).logits, torch.from_numpy(training.train_labels[batch])
    )
    loss.backward()
    assert float(total) / training._weight(batch) == pytest.approx(float(loss.detach()), rel=1e-5)
    for name, each in training.model.named_parameters():
        assert torch.allclose(mine[name], each.grad, rtol=1e-4, atol=1e-7), name


def test_the_weights_that_a_run_uses_are_told(tiny_model: Path, tiny_data: Path) -> None:
    run = folder.create(job_of(tiny_data, tiny_model, max_steps=1, class_weights="joy=2"), data_hash="", labels=(), versions={})
    events: list[Event] = []
    job = run.read_spec().job
    assert isinstance(job, TrainSpec)
    assert finetune.train(job, run, events.append, lambda: False)
    told = next(event.settings for event in events if isinstance(event, Started))
    assert told["class_weights"] == "joy=2"
    assert told["row_weights"] == "anger=1, joy=2, sadness=1"


def test_weights_of_labels_that_are_not_there_stop_a_run_before_it_exists(emotui_home: Path) -> None:
    with pytest.raises(UserError, match="there is no label 'yoj'"):
        launch.start(TrainSpec(DataSpec("starter"), class_weights="yoj=2"), data_hash="", labels=("joy", "anger"))
    assert folder.list_runs() == []


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (0, ["distilbert.embeddings."]),
        (1, ["distilbert.embeddings.", "distilbert.transformer.layer.0."]),
        (2, ["distilbert."]),
        ("all-but-head", ["distilbert."]),
    ],
)
def test_frozen_layers_keep_their_weights_and_the_others_do_not(
    still_model: Path, tiny_data: Path, asked: int | str, kept: list[str]
) -> None:
    training = prepared(tiny_data, still_model, freeze_layers=asked)
    before = {name: each.detach().clone() for name, each in training.model.named_parameters()}
    training.step(np.arange(16))
    for name, each in training.model.named_parameters():
        assert torch.equal(before[name], each) == name.startswith(tuple(kept)), name


def test_more_frozen_layers_than_there_are_and_shared_ones_are_refused(still_model: Path, tiny_data: Path) -> None:
    with pytest.raises(UserError, match="this model has 2 layers"):
        prepared(tiny_data, still_model, freeze_layers=3)
    config = AlbertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8, embedding_size=4)
    albert = AlbertForSequenceClassification(config)
    with pytest.raises(UserError, match="share their weights"):
        freezing.freeze(albert, 1)
    freezing.freeze(albert, "all-but-head")
    assert {name for name, each in albert.named_parameters() if each.requires_grad} == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("config", [BertConfig, RobertaConfig, ElectraConfig, MPNetConfig, DebertaV2Config, ModernBertConfig])
def test_the_embeddings_of_each_architecture_are_what_stands_before_its_first_layer(config: type) -> None:
    sizes: Any = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 60}
    more: Any = (
        {"embedding_size": 4}
        if config is ElectraConfig
        else {"pad_token_id": 1, "cls_token_id": 2, "sep_token_id": 3}
        if config is ModernBertConfig
        else {}
    )
    model = AutoModelForSequenceClassification.from_config(config(**sizes, **more))
    freezing.freeze(model, 1)
    frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
    encoder = model.base_model
    layers = freezing.layers_of(encoder, 3)
    assert layers is not None
    trained = {id(each) for layer in layers[1:] for each in layer.parameters()}
    assert all(not each.requires_grad for each in encoder.get_input_embeddings().parameters())
    assert frozen
    assert all(each.requires_grad for each in model.parameters() if id(each) in trained)
