"""Texts that would act on a terminal, or on the application, if they reached it as they are."""

from __future__ import annotations

import re

HOSTILE = (
    "\x1b]52;c;aGVsbG8=\x07clipboard",
    "\x1b]0;title\x07window",
    "\x1b[2Jcleared\x1b[31mred",
    "\x9b31mC1\x85next",
    "[red]markup[/red] [/] [@click=app.quit]quit[/]",
    "right\u202eto left\u202c\u2066isolate\u2069",
    "lone\udc80surrogate",
    "tab\tand\nnewline\r\nand\x00null",
    "漢字と仮名 🙂 é\u0301",
    "x" * 100_000,
)
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
"""What must never be in a line that is drawn."""


def drawn(app: object) -> list[str]:
    """Return the lines of the application's screen as plain text."""
    from textual.app import App

    assert isinstance(app, App)
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    text = ["".join(segment.text for segment in strip) for strip in lines]
    assert len(text) == height
    assert all(len(line) <= width * 3 for line in text)
    return text


def text_of(app: object) -> str:
    """Return the application's screen as one text, its lines apart."""
    return "\n".join(drawn(app))
