"""emotui cases: stored sentences with their expected labels, run as tests of a model."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import paths
from ..errors import UserError
from ..safe_text import safe_line
from ..shell import quote
from ..units import count, percent
from . import errors, options, render
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..questions import ClassifyAnswer
    from ..runs.cases import Case, Outcome
    from ..runs.folder import RunFolder
    from ..specs import RunSpec

ACTIONS = ("add", "list", "remove")
"""No run's id begins with one of these: ids have no vowels."""


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "cases",
        run_cases,
        description="Ask a run about every sentence that was saved with the label that it should get, and exit with 1 where one gets "
        "another. The outcome is kept with the run, for its report. Cases are kept for the data set that the run was made of, so that "
        "they outlive it: add keeps one, list shows them with their numbers, remove takes some away. "
        "On the prompt the key s keeps the sentence.",
        examples=[
            "emotui cases last",
            "emotui cases last --junit cases.xml",
            "emotui cases add last 'I am not happy at all.' --label sadness",
            "emotui cases remove last 3",
        ],
    )
    parser.add_argument("words", metavar="[add|list|remove] RUN [TEXT|NUMBER]", nargs="*", help=f"what to do, and {options.RUNG_HELP}")
    parser.add_argument("--label", metavar="LABEL", help="with add: the label that the text should get")
    parser.add_argument("--junit", metavar="FILE", help="write the outcome as JUnit XML, which CI servers read")


def run_cases(arguments: argparse.Namespace, output: Output) -> int:
    """Run, add, list or remove cases."""
    words: list[str] = list(arguments.words)
    action = words.pop(0) if words and words[0] in ACTIONS else "run"
    if not words:
        raise UserError("which run?", "Give its id, or last: emotui cases last")
    name, *rest = words
    if arguments.label is not None and action != "add":
        raise UserError("--label is for add: emotui cases add RUN TEXT --label LABEL")
    if arguments.junit is not None and action != "run":
        raise UserError("--junit is for running the cases: emotui cases RUN --junit FILE")
    run, rung = errors.named(name, None)
    spec = run.read_spec()
    match action:
        case "add":
            return _add(spec, rest, arguments, output)
        case "list":
            return _list(spec, rest, arguments, output)
        case "remove":
            return _remove(spec, rest, arguments, output)
        case _:
            _no_more(rest)
            return _run(run, rung, spec, arguments, output)


def _no_more(rest: list[str]) -> None:
    if rest:
        raise UserError(f"{safe_line(rest[0], 60)} is too much", "To keep a sentence: emotui cases add RUN TEXT --label LABEL")


def _kept(spec: RunSpec, output: Output) -> tuple[Case, ...]:
    from ..runs import cases

    found = cases.read(spec.job.data)
    if found.damaged:
        output.message(f"{count(found.damaged, 'line')} of {cases.file_of(spec.job.data)} skipped, which cannot be read")
    return found.cases


def _add(spec: RunSpec, rest: list[str], arguments: argparse.Namespace, output: Output) -> int:
    from ..runs import cases

    if len(rest) != 1 or arguments.label is None:
        raise UserError("add takes a run, one text in quotes and its label: emotui cases add RUN TEXT --label LABEL")
    before = cases.add(spec.job.data, rest[0], arguments.label, spec.labels)
    if arguments.json:
        output.json({"added": True, "label": arguments.label, "text": rest[0], "replaced": before.label if before is not None else None})
    elif before is not None and before.label != arguments.label:
        output.message(f"the case is kept: its label was {safe_line(before.label, 40)} before")
    else:
        output.message("the case existed already" if before is not None else "the case is kept")
    return 0


