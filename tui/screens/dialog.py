"""A box over a screen with fields to fill in, and below them what is going on or what is wrong."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label, Static

from ...core.safe_text import safe_text
from ..state import State, state_of


class Dialog(ModalScreen[None]):
    """A dialog writes `compose_fields`, and says what comes of what is entered; esc closes it."""

    CSS_PATH = "dialog.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self, heading: str, help_text: str) -> None:
        """Prepare a dialog with what stands on top of its box, and below its fields until there is something to say."""
        super().__init__()
        self._heading, self._help = heading, help_text

    @property
    def state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Text(self._heading)
            box.border_subtitle = Text("esc closes")
            yield from self.compose_fields()
            yield Static(Text(self._help, "dim"), id="said", markup=False)

    def compose_fields(self) -> ComposeResult:
        """Yield what is to be filled in."""
        yield from ()

    def offer(self, keys: str) -> None:
        """Name on the box a key beside the one that closes it."""
        self.query_one("#box").border_subtitle = Text(f"{keys}   esc closes")

    def show_status(self, text: Text) -> None:
        """Show a text below the fields."""
        self.query_one("#said", Static).update(text)

    def show_doing(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Say what is being done, and how far it is where it is known of how much."""
        self.show_status(Text(f"{what} {100 * done / total:.0f} %" if total else what, "dim"))

    def show_wrong(self, sentence: str) -> None:
        """Say what is wrong; text from outside may be in it."""
        self.show_status(Text(safe_text(sentence), self.app.theme_variables["error"]))


def line(name: str, field: Widget) -> Horizontal:
    """Return a field with its name before it."""
    return Horizontal(Label(name, markup=False), field, classes="line")
