"""The classifier prompt: several runs side by side classify a sentence."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from ...core.errors import UserError
from ...core.questions import AskClassify, ClassifyAnswer, Prediction
from ...core.runs import rungs
from ...core.runs.state import RunView
from ...core.safe_text import safe_line
from ..field_names import by_fields
from ..widgets.label_bars import LabelBars
from ..widgets.run_list import RunList
from ..widgets.text_field import TextField
from .choose_run import RunRef
from .classify_page import ClassifyPage
from .run_words import run_label_looks

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

PAUSE = 0.04
"""Seconds without a key before the engine is asked."""
MOST_RUNS = 4
"""Runs that fit side by side."""
KEPT = 200
"""Sentences of the session that are remembered, at most."""


class ClassifyScreen(ClassifyPage):
    """Screen 4: classifies the sentence that is typed."""

    MODE = "classify"
    TYPED = ("#sentence-box", "sentence")
    CSS_PATH = "classify.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_text", "other keys", tooltip="leave the sentence, so that keys work again", id="classify.leave"),
        Binding("i,slash", "type", "type", show=False, tooltip="type a sentence", id="classify.type"),
        Binding("e", "edit", "edit", tooltip="edit the sentence and compare both versions: typo, case, name, negation", id="classify.edit"),
        Binding("w", "why", "why", tooltip="why this label: words, attention, nearest training rows", id="classify.why"),
        Binding("s", "save_case", "save", tooltip="keep the sentence as a test case with the label it should get", id="classify.save"),
        Binding("b", "turn_rung", "rung", tooltip="the next rung of the baseline under the cursor answers", id="classify.rung"),
    ]

    def on_screen_resume(self) -> None:
        self._draw()
        if self.runs:
            self.query_one("#sentence").focus()
            self._load_models()
        if self._asked and any(view.folder not in self._answers for view in self.chosen):
            self._ask()  # another data set may have been opened meanwhile

    # --- facts ------------------------------------------------------------------------------------------

    def show_dataset(self, dataset: Dataset) -> None:
        """Deselect the runs of another data set."""
        if self._dataset not in (None, dataset.source):
            self._marked = None
        self._dataset = dataset.source
        if self.is_current:
            self._ask()
            self._load_models()

    def show_runs(self, runs: tuple[RunView, ...]) -> None:  # noqa: ARG002 - they are read from the state
        if not self.is_current:
            return
        before = {guess.title for guess in self.query_one(LabelBars).guesses}
        self._draw()
        if {guess.title for guess in self.query_one(LabelBars).guesses} != before:
            self._ask()

    def show_theme(self) -> None:
        self._draw()

    def receive_text(self, text: str) -> None:
        sentence = self.query_one("#sentence", TextField)
        sentence.text = text
        sentence.focus()

    def text_in_hand(self) -> str | None:
        return self.query_one("#sentence", TextField).text or None

    # --- asking -----------------------------------------------------------------------------------------

    def _load_models(self) -> None:
        """Have the engine load the models of the chosen runs while the first sentence is typed."""
        for view in self.chosen:
            if view.folder not in self._loaded:
                self._loaded.add(view.folder)
                self.run_worker(partial(self._load_one, view), group=f"load {view.folder}")

    async def _load_one(self, view: RunView) -> None:
        with contextlib.suppress(UserError):  # classifying the first sentence reports it
            await self.state.ask(AskClassify(run=view.folder, rung=self._asked_rungs.get(view.folder, ""), texts=()))

    @on(TextField.Edited)
    def _typed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._ask)

    def _ask(self) -> None:
        """Have each chosen run classify the sentence; a pending older question is dropped."""
        text = self.query_one("#sentence", TextField).text
        self._asked = text
        if not text.strip():
            self._answers.clear()
            self._stale.clear()
        else:
            for view in self.chosen:
                self._stale.add(view.folder)
                self.run_worker(partial(self._ask_one, view, text), group=f"ask {view.folder}", exclusive=True, exit_on_error=True)
        self._draw()

    async def _ask_one(self, view: RunView, text: str) -> None:
        try:
            rung = self._asked_rungs.get(view.folder, "")
            ask = AskClassify(topic=f"prompt {view.folder}", run=view.folder, rung=rung, texts=(text,))
            answer: ClassifyAnswer | None = await self.state.ask(ask)
        except UserError as error:
            self._show_answer(view, text, by_fields(error), 0.0)
            return
        if answer is not None and answer.predictions:
            self._rungs[view.folder] = answer.rung
            self._heat[view.folder] = answer.temperature
            self._show_answer(view, text, answer.predictions[0], answer.seconds)
            self.state.mark_done("classify")

    def _show_answer(self, view: RunView, text: str, answer: Prediction | str, seconds: float) -> None:
        if text != self._asked:
            return
        self._answers[view.folder] = answer
        self._seconds[view.folder] = seconds
        self._stale.discard(view.folder)
        self._draw()

    # --- keys -------------------------------------------------------------------------------------------

    @on(Input.Submitted, "#sentence")
    def _remember(self) -> None:
        sentence = self.query_one("#sentence", TextField)
        text = sentence.text
        if not text.strip():
            return
        if not self._history or self._history[-1] != text:
            self._history = [*self._history, text][-KEPT:]
            answers = [f"{answer.label} {100 * answer.probabilities.get(answer.label, 0.0):.0f} %" for answer in self._shown_answers()]
            line = Text.assemble((f"{safe_line(' / '.join(answers) or '…', 40)}  ", "bold"), safe_line(text, 300), no_wrap=True)
            kept = self.query_one("#history", OptionList)
            if len(self._history) == 1:
                kept.clear_options()  # the hint is no longer needed
            kept.add_option(Option(line))
            kept.scroll_end(animate=False)
        self._place = len(self._history)
        sentence.text = ""

    def _shown_answers(self) -> list[Prediction]:
        return [answer for view in self.chosen if isinstance(answer := self._answers.get(view.folder), Prediction)]

    def action_recall(self, by: int) -> None:
        """Recall an earlier or a later sentence of the session."""
        if not self._history:
            return
        self._place = min(len(self._history), max(0, self._place + by))
        self.query_one("#sentence", TextField).text = self._history[self._place] if self._place < len(self._history) else ""

    @on(OptionList.OptionSelected, "#history")
    def _recalled(self, event: OptionList.OptionSelected) -> None:
        self._place = max(0, len(self._history) - self.query_one("#history", OptionList).option_count) + event.option_index
        self.action_recall(0)
        self.action_type()

    def action_type(self) -> None:
        self.query_one("#sentence", TextField).go_on()

    def action_leave_text(self) -> None:
        self.query_one("#run-choice").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 Textual names it
        if action == "turn_rung":
            return self.focused is self.query_one("#run-choice") and self._rungs_in_hand is not None
        if action in ("edit", "save_case", "why"):
            return bool(self.runs) and not isinstance(self.focused, TextField)
        return True

    def action_edit(self) -> None:
        """Open the page on which the chosen runs classify the sentence and an edited version."""
        from .try_edits import Asked, TryEdits

        text, dark = self.query_one("#sentence", TextField).text, self.state.dark
        if not text.strip() or not self.chosen:
            self.state.notify("type a sentence first (i), then e edits it", problem=True)
            return
        asked = [
            Asked(self._guess(view).title, view.folder, self._asked_rungs.get(view.folder, ""), run_label_looks(view, dark=dark))
            for view in self.chosen
        ]
        self.app.push_screen(TryEdits(text, asked), self._put_sentence)

    def _put_sentence(self, text: str | None) -> None:
        if text is not None:
            self.query_one("#sentence", TextField).text = text

    def action_why(self) -> None:
        """Open the page that explains the label predicted by the first of the chosen runs."""
        from .why import explain
        from .why.explanation import Subject

        text, view = self.query_one("#sentence", TextField).text, next(iter(self.chosen), None)
        rung = (self._rungs.get(view.folder) or self._asked_rungs.get(view.folder, "")) if view is not None else ""
        subject = Subject(text, RunRef(view.folder, rung)) if view is not None else None
        explain(self.state, subject, otherwise="type a sentence first (i), then esc and w say why it gets its label")

    def action_save_case(self) -> None:
        """Ask for the expected label of the sentence, and store both as a test case for the data of the first run."""
        from .save_case import SaveCase

        text, view = self.query_one("#sentence", TextField).text, next(iter(self.chosen), None)
        if not text.strip() or view is None:
            self.state.notify("type a sentence first (i), then s keeps it as a test case", problem=True)
            return
        answer = self._answers.get(view.folder)
        predicted = answer.label if isinstance(answer, Prediction) else ""
        self.app.push_screen(SaveCase(text, view.spec.job.data, run_label_looks(view, dark=self.state.dark), predicted))

    @property
    def _rungs_in_hand(self) -> RunView | None:
        """The baseline under the cursor of the list, if it has several rungs; otherwise None."""
        listed = self.query_one("#run-choice", RunList)
        at = listed.highlighted
        key = listed.items[at].key if at is not None and at < len(listed.items) else None
        return next((view for view in self.runs if view.folder == key and len(view.rungs) > 1), None)

    @on(RunList.Looked)
    def _highlighted(self) -> None:
        self.refresh_bindings()

    def action_turn_rung(self) -> None:
        """Switch the baseline under the cursor to its next rung."""
        view = self._rungs_in_hand
        answers = view.rung(self._asked_rungs.get(view.folder, "")) if view is not None else None
        if view is None or answers is None:
            return
        self._asked_rungs[view.folder] = self._rungs[view.folder] = rungs.after(view.rungs, answers.name)
        self._answers.pop(view.folder, None)
        self._ask()

    @on(RunList.Marked)
    def _mark(self, event: RunList.Marked) -> None:
        marked = [view.folder for view in self.chosen]
        if event.key in marked:
            marked.remove(event.key)
        elif len(marked) >= MOST_RUNS:
            self.state.notify(f"{MOST_RUNS} runs fit side by side: remove one first", problem=True)
        else:
            marked.append(event.key)
        self._marked = marked
        self._ask()
        self._load_models()
