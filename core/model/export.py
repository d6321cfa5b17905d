"""Writes a run's model as a folder that transformers loads without emotui, with a model card of the measured metrics."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import markdown, writing
from ..errors import UserError
from ..events import Metrics, Rung, Started
from ..metric_table import measured_in
from ..questions import AskExport, ExportAnswer, MeasuredModel
from ..runs import export_folder, links, resolved_settings, rungs, state, temperature
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from ..specs import RunSpec
from ..units import count, size
from . import checkpoint, saved
from .rung_models import HEAD_FILE, Head

HEAD = ("library_name: transformers", "pipeline_tag: text-classification", "tags: [text-classification, emotui]")
"""The YAML metadata at the top of a model card; nothing in it comes from outside."""
LINEAR = 1e-3
"""Scale at which tanh is linear with a relative error below 1e-6."""
SHIFT = 64.0
"""Larger than any hidden state after layer normalisation, so that a ReLU shifted by it is the identity."""


Report = Callable[[str, int, int | None, str], None]


def export(ask: AskExport, report: Report = lambda *_: None) -> ExportAnswer:
    """Write the model of a run to a folder. Raises UserError if the folder may not be written or the model cannot be exported."""
    run = RunFolder(Path(ask.run))
    links.check(run)
    rung = rungs.exported(run, ask.rung)
    model = rungs.folder_of(run, rung)
    note = saved.read(model)
    target = export_folder.checked(ask.folder, run, overwrite=ask.overwrite)
    compared: tuple[MeasuredModel, ...] = ()
    try:
        may_replace = partial(export_folder.check_replaceable, called=target) if ask.overwrite else None
        with writing.new_folder(target, last="config.json", may_replace=may_replace) as aside:
            if ask.format != "transformers":
                from . import onnx_export

                compared = onnx_export.write(ask, run, rung, note, aside, report)
            elif note.kind == "classifier":
                for path in model.iterdir():
                    if path.name not in (saved.FILE, temperature.FILE):
                        shutil.copyfile(path, aside / path.name)
                # Runs of version 0.1.0 saved the tokenizer's original length.
                checkpoint.of_run(run.path).save_tokenizer(aside, note.max_length)
            else:
                _export_logistic_regression(run, rung, note, aside)
            (aside / "README.md").write_text(_card(run, note, rung, compared), "utf-8")
            export_folder.mark(aside, run)
    except OSError as error:
        raise UserError(f"cannot write {safe_line(str(target))}: {error.strerror or error}", exit_code=1) from error
    return ExportAnswer(run.id, str(target), tuple(sorted(path.name for path in target.iterdir())), compared)


def _export_logistic_regression(run: RunFolder, rung: str, note: saved.SavedModel, target: Path) -> None:
    """Write a frozen encoder and its logistic regression as a sequence classifier of the encoder's own architecture.

    The heads of these architectures have one more layer before the last. It is set to pass [CLS] on unchanged: through a ReLU by a
    shift that the last layer subtracts again, through a tanh by a scale so small that tanh is linear.
    """
    if note.pooling != "cls":
        other = f"its rung cls, as {run.id}:cls" if "cls" in rungs.kept(run) else phrase("one made with ", Setting("pooling", "cls"))
        raise UserError("transformers has no class for a baseline with mean pooling", phrase("Export ", other, ", or a fine-tuned run"))
    encoder, model = checkpoint.find(note.encoder), rungs.folder_of(run, rung)
    weight, bias = Head.load(model).folded()
    classifier = encoder.classifier(note.labels, layers=encoder.checked_layer(note.layer))
    kind = classifier.config.model_type
    with torch.no_grad():
        if kind == "distilbert":
            _identity(classifier.pre_classifier, 1.0, SHIFT)
            _linear(classifier.classifier, weight, bias - SHIFT * weight.sum(1))
        elif kind == "bert":
            _identity(classifier.bert.pooler.dense, LINEAR, 0.0)
            _linear(classifier.classifier, weight / LINEAR, bias)
        elif kind in ("roberta", "xlm-roberta", "camembert"):
            _identity(classifier.classifier.dense, LINEAR, 0.0)
            _linear(classifier.classifier.out_proj, weight / LINEAR, bias)
        else:
            raise UserError(
                f"a baseline on a {safe_line(kind)} encoder cannot be loaded by a class of transformers", "Export a fine-tuned run"
            )
    classifier.save_pretrained(target)
    encoder.save_tokenizer(target, note.max_length)
    shutil.copyfile(model / HEAD_FILE, target / HEAD_FILE)


def _identity(layer: Any, scale: float, bias: float) -> None:
    layer.weight.copy_(torch.eye(layer.weight.shape[0]) * scale)
    layer.bias.fill_(bias)


def _linear(layer: Any, weight: np.ndarray, bias: np.ndarray) -> None:
    layer.weight.copy_(torch.from_numpy(weight))
    layer.bias.copy_(torch.from_numpy(bias))


def _card(run: RunFolder, note: saved.SavedModel, rung: str, compared: Sequence[MeasuredModel] = ()) -> str:
    """Return the model card: the model, its data and its metrics; for a baseline those of the exported `rung`."""
    spec, result = run.read_spec(), run.read_result()
    finished = result.finished if result else None
    by_rung = {each.name: each.metrics for each in (result.rungs if result else ())}
    measured = by_rung.get(rung, finished.metrics if finished else None)
    started = state.view_of(run).started
    kind = "fine-tuned encoder" if note.kind == "classifier" else "logistic regression on the [CLS] hidden state of a frozen encoder"
    stopped = f", which was stopped at step {note.stopped_at:,}" if note.stopped_at is not None else ""
    lines = [
        "---",
        *HEAD,
        "---",
        "",
        f"# {markdown.escape(Path(spec.job.data.source).name)}: {markdown.escape(kind)}",
        "",
        f"Made by emotui as the run {markdown.code(run.id)}{stopped}.",
        "",
        *markdown.table(
            ("setting", "value"),
            [
                *_settings(spec, started, note),
                ("labels", ", ".join(note.labels)),
                ("texts are truncated to", f"{note.max_length} tokens"),
            ],
        ),
        *_distrust(started),
        *_figures(measured),
        *_ladder(result.rungs if result else ()),
        *_compared(compared),
        "",
        "## Use",
        "",
        *(_USE_ONNX if compared else _USE),
        "",
    ]
    return "\n".join(lines)


_USE = (
    "```python",
    "from transformers import pipeline",
    "",
    'classify = pipeline("text-classification", model="THIS FOLDER", top_k=None, truncation=True)',
    'print(classify("I saw a movie today and it was really good."))',
    "```",
)
_USE_ONNX = (
    '`emotui predict "THIS FOLDER" TEXT`, or in Python, with onnxruntime and tokenizers:',
    "",
    "```python",
    "import json, numpy, onnxruntime, tokenizers",
    "",
    'tokenizer = tokenizers.Tokenizer.from_file("THIS FOLDER/tokenizer.json")',
    'session = onnxruntime.InferenceSession("THIS FOLDER/model.onnx")',
    'encoding = tokenizer.encode("I saw a movie today and it was really good.")',
    'inputs = {name: numpy.array([ids]) for name, ids in (("input_ids", encoding.ids), ("attention_mask", encoding.attention_mask))}',
    '(logits,) = session.run(["logits"], inputs)',
    'print(json.load(open("THIS FOLDER/config.json"))["id2label"][str(logits[0].argmax())])',
    "```",
)


def _compared(compared: Sequence[MeasuredModel]) -> Sequence[str]:
    if not compared:
        return []
    rows = [
        (each.name, f"{each.f1_weighted:.4f}", f"{each.f1_macro:.4f}", f"{1000 * each.latency:.1f} ms", size(each.size))
        for each in compared
    ]
    heads = ("model", "F1, weighted", "F1, macro", "latency of a text", "size")
    return ["", "## This export beside the original, measured on the validation split on a CPU", "", *markdown.table(heads, rows)]


def _distrust(started: Started | None) -> Sequence[str]:
    if started is None or not started.untrustworthy:
        return []
    return ["", "## Results on this data cannot be trusted", "", *(f"- {markdown.escape(each)}" for each in started.untrustworthy)]


def _settings(spec: RunSpec, started: Started | None, note: saved.SavedModel) -> list[tuple[object, ...]]:
    """Return the requested settings, with the run's own choice for each that was left open."""
    settings = resolved_settings.settings(spec, started)
    if "pooling" in settings:
        settings["pooling"] = note.pooling  # of the exported model, if the run fitted both
    rows: list[tuple[object, ...]] = [("data", resolved_settings.public(spec.job.data.source)), ("data sha256", spec.data_hash)]
    rows += [(name, value) for name, value in settings.items() if value not in (None, "")]
    return rows + [(f"{name} version", version) for name, version in spec.versions.items()]


