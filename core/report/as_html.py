"""Writes a report as one HTML page that runs no script, fetches nothing and escapes all text from outside."""

from __future__ import annotations

import base64
import hashlib
import html
import re

from ..safe_text import safe_line
from . import charts, look
from .content import Bars, Block, Cell, Column, Lines, Report, Section, Shaded, Table, Words

LONGEST_NAME = 120
"""Characters of a name in a cell, at most."""
WIDEST_NAME = 24
"""Characters up to which a name is not broken into lines."""
LONGEST_TEXT = 600
"""Characters of a text in a cell; a longer one is cut and its length given."""
LONGEST_WORDS = 4_000
_NONE = re.compile(
    "[\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
"""Code points that HTML forbids, besides those that are unsafe everywhere."""


def safe(text: str, longest: int = LONGEST_WORDS) -> str:
    """Return any text as one safe line of HTML, also for use within a quoted attribute."""
    kept = safe_line(text[:longest]) + ("…" if len(text) > longest else "")
    return html.escape(_NONE.sub("\ufffd", kept), quote=True)


def page(report: Report) -> str:
    """Return the report as a complete HTML page."""
    sheet = look.sheet()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    title = safe(report.title, LONGEST_NAME)
    lead = "".join(f"<p>{safe(each)}</p>" for each in report.lead)
    contents = "".join(f'<li><a href="#{section.key}">{safe(section.title)}</a></li>' for section in report.sections)
    sections = "\n".join(_section(section) for section in report.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{sheet}</style>
</head>
<body>
<header>
<h1>{title}</h1>
{lead}
{_headlines(report)}
</header>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
<main>
{sections}
</main>
</body>
</html>
"""


def _headlines(report: Report) -> str:
    if not report.headlines:
        return ""
    found = "".join(
        f"<div><dt>{safe(each.name)}</dt><dd>{safe(each.value)}</dd>"
        + (f'<dd class="span">{safe(each.span)}</dd>' if each.span not in ("", "-") else "")
        + "</div>"
        for each in report.headlines
    )
    return f'<dl class="headlines">{found}</dl>'


def _section(section: Section) -> str:
    blocks = "\n".join(_block(each, f"{section.key}-{number}") for number, each in enumerate(section.blocks, 1))
    return (
        f'<section id="{section.key}" aria-labelledby="{section.key}-head">\n<h2 id="{section.key}-head">{safe(section.title)}</h2>\n'
        f"{blocks}\n</section>"
    )


def _block(block: Block, key: str) -> str:
    match block:
        case Words():
            return f'<p class="{block.level}">{safe(block.text)}</p>'
        case Table():
            return _table(block, key)
        case Lines():
            return _figure(block, charts.lines(block, key, safe))
        case Bars():
            return _figure(block, charts.bars(block, key, safe))


def _figure(chart: Lines | Bars, drawn: str) -> str:
    return f"<figure>{drawn}<figcaption><strong>{safe(chart.title)}.</strong> {safe(chart.text)}</figcaption></figure>"


def _table(table: Table, key: str) -> str:
    heads = "".join(f'<th scope="col"{_class(column, column.head)}>{safe(column.head, LONGEST_NAME)}</th>' for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(_cell(cell, column, at) for at, (cell, column) in enumerate(zip(row, table.columns, strict=True))) + "</tr>"
        for row in table.rows
    )
    caption = f'<caption id="{key}-caption">{safe(table.caption)}</caption>'
    body = f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    region = f'<div class="wide" role="region" aria-labelledby="{key}-caption" tabindex="0">'
    return f"{region}<table>{caption}\n{body}</table></div>"


def _class(column: Column, text: str = "") -> str:
    if column.kind == "name":
        return ' class="l"' if len(text) > WIDEST_NAME else ""
    return ' class="n"' if column.kind == "number" else ' class="t"'


def _cell(cell: Cell, column: Column, at: int) -> str:
    if isinstance(cell, Shaded):
        step = round(min(1.0, max(0.0, cell.share)) * (look.STEPS - 1))
        return f'<td class="h{step} n">{safe(cell.text)}</td>'
    text = safe(cell, LONGEST_NAME) if column.kind != "text" else _long(cell)
    direction = ' dir="auto"' if column.kind != "number" else ""
    attributes = f"{_class(column, cell)}{direction}"
    return f'<th scope="row"{attributes}>{text}</th>' if at == 0 else f"<td{attributes}>{text}</td>"


def _long(text: str) -> str:
    return safe(text, LONGEST_TEXT) + (f" ({len(text):,} characters)" if len(text) > LONGEST_TEXT else "")
