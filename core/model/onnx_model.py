"""A classifier in ONNX, as emotui export writes it, run by onnxruntime on the CPU."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import UserError
from ..plain_files import read_plain
from ..runs.rungs import ONNX_FILE
from ..safe_text import safe_line
from . import predictions, saved, tokenizer_files
from .batches import TokenIds, by_length, tokenize
from .device import CPU_TOKENS
from .model_config import read_config
from .tokenizer import Tokenizer

TO_RUN = ("onnxruntime",)
TO_WRITE = ("onnxruntime", "onnx", "onnxscript")
LARGEST = (1 << 31) - 1
"""Bytes of one ONNX file, by its format."""


def check_installed(packages: Sequence[str]) -> None:
    """Raise UserError, saying how to get them, unless the packages are installed."""
    missing = [each for each in packages if importlib.util.find_spec(each) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise UserError(f"{' and '.join(missing)} {are} not installed, which ONNX needs", "Install it with: pip install 'emotui[onnx]'")


class OnnxModel:
    """A classifier that is one file and its tokenizer; torch takes no part in its answers."""

    def __init__(self, folder: Path, note: saved.SavedModel) -> None:
        """Load it from a folder. Raises UserError where onnxruntime is not installed, or the folder's files do not fit each other."""
        check_installed(TO_RUN)
        self.labels, self.limit = note.labels, note.max_length
        name = safe_line(str(folder), 80)
        config, settings = read_config(folder, follow=False), tokenizer_files.read_settings(folder, follow=False)
        self.tokenizer = Tokenizer(folder, config, settings, name=name, follow=False)
        try:
            content = read_plain(folder / ONNX_FILE, LARGEST)
        except OSError as error:
            raise UserError(f"{name}/{ONNX_FILE} cannot be read: {error.strerror or error}", "Export the run again") from error
        try:
            self._session: Any = session(content)
            self.probabilities(("a",))
        except UserError:
            raise
        except Exception as error:
            why = safe_line(str(error), 160)
            raise UserError(f"{name}/{ONNX_FILE} cannot be run by onnxruntime: {why}", "Export the run again") from error

    def probabilities(self, texts: Sequence[str]) -> tuple[np.ndarray, TokenIds]:
        ids = tokenize(self.tokenizer, texts, self.limit)
        scores = np.zeros((len(ids), len(self.labels)))
        for group in by_length(ids.lengths, CPU_TOKENS):
            inputs = {name: each.numpy() for name, each in ids.pad(group, self.tokenizer.padding).items()}
            (found,) = self._session.run(["logits"], inputs)
            if found.shape != (len(group), len(self.labels)):
                raise UserError(f"the ONNX model gives {found.shape[-1]} logits for {len(self.labels)} labels", "Export the run again")
            scores[group] = found
        if not np.isfinite(scores).all():
            raise UserError("the ONNX model returns NaN or infinity for a text", "Export the run again")
        return predictions.softmax(scores), ids


def session(content: bytes) -> Any:
    """Return onnxruntime's session of a model, on as many threads as torch takes."""
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
