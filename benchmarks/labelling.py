"""`python -m benchmarks.labelling`: how many labels each order of the queue needs, on real tweets whose labels are hidden.

For each seed 10,000 training rows are drawn as the file. Its labels are given in the order of the queue, 20 at a time, or at random;
the regression of the queue is measured on a split that no order sees: validation, by which the default order was chosen, or test
(`--split test --seeds 10`), by which nothing was. The data set is the folder that EMOTUI_REAL_DATA names, the model the
one that EMOTUI_REAL_MODEL names. Curves go to benchmarks/results/labelling.json, or labelling-test.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from emotui.core.data import sources
from emotui.core.figures.scores import measure
from emotui.core.model import checkpoint, device, label_order
from emotui.core.model.extractor import Extractor
from emotui.core.specs import DataSpec

RESULTS = Path(__file__).parent / "results"
STEP = 20
ORDERS = ("random", "informative", "uncertain", "different")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelling", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="of the file (default: 10,000)")
    parser.add_argument("--labels", type=int, default=600, help="up to which labels are given (default: 600)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--split", choices=("validation", "test"), default="validation", help="on which it is measured")
    parser.add_argument("--orders", default=",".join(ORDERS), help=f"of {', '.join(ORDERS)}")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    out = options.out or RESULTS / ("labelling.json" if options.split == "validation" else f"labelling-{options.split}.json")
    data = sources.load(DataSpec(os.environ.get("EMOTUI_REAL_DATA", "starter"), overlay=0))
    model = checkpoint.find(os.environ.get("EMOTUI_REAL_MODEL", "starter"), offline=True)
    extractor = Extractor(model, model.checked_length(None), device.choose("auto", "auto"))
    states = {name: np.asarray(extractor.states(data.splits[name].texts(), ("mean",))[0]["mean"]) for name in ("train", options.split)}
    names = extractor.states(list(data.labels), ("mean",))[0]["mean"]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    found: dict[str, Any] = {"rows": options.rows, "step": STEP, "labels": list(data.labels), "curves": {}}
    found |= {"split": options.split, "seeds": list(seeds)}
    for order in options.orders.split(","):
        curves = []
        for seed in seeds:
            started = time.process_time()
            curves.append(_curve(order, seed, states, names, data, options))
            print(f"{order} seed {seed}: {curves[-1][300 // STEP]:.4f} at 300, {time.process_time() - started:.0f} s of CPU", flush=True)
        found["curves"][order] = curves
    mean = {order: np.mean(curves, axis=0) for order, curves in found["curves"].items()}
    at = {order: {n: round(float(curve[n // STEP]), 4) for n in range(100, options.labels + 1, 100)} for order, curve in mean.items()}
    found["mean"] = at
    if "random" in mean:
        found["random_labels_for_the_f1_of_300"] = {
            order: _needed(mean["random"], float(curve[300 // STEP])) for order, curve in mean.items() if order != "random"
        }
    for order, figures in at.items():
        print(f"{order:<12} " + "  ".join(f"{n}: {f1:.4f}" for n, f1 in figures.items()))
    print(json.dumps(found.get("random_labels_for_the_f1_of_300", {})))
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found) + "\n", "utf-8")


def _curve(order: str, seed: int, states: dict[str, np.ndarray], names: np.ndarray, data: Any, options: argparse.Namespace) -> list[float]:
    """Return the macro-F1 on the split that is measured after 0, 20, 40, … labels."""
    random = np.random.default_rng(seed)
    file = random.permutation(len(states["train"]))[: options.rows]
    judge = data.splits[options.split].label_ids()
    pool = label_order.pool_of(states["train"][file])
    truth = data.splits["train"].label_ids()[file]
    shift = states[options.split] - pool.mean
    deviation = pool.centred.std(0)
    measured = (shift / np.where(deviation > 0, deviation, 1.0)).astype(np.float32)
    labelled = np.zeros(0, np.int64)
    curve = [0.0]
    at_random = random.permutation(len(file))
    while len(labelled) < options.labels:
        if order == "random":
            chosen = at_random[len(labelled) : len(labelled) + STEP]
        else:
            nothing = np.zeros(0, np.int64)
            chosen = label_order.next_rows(pool, names, labelled, truth[labelled], nothing, order, STEP).rows  # type: ignore[arg-type]
        labelled = np.concatenate([labelled, chosen])
        if len(np.unique(truth[labelled])) < 2:
            curve.append(0.0)
            continue
        answers = label_order.fit(pool.scaled[labelled], truth[labelled], len(data.labels))(measured)
        curve.append(round(float(measure(options.split, judge, answers, data.labels).f1_macro), 4))
    return curve


def _needed(random: np.ndarray, f1: float) -> int | None:
    """Return the labels from which on the mean curve of random order is at this F1 or above; None where it never gets there."""
    reached = np.flatnonzero(random >= f1)
    return int(reached[0]) * STEP if len(reached) else None


if __name__ == "__main__":
    main()
