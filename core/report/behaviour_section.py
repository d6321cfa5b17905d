"""The section of a report on behaviour tests: how small edits of the texts changed the predictions."""

from __future__ import annotations

from ..runs.behaviour import EXPECTED, EditTest
from ..shell import quote
from ..units import count, percent
from .content import Block, Column, Section, Words, table
from .material import Material
from .words import day


def behaviour(of: Material, rows: int) -> Section:
    found, title = of.behaviour, "Behaviour tests"
    if found is None:
        name = quote(of.name)
        command = f"emotui behaviour {name}" if of.split == "validation" else f"emotui behaviour {name} --split {of.split}"
        hint = f"What small edits of the texts of {of.split} do to the answers was not tested. Test it with: {command}"
        return Section("behaviour", title, (Words(hint, "missing"),))
    blocks: list[Block] = [
        Words(f"Tested on {day(found.when)} with edits of {count(found.rows, 'row')} of {found.split}, seed {found.seed}.")
    ]
    blocks += [Words(f"Remark: {note}.") for note in found.notes]
    heads = (Column("edit", "name"), Column("expected", "name"), "rows", "failed", "rate", "95 % interval")
    blocks.append(table("Edits of the texts", heads, [_row(each) for each in found.tests]))
    left_out = [(each.edit, f"{number:,}", reason) for each in found.tests for reason, number in each.left_out.items()]
    if left_out:
        blocks.append(table("Rows that an edit does not apply to", ("edit", "rows", Column("why", "name")), left_out))
    examples = [
        (
            test.edit,
            f"{each.row:,}",
            f"{each.before} ({percent(each.probability_before)})",
            f"{each.after} ({each.before}: {percent(each.probability_after)})"
            if each.after != each.before
            else percent(each.probability_after),
            each.text,
            each.edited,
        )
        for test in found.tests
        for each in test.examples[: max(1, rows // 10) if rows else 0]
    ]
    if examples:
        heads = ("edit", "row", Column("before", "name"), Column("after", "name"), Column("text", "text"), Column("edited", "text"))
        blocks.append(table("Rows that failed, those of the largest change of each edit", heads, examples))
    return Section("behaviour", title, tuple(blocks))


def _row(test: EditTest) -> tuple[str, ...]:
    span = "-" if test.interval is None else f"{100 * test.interval[0]:.1f} to {percent(test.interval[1])}"
    rate = "-" if test.rate is None else percent(test.rate)
    return test.edit, EXPECTED[test.expectation], f"{test.rows:,}", f"{test.failures:,}", rate, span
