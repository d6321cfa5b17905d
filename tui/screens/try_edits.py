"""Predictions of all marked runs for a sentence and an edited version of it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from ...core.data import edits
from ...core.errors import UserError
from ...core.questions import AskClassify, ClassifyAnswer, Prediction
from ...core.safe_text import safe_line
from ..field_names import by_fields
from ..state import State, state_of
from ..widgets.label_bars import Guess, LabelBars
from ..widgets.label_look import LabelLook
from ..widgets.text_field import TextField

_EDIT_KEYS = tuple((each.key, each.name) for each in edits.EDITS)
_OTHER_KEYS = (("0", "as it was"), ("i", "type"), ("enter", "take it"), ("esc", "back"))
PAUSE = 0.04
"""Seconds without a key before the engine is asked."""


def _legend(keys: Sequence[tuple[str, str]]) -> Text:
    return Text("  ").join(Text.assemble((f" {key} ", "bold reverse"), f" {what}") for key, what in keys)


class Asked:
    """A run that classifies both versions."""

    def __init__(self, title: str, run: str, rung: str, looks: tuple[LabelLook, ...]) -> None:
        """Prepare a run, given its folder, and the rung of a baseline that classifies; '' for the best."""
        self.title, self.run, self.rung, self.looks = title, run, rung, looks
        self.answers: tuple[Prediction, ...] = ()
        """Predictions for the sentence and for the edited version."""
        self.error = ""
        self.stale = True

    def guesses(self) -> tuple[Guess, ...]:
        """Return the probabilities before and after the edits, for display."""
        if self.error:
            return (Guess(self.title, looks=self.looks, error=self.error),)
        if not self.answers:
            return (Guess(self.title, looks=self.looks, note="loading the model…"),)
        before, after = self.answers
        shares = [tuple(each.probabilities.get(look.name, 0.0) for look in self.looks) for each in self.answers]
        change = 100 * (after.probabilities.get(before.label, 0.0) - before.probabilities.get(before.label, 0.0))
        note = f"{safe_line(before.label, 16)} {change:+.1f} points" if after.label == before.label else f"now {safe_line(after.label, 16)}"
        return Guess(self.title, shares[0], self.looks), Guess("edited", shares[1], self.looks, note, stale=self.stale)


class TryEdits(ModalScreen[str | None]):
    """Keys apply edits one after the other; i edits by hand. Esc goes back, Enter takes the edited version along."""

    CSS_PATH = "try_edits.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(each.key, f"edit('{each.name}')", each.name, tooltip=each.title, id=f"edits.{each.name}") for each in edits.EDITS),
        Binding("0", "undo", "as it was", tooltip="the sentence as it was", id="edits.undo"),
        Binding("i,slash", "type", "type", tooltip="edit by hand", id="edits.type"),
        Binding("down,j", "scroll(1)", "down", show=False, id="edits.down"),
        Binding("up,k", "scroll(-1)", "up", show=False, id="edits.up"),
        Binding("enter", "take", "take it", tooltip="take the edited sentence to the prompt", id="edits.take"),
        Binding("escape", "back", "back", id="edits.back"),
    ]

    def __init__(self, text: str, runs: Sequence[Asked]) -> None:
        super().__init__()
        self._text, self._runs = text, tuple(runs)
        self._made = 0
        """The number of edits so far, used as the seed of the next one, so that typos differ."""
        self._note = ""
        self._timer: Timer | None = None

    @property
    def state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        with Vertical(id="edits"):
            yield Static(Text(safe_line(self._text), no_wrap=True, overflow="ellipsis"), id="edit-before", markup=False)
            with Container(id="edit-box"):
                yield TextField(id="edited")
            yield Static(id="edit-note", markup=False)
            with VerticalScroll(id="edit-bars", can_focus=False):
                for number in range(len(self._runs)):
                    yield LabelBars(id=f"edit-bars-{number}")
            yield Static(Text("\n").join(_legend(keys) for keys in (_EDIT_KEYS, _OTHER_KEYS)), id="edit-keys", markup=False)

    def on_mount(self) -> None:
        box = self.query_one("#edits")
        box.border_title = Text("a sentence and an edited version of it")
        self.query_one("#edit-before").border_title = Text("sentence")
        self.query_one("#edit-box").border_title = Text("edited")
        field = self.query_one("#edited", TextField)
        field.text = self._text
        self._ask()

    # --- asking -----------------------------------------------------------------------------------------

    @on(TextField.Edited)
    def _typed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._ask)

    def _ask(self) -> None:
        text = self.query_one("#edited", TextField).text
        for run in self._runs:
            run.stale = True
            if text.strip():
                self.run_worker(partial(self._ask_one, run, text), group=f"ask {run.run} {run.rung}", exclusive=True)
        self._draw()

    async def _ask_one(self, run: Asked, text: str) -> None:
        ask = AskClassify(topic=f"edits {run.run} {run.rung}", run=run.run, rung=run.rung, texts=(self._text, text))
        try:
            answer: ClassifyAnswer | None = await self.state.ask(ask)
        except UserError as error:
            run.error = by_fields(error)
        else:
            if answer is None or len(answer.predictions) != 2:
                return  # a newer question is pending
            run.answers, run.error, run.stale = answer.predictions, "", False
        self._draw()

    def _draw(self) -> None:
        for number, run in enumerate(self._runs):
            self.query_one(f"#edit-bars-{number}", LabelBars).show(run.guesses())
        self.query_one("#edit-note", Static).update(Text(self._note, "dim", no_wrap=True, overflow="ellipsis"))

    # --- keys -------------------------------------------------------------------------------------------

    def action_edit(self, name: str) -> None:
        """Apply one edit to the edited version."""
        edit, field = edits.BY_NAME[name], self.query_one("#edited", TextField)
        try:
            text = edits.edited(edit, field.text, self._made)
        except edits.NotApplicableError as reason:
            self._note = f"{name}: {reason}"
        else:
            self._made += 1
            expected = "the class should stay" if edit.expectation == edits.INVARIANCE else "its probability should fall"
            self._note = f"{name}: {edit.title}; {expected}"
            field.text = text
        self._draw()

    def action_undo(self) -> None:
        self._note = ""
        self.query_one("#edited", TextField).text = self._text
        self._draw()

    def action_type(self) -> None:
        self.query_one("#edited", TextField).go_on()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#edit-bars").scroll_relative(y=lines, animate=False)

    def on_input_submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        self.dismiss(self.query_one("#edited", TextField).text)

    def action_back(self) -> None:
        """Leave the text field, otherwise the page."""
        if self.focused is not None:
            self.set_focus(None)
        else:
            self.dismiss(None)
