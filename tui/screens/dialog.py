"""A box over a screen with fields to fill in, and below them the progress or an error."""

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
    """A dialog implements `compose_fields`, and shows the outcome of what is entered; Esc closes it."""

    CSS_PATH = "dialog.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self, heading: str, help_text: str) -> None:
        """Prepare a dialog with a heading, and a help text that is shown below its fields until there is a message."""
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
        """Yield the fields to fill in."""
        yield from ()

    def offer(self, keys: str) -> None:
        """Show keys on the box besides the one that closes it."""
        self.query_one("#box").border_subtitle = Text(f"{keys}   esc closes")

    def show_status(self, text: Text) -> None:
        """Show a text below the fields."""
        self.query_one("#said", Static).update(text)

    def show_doing(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Show what is being done, and its progress if `total` is known."""
        self.show_status(Text(f"{what} {100 * done / total:.0f} %" if total else what, "dim"))

    def show_wrong(self, sentence: str) -> None:
        """Show what is wrong; the sentence may contain text from outside."""
        self.show_status(Text(safe_text(sentence), self.app.theme_variables["error"]))


def line(name: str, field: Widget) -> Horizontal:
    """Return a field preceded by its name."""
    return Horizontal(Label(name, markup=False), field, classes="line")
