"""Writes the model of a run as ONNX, and measures what was written beside the original."""

from __future__ import annotations

import importlib
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from ..errors import UserError
from ..figures.scores import measure
from ..questions import AskExport, MeasuredModel
from ..runs import measured
from ..runs.folder import RunFolder
from ..runs.rungs import ONNX_FILE
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import Pooling
from . import checkpoint, classify, encode, onnx_model, saved
from .classify import Classifier, FineTuned, LogisticRegression

LATENCY_TEXTS = 50
"""Validation texts that are classified one at a time to measure the latency."""
PART = 500
OPSET = 18

Report = Callable[[str, int, int | None, str], None]


class _Logits(torch.nn.Module):
    """A run's classifier as a function of token ids and the attention mask, [B, L], to logits, [B, labels]."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, classifier: FineTuned | LogisticRegression) -> None:
        super().__init__()
        self._pooling: Pooling = "cls"
        self._is_whole = isinstance(classifier, FineTuned)
        if isinstance(classifier, FineTuned):
            self.model: Any = classifier.model
        else:
            self.model, self._pooling = classifier.encoder, classifier.pooling
            weight, bias = classifier.head.folded()
            self.register_buffer("weight", torch.from_numpy(weight.T.copy()).float())
            self.register_buffer("bias", torch.from_numpy(bias).float())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        if self._is_whole:
            return output.logits
        return encode.pool(output.last_hidden_state, attention_mask, self._pooling) @ self.weight + self.bias


def write(ask: AskExport, run: RunFolder, rung: str, note: saved.SavedModel, target: Path, report: Report) -> tuple[MeasuredModel, ...]:
    """Write model.onnx, its tokenizer and its note, and return what original and export come to on the validation split.

    Raises UserError where what ONNX needs is not installed, the model has no such form, or macro-F1 falls by more than may be lost.
    """
    onnx_model.check_installed(onnx_model.TO_WRITE)
    rows = measured.rows(run, run.read_spec(), "validation")
    texts, truth = rows.split.texts(), rows.split.label_ids()
    original = classify.load(ask.run, "cpu", rung)
    if not isinstance(original, FineTuned | LogisticRegression):
        raise UserError(f"the rung {safe_line(rung)} has no form in ONNX", "Export a fine-tuned run, or a rung on hidden states")
    report("export", 0, None, "files")
    source = checkpoint.of_run(run.path) if isinstance(original, FineTuned) else checkpoint.find(note.encoder)
    _write_files(original, source, note, target, quantised=ask.format == "onnx-int8")
    exported = onnx_model.OnnxModel(target, saved.read(target))
    found = (
        _measured("original", original, texts, truth, source.weights.size, report),
        _measured(ask.format, exported, texts, truth, (target / ONNX_FILE).stat().st_size, report),
    )
    lost = found[0].f1_macro - found[1].f1_macro
    if lost > ask.most_loss:
        fell = f"macro-F1 on validation falls from {found[0].f1_macro:.4f} to {found[1].f1_macro:.4f}, by more than {ask.most_loss:g}"
        other = phrase("Export it with ", Setting("format", "onnx"), ", or allow more with ", Setting("most_loss", round(lost + 5e-4, 3)))
        remedy = other if ask.format == "onnx-int8" else phrase("Allow more with ", Setting("most_loss", round(lost + 5e-4, 3)))
        raise UserError(fell, remedy, exit_code=1)
    return found


def _write_files(
    classifier: FineTuned | LogisticRegression, source: checkpoint.Checkpoint, note: saved.SavedModel, target: Path, *, quantised: bool
) -> None:
    path = target / ONNX_FILE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _export(classifier, path)
        if quantised:
            _quantise(path)
    source.save_tokenizer(target, note.max_length)
    config = {key: value for key, value in source.config.items() if key not in ("architectures", "id2label", "label2id", "num_labels")}
    config |= {"id2label": dict(enumerate(note.labels)), "label2id": {name: at for at, name in enumerate(note.labels)}}
    (target / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", "utf-8")
    kept = saved.SavedModel("onnx", note.labels, note.max_length, text_column=note.text_column, stopped_at=note.stopped_at)
    (target / saved.FILE).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2))


def _export(classifier: FineTuned | LogisticRegression, path: Path) -> None:
    """Write the model by torch's exporter; batch and length are free. Raises UserError where it cannot."""
    # Two texts of different lengths, so that neither axis is taken for one that never changes.
    ids = torch.full((2, 7), classifier.tokenizer.padding, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        program: Any = torch.onnx.export(
            _Logits(classifier).eval(),
            (ids, mask),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": free, "attention_mask": free},
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
        )
        program.save(str(path), external_data=False)
    except OSError:
        raise
    except Exception as error:
        why = safe_line(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
        raise UserError(f"torch cannot write this model as ONNX: {why}", "Export it without a format, for transformers") from error
    if path.stat().st_size > onnx_model.LARGEST:
        raise UserError("the model is larger than 2 GiB, which one ONNX file cannot be", "Export it without a format, for transformers")


def _quantise(path: Path) -> None:
    """Replace the weights by 8-bit integers, with one scale a channel; activations are scaled as they come."""
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    whole = path.with_suffix(".float32")
    path.rename(whole)
    quantization.quantize_dynamic(str(whole), str(path), weight_type=quantization.QuantType.QInt8, per_channel=True)
    whole.unlink()


def _measured(name: str, classifier: Classifier, texts: list[str], truth: np.ndarray, size: int, report: Report) -> MeasuredModel:
    parts: list[np.ndarray] = []
    for start in range(0, len(texts), PART):
        parts.append(classifier.probabilities(texts[start : start + PART])[0])
        report(f"evaluate {name}", min(start + PART, len(texts)), len(texts), "rows")
    metrics = measure("validation", truth, np.concatenate(parts), classifier.labels)
    seconds: list[float] = []
    for text in texts[:LATENCY_TEXTS]:
        begun = time.perf_counter()
        classifier.probabilities((text,))
        seconds.append(time.perf_counter() - begun)
    return MeasuredModel(name, metrics.accuracy, metrics.f1_weighted, metrics.f1_macro, float(np.median(seconds)), size)
