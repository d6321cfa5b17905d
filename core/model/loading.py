"""Builds encoders and classifiers from checked files. transformers gets a configuration and tensors, never the folder."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from .. import crash
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from . import guard, model_config, pickled
from .model_config import MAX_LABELS, REMEDY

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

LEFT_OUT = {
    "architectures",
    "attn_implementation",
    "auto_map",
    "chunk_size_feed_forward",
    "compression_config",
    "dtype",
    "experts_implementation",
    "fusion_config",
    "id2label",
    "label2id",
    "model_type",
    "num_labels",
    "output_attentions",
    "output_hidden_states",
    "problem_type",
    "pruned_heads",
    "quantization_config",
    "return_dict",
    "tie_encoder_decoder",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "use_return_dict",
}
"""Keys of a configuration that are ignored when building a model: remote code and kernels, and the form of the output."""
BUILD_SECONDS = 8.0
"""CPU time limit for building a model without weights; the largest encoder takes less than one second."""
LOAD_SECONDS, LOAD_RATE = 30.0, 20e6
"""CPU time limit for loading weights: a fixed part in seconds, and a rate in bytes per second for the rest."""
LONGEST_TRIAL = 8_192
"""Tokens of the text with which a length is tried, at most."""
TRIAL_TOKENS = 4
"""Tokens of the text with which every model is tried when it is loaded."""
SPARE = 20_000_000
"""Parameters that a model may have beyond twice those of its weights, for a new pooler and head."""


def encoder(checkpoint: Checkpoint, layers: int | None = None) -> Any:
    """Return the encoder without a head, in float32 and evaluation mode. Raises UserError if it cannot be loaded."""
    from transformers import MODEL_MAPPING

    return _load(checkpoint, MODEL_MAPPING, _config(checkpoint, layers))


def classifier(checkpoint: Checkpoint, labels: Sequence[str] | None, layers: int | None = None) -> Any:
    """Return a sequence classifier in float32; for `labels` it gets a new head, initialised by torch's random generator.

    Raises UserError if it cannot be loaded.
    """
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

    if labels is None:
        config = _config(checkpoint, layers, own_labels(checkpoint))
        return _load(checkpoint, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, config)
    config = _config(checkpoint, layers, labels)
    one_more = _config(checkpoint, layers, [*labels, "one more"])
    return _load(checkpoint, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, config, one_more)


def own_labels(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the names of a classifier's own labels in order. Raises UserError if it has none."""
    given = checkpoint.config.get("id2label") or {}
    names = [given.get(str(index)) for index in range(len(given))]
    if not 1 <= len(names) <= MAX_LABELS or not all(isinstance(each, str) and each for each in names):
        raise UserError(f"{checkpoint.name} does not number its labels from 0", REMEDY)
    return tuple(str(each) for each in names)


def try_length(checkpoint: Checkpoint, length: int) -> None:
    """Run the first layer of an encoder once on a text of `length` tokens, since it may accept fewer than its files state.

    Raises UserError if it does not accept such a text, or computes values that are not finite.
    """
    length = min(length, LONGEST_TRIAL)
    tokenizer = checkpoint.tokenizer
    model = encoder(checkpoint, 1 if model_config.layers(checkpoint.config) else None)
    ids = torch.tensor([tokenizer.encode(["a " * length], length)[0].ids])
    ids = torch.cat([ids[:, :1].expand(1, length - ids.shape[1]), ids], dim=1)
    seconds = LOAD_SECONDS + length / 20
    with guard.limited(f"run {checkpoint.name} on a text of {length:,} tokens", seconds=seconds), as_sentence(checkpoint):
        try:
            with torch.inference_mode():
                states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        except (IndexError, RuntimeError) as error:
            if _is_memory(error):
                raise
            raise UserError(
                f"{checkpoint.name} fails on the {length:,} tokens that its files allow ({safe_line(str(error), 120)})",
                phrase("Give a lower ", Setting("max_length"), ", or choose another model"),
            ) from error
        if states.shape[:2] != ids.shape or not torch.isfinite(states).all():
            raise UserError(f"{checkpoint.name} returns NaN or infinity for a text", REMEDY)


