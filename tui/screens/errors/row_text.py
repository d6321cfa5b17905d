"""The row under the cursor: its text, and the run's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from ....core.safe_text import safe_line, safe_text
from ....core.units import percent
from ...widgets.label_look import LabelLook
from ...widgets.reading import Reading

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.runs.examined import Examined

SHOWN = 4_000
"""Characters of a text that are shown below the list, at most."""


class RowText(Reading):
    """Shows one row of an examined run."""

    def __init__(self) -> None:
        super().__init__(id="errors-text", classes="panel")
        self.border_title = Text("text")

    def compose(self) -> ComposeResult:
        yield Static(id="full", markup=False)

    def show(self, found: Examined | None, row: int | None, looks: Sequence[LabelLook]) -> None:
        """Show a row, given its position in the split; None for no row."""
        place = self.query_one("#full", Static)
        if found is None or row is None:
            self.border_title = Text("text")
            self.border_subtitle = Text()
            place.update(Text("no row" if found is not None else "", "dim"))
            return
        title = _title(found, row, looks)
        self.border_title = title
        self.border_subtitle = Text("w: why   t: its tokens   p: classify it   L: labels by key")
        place.update(_text(found, row, looks))
        self.scroll_home(animate=False)


def _title(found: Examined, row: int, looks: Sequence[LabelLook]) -> Text:
    judged = found.judged
    true, predicted = looks[int(judged.truth[row])], looks[int(judged.predicted[row])]
    title = Text(f"row {row:,}: ").append(f"{true.glyph} {safe_line(true.name, 24)}", true.color)
    if judged.truth[row] != judged.predicted[row]:
        title.append(", predicted as ").append(f"{predicted.glyph} {safe_line(predicted.name, 24)}", predicted.color)
    return title.append(f" {percent(float(judged.confidence[row]))}, loss {judged.loss[row]:.3f}")


def _text(found: Examined, row: int, looks: Sequence[LabelLook]) -> Text:
    """Return the text, and below it the most probable classes."""
    text, shares = found.predictions.rows.split.row(row).text, found.judged.probabilities[row]
    shown = Text(safe_text(text[:SHOWN]).expandtabs(4))
    if len(text) > SHOWN:
        shown.append(f"\n… and {len(text) - SHOWN:,} more characters", "dim")
    shown.append("\n")
    for index in shares.argsort()[::-1][:6]:
        look = looks[int(index)]
        shown.append(f"{look.glyph} {safe_line(look.name, 16)} ", look.color).append(f"{100 * shares[index]:.1f} %  ")
    return shown
