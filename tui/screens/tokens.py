"""The token inspector: how a text becomes numbers, and its way through the model."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ..page import Page


class TokensScreen(Page):
    """Screen 2: shows the tokens of one text as it is typed."""

    MODE = "tokens"

    def compose_body(self) -> ComposeResult:
        yield Static("type a text", markup=False)
