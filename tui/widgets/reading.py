"""A scrollable area for long texts that can be focused and scrolled by keys in both directions."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer


class Reading(ScrollableContainer):
    """Scrolls with the arrows and with h, j, k and l."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("h", "scroll_left", show=False),
        Binding("l", "scroll_right", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]
    DEFAULT_CSS = """
    Reading { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """
