"""The red line on every screen while results on the open data set cannot be trusted."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import safe_line


class Distrust(Static):
    """One line with the first reason and the number of reasons; hidden if there are none."""

    DEFAULT_CSS = """
    Distrust { height: 1; display: none; background: $error; color: $background; text-style: bold; }
    Distrust.-some { display: block; }
    """
    reasons: reactive[tuple[str, ...]] = reactive(())

    def watch_reasons(self, reasons: tuple[str, ...]) -> None:
        self.set_class(bool(reasons), "-some")

    def render(self) -> Text:
        first = next(iter(self.reasons), "")
        more = f" (+{len(self.reasons) - 1})" if len(self.reasons) > 1 else ""
        text = f" \u2717 not to be trusted{more}: {first}"
        return Text(safe_line(text, max(1, self.size.width)), no_wrap=True)
