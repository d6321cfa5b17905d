"""Writes a report as Markdown, with descriptions in place of charts."""

from __future__ import annotations

from .. import markdown
from .as_html import LONGEST_NAME, LONGEST_TEXT, LONGEST_WORDS
from .content import Block, Cell, Column, Report, Shaded, Table, Words

_LEVELS = {"note": "", "warning": "**Warning:** ", "missing": "**Not there:** "}


def page(report: Report) -> str:
    """Return the report as Markdown."""
    lines = [f"# {_short(report.title, LONGEST_NAME)}", ""]
    for each in report.lead:
        lines += [_short(each), ""]
    if report.headlines:
        rows = [(each.name, each.value, each.span or "-") for each in report.headlines]
        lines += [*markdown.table(("figure", "value", "95 % interval"), rows), ""]
    for section in report.sections:
        lines += [f"## {_short(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines)


def _block(block: Block) -> list[str]:
    match block:
        case Words():
            return [_LEVELS[block.level] + _short(block.text)]
        case Table():
            rows = [tuple(_cell(cell, column) for cell, column in zip(row, block.columns, strict=True)) for row in block.rows]
            heads = tuple(_cut(column.head, LONGEST_NAME) for column in block.columns)
            return [f"**{_short(block.caption)}**", "", *markdown.table(heads, rows)]
        case _:
            return [f"**{_short(block.title)}.** {_short(block.text)}"]


def _cell(cell: Cell, column: Column) -> str:
    text = cell.text if isinstance(cell, Shaded) else cell
    if column.kind != "text":
        return _cut(text, LONGEST_NAME)
    return _cut(text, LONGEST_TEXT) + (f" ({len(text):,} characters)" if len(text) > LONGEST_TEXT else "")


def _short(text: str, longest: int = LONGEST_WORDS) -> str:
    return markdown.escape(_cut(text, longest))


def _cut(text: str, longest: int) -> str:
    return text[:longest] + ("…" if len(text) > longest else "")
