"""emotui overlay: shows, exports and undoes manual decisions about the rows of a data set."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import msgspec

from .. import targets
from ..data.formats import WRITABLE
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting
from ..units import age, count
from . import fetch, options, render
from .output import Output

if TYPE_CHECKING:
    from ..data.overlay_log import Decision
    from ..data.table import Dataset

ACTIONS = ("show", "export", "undo")


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "overlay",
        run_overlay,
        description="Labels that were changed and rows that were left out by hand, in the application or by emotui label, are applied to a "
        "data set whenever it is read; its source stays unchanged. show lists them, or without DATASET every overlay; export writes the "
        "corrected data set to a file; undo reverts the last decision, as often as you like.",
        examples=[
            "emotui overlay show starter",
            "emotui overlay export starter --out mended.jsonl",
            "emotui overlay undo starter --last 3",
        ],
    )
    parser.add_argument("action", metavar="show|export|undo", choices=ACTIONS, help="what to do")
    options.add_data(parser)
    parser.add_argument("--out", metavar="FILE", help=f"with export: a file that ends in {WRITABLE}")
    parser.add_argument("--last", metavar="N", type=options.positive, default=1, help="with undo: undo the last N decisions (default: 1)")


def run_overlay(arguments: argparse.Namespace, output: Output) -> int:
    """Show, export or undo decisions."""
    if not arguments.overlay:
        raise UserError("--no-overlay reads the source as it is, and this command is about the overlay: leave it out")
    if (arguments.out is not None) != (arguments.action == "export"):
        raise UserError("export needs --out FILE" if arguments.action == "export" else "--out is for export")
    match arguments.action:
        case "show" if arguments.dataset is None and arguments.train is None:
            return _list(arguments, output)
        case "show":
            return _show(arguments, output)
        case "export":
            return _export(arguments, output)
        case _:
            return _undo(arguments, output)


def _list(arguments: argparse.Namespace, output: Output) -> int:
    """List every overlay in emotui's home."""
    from ..data import overlay_log

    found: list[dict[str, Any]] = []
    for path in sorted(overlay_log.folder().glob("*.jsonl")):
        try:
            log = overlay_log.read(path)
        except UserError as error:
            output.message(str(error))
            continue
        live = log.live
        source = log.head.source if log.head is not None else path.name
        found.append({"source": source, "file": str(path), "decisions": len(live), "last": max((each.when for each in live), default=None)})
    if arguments.json:
        output.json({"overlays": found})
        return 0
    if not found:
        output.line("No row of any data set was decided by hand")
        return 0
    body = [["data set", "decisions", "last"]]
    body += [[each["source"], f"{each['decisions']:,}", "-" if each["last"] is None else _ago(each["last"])] for each in found]
    output.lines(render.table(body, "lrl", [max(20, output.width - 30), None, None]))
    return 0


def _show(arguments: argparse.Namespace, output: Output) -> int:
    dataset = fetch.dataset(fetch.data_spec(arguments), output)
    rows = _rows(dataset)
    if arguments.json:
        laid = dataset.overlay
        output.json({"name": dataset.name, "overlay": laid.fields() if laid is not None else None, "decisions": rows})
        return 0
    if not rows:
        output.line(f"No row of {safe_line(dataset.name, 80)} was decided by hand")
        return 0
    body = [["split", "row", "was", "is", "by", "when", "text"]]
    for each in rows:
        new = "left out" if each["new"] is None else each["new"]
        body.append([each["split"], each["place"], each["old"] or "-", new, _by(each), _ago(each["when"]), each["text"]])
    widths = [None, None, render.NAME_WIDTH, render.NAME_WIDTH, 16, None, max(20, output.width - 80)]
    output.lines(render.table(body, "lrlllrl", widths))
    return 0


def _rows(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the decisions in the order of the rows; those that are not applied come last."""
    laid = dataset.overlay
    if laid is None:
        return []
    found: list[dict[str, Any]] = []
    for place, decision in sorted(laid.decided.items(), key=lambda each: (list(laid.source.splits).index(each[0].split), each[0].at)):
        row = laid.source.splits[place.split].row(place.at)
        index = laid.index(place)
        found.append(
            {
                **_fields(decision, row.text),
                "split": place.split,
                "index": index,
                "place": "-" if index is None else str(index),
                "state": "in force",
            }
        )
    for decision, why in laid.lost:
        found.append({**_fields(decision, decision.excerpt), "split": decision.split, "index": None, "place": "not found", "state": why})
    return found


def _fields(decision: Decision, text: str) -> dict[str, Any]:
    kept = msgspec.to_builtins(decision)
    names = ("number", "old", "new", "when", "by", "run")
    return {**{name: kept.get(name, getattr(decision, name)) for name in names}, "text": text}


def _by(row: dict[str, Any]) -> str:
    return row["by"] + (f", {row['run']}" if row["run"] else "")


def _ago(when: float) -> str:
    return age(max(0.0, time.time() - when))


def _export(arguments: argparse.Namespace, output: Output) -> int:
    from ..data import labelled_file

    spec = fetch.data_spec(arguments)
    target = targets.checked(arguments.out, Setting("out"), sources=[spec.source])
    dataset = fetch.dataset(spec, output)
    written = labelled_file.write(dataset, None, target)
    if arguments.json:
        laid = dataset.overlay
        output.json({"name": dataset.name, "out": str(target), "rows": written, "overlay": laid.fields() if laid is not None else None})
    else:
        output.message(f"{count(written, 'row')} written to {safe_line(str(target))}")
    return 0


def _undo(arguments: argparse.Namespace, output: Output) -> int:
    from ..data.overlay_edit import Editor

    editor = Editor(fetch.dataset(fetch.data_spec(arguments), output))
    undone = editor.undo(arguments.last)
    laid = editor.dataset.overlay
    if arguments.json:
        decisions = [_fields(each, each.excerpt) for each in undone]
        output.json({"name": editor.dataset.name, "undone": decisions, "overlay": laid.fields() if laid is not None else None})
        return 0
    if not undone:
        output.line("There is nothing to undo")
    for each in undone:
        was = "left out" if each.new is None else safe_line(each.new, 40)
        old = safe_line(each.old, 40) or "without a label"
        output.line(f"undone: row {each.number:,} was {was}, and {old} in the source: {safe_line(each.excerpt, 60)}")
    if laid is not None and undone:
        output.message(f"the overlay now: {laid.summary or 'nothing is changed'}")
    return 0
