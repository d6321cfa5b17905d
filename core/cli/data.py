"""emotui data and emotui check: what a data set contains, and what is wrong with it."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from ..data.formats import WRITABLE
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting
from ..units import count, percent, score
from . import fetch, options, render
from .output import Output

if TYPE_CHECKING:
    from ..data.checks import Problem
    from ..data.drift import Drift
    from ..data.stats import Quantiles, SplitStats
    from ..data.table import Dataset
    from ..data.unknown_tokens import Unknown
    from ..questions import FaultsAnswer

HEAD = 5
"""Rows of the first split that are shown."""


@dataclass(frozen=True, slots=True)
class Description:
    """All statistics that `emotui data` shows."""

    stats: dict[str, SplitStats]
    problems: tuple[Problem, ...]
    tokens: dict[str, dict[str, Quantiles]]
    """Tokens per text, by split and label; empty if no tokenizer was used."""
    max_length: int | None = None
    truncated: dict[str, dict[str, float]] = field(default_factory=dict)
    """Share of texts with more than `max_length` tokens, by split and label."""
    drifts: tuple[Drift, ...] = ()
    """How far the label distribution of each other split is from that of the training split."""
    unspaced: bool = False
    """Whether the texts are written without spaces between words."""
    unknown: dict[str, Unknown] = field(default_factory=dict)
    """Unknown tokens and characters, by split."""


def add(commands: Any) -> None:
    data = options.command(
        commands,
        "data",
        run_data,
        description="Describe a data set: its splits, first rows, class frequencies, lengths of texts by class against the model's "
        "limit, and problems. Every row is checked.",
        examples=["emotui data starter", "emotui data tweets.csv --label-column emotion --model hf:distilbert/distilbert-base-uncased"],
    )
    options.add_data(data)
    data.add_argument("--model", metavar="M", help="the model whose tokens are counted: " + options.MODEL_HELP)
    data.add_argument(
        "--max-length", metavar="N", type=options.positive, help="report what is cut at N tokens (default: the model's limit)"
    )
    data.add_argument("--no-tokens", action="store_true", help="count only words, without a model")
    data.add_argument("--filter", metavar="LINE", help="show only rows such as 'label:joy len>40 -movie regex:^i split:test'")
    data.add_argument("--out", metavar="FILE", help=f"write these rows to a file that ends in {WRITABLE}")

    check = options.command(
        commands,
        "check",
        run_check,
        description="Look for duplicates, texts under two labels, leakage between splits, nearly equal texts (80 % of their pieces of five "
        "characters), tokens that the model does not know, drift between splits, imbalance and missing classes. Texts are the same "
        "where only case, spacing and Unicode form differ. The exit code is 1 where a result could not be trusted: leakage of more "
        "than 1 %, more than 5 % unknown tokens, or a class missing.",
        examples=["emotui check starter", "emotui check my-data/ --json", "emotui check starter --faults"],
    )
    options.add_data(check)
    check.add_argument("--model", metavar="M", help="also look for tokens that this model's tokenizer does not know: " + options.MODEL_HELP)
    check.add_argument(
        "--faults",
        action="store_true",
        help="also look for labels that are likely wrong, near-duplicates under two labels, outliers, small classes and truncated texts",
    )
    check.add_argument("--rows", metavar="N", type=options.positive, help="with --faults: rows to show of each kind (default: 5)")


def run_data(arguments: argparse.Namespace, output: Output) -> int:
    """Describe a data set."""
    if arguments.no_tokens and (arguments.model or arguments.max_length):
        raise UserError("--no-tokens uses no model; leave it out to count tokens")
    if arguments.filter is not None or arguments.out is not None:
        return _select(arguments, output)
    dataset, description = describe(arguments, output)
    if arguments.json:
        output.json(data_json(dataset, description))
    else:
        output.lines(data_report(dataset, description, output))
    return 0


def _select(arguments: argparse.Namespace, output: Output) -> int:
    """Show the rows that match --filter, and write them to --out."""
    from .. import targets
    from ..data import filters

    query = filters.parse(arguments.filter or "")
    spec = fetch.data_spec(arguments)
    target = None if arguments.out is None else targets.checked(arguments.out, Setting("out"), sources=[spec.source])
    dataset = fetch.dataset(spec, output)
    tokens = None
    if any(term.kind == "tokens" for term in query.terms):
        model = fetch.model(arguments.model or "starter", output, offline=arguments.offline)
        tokens = fetch.lengths(spec, model, output).tokens
    found = filters.select(dataset, query, tokens=tokens)
    if target is not None:
        from ..data import labelled_file

        output.message(f"{count(labelled_file.write(dataset, found, target), 'row')} written to {safe_line(str(target))}")
    if arguments.json:
        rows = {name: {"rows": len(split), "found": [int(index) for index in found[name]]} for name, split in dataset.splits.items()}
        output.json({"name": dataset.name, "filter": arguments.filter or "", "splits": rows})
        return 0
    lines = [f"  {name} {len(found[name]):,} of {count(len(split), 'row')}" for name, split in dataset.splits.items()]
    body = [["split", "row", "name", "text"]]
    for name, split in dataset.splits.items():
        body += [[name, str(index), row.name, row.text] for index in found[name][:HEAD] for row in [split.row(int(index))]]
    if len(body) > 1:
        widths = [None, None, render.NAME_WIDTH, max(20, output.width - 44)]
        lines += ["", "First rows of each split", *render.indented(render.table(body, "lrll", widths))]
    output.lines(lines)
    return 0


def describe(arguments: argparse.Namespace, output: Output) -> tuple[Dataset, Description]:
    """Return the data set and its statistics. Without --model and without the starter model on this machine, tokens are not counted."""
    from ..data import checks, drift, stats, unknown_tokens

    spec = fetch.data_spec(arguments)
    dataset = fetch.dataset(spec, output)
    description = Description(
        stats.describe(dataset), checks.find_problems(dataset), {}, drifts=drift.between(dataset), unspaced=stats.unspaced(dataset)
    )
    if left_out := checks.not_looked_for(dataset):
        output.message(left_out)
    if arguments.no_tokens:
        return dataset, description
    model = fetch.model(arguments.model or "starter", output, offline=arguments.offline)
    try:
        lengths = fetch.lengths(spec, model, output)
    except UserError as error:
        if arguments.model is not None:
            raise
        output.message(f"tokens are not counted: {error}")
        return dataset, description
    limit = min(arguments.max_length or lengths.model_max_length, lengths.model_max_length)
    unknown = unknown_tokens.shares(dataset, lengths)
    return dataset, replace(
        description,
        tokens=stats.token_quantiles(dataset, lengths),
        max_length=limit,
        truncated=stats.truncated(dataset, lengths, limit),
        unknown=unknown,
        problems=checks.sorted_gravest(description.problems + unknown_tokens.problems(dataset, unknown)),
    )


def data_json(dataset: Dataset, description: Description) -> dict[str, Any]:
    """Return the fields of `emotui data --json`."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "labels": dataset.labels,
        "columns": dataset.columns,
        "text_column": dataset.text_column,
        "label_column": dataset.label_column,
        "features": dataset.features,
        "splits": {
            name: {**msgspec.to_builtins(stats), "tokens": description.tokens.get(name, {}), "skipped": dataset.skipped.get(name, 0)}
            for name, stats in description.stats.items()
        },
        "unlabelled": dataset.unlabelled,
        "overlay": dataset.overlay.fields() if dataset.overlay is not None else None,
        "max_length": description.max_length,
        "truncated": description.truncated,
        "unknown": msgspec.to_builtins(description.unknown),
        "drift": msgspec.to_builtins(description.drifts),
        "problems": [problem_json(each) for each in description.problems],
        "notes": [str(note) for note in dataset.notes],
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return the fields of one problem, without the positions of its rows."""
    fields = msgspec.to_builtins(problem)
    del fields["rows"]
    return fields


def data_report(dataset: Dataset, description: Description, output: Output) -> list[str]:
    """Return the description as lines of text."""
    first = next(iter(dataset.splits.values()))
    lines = [f"{safe_line(dataset.name)}: {count(len(dataset.labels), 'label')}, {safe_line(', '.join(dataset.labels), 200)}"]
    lines += _splits(dataset)
    lines += ["", f"First rows of {first.name}"]
    rows = [["row", "label", "name", "text"]]
    rows += [[str(row.index), str(row.label), row.name, row.text] for row in first.rows(0, HEAD)]
    lines += render.indented(render.table(rows, "rrll", [None, None, render.NAME_WIDTH, max(20, output.width - 40)]))
    for name, stats in description.stats.items():
        lines += ["", f"Classes of {name}", *render.bars(list(stats.classes.items()), output.width, output.glyphs)]
    measured = description.stats[first.name]
    unit, lengths = ("Characters", measured.characters) if description.unspaced else ("Words", measured.words)
    lines += ["", f"{unit} per text of {first.name}, by class (box: quartiles, whiskers: 1.5 times the box)"]
    lines += render.box_plots(list(lengths.items()), output.width, output.glyphs)
    if description.max_length is not None:
        tokens = list(description.tokens[first.name].items())
        lines += ["", f"Tokens per text of {first.name}, by class ({output.glyphs.limit} cut at {description.max_length:,})"]
        lines += render.box_plots(tokens, output.width, output.glyphs, limit=description.max_length)
        lines += ["", *_truncation(dataset, description)]
    if description.drifts:
        lines += ["", "Drift from train, of the shares of classes and of the lengths"]
        for each in description.drifts:
            lines += _wrapped(f"{each.split}: {each.classes_sentence}", output.width, "  ")
            lines += _wrapped(f"{each.split}: {each.lengths_sentence}", output.width, "  ")
    return [*lines, "", *problem_lines(description.problems, output.width)]


def _splits(dataset: Dataset) -> list[str]:
    types = ", ".join(f"{name}: {kind}" for name, kind in dataset.features.items())
    rows = [["split", "rows", "columns"]]
    rows += [[name, f"{len(split):,}", ", ".join(dataset.columns)] for name, split in dataset.splits.items()]
    rows += [[name, f"{number:,}", "unlabelled"] for name, number in dataset.unlabelled.items()]
    lines = [f"  features {safe_line(types)}", *render.indented(render.table(rows, "lrl"))]
    for name, number in dataset.skipped.items():
        lines.append(f"  {count(number, 'row')} of {name} left out")
    return lines


def _truncation(dataset: Dataset, description: Description) -> list[str]:
    """Return lines on the share of texts that are truncated in each split, and the classes with the largest shares."""
    lines: list[str] = []
    for name, shares in description.truncated.items():
        rows = description.stats[name].classes
        total = sum(shares[label] * rows[label] for label in dataset.labels)
        share = total / max(1, len(dataset.splits[name]))
        longest = max(spread.max for spread in description.tokens[name].values())
        line = f"A limit of {description.max_length:,} tokens cuts {percent(share)} of {name}"
        if total:
            most = max(dataset.labels, key=lambda label: shares[label])
            line += f" and {percent(shares[most])} of its class {safe_line(most)}"
        lines.append(f"{line}; its longest text has {longest:,.0f}")
    return lines


def problem_lines(problems: tuple[Problem, ...], width: int) -> list[str]:
    """Return the problems as sentences in lines of at most `width` characters; serious ones are marked."""
    if not problems:
        return ["No problems found"]
    lines = ["Problems"]
    for each in problems:
        lines += _wrapped(each.message, width, f"  {'! ' if each.untrustworthy else '  '}")
        if each.examples and each.kind in ("duplicate", "near_duplicate", "conflicting_labels", "leakage"):
            lines.append(f"      such as: {safe_line(each.examples[0], 80)}")
    return lines


def _wrapped(sentence: str, width: int, mark: str) -> list[str]:
    return textwrap.wrap(
        safe_line(sentence), max(width, 40), initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False
    )


def _unknown(arguments: argparse.Namespace, dataset: Dataset, output: Output) -> tuple[Problem, ...]:
    """Return problems of texts with unknown tokens, by the tokenizer of --model, or of the starter model if it is on this machine."""
    from ..data import unknown_tokens

    model = fetch.model(arguments.model or "starter", output, offline=arguments.offline)
    try:
        lengths = fetch.lengths(fetch.data_spec(arguments), model, output)
    except UserError:
        if arguments.model is not None:
            raise
        return ()
    return unknown_tokens.problems(dataset, unknown_tokens.shares(dataset, lengths))


def _faults(arguments: argparse.Namespace, dataset: Dataset, output: Output) -> FaultsAnswer | None:
    """Return the faults of individual rows; None without --faults."""
    if not arguments.faults:
        if arguments.rows is not None:
            raise UserError("--rows is for --faults")
        return None
    model = fetch.model(arguments.model or "starter", output, offline=arguments.offline)
    return fetch.faults(dataset.spec or fetch.data_spec(arguments), model, output)


def fault_lines(dataset: Dataset, found: FaultsAnswer, rows: int, width: int) -> list[str]:
    """Return the faults as sentences, each with the method that found it and its first rows."""
    lines = ["Faults of the rows" if found.faults else "No faults of the rows found"]
    for each in found.faults:
        lines += _wrapped(each.message, width, "    ")
        lines += _wrapped(f"how: {each.how}", width, "      ")
        body: list[list[str]] = []
        for at, index in enumerate(each.rows[:rows]):
            row = dataset.splits[each.split].row(index)
            suggested = [each.suggested[at], percent(each.confidence[at])] if each.suggested else []
            body.append([str(index), row.name, *suggested, row.text])
        head = ["row", "label", *(["suggested", ""] if each.suggested else []), "text"]
        widths = [None, render.NAME_WIDTH, *([render.NAME_WIDTH, None] if each.suggested else []), max(20, width - 50)]
        lines += ["      " + line for line in render.table([head, *body], "rl" + ("lr" if each.suggested else "") + "l", widths)]
    if len(found.f1_macro) > 1:
        ways = ", ".join(f"{name} {score(value)}" for name, value in found.f1_macro.items())
        lines += _wrapped(f"labels were predicted from {found.features}: its macro-F1 out of fold is the best of {ways}", width, "  ")
    return lines


def run_check(arguments: argparse.Namespace, output: Output) -> int:
    """Look for problems and return the exit code: 1 if one of them makes results untrustworthy."""
    from ..data import checks

    dataset = fetch.dataset(fetch.data_spec(arguments), output)
    problems = checks.find_problems(dataset)
    if left_out := checks.not_looked_for(dataset):
        output.message(left_out)
    problems = checks.sorted_gravest(problems + _unknown(arguments, dataset, output))
    grave = [each for each in problems if each.untrustworthy]
    found = _faults(arguments, dataset, output)
    if arguments.json:
        answer = {"name": dataset.name, "trustworthy": not grave, "problems": [problem_json(each) for each in problems]}
        output.json(answer if found is None else {**answer, "faults": msgspec.to_builtins(found)})
    else:
        output.lines(problem_lines(problems, output.width))
        if found is not None:
            output.lines(["", *fault_lines(dataset, found, arguments.rows or HEAD, output.width)])
    if grave:
        output.flush()
        output.message("results on this data cannot be trusted: see the lines with !")
    return 1 if grave else 0
