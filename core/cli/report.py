"""emotui report: writes everything known about a run as one page to keep, print or send."""

from __future__ import annotations

import argparse
from typing import Any

from ..runs import rungs
from . import options
from .output import Output


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "report",
        run_report,
        description="Write the report of a run: its data and their faults, what was changed by hand, the ladder of baselines, curves, each "
        "class with intervals, the confusion matrix, the worst rows, calibration, slices, settings and versions. It is one page of HTML, "
        "in which nothing runs and nothing is fetched, and one file of Markdown. All is read from what the run keeps: neither its data "
        "nor its model is needed. What was not measured is named, with the command that does it.",
        examples=[
            "emotui report last",
            "emotui report last --split test --out reports/",
            "emotui report 3kfx:tfidf --out tfidf.html --slice 'short=len<8'",
        ],
    )
    options.add_run(parser, rungs=True)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation", help="which rows (default: validation)")
    parser.add_argument("--out", metavar="PLACE", help="a folder, or a file that ends in .html or .md (default: this folder)")
    parser.add_argument("--format", choices=("html", "md", "both"), help="what to write (default: what --out ends in, else both)")
    parser.add_argument("--rows", metavar="N", type=options.natural, default=20, help="rows to list of each kind (default: 20)")
    parser.add_argument(
        "--slice",
        metavar="FILTER",
        action="append",
        default=[],
        help="a slice: FILTER or NAME=FILTER, in addition to the saved slices; may be given several times",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run_report(arguments: argparse.Namespace, output: Output) -> int:
    """Write the report of a run."""
    from ..data import filters
    from ..report import files, material
    from ..runs import slices

    run, rung = rungs.find(arguments.run)
    lines = dict(slices.typed(each) for each in arguments.slice)
    for line in lines.values():
        filters.parse(line)
    named = files.stem(run.id, rung, arguments.split)
    places = files.chosen(arguments.out, arguments.format, named, run.path, overwrite=arguments.overwrite)
    found = material.gather(run, rung, arguments.split, lines)
    files.write(found, places, arguments.rows)
    if arguments.json:
        output.json(
            {"run": run.id, "rung": found.rung, "split": found.split, "files": {each: str(place) for each, place in places.items()}}
        )
    else:
        output.lines([str(place) for place in places.values()])
    return 0
