"""The table of screens: the title and the keys of each."""

from __future__ import annotations

from typing import NamedTuple


class ScreenRow(NamedTuple):
    """One screen: the class XScreen in screens/x.py, where x is its mode."""

    mode: str
    """The mode, which is also the id of its binding in config.toml."""
    letters: str
    """Keys besides its number, separated by commas."""
    title: str
    tooltip: str
    action: str = ""
    """The action of its keys, if that is more than to show it."""

    @property
    def key(self) -> str:
        return str(MODES.index(self.mode) + 1)

    @property
    def class_name(self) -> str:
        return f"{self.mode.capitalize()}Screen"


SCREENS = (
    ScreenRow("dataset", "d", "data", "the data set: rows, classes, lengths, problems"),
    ScreenRow("tokens", "t", "tokens", "the tokens, of the text under the cursor where there is one", "tokens"),
    ScreenRow("training", "r", "train", "the training monitor: runs, curves, errors"),
    ScreenRow("classify", "c", "classify", "the prompt: classify a sentence"),
    ScreenRow("errors", "", "errors", "the errors of a run: rows, classes, slices, calibration"),
    ScreenRow("cases", "", "cases", "the test cases: sentences with the labels that they should get, and whether a run gives them"),
)
"""Screens in the order of their numbers."""
MODES = tuple(row.mode for row in SCREENS)
KEY_OF = {row.mode: row.key for row in SCREENS}