def _figures(metrics: Metrics | None) -> Sequence[str]:
    if metrics is None:
        return []
    loss = [("loss", f"{metrics.loss:.4f} nats")] if metrics.loss is not None else []
    measured = [
        *((metric.name, metric.text(metrics)) for metric in measured_in([metrics])),
        *loss,
    ]
    by_class = [
        (name, f"{each.precision:.4f}", f"{each.recall:.4f}", f"{each.f1:.4f}", each.support) for name, each in metrics.per_class.items()
    ]
    return [
        "",
        f"## Measured on the {markdown.escape(metrics.split)} split ({count(metrics.rows, 'row')})",
        "",
        *markdown.table(("metric", "value"), measured),
        "",
        *markdown.table(("label", "precision", "recall", "F1", "rows"), by_class),
    ]


def _ladder(measured: Sequence[Rung]) -> Sequence[str]:
    """Return a table of all rungs of the baseline, one of which is the exported model."""
    if not measured:
        return []
    rows = [
        (
            rungs.title(rung.name),
            f"{rung.metrics.accuracy:.4f}",
            f"{rung.metrics.f1_weighted:.4f}",
            f"{rung.metrics.f1_macro:.4f}",
            str(tuple(rung.shape)) if rung.shape else "",
        )
        for rung in measured
    ]
    return [
        "",
        "## The ladder of baselines",
        "",
        *markdown.table(("baseline", "accuracy", "F1, weighted", "F1, macro", "features"), rows),
    ]
