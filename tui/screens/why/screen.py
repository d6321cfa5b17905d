"""The keys of the page, and the questions whose answers fill it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from ....core.errors import UserError
from ....core.questions import ProgressLine
from ....core.runs import rungs
from ....core.shell import quote
from ...field_names import by_fields
from ...widgets.attention_map import AttentionMap
from ...widgets.figure_table import FigureTable
from ...widgets.tab_line import TabLine
from ..choose_run import ChooseRun, RunRef
from ..label_keys import LABEL_KEYS
from .explanation import Explanation, Question, Subject, command
from .near_labels import REST, NearLabels
from .page import Scroll


class WhyPage(NearLabels):
    """Explains the prediction of one run for one text. Esc cancels the computation and goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "back", key_display="esc", tooltip="back, and take back what is computed", id="why.back"),
        Binding(
            "c", "turn_class(1)", "class", key_display="c C", tooltip="explain the next class; 1 to 9 choose one", id="why.class_after"
        ),
        Binding("C", "turn_class(-1)", "class before", show=False, tooltip="explain the class before", id="why.class_before"),
        *(Binding(str(number), f"choose_class({number - 1})", show=False) for number in range(1, 10)),
        Binding(
            "right_square_bracket",
            "turn_view(1)",
            "view",
            key_display="[ ]",
            tooltip="words, attention, nearest training rows, words of wrong rows",
            id="why.view_after",
        ),
        Binding("left_square_bracket", "turn_view(-1)", "view before", show=False, tooltip="the view before", id="why.view_before"),
        Binding("l", "turn_layer(1)", "layer", key_display="l L", tooltip="attention of the next layer", id="why.layer_after"),
        Binding("L", "turn_layer(-1)", "layer before", show=False, tooltip="attention of the layer before", id="why.layer_before"),
        Binding("h", "turn_head(1)", "head", key_display="h H", tooltip="attention of the next head, or their mean", id="why.head_after"),
        Binding("H", "turn_head(-1)", "head before", show=False, tooltip="attention of the head before", id="why.head_before"),
        Binding("s", "sort", "sort", tooltip="words as in the text, or the weightiest first", id="why.sort"),
        Binding("o", "run", "run", tooltip="choose the run that is asked", id="why.run"),
        Binding("b", "turn_rung", "rung", tooltip="the next rung of a baseline", id="why.rung"),
        Binding("z", "enlarge", "large", tooltip="one view large, and back", id="why.enlarge"),
        Binding("y", "copy", "copy command", tooltip="the command line that prints this", id="why.copy"),
        Binding("t", "send('tokens')", "tokens", show=False, tooltip="the tokens of this text, or of the training row", id="why.tokens"),
        Binding("p", "send('prompt')", "prompt", show=False, tooltip="classify this text, or the training row", id="why.prompt"),
        *LABEL_KEYS,
        Binding("question_mark", "app.help", "help", key_display="?", tooltip="help: the keys of this page", id="why.help"),
    ]

    def on_mount(self) -> None:
        super().on_mount()
        self._fill()

    # --- questions ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="fill")
    async def _fill(self) -> None:
        """Ask for what is not known yet; calling it again cancels the current question, so that the shown view comes first."""
        of = self.of
        while (question := of.next_question(self.in_sight)) is not None:
            self.wait_for(question)
            try:
                answer = await self.state.ask(question, lambda line, asked=question: self._show_progress(of, asked, line))
            except UserError as error:
                of.refuse(question, by_fields(error))
            else:
                if answer is None:
                    break
                of.add(answer)
            self.draw()
            if self.in_sight == "neighbours":
                self.read_training_rows()
        self.wait_for(None)

    def _show_progress(self, of: Explanation, question: Question, line: ProgressLine) -> None:
        if of is self.of:
            self.wait_for(question, line)

    @work(exclusive=True, group="cell")
    async def _count_words(self) -> None:
        """Compare the words of the cell's rows with those of others, reading all texts of the split."""
        from ....core.runs import cell_words

        of, cell = self.of, self.of.subject.cell
        if cell is None or of.cell_words is not None:
            return
        try:
            of.cell_words = await asyncio.to_thread(cell_words.of_cell, cell.found, cell.true, cell.predicted)
        except UserError as error:
            of.faults["cell"] = by_fields(error)
        self.draw()

    def _go_on(self) -> None:
        """Draw after a change of view, and ask for missing answers."""
        self.draw()
        self._fill()
        if self.in_sight == "cell":
            self._count_words()

    def _explain(self, subject: Subject) -> None:
        self.of = Explanation(subject)
        self._go_on()

    # --- keys ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if (may := self.may_act(action, parameters)) is not None:
            return may
        if self.is_labelling and action in REST:
            return False  # their keys give labels, and end that
        match action:
            case "turn_class":
                return len(self.of.labels) > 1
            case "choose_class":
                return isinstance(parameters[0], int) and parameters[0] < len(self.of.labels)
            case "turn_layer" | "turn_head":
                return self.in_sight == "attention" and self.of.attention is not None
            case "turn_rung":
                return self.run_view is not None and len(self.run_view.rungs) > 1
            case "sort":
                return self.of.first is not None
            case _:
                return True

    def action_back(self) -> None:
        self.dismiss(None)

    def action_turn_class(self, by: int) -> None:
        self.of.turn_class(by)
        self._go_on()

    def action_choose_class(self, number: int) -> None:
        self.of.label = self.of.labels[number]
        self._go_on()

    def action_turn_view(self, by: int) -> None:
        views = self.views
        self._turn_to(views[(views.index(self.in_sight) + by) % len(views)])

    @on(TabLine.Chosen)
    def _tab(self, event: TabLine.Chosen) -> None:
        self._turn_to(event.tab)

    def _turn_to(self, view: str) -> None:
        if self.is_labelling:
            self.action_end_labelling()
        self.view = next(each for each in self.of.views if each == view)
        self._go_on()
        match self.view:
            case "attention":
                self.query_one(AttentionMap).focus()
            case "words":
                self.query_one("#why-words Scroll", Scroll).focus()
            case _:
                self.query_one(f"#why-{self.view} FigureTable", FigureTable).focus_lines()

    def action_turn_layer(self, by: int) -> None:
        self.of.turn_layer(by)
        self._go_on()

    def action_turn_head(self, by: int) -> None:
        self.of.turn_head(by)
        self._go_on()

    def action_sort(self) -> None:
        self._by_size = not self._by_size
        self.draw()

    def action_enlarge(self) -> None:
        self._is_large = not self._is_large
        self._go_on()

    def action_run(self) -> None:
        chooser = ChooseRun("the run to ask why", self.state.runs, self.state.clock(), self.of.subject.ref)
        self.app.push_screen(chooser, self._change_run)

    def _change_run(self, chosen: RunRef | None) -> None:
        if chosen is not None:
            subject = self.of.subject
            self._explain(Subject(subject.text, chosen, subject.true, subject.place))

    def action_turn_rung(self) -> None:
        view, subject = self.run_view, self.of.subject
        if view is not None:
            at = view.rung(self.rung)
            self._change_run(RunRef(subject.ref.folder, rungs.after(view.rungs, at.name if at is not None else "")))

    def action_copy(self) -> None:
        subject = self.of.subject
        run = Path(subject.ref.folder).name + (f":{self.rung}" if self.rung else "")
        words = command(self.of, [quote(each) for each in (run, subject.text, self.of.label)])
        self.app.copy_to_clipboard(words)
        self.state.notify(f"copied: {words}")

    def action_send(self, place: str) -> None:
        """Close the page, and those below it that led to it, and take the text to the inspector or the prompt."""
        row = self.near_row
        self.app.call_later(self._leave_with, row.text if row is not None else self.of.subject.text, place)

    async def _leave_with(self, text: str, place: str) -> None:
        places = self.state.places
        while isinstance(self.app.screen, WhyPage):
            await self.app.pop_screen()
        await (places.inspect_text(text) if place == "tokens" else places.classify_text(text))

    @on(FigureTable.Chosen)
    def _chosen(self, event: FigureTable.Chosen) -> None:
        """Explain the training row under the cursor on another page, or go back to the rows with the word under the cursor."""
        near, words = self.of.near, self.of.cell_words
        if self.in_sight == "cell" and words is not None and event.index < len(words.words):
            self.dismiss(words.words[event.index].word)
        if self.in_sight == "neighbours" and near is not None and event.index < len(near.rows):
            row = near.rows[event.index]
            self.app.push_screen(WhyPage(Subject(row.text, self.of.subject.ref, row.label, f"row {row.row:,} of train")))
