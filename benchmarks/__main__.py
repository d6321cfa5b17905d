"""`make bench`: measures emotui and the tutorial's way in one run and writes the figures to benchmarks/results/.

The data set is the folder that EMOTUI_REAL_DATA names, the model the one that EMOTUI_REAL_MODEL names; the starter otherwise.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PIECES = ["start", "screen", "decisions", "extraction", "regression", "step", "baseline"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer texts, steps and iterations; ratios are rougher")
    parser.add_argument("--only", choices=PIECES, action="append")
    options = parser.parse_args()
    chosen = options.only or PIECES
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as home:
        os.environ["EMOTUI_HOME"] = home
        figures: dict[str, Any] = {}
        if "start" in chosen:
            figures |= start()
        if "screen" in chosen:
            from . import screen

            figures |= screen.measure(quick=options.quick)
        if "decisions" in chosen:
            from . import decisions

            figures |= decisions.measure(Path(home), quick=options.quick)
        if {"extraction", "regression", "step", "baseline"} & set(chosen):
            figures |= models(chosen, quick=options.quick, scratch=Path(home))
    for name, value in figures.items():
        print(f"{name:<44} {value:,.3f}" if isinstance(value, float) else f"{name:<44} {value}")
    RESULTS.mkdir(exist_ok=True)
    machine = re.sub(r"[^a-z0-9]+", "-", figures.get("device", "cpu").lower().replace("(r)", "")).strip("-")
    path = RESULTS / f"{date.today().isoformat()}-{machine}.json"
    earlier = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(earlier | figures, indent=2) + "\n", "utf-8")
    print(f"written to {path}", file=sys.stderr)


def start() -> dict[str, Any]:
    """How long the command takes to answer, in seconds, median of 10."""
    command = Path(sys.executable).with_name("emotui")

    def seconds(*arguments: str) -> float:
        taken = []
        for _ in range(10):
            begun = time.perf_counter()
            subprocess.run([command, *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)
            taken.append(time.perf_counter() - begun)
        return statistics.median(taken)

    return {"emotui --help, s": seconds("--help"), "emotui train --help, s": seconds("train", "--help")}


def models(chosen: list[str], *, quick: bool, scratch: Path) -> dict[str, Any]:
    """Extraction, logistic regression and training steps, ours beside the tutorial's."""
    import numpy as np
    from emotui.core.data import sources
    from emotui.core.model import batches, checkpoint, device, state_cache, timed
    from emotui.core.specs import DataSpec
    from sklearn.metrics import f1_score

    from . import ours, tutorial

    source = os.environ.get("EMOTUI_REAL_DATA", "starter")
    model = os.environ.get("EMOTUI_REAL_MODEL", "starter")
    data = sources.load(DataSpec(source))
    folder = checkpoint.find(model).folder
    tokenizer = checkpoint.at(folder).tokenizer
    train, validation = data.splits["train"], data.splits["validation"]
    compute = device.choose("cpu", "float32")
    figures: dict[str, Any] = {"data": data.name, "model": Path(model).name, "device": compute.name, "rows": len(train)}
    ids = batches.tokenize(tokenizer, train.texts(), 512)
    longest = int(ids.lengths.max())
    figures["longest text, tokens"] = longest

    if "extraction" in chosen:
        sample = np.random.default_rng(0).permutation(len(train))[: 500 if quick else 2_000]
        texts = [train.texts()[i] for i in sample]
        padded = tutorial.encode(folder, texts, train.label_ids()[sample].tolist(), data.labels, longest)
        theirs, seconds = tutorial.hidden_states(folder, padded)
        figures["extraction, tutorial's way, texts/s"] = len(texts) / seconds
        kinds = ("float32",) if timed.is_bf16_hopeless(384) else ("float32", "bf16")
        for precision in kinds:
            states, our_seconds = ours.hidden_states(folder, tokenizer, texts, device.choose("cpu", precision))
            figures[f"extraction, {precision}, texts/s"] = len(texts) / our_seconds
            figures[f"extraction, {precision}, ratio"] = seconds / our_seconds
            figures[f"extraction, {precision}, largest difference"] = float(np.abs(states - theirs).max())
        if "bf16" not in kinds:
            figures["extraction, bf16"] = "not measured: a product of matrices takes three times as long as in float32"

    if "regression" in chosen:
        splits = {}
        for split in (train, validation):
            key = state_cache.key_of(state_cache.texts_hash(split.texts()), checkpoint.at(folder).hash, "cls", 512, "float32", "cpu")
            if (states := state_cache.cached(key)) is None:
                states, _ = ours.hidden_states(folder, tokenizer, split.texts(), compute)
                state_cache.keep(key, states)
            splits[split.name] = np.asarray(states)
        truth = validation.label_ids()
        iterations = 200 if quick else 3_000
        regression, seconds = tutorial.logistic_regression(splits["train"], train.label_ids(), iterations)
        head, our_seconds = ours.logistic_regression(splits["train"], train.label_ids(), len(data.labels))
        figures["regression, tutorial's way, s"] = seconds
        figures["regression, tutorial's way, iterations"] = int(regression.n_iter_.max())
        figures["regression, ours, s"] = our_seconds
        figures["regression, ratio"] = seconds / our_seconds
        figures["regression, tutorial's way, F1"] = float(f1_score(truth, regression.predict(splits["validation"]), average="weighted"))
        figures["regression, ours, F1"] = float(f1_score(truth, head.probabilities(splits["validation"]).argmax(1), average="weighted"))

    if "step" in chosen:
        steps = 4 if quick else 12
        rows = np.random.default_rng(1).permutation(len(train))[: 64 * steps]
        padded = tutorial.encode(folder, [train.texts()[i] for i in rows], train.label_ids()[rows].tolist(), data.labels, longest)
        theirs = tutorial.training_steps(folder, padded, len(data.labels), steps, scratch / "trainer")
        # In a process of its own: this one's peak is that of the tutorial's way.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
            mine, peak = own.submit(ours.training_steps, source, model, 3 * steps).result()
        figures["training step, tutorial's way, s"] = statistics.mean(theirs[1:])
        figures["training step, ours, s"] = statistics.mean(mine[1:])
        figures["training step, ratio"] = statistics.mean(theirs[1:]) / statistics.mean(mine[1:])
        figures["training, peak memory, GB"] = peak / 1e9

    if "baseline" in chosen:
        figures |= ours.baseline_twice(source, model)
    figures["benchmark, peak memory, GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return figures


if __name__ == "__main__":
    main()
