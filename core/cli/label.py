"""emotui label: starts or continues labelling a file of unlabelled texts; in a terminal it opens the label queue."""

from __future__ import annotations

import argparse
from typing import Any

from ..specs import DataSpec
from ..units import count, percent
from . import fetch, options, render
from .output import Output


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "label",
        run_label,
        description="Open a queue of the unlabelled texts of a file, the most useful first; the keys 1 to 9 give labels. The file "
        "stays as it is: labels are kept in its overlay, and train, data and overlay export take them from there. Without a terminal "
        "it tells how many texts have a label.",
        examples=["emotui label tweets.jsonl --labels joy,anger,fear", "emotui label tweets.jsonl", "emotui label tweets.jsonl --json"],
    )
    parser.add_argument("dataset", metavar="FILE", help="a file of texts, some or all without a label")
    group = parser.add_argument_group("how the file is read")
    group.add_argument(
        "--labels", metavar="A,B,C", type=options.label_names, default=(), help="the labels to choose from (default: those used before)"
    )
    group.add_argument("--text-column", metavar="NAME", help="the column of the texts (default: guessed)")
    group.add_argument("--label-column", metavar="NAME", help="the column of existing labels (default: guessed)")
    group.add_argument("--skip-bad-rows", action="store_true", help="skip rows that cannot be used, and report how many")
    options.add_reading(group)
    options.add_model(parser)
    parser.add_argument("--offline", action="store_true", help="use only what has been downloaded; open no network connection")


def begin(arguments: argparse.Namespace) -> DataSpec:
    """Store the labels to choose from for a file's texts, and return the spec that reads the file. Raises UserError."""
    from ..data import labelling

    spec = DataSpec(
        source=arguments.dataset,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        skip_bad_rows=arguments.skip_bad_rows,
        offline=arguments.offline,
        reading=fetch.reading(arguments),
    )
    return labelling.begin(spec, arguments.labels)


def run_label(arguments: argparse.Namespace, output: Output) -> int:
    """Print how many texts have a label."""
    import numpy as np

    from ..data import labelling, sources

    given = labelling.Labelling(sources.load_source(begin(arguments)))
    labelled = given.labels[given.labelled]
    counts = dict(zip(given.names, np.bincount(labelled, minlength=len(given.names)).tolist(), strict=True))
    dropped = len(given.texts) - len(given.labelled) - len(given.open)
    if arguments.json:
        output.json(
            {
                "name": given.source.name,
                "rows": len(given.texts),
                "labelled": len(labelled),
                "unlabelled": len(given.open),
                "left_out": dropped,
                "labels": counts,
                "overlay": str(given.file),
            }
        )
        return 0
    share = percent(len(labelled) / max(1, len(given.texts)))
    output.line(f"{len(labelled):,} of {count(len(given.texts), 'text')} have a label ({share}), {count(dropped, 'row')} left out")
    output.lines(
        render.table([["label", "rows"], *([name, f"{rows:,}"] for name, rows in counts.items())], "lr", [render.NAME_WIDTH, None])
    )
    output.message("to give labels, run this command in a terminal without redirecting it")
    return 0
