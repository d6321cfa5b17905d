"""Chooses the checkpoint that tokens, baselines and fine-tuning start from."""

from __future__ import annotations

from typing import ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ...core.engine.protocol import AskDownload, AskTokens, ProgressLine
from ...core.errors import UserError
from ...core.model import naming
from ...core.safe_text import safe_line, safe_text
from ..state import AppState
from ..widgets.text_field import LineField
from .open_data import Paths

_HELP = (
    "A folder with config.json, ms:OWNER/NAME (ModelScope), hf:OWNER/NAME (Hugging Face), or starter.\n\n"
    "Tokens, baselines and new runs take it; runs that there are keep theirs. enter takes it"
)


class ChooseModel(ModalScreen[None]):
    """Enter fetches the model where it must be, loads its tokenizer, and takes it; what is wrong is said."""

    CSS_PATH = "open_data.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    @property
    def _state(self) -> AppState:
        return cast(AppState, self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            with Horizontal(classes="line"):
                yield Label("model")
                yield LineField(safe_line(self._state.model), id="model", placeholder="starter, a folder or an id", suggester=Paths())
            yield Static(Text(_HELP, "dim"), id="said", markup=False)

    def on_mount(self) -> None:
        box = self.query_one("#box")
        box.border_title = "choose the model"
        box.border_subtitle = "esc closes"
        self.query_one("#model").focus()

    @on(Input.Submitted)
    @work(exclusive=True)
    async def _entered(self, message: Input.Submitted) -> None:
        state = self._state
        offline = state.spec.offline if state.spec is not None else False

        def report(line: ProgressLine) -> None:
            share = f" {100 * line.done / line.total:.0f} %" if line.total else ""
            self._say(Text(f"{line.phase}{share}", "dim"))

        try:
            model = naming.resolve(message.value.strip())
            if model.startswith(("ms:", "hf:")):
                self._say(Text("fetching the model", "dim"))
                await state.ask(AskDownload(id=model, what="model", offline=offline), report)
            self._say(Text("loading its tokenizer", "dim"))
            await state.ask(AskTokens(text="", model=model, offline=offline))
        except UserError as error:
            self._say(Text(safe_text(str(error)), self.app.theme_variables["error"]))
            return
        state.model = model
        self.dismiss()

    def _say(self, text: Text) -> None:
        self.query_one("#said", Static).update(text)
