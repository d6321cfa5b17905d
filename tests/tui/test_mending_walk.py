"""From the confusion matrix to wrong labels, from there to better labels and a better model: by keys, through a real terminal."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from emotui.core.data import sources
from emotui.core.runs.state import RunView
from emotui.core.specs import DataSpec
from sklearn.metrics import f1_score
from terminals import TIMEOUT, Terminal, runs, start_run, terminal

pytestmark = pytest.mark.slow
SHARE = 0.1
"""Of the rows that get a wrong label."""
TAKEN_FOR = {"sadness": "fear", "fear": "sadness", "joy": "love", "love": "joy", "anger": "surprise", "surprise": "anger"}
LOOKED_AT = 24
"""Suspects of the training split that are read."""
Truth = dict[str, list[str]]


@pytest.fixture
def planted(tmp_path: Path, emotui_home: Path) -> tuple[Path, Truth]:
    """The starter's training and validation rows, of which one in ten has the label it is often taken for, and the labels before."""
    source = sources.load(DataSpec("starter"))
    rng = np.random.default_rng(0)
    folder, truth = tmp_path / "planted", {}
    folder.mkdir()
    for name in ("train", "validation"):
        split = source.splits[name]
        given = np.array(split.label_ids())
        truth[name] = [source.labels[each] for each in given]
        wrong = rng.permutation(len(given))[: int(SHARE * len(given))]
        planted = np.array([source.labels[each] for each in given], dtype=object)
        planted[wrong] = [TAKEN_FOR[each] for each in planted[wrong]]
        rows = [{"text": text, "label": label} for text, label in zip(split.texts(), planted, strict=True)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder, truth


def mend(shown: Terminal, truth: list[str], labels: list[str], rows: int) -> tuple[int, int]:
    """Give each of the next rows the label that a reader would give, and return how many were read and had a wrong one."""
    read: set[int] = set()
    wrong, until = 0, time.monotonic() + 2 * TIMEOUT
    while len(read) < rows:
        found = re.findall(r"─ row ([\d,]+): (\S+ (?:\d )?\w+)", shown.text)
        row = int(found[-1][0].replace(",", "")) if found else -1
        if row in read or row < 0:
            assert time.monotonic() < until, f"no other row after {sorted(read)}:\n{shown.text}"
            shown.read_some()
            continue
        read.add(row)
        wrong += not found[-1][1].endswith(truth[row])
        shown.press(str(1 + labels.index(truth[row])))
    return len(read), wrong


def see_decided(shown: Terminal, folder: Path, rows: int) -> None:
    """Wait until decisions about so many rows are on the disk."""
    until, decided = time.monotonic() + TIMEOUT, 0
    while decided != rows:
        assert time.monotonic() < until, f"decisions about {decided} rows are on the disk, and {rows} were made"
        shown.read_some(0.5)
        overlay = sources.load(DataSpec(str(folder))).overlay
        decided = len(overlay.decided) if overlay is not None else 0


def f1_of(run: RunView, truth: list[str]) -> tuple[float, float]:
    """Return the F1 that is shown of a baseline's best rung, and that of its predictions against the labels before any was planted."""
    kept = pq.read_table(Path(run.folder) / "predictions" / "validation-tfidf.parquet")
    best = max(rung.metrics.f1_weighted for rung in run.rungs)
    return best, float(f1_score(truth, kept.column("prediction").to_pylist(), average="weighted"))


@pytest.mark.timeout(600)
def test_from_the_matrix_to_better_labels_and_a_better_model(planted: tuple[Path, Truth], tiny_model: Path) -> None:
    folder, truth = planted
    labels = sorted(set(truth["train"]))
    with terminal(str(folder), "--model", str(tiny_model)) as shown:
        shown.see("train 1,312", "words per text")
        shown.press("3")
        start_run(shown, tiny_model, fine_tune=False)
        shown.see("finished in", r"LR on mean +\S+ +0\.\d")

        shown.press("5")
        shown.see("coverage", "89 wrong", "▸18◂")
        shown.press("enter")  # the most frequent mistake
        cell = shown.see("8 rows: anger predicted as surprise", "row 1")
        assert cell.count("●→★") == 8
        shown.press("L")
        shown.see("as predicted")
        assert mend(shown, truth["validation"], labels, 8) == (8, 4)
        see_decided(shown, folder, 8)
        shown.press("L")

        shown.press("1")
        shown.see("words per text")
        shown.press("F")
        shown.see(r"train: the labels of \d+ rows")
        shown.press("back tab", "enter")
        shown.see("rather", "as suggested")
        read, wrong = mend(shown, truth["train"], labels, LOOKED_AT)
        assert read == LOOKED_AT and wrong >= 0.8 * LOOKED_AT
        see_decided(shown, folder, 8 + LOOKED_AT)

        shown.press("L", "3")
        start_run(shown, tiny_model, fine_tune=False)
        shown.see(r"(?s)✓ \w+ baseline.*✓ \w+ baseline", "finished in", r"LR on mean +\S+ +0\.\d")
        shown.press("q")
        assert shown.ended() == 0
    before, after = sorted(runs(), key=lambda run: run.spec.created)
    (shown_before, true_before), (shown_after, true_after) = f1_of(before, truth["validation"]), f1_of(after, truth["validation"])
    assert (before.spec.job.data.overlay, after.spec.job.data.overlay) == (0, 1 + 8 + LOOKED_AT)  # the log has a head
    assert shown_after > shown_before + 0.01
    assert true_after > true_before + 0.01, "the model is no better, only the labels that judge it"
