"""The section of a report on test cases: sentences with their expected labels, and the run's predictions."""

from __future__ import annotations

from collections.abc import Sequence

from ..runs.cases import Outcome
from ..shell import quote
from ..units import count, percent
from .content import Block, Column, Section, Table, Words, table
from .material import Material
from .words import day


def cases(of: Material, rows: int) -> Section:
    found, title = of.cases, "Test cases"
    if found is None:
        told = f"The run was not asked about the test cases of its data set. Ask it with: emotui cases {quote(of.name)}"
        return Section("cases", title, (Words(told, "missing"),))
    passed, failed = found.passed, found.failed
    total = count(len(found.outcomes), "case")
    blocks: list[Block] = [Words(f"Asked on {day(found.when)}: {len(passed):,} of {total} passed, {len(failed):,} failed.")]
    if found.temperature != 1.0:
        blocks.append(Words(f"The probabilities are at the temperature {found.temperature:.3g}."))
    blocks += [_table(f"Cases that {name}", each, rows) for name, each in (("failed", failed), ("passed", passed)) if each and rows]
    return Section("cases", title, tuple(blocks))


def _table(caption: str, outcomes: Sequence[Outcome], rows: int) -> Table:
    listed = [
        (each.case.label, each.fault or each.label, "-" if each.probability is None else percent(each.probability), each.case.text)
        for each in outcomes[:rows]
    ]
    if len(listed) < len(outcomes):
        caption += f", {len(listed):,} of {len(outcomes):,}"
    return table(caption, ("expected", Column("predicted", "name"), "probability of the expected", Column("text", "text")), listed)
