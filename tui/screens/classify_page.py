"""The widgets of the classifier prompt, and how answers are drawn in them."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...core.questions import Prediction
from ...core.runs.state import RunView
from ..page import Page
from ..widgets.label_bars import Guess, LabelBars
from ..widgets.run_list import RunList
from ..widgets.text_field import TextField
from .classify_words import kind_of, large, milliseconds, to_ask
from .run_words import has_model, name_of, run_item, run_label_looks, short_source


class Sentence(TextField):
    """The field of the sentence, whose arrow keys recall sentences; one line never scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep it", tooltip="keep the sentence in the history of this session", id="classify.keep"),
        Binding("up", "screen.recall(-1)", "history", key_display="↑↓", tooltip="earlier sentences of this session", id="classify.earlier"),
        Binding("down", "screen.recall(1)", "later sentence", show=False, id="classify.later"),
    ]


class ClassifyPage(Page):
    """A sentence, its class, and the predictions of several runs side by side."""

    def __init__(self) -> None:
        super().__init__()
        self._marked: list[str] | None = None
        """Folders of the runs that classify; None for the newest of each task."""
        self._dataset: str | None = None
        """The data set that they were chosen for."""
        self._answers: dict[str, Prediction | str] = {}
        """The newest prediction of each run by folder, or why there is none."""
        self._seconds: dict[str, float] = {}
        self._heat: dict[str, float] = {}
        """The temperature of each run's probabilities by folder; 1 if none is stored with it."""
        self._rungs: dict[str, str] = {}
        """The rung that classified, for each baseline by folder."""
        self._asked_rungs: dict[str, str] = {}
        """The chosen rung, for each baseline by folder for which it is not the best one."""
        self._stale: set[str] = set()
        self._asked: str | None = None
        self._loaded: set[str] = set()
        """Folders of the runs whose models the engine was asked to load."""
        self._timer: Timer | None = None
        self._history: list[str] = []
        self._place = 0
        """The index in the history; its length for a sentence that is not in it yet."""

    def compose_body(self) -> ComposeResult:
        yield Static((files("emotui.tui.text") / "classify_empty.md").read_text("utf-8"), markup=False, id="classify-empty")
        with Vertical(id="classify"):
            with Container(id="sentence-box"):
                yield Sentence(placeholder="I saw a movie today and it was really good.", id="sentence")
            yield Static(id="winner", markup=False)
            yield LabelBars(id="bars")
            with Horizontal(id="beside"):
                yield OptionList(id="history", markup=False)
                yield RunList(id="run-choice")

    def on_mount(self) -> None:
        self.query_one("#sentence-box").border_title = Text("sentence")
        history = self.query_one("#history", OptionList)
        history.border_title = Text("history of this session")
        history.add_option(Option(Text("enter keeps the sentence, ↑↓ bring it back", "dim"), disabled=True))
        self.query_one("#run-choice").border_title = Text("runs: space adds, removes")

    # --- runs -------------------------------------------------------------------------------------------

    @property
    def runs(self) -> list[RunView]:
        """Runs with a model, those of the open data set first, each group newest first."""
        known = (view for view in self.state.runs if has_model(view))
        return sorted(known, key=lambda view: not self.state.is_of_open_data(view))

    @property
    def chosen(self) -> list[RunView]:
        """The runs that classify side by side: the user's choice, otherwise the newest of each task on the open data set."""
        return to_ask(self.runs, self._marked, self.state.is_of_open_data)

    # --- drawing ----------------------------------------------------------------------------------------

    def _draw(self) -> None:
        runs, chosen = self.runs, self.chosen
        self.set_class(not runs, "-empty")
        now, keys = self.state.clock(), [view.folder for view in chosen]
        asked = self._asked_rungs
        items = tuple(run_item(view, now, marked=view.folder in keys, color="", rung=asked.get(view.folder, "")) for view in runs)
        listed = self.query_one("#run-choice", RunList)
        at = listed.highlighted
        listed.show(items, listed.items[at].key if at is not None and at < len(listed.items) else None)
        self.query_one(LabelBars).show(tuple(self._guess(view) for view in chosen))
        self._draw_winner(chosen)

    def _guess(self, view: RunView) -> Guess:
        kind = kind_of(view, self._rungs.get(view.folder) or self._asked_rungs.get(view.folder, ""))
        whose = "" if self.state.is_of_open_data(view) else f" of {short_source(view.spec.job.data.source)}"
        title, looks = f"{name_of(view)} {kind}{whose}", run_label_looks(view, dark=self.state.dark)
        answer = self._answers.get(view.folder)
        if answer is None:
            return Guess(title, looks=looks, note="loading the model…" if view.folder in self._stale else "")
        if isinstance(answer, str):
            return Guess(title, looks=looks, error=answer)
        shares = tuple(answer.probabilities.get(look.name, 0.0) for look in looks)
        heat = self._heat.get(view.folder, 1.0)
        note = f"{f'T {heat:.2g}  ' if heat != 1.0 else ''}{milliseconds(self._seconds.get(view.folder, 0.0))}"
        return Guess(title, shares, looks, note, stale=view.folder in self._stale)

    def _draw_winner(self, chosen: list[RunView]) -> None:
        """Show the label in large type, and the tokens used, by the first run that has answered."""
        sentence, winner = self.query_one("#sentence", TextField), self.query_one("#winner", Static)
        box = self.query_one("#sentence-box")
        found = next(((view, answer) for view in chosen if isinstance(answer := self._answers.get(view.folder), Prediction)), None)
        if found is None:
            words = "type a sentence: its class comes with each key" if not sentence.text else ""
            if not chosen and self.runs:
                words = "no run of this data set has a model yet: press esc, then space to use a run of another one"
            winner.update(Text(words, "dim"))
            box.border_subtitle = None
            return
        view, answer = found
        look = next((look for look in run_label_looks(view, dark=self.state.dark) if look.name == answer.label), None)
        winner.update(large(answer, look))
        cut = f"{answer.tokens:,} tokens, cut at {answer.tokens:,}" if answer.truncated else f"{answer.tokens:,} tokens"
        color = self.app.theme_variables["warning"] if answer.truncated else ""
        box.border_subtitle = Text(cut, color)
