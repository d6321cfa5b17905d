"""The keys of the Errors screen, and when each of them is enabled."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from ....core.runs.state import RunView
from ..label_keys import LABEL_KEYS
from .examination import Examination

_FILTERS = "words, label:NAME, predicted:NAME, wrong, loss>1, confidence<0.6, len>40, regex:PATTERN, split:NAME"
HINTS = ("[ ] turns   s split   o run   a against   e best or worst", "[ ] turns  s split  o run", "[ ] turns")
"""Hints beside the names of the views; the first that fits is shown."""
KEYS: list[BindingType] = [
    Binding("escape", "back", "back", tooltip="shrink the panel, stop the evaluation, or end the filter", id="errors.back"),
    Binding("slash", "filter", "filter", key_display="/", tooltip=f"filter rows: {_FILTERS}", id="errors.filter"),
    Binding(
        "right_square_bracket", "view(1)", "view", key_display="[ ]", show=False, tooltip="the next view of figures", id="errors.view_after"
    ),
    Binding("left_square_bracket", "view(-1)", "view", show=False, tooltip="the view before", id="errors.view_before"),
    Binding("s", "split", "split", tooltip="the next split: validation, test, train", id="errors.split"),
    Binding("o", "run", "run", show=False, tooltip="choose the run", id="errors.run"),
    Binding("b", "rung", "rung", show=False, tooltip="the next rung of a baseline", id="errors.rung"),
    Binding("a", "against", "against", show=False, tooltip="the run to compare with, row by row", id="errors.against"),
    Binding("e", "end", "best or worst", show=False, tooltip="the highest or the lowest loss first", id="errors.end"),
    Binding("w", "why", "why", tooltip="why this row gets its label: words, attention, nearest rows, words of the cell", id="errors.why"),
    Binding("m", "measure", "measure", tooltip="measure the run on this split now", id="errors.measure"),
    Binding("n", "name", "name slice", show=False, tooltip="keep the filter under a name, as a slice", id="errors.name"),
    Binding("D", "remove", "remove slice", show=False, tooltip="remove the slice under the cursor", id="errors.remove"),
    Binding("f", "fit", "temperature", show=False, tooltip="fit a temperature on validation and keep it, or forget it", id="errors.fit"),
    Binding("y", "copy", "copy command", show=False, tooltip="copy the command that prints this, or predicts with it", id="errors.copy"),
    Binding("z", "enlarge", "large", tooltip="the panel with the focus large, and back", id="errors.enlarge"),
    Binding("x", "save", "write", show=False, tooltip="write the rows that are listed to a file", id="errors.save"),
    Binding("H", "report", "report", show=False, tooltip="write the report of this run on this split", id="errors.report"),
    *LABEL_KEYS,
]
REST = ("save", "report", "split", "rung", "against", "end", "measure", "name", "fit", "copy", "remove")
"""Actions that are disabled while keys give labels."""


def may_act(action: str, seen: Examination, run: RunView | None, view: str, *, is_faulty: bool) -> bool:
    """Return whether an action is enabled for `seen` of `run` in a `view`; `is_faulty` means that the typed filter is invalid."""
    match action:
        case "rung":
            return run is not None and len(run.rungs) > 1
        case "split" | "against" | "fit" | "copy" | "report":
            return seen.ref is not None
        case "measure":
            return seen.ref is not None and seen.found is None and (run is None or not run.is_live)
        case "name":
            return bool(seen.line) and not is_faulty
        case "remove":
            return view == "slices" and bool(seen.slices)
        case "end" | "save" | "filter" | "why":
            return seen.found is not None
        case _:
            return True
