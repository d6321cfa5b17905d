"""Texts of the classifier prompt about runs and predictions, and the choice of runs. It knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from ...core.questions import Prediction
from ...core.runs import rungs
from ...core.runs.state import RunView
from ...core.safe_text import safe_line
from ...core.specs import BaselineSpec, task_of
from ..widgets.label_look import LabelLook


def to_ask(runs: Sequence[RunView], marked: Sequence[str] | None, is_of_open_data: Callable[[RunView], bool]) -> list[RunView]:
    """Return the runs that classify side by side: those whose folders are `marked`, or else the newest of each task on the open data set.

    `runs` have a model, newest first.
    """
    if marked is not None:
        known = {view.folder: view for view in runs}
        return [known[folder] for folder in marked if folder in known]
    own = [view for view in runs if is_of_open_data(view)]
    tuned = next((view for view in own if not isinstance(view.spec.job, BaselineSpec)), None)
    baseline = next((view for view in own if isinstance(view.spec.job, BaselineSpec)), None)
    return [view for view in (tuned, baseline) if view is not None]


def kind_of(view: RunView, rung: str) -> str:
    """Return words for what classifies: the task of a run, or the `rung` of a baseline, by default its best one."""
    found = view.rung(rung)
    return rungs.title(found.name) if found is not None else task_of(view.spec.job)


def large(answer: Prediction, look: LabelLook | None) -> Text:
    """Return the label of a prediction in large type, and its probability."""
    color, glyph = (look.color, look.glyph) if look is not None else ("", "")
    name = safe_line(answer.label, 40)
    spread = " ".join(name.upper()) if name.isascii() else name
    share = answer.probabilities.get(answer.label, 0.0)
    return Text.assemble((f" {glyph} {glyph} {glyph}  {spread}  ", f"bold reverse {color}"), f"  {100 * share:.1f} %", no_wrap=True)


def milliseconds(seconds: float) -> str:
    """Return a time as '12 ms' or '10 s'."""
    return f"{1000 * seconds:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