def _config(checkpoint: Checkpoint, layers: int | None, labels: Sequence[str] = ()) -> Any:
    """Return the configuration to build a model with, reduced to the first `layers` layers if given."""
    from transformers import CONFIG_MAPPING

    given = {key: value for key, value in checkpoint.config.items() if key not in LEFT_OUT and not key.startswith("_")}
    if layers is not None:
        all_layers = model_config.layers(checkpoint.config)
        # Lists with one entry per layer, such as the kind of attention.
        given = {key: value[:layers] if isinstance(value, list) and len(value) == all_layers else value for key, value in given.items()}
        given = {key: value for key, value in given.items() if key not in model_config.LAYERS} | {"num_hidden_layers": layers}
    if labels:
        given["id2label"] = dict(enumerate(labels))
        given["label2id"] = {name: index for index, name in enumerate(labels)}
        given["problem_type"] = "single_label_classification"
    with as_sentence(checkpoint):
        return CONFIG_MAPPING[checkpoint.config["model_type"]](**given)


def describe_head(checkpoint: Checkpoint, labels: Sequence[str]) -> str:
    """Return a sentence on what happens to a checkpoint's own head in a classifier for `labels`; '' if it has none."""
    if not _has_head(checkpoint.config):
        return ""
    if order := _own_order(checkpoint.config, labels):
        moved = "" if order == list(range(len(order))) else ", with its weights in this data set's order"
        return f"{checkpoint.name} has a head for the same labels, which is kept{moved}"
    names = (checkpoint.config.get("id2label") or {}).values()
    own = ", ".join(safe_line(str(each), 30) for each in list(names)[:5]) or "other labels"
    return f"{checkpoint.name} has a head of its own, for {own}{' …' if len(names) > 5 else ''}, which is replaced by a new one"


def _has_head(config: dict[str, Any]) -> bool:
    """Whether a checkpoint was trained for another task than masked language modelling."""
    return any(each.endswith(("Classification", "QuestionAnswering", "MultipleChoice")) for each in config.get("architectures") or ())


def _own_order(config: dict[str, Any], labels: Sequence[str]) -> list[int]:
    """Return the row of a classifier's own head for each of `labels`; [] if the head's labels are not exactly these."""
    own = {name: int(index) for index, name in (config.get("id2label") or {}).items() if isinstance(name, str) and index.isdecimal()}
    is_classifier = any(each.endswith("ForSequenceClassification") for each in config.get("architectures") or ())
    if not is_classifier or set(own) != set(labels) or sorted(own.values()) != list(range(len(labels))):
        return []
    return [own[name] for name in labels]


def _refit_head(checkpoint: Checkpoint, tensors: dict[str, torch.Tensor], empty: Any, larger: Any) -> None:
    """Reorder the rows of a checkpoint's own head by the labels, or drop the head, so that a new one is initialised.

    `larger` is the same classifier with one more label: tensors whose shape differs have one row per label.
    """
    shapes = {key: value.shape for key, value in larger.state_dict().items()}
    base = f"{empty.base_model_prefix}."
    order = _own_order(checkpoint.config, list(empty.config.id2label.values()))
    for key, value in empty.state_dict().items():
        if key.startswith(base) or key not in tensors:
            continue
        if order and value.shape == shapes[key]:
            continue
        if order and tensors[key].shape[:1] == (len(order),):
            tensors[key] = tensors[key][order].clone()
        elif order or value.shape != shapes[key] or _has_head(checkpoint.config):
            del tensors[key]


