"""Help: the keys of the screen in front, and what the screens are for."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """A list of keys over the screen that it explains."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close help", key_display="esc"),
        Binding("down,j", "scroll('down')", show=False),
        Binding("up,k", "scroll('up')", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 90%; max-width: 96; height: 90%; padding: 1 2; background: $surface; border: round $primary;
        border-title-color: $primary;
    }
    HelpScreen Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "help"
            box.border_subtitle = "esc closes"
            yield Static(self._keys(), markup=False)
            yield Static((files("emotui.tui.text") / "help.md").read_text("utf-8"), markup=False)

    def _keys(self) -> Text:
        below = self.app.screen_stack[-1]
        if below is self and len(self.app.screen_stack) > 1:
            below = self.app.screen_stack[-2]
        rows: dict[str, tuple[list[str], str]] = {}
        for active in below.active_bindings.values():
            binding = active.binding
            if not binding.description or binding.system or binding.id is None:
                continue
            keys, _ = rows.setdefault(binding.id, ([], binding.tooltip or binding.description))
            keys.append(self.app.get_key_display(binding))
        text = Text()
        accent = self.app.theme_variables["accent"]
        for keys, what in rows.values():
            text.append(f"{'  '.join(keys):>12}  ", style=f"bold {accent}")
            text.append(f"{what}\n")
        return text

    def action_scroll(self, way: str) -> None:
        box = self.query_one(VerticalScroll)
        (box.scroll_down if way == "down" else box.scroll_up)(animate=False)