def _list(spec: RunSpec, rest: list[str], arguments: argparse.Namespace, output: Output) -> int:
    from ..runs import cases

    _no_more(rest)
    kept = _kept(spec, output)
    if arguments.json:
        shown = [{"number": number, "text": case.text, "label": case.label, "when": case.when} for number, case in enumerate(kept, 1)]
        output.json({"source": spec.job.data.source, "file": str(cases.file_of(spec.job.data)), "cases": shown})
        return 0
    if not kept:
        output.message(_none(spec))
        return 0
    rows = [["number", "label", "text"]]
    rows += [[f"{number:,}", case.label, case.text] for number, case in enumerate(kept, 1)]
    output.lines(render.table(rows, "rll", [None, 24, max(20, output.width - 36)]))
    return 0


def _none(spec: RunSpec) -> str:
    source = safe_line(spec.job.data.source, 80)
    return f"there is no case for {source} yet. Add one with: emotui cases add {quote(spec.id)} TEXT --label LABEL"


def _remove(spec: RunSpec, rest: list[str], arguments: argparse.Namespace, output: Output) -> int:
    from ..runs import cases

    kept = _kept(spec, output)
    if not rest:
        raise UserError("which case?", "Give its number, as emotui cases list shows it, or its text")
    gone: list[Case] = []
    for word in rest:
        number = int(word) if word.isascii() and word.isdigit() else 0
        found = next((case for at, case in enumerate(kept, 1) if at == number or case.text == word.strip()), None)
        if found is None:
            raise UserError(f"there is no case {safe_line(word, 60)!r}", f"List them with: emotui cases list {quote(spec.id)}")
        gone.append(found)
    cases.remove(spec.job.data, gone)
    if arguments.json:
        output.json({"removed": [{"text": case.text, "label": case.label} for case in gone]})
    else:
        output.message(f"{count(len(gone), 'case')} removed")
    return 0


def _run(run: RunFolder, rung: str, spec: RunSpec, arguments: argparse.Namespace, output: Output) -> int:
    from ..engine.client import Session
    from ..runs import case_results
    from . import junit

    kept = _kept(spec, output)
    if not kept:
        raise UserError(_none(spec))
    started = time.monotonic()
    answers: list[ClassifyAnswer] = []
    with Session() as session, Progress(output.stderr) as progress:
        for question in case_results.questions(run, rung, kept):
            progress.update("ask", sum(len(each.predictions) for each in answers), len(kept), "cases")
            answers.append(session.ask(question))
    results = case_results.collect(run, kept, answers, time.monotonic() - started, time.time())
    try:
        case_results.write(run, results)
    except UserError as error:
        output.message(f"the outcome is not kept with the run: {error}")
    failed = results.failed
    name = f"{run.id}:{results.rung}" if results.rung else run.id
    if arguments.junit is not None:
        junit.write(paths.expand(arguments.junit), junit.document(results.outcomes, name, results.source, results.seconds))
    if arguments.json:
        output.json(
            {
                "run": run.id,
                "rung": results.rung or None,
                "source": results.source,
                "passed": len(results.passed),
                "failed": len(failed),
                "seconds": results.seconds,
                "cases": [_shape(each) for each in results.outcomes],
            }
        )
    else:
        output.lines(_report(results.outcomes, name, output.width))
    return 1 if failed else 0


def _shape(of: Outcome) -> dict[str, Any]:
    return {
        "text": of.case.text,
        "expected": of.case.label,
        "predicted": of.label,
        "probability": of.probability,
        "passed": of.passed,
        "fault": of.fault,
    }


def _report(outcomes: Sequence[Outcome], name: str, width: int) -> list[str]:
    rows = [["", "expected", "probability", "predicted", "text"]]
    for each in outcomes:
        share = percent(each.probability) if each.probability is not None else "-"
        answer = each.fault or each.label
        rows.append(["pass" if each.passed else "FAIL", each.case.label, share, answer, each.case.text])
    failed = sum(not each.passed for each in outcomes)
    total = f"{len(outcomes) - failed} of {count(len(outcomes), 'case')} passed" + (f", {failed} failed" if failed else "")
    table = render.table(rows, "llrll", [None, 20, None, 30, max(20, width - 60)])
    return [f"Cases on {safe_line(name, 60)}", *render.indented(table), total]
