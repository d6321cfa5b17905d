"""The classifier prompt: a sentence in, probabilities out, for several runs side by side."""

from __future__ import annotations

from importlib.resources import files

from textual.app import ComposeResult
from textual.widgets import Static

from ..page import Page


class ClassifyScreen(Page):
    """Screen 4: classifies what is typed."""

    MODE = "classify"

    def compose_body(self) -> ComposeResult:
        yield Static((files("emotui.tui.text") / "classify_empty.md").read_text("utf-8"), markup=False)
