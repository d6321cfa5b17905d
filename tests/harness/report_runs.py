"""Runs whose folders keep all that a report can show, written without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from emotui.core.data import checks, sources
from emotui.core.runs import data_record, kept_rows
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from run_folders import LABELS, baseline_events, train_events, train_spec, write_data, write_predictions, write_run


def said(truth: Sequence[int], labels: int, seed: int = 0) -> np.ndarray:
    """Return probabilities, [rows, labels], of which most are right and few are sure."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1, (len(truth), labels))
    logits[np.arange(len(truth)), truth] += 1.5
    shares = np.exp(logits)
    return shares / shares.sum(1, keepdims=True)


def write_whole_run(
    home: Path,
    data: Path,
    id: str = "fine77",  # noqa: A002 - the field's own name
    *,
    labels: Sequence[str] = LABELS,
    texts: Sequence[str] | None = None,
    rows: int = 60,
    baseline: bool = False,
) -> RunFolder:
    """Write a finished run with its predictions and rows of validation, and the data set that it was made on."""
    write_data(data, rows, labels, *([texts] if texts is not None else []))
    if texts is not None:  # as they are, without what write_data adds to them
        for split in ("train", "validation", "test"):
            lines = [
                json.dumps(
                    {"text": f"{texts[n % len(texts)]}{'' if n < len(texts) else f' {split} {n}'}", "label": labels[n % len(labels)]}
                )
                for n in range(rows)
            ]
            (data / f"{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    spec = DataSpec(str(data))
    found = sources.load(spec)
    names = found.labels
    fingerprint = sources.fingerprint(found)
    job = BaselineSpec(spec, "starter") if baseline else train_spec(data=spec)
    happened = baseline_events(labels=names) if baseline else train_events(labels=names)
    run = RunFolder(write_run(home / "runs", id, job, happened, labels=names, data_hash=fingerprint))
    truth = found.splits["validation"].label_ids()
    if not baseline:
        write_predictions(run.path, truth.tolist(), said(truth, len(names)), names)
    data_record.keep(run, found, fingerprint, checks.find_problems(found, near=False))
    kept_rows.save(run, "validation", found.splits["validation"], fingerprint)
    for path in run.path.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return run
