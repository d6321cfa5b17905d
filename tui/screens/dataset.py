"""The dataset browser: rows, classes, lengths and problems of the open data set."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ..page import Page


class DatasetScreen(Page):
    """Screen 1: shows the open data set."""

    MODE = "dataset"

    def compose_body(self) -> ComposeResult:
        yield Static("reading the data set", markup=False)