def _load(checkpoint: Checkpoint, classes: Any, config: Any, one_more: Any = None) -> Any:
    """Return the model; `one_more` is the configuration with one more label, given if the head is to be fitted to other labels."""
    name = checkpoint.name
    with as_sentence(checkpoint):
        kind = classes[type(config)]
        kind = kind[0] if isinstance(kind, tuple) else kind
        with guard.limited(f"build the model {name}", seconds=BUILD_SECONDS, memory=0), torch.device("meta"):
            empty = kind(config)
            larger = kind(one_more) if one_more is not None else None
    parameters = sum(each.numel() for each in empty.parameters())
    if parameters > 2 * checkpoint.parameters + SPARE:
        raise UserError(
            f"config.json of {name} describes a model of {parameters:,} parameters, but its weights have {checkpoint.parameters:,}", REMEDY
        )
    memory = 3 * checkpoint.weights.size + 12 * max(parameters, checkpoint.parameters)
    seconds = LOAD_SECONDS + (checkpoint.weights.size + 4 * parameters) / LOAD_RATE
    with as_sentence(checkpoint), guard.limited(f"load the model {name}", seconds=seconds, memory=memory):
        tensors = _tensors(checkpoint)
        _check_types(checkpoint, tensors, empty)
        if larger is not None:
            _refit_head(checkpoint, tensors, empty, larger)
        with _without_load_report():
            model, report = kind.from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        _check_whole(checkpoint, model, report, has_head=larger is None)
        for key, value in model.named_parameters():
            if not torch.isfinite(value).all():
                raise UserError(f"the weights of {name} contain NaN or infinity, in {safe_line(key, 80)}", REMEDY)
        model.eval()
        ids = torch.arange(TRIAL_TOKENS)[None] % (checkpoint.vocabulary or 1)
        with torch.inference_mode():
            output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
        if not torch.isfinite(output[0]).all():
            raise UserError(f"{name} returns NaN or infinity for a text", REMEDY)
    return model


@contextmanager
def _without_load_report() -> Generator[None]:
    """Suppress transformers' report on missing weights: a new head has none, and `_check_whole` refuses other gaps."""
    logger = logging.getLogger("transformers.modeling_utils")

    def keep(record: logging.LogRecord) -> bool:
        return "LOAD REPORT" not in record.getMessage()

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def _tensors(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Return all tensors by name, mapped from the files."""
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = {}
    for path in checkpoint.weights.files:
        tensors |= pickled.load(path, checkpoint.name) if checkpoint.weights.pickled else load_file(path)
    return tensors


def _check_whole(checkpoint: Checkpoint, model: Any, report: dict[str, Any], *, has_head: bool) -> None:
    """Raise UserError if the weights lack a part of the model, which would then be random.

    A pooler may be missing, since masked language models do not train one. So may the head, if a new one is initialised.
    """
    base = model.base_model
    own = {f"{model.base_model_prefix}.{key}" if base is not model else key for key, _ in base.named_parameters()}
    for name, found, wanted in sorted(report["mismatched_keys"]):
        if name in own or has_head:
            raise UserError(
                f"the weights of {checkpoint.name} do not fit its config.json: {safe_line(name, 80)} has the shape {tuple(found)} "
                f"instead of {tuple(wanted)}",
                REMEDY,
            )
    lacking = sorted(each for each in report["missing_keys"] if (has_head and base is not model) or (each in own and "pooler" not in each))
    if lacking:
        raise UserError(
            f"the weights of {checkpoint.name} lack {len(lacking):,} of the tensors that its config.json describes, "
            f"such as {safe_line(lacking[0], 80)}",
            REMEDY,
        )


def _check_types(checkpoint: Checkpoint, tensors: dict[str, torch.Tensor], empty: Any) -> None:
    """Raise UserError if a part of the model is stored as integers or in 8 bits, which would be misread as plain weights."""
    ends = {_end(key) for key, _ in empty.named_parameters()}
    for key, tensor in tensors.items():
        if _end(key) in ends and tensor.dtype not in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
            kind = str(tensor.dtype).removeprefix("torch.")
            raise UserError(f"the weights of {checkpoint.name} are quantised ({kind} in {safe_line(key, 60)})", "Choose the original model")


def _end(key: str) -> str:
    """Return the last two parts of a tensor's name, which are equal in an encoder and in a model that contains it."""
    return ".".join(key.split(".")[-2:])


@contextmanager
def as_sentence(checkpoint: Checkpoint) -> Generator[None]:
    """Turn the libraries' exceptions for a model that cannot be built or loaded into a UserError that names the model."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        sys.stderr.write(crash.described(error))
        reason = (
            "it takes more memory than its files account for" if _is_memory(error) else safe_line(str(error) or type(error).__name__, 200)
        )
        raise UserError(f"the model {checkpoint.name} cannot be loaded: {reason}", REMEDY) from error


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "not enough memory" in str(error)
