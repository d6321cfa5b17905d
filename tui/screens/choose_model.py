"""Chooses the checkpoint that tokens, baselines and fine-tuning start from."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from ...core.errors import UserError
from ...core.model import naming
from ...core.questions import AskDownload, AskTokens, ProgressLine
from ...core.safe_text import safe_line
from ..field_names import by_fields
from ..widgets.path_field import PathField
from .dialog import Dialog, line

_HELP = (
    "A folder with config.json, ms:OWNER/NAME (ModelScope), hf:OWNER/NAME (Hugging Face), or starter.\n\n"
    "Tokens, baselines and new runs use it; existing runs keep their model. Enter selects it"
)


class ChooseModel(Dialog):
    """Enter downloads the model if necessary, loads its tokenizer, and chooses it."""

    def __init__(self) -> None:
        super().__init__("choose the model", _HELP)

    def compose_fields(self) -> ComposeResult:
        yield line("model", PathField(safe_line(self.state.model), id="model", placeholder="starter, a folder or an id"))

    @on(Input.Submitted)
    @work(exclusive=True)
    async def _entered(self, message: Input.Submitted) -> None:
        state = self.state

        def report(progress: ProgressLine) -> None:
            self.show_doing(progress.phase, progress.done, progress.total)

        try:
            model = naming.resolve(message.value.strip())
            if model.startswith(("ms:", "hf:")):
                self.show_doing("fetching the model")
                await state.ask(AskDownload(id=model, what="model", offline=state.offline), report)
            self.show_doing("loading its tokenizer")
            await state.ask(AskTokens(text="", model=model, offline=state.offline))
        except UserError as error:
            self.show_wrong(by_fields(error))
            return
        state.model = model
        self.dismiss()
