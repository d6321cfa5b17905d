"""emotui behaviour: how small edits of the texts change a run's predictions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..data.edits import BY_NAME
from ..errors import UserError
from ..questions import AskBehaviour
from ..safe_text import safe_line
from ..units import count, percent
from . import errors, options, render
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..runs.behaviour import Behaviour, EditTest, Example


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "behaviour",
        run_behaviour,
        description="Edit the texts of a split and compare a run's answers before and after, as in CheckList: a typo, capitals, spaces, "
        "punctuation "
        "and another first name should leave the class as it is; a negation should make it less probable. It is kept with the run. "
        "Negation is known for English and Chinese, names for English; texts in another language are left out, and counted.",
        examples=[
            "emotui behaviour last",
            "emotui behaviour last --split test --edit typo --edit negation --examples 5",
            "emotui behaviour last --rows 500 --fail-above 0.1",
        ],
    )
    options.add_run(parser, rungs=True)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation", help="which rows (default: validation)")
    parser.add_argument(
        "--edit", choices=tuple(BY_NAME), action="append", default=[], help="only this edit; may be given several times (default: all)"
    )
    parser.add_argument("--rows", metavar="N", type=options.positive, help="use N rows, drawn at random (default: all)")
    parser.add_argument("--seed", metavar="N", type=options.natural, default=0, help="seed of the typos, names and rows (default: 0)")
    parser.add_argument("--examples", metavar="N", type=options.natural, default=2, help="failed rows to show for each edit (default: 2)")
    parser.add_argument("--fail-above", metavar="SHARE", type=options.share, help="exit with 1 where an edit fails on more than this share")
    parser.add_argument("--kept", action="store_true", help="show the kept results of the last test instead of testing")


def run_behaviour(arguments: argparse.Namespace, output: Output) -> int:
    """Test a run, or show the stored results of the last test."""
    from ..engine.client import ask_once
    from ..runs import behaviour

    run, rung = errors.named(arguments.run, None)
    if not arguments.kept:
        ask = AskBehaviour(
            run=str(run.path), split=arguments.split, rung=rung, edits=tuple(arguments.edit), rows=arguments.rows, seed=arguments.seed
        )
        with Progress(output.stderr) as progress:
            progress.update("unedited", 0, None, "rows")
            ask_once(ask, progress.engine)
    found = behaviour.read(run, arguments.split, rung)
    if found is None:
        raise UserError(f"nothing is kept of {safe_line(arguments.run, 60)} on {arguments.split}", "Leave --kept out to test it")
    for note in found.notes:
        output.message(note)
    limit: float | None = arguments.fail_above
    above = [each.edit for each in found.tests if limit is not None and each.rate is not None and each.rate > limit]
    if arguments.json:
        output.json({**_shape(found), "above": above})
    else:
        output.lines(_report(found, arguments.examples, output.width))
    if above and limit is not None:
        output.message(f"more than {percent(limit)} failed: {', '.join(above)}")
    return 1 if above else 0


def _shape(found: Behaviour) -> dict[str, Any]:
    import msgspec

    tests = [{**msgspec.to_builtins(each), "rate": each.rate} for each in found.tests]
    return {**msgspec.to_builtins(found), "tests": tests}


def _report(found: Behaviour, examples: int, width: int) -> list[str]:
    from ..runs.rungs import title

    rung = f" by its rung {title(found.rung)}" if found.rung else ""
    drawn = f"{found.rows:,} of {count(found.of, 'row')}, drawn at random" if found.rows < found.of else count(found.rows, "row")
    lines = [f"Behaviour of {safe_line(found.run, 60)}{rung} on {found.split} ({drawn}; seed {found.seed})"]
    rows = [["edit", "expected", "rows", "failed", "rate", "95 % interval"]]
    rows += [_row(each) for each in found.tests]
    lines += render.indented(render.table(rows, "llrrrr"))
    for test in found.tests:
        for reason, number in test.left_out.items():
            lines.append(f"  {test.edit} left out {count(number, 'row')}: {safe_line(reason)}")
    for test in found.tests:
        if test.examples and examples:
            lines += ["", f"{test.edit}: {'largest changes' if test.expectation == 'invariance' else 'largest rises'}"]
            for each in test.examples[:examples]:
                lines += _example(each, width)
    return lines


def _row(test: EditTest) -> list[str]:
    from ..runs.behaviour import EXPECTED

    span = "" if test.interval is None else f"{100 * test.interval[0]:.1f} to {percent(test.interval[1])}"
    rate = "-" if test.rate is None else percent(test.rate)
    return [test.edit, EXPECTED[test.expectation], f"{test.rows:,}", f"{test.failures:,}", rate, span]


def _example(each: Example, width: int) -> list[str]:
    room = max(20, width - 6)
    change = f"{safe_line(each.before, 24)} {percent(each.probability_before)}, then {percent(each.probability_after)}"
    now = f", now {safe_line(each.after, 24)}" if each.after != each.before else ""
    return [f"  row {each.row:,}: {change}{now}", f"    - {safe_line(each.text, room)}", f"    + {safe_line(each.edited, room)}"]
