"""Asks for a run, or for a rung of a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...core.runs import rungs
from ...core.runs.state import RunView
from ...core.safe_text import pad, safe_line
from ...core.units import age
from .run_words import has_model, name_of, short_source


class RunRef(NamedTuple):
    """A run, by its folder, and a rung of it; '' for the best one, or for a run without rungs."""

    folder: str
    rung: str = ""


def choices(runs: Sequence[RunView]) -> list[tuple[RunRef, RunView]]:
    """Return all runs with a model, the newest first, each baseline followed by its rungs."""
    found: list[tuple[RunRef, RunView]] = []
    for view in runs:
        if has_model(view):
            found.append((RunRef(view.folder), view))
            found += [(RunRef(view.folder, rung.name), view) for rung in view.rungs if rung.name in rungs.NAMES]
    return found


def newest(runs: Sequence[RunView], is_of_open_data: Callable[[RunView], bool]) -> RunRef | None:
    """Return the newest run with a model, preferably of the open data set; None if there is none."""
    known = choices(runs)
    of_open = (ref for ref, view in known if is_of_open_data(view))
    return next(of_open, next((ref for ref, _ in known), None))


class ChooseRun(ModalScreen[RunRef | None]):
    """Enter chooses the run under the cursor; Esc chooses none."""

    AUTO_FOCUS = "OptionList"
    DEFAULT_CSS = """
    ChooseRun {
        align: center middle;
        Vertical { width: 90%; max-width: 90; height: auto; max-height: 80%; border: round $primary; background: $surface; padding: 0 1; }
        OptionList { height: auto; max-height: 100%; border: none; padding: 0; background: $surface; text-wrap: nowrap; }
        Static { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", id="choose_run.back"),
        Binding("j", "app.simulate_key('down')", "down", show=False),
        Binding("k", "app.simulate_key('up')", "up", show=False),
    ]

    def __init__(self, title: str, runs: Sequence[RunView], now: float, at: RunRef | None = None) -> None:
        """Prepare to choose among runs with a model; `now` is in seconds since the epoch, and `at` is the run that is shown now."""
        super().__init__()
        self._title, self._now, self._at = title, now, at
        self._choices = choices(runs)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text("enter selects it   esc closes")
            if self._choices:
                yield OptionList(*(Option(self._line(*each)) for each in self._choices), markup=False)
            else:
                yield Static(Text("no run has a model yet: 3, then n, starts one", "dim"), markup=False)

    def on_mount(self) -> None:
        refs = [ref for ref, _ in self._choices]
        if self._at is not None and self._at in refs:
            self.query_one(OptionList).highlighted = refs.index(self._at)

    def _line(self, ref: RunRef, view: RunView) -> Text:
        measured = view.measured_by(ref.rung)
        score = f"F1 {measured.f1_weighted:.3f}" if measured is not None else ""
        if ref.rung:
            return Text.assemble("    ", pad(rungs.short(ref.rung), 20), f"{score:>9}", no_wrap=True)
        line = Text(no_wrap=True)
        line.append(pad(safe_line(name_of(view), 14), 15), "bold").append(pad(view.task, 10))
        line.append(f"{score:>8} ").append(f"{age(max(0.0, self._now - view.spec.created)):>7}  ", "dim")
        return line.append(safe_line(short_source(view.spec.job.data.source), 24))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][0])
