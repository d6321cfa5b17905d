"""Help: the keys of the current screen, and the purpose of each screen."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ...core.paths import config_file
from ...core.safe_text import safe_line
from ..commands import commands_of


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
            box.border_title = Text("help")
            box.border_subtitle = Text("esc closes")
            yield Static(self._keys(), markup=False)
            words = (files("emotui.tui.text") / "help.md").read_text("utf-8")
            yield Static(Text("\n" + words.replace("CONFIG", safe_line(_short(config_file())))), markup=False)

    def _keys(self) -> Table:
        below = self.app.screen_stack[-1]
        if below is self and len(self.app.screen_stack) > 1:
            below = self.app.screen_stack[-2]
        commands = commands_of(below)
        table = Table.grid(padding=(0, 2, 0, 0))  # wrapped lines are indented below their text, not below the keys
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        accent = self.app.theme_variables["accent"]
        for command in commands:
            table.add_row(Text("  ".join(command.keys), f"bold {accent}"), Text.assemble(command.name, (f"  {command.id}", "dim")))
        return table

    def action_scroll(self, way: str) -> None:
        box = self.query_one(VerticalScroll)
        (box.scroll_down if way == "down" else box.scroll_up)(animate=False)


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
