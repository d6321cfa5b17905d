"""Texts of the label queue about the current row. It knows no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ....core.safe_text import safe_line, safe_text
from ....core.units import count
from ...widgets.label_look import LabelLook
from ...widgets.queue_list import QueueLine

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.labelling import Labelling

_SHOWN = 4_000
"""Characters of a text that are shown, at most."""


def line(given: Labelling, row: int, looks: tuple[LabelLook, ...]) -> QueueLine:
    """Return a row as a line of the list."""
    label = int(given.labels[row])
    return QueueLine(given.texts[row], looks[label] if label >= 0 else None, dropped=label < -1)


def nothing_left(given: Labelling) -> Text:
    """Return the text shown at the end of the queue."""
    rest = len(given.open)
    left = f"{count(rest, 'text')} passed over still without a label: k goes back to them" if rest else "every text has a label"
    return Text(f"{left}. esc opens the data set.", "dim")


def title(given: Labelling, row: int, looks: tuple[LabelLook, ...], suggested: tuple[str, float, str] | None) -> Text:
    """Return a row's number with its label, or with the suggested one."""
    said, label = Text(f"row {given.number(row):,}"), int(given.labels[row])
    if label >= 0:
        said.append(": ").append_text(Text(f"{looks[label].glyph} {safe_line(looks[label].name, 24)}", looks[label].color))
    elif label < -1:
        said.append(": left out")
    elif suggested is not None:
        said.append(f": {safe_line(suggested[0], 24)}? {100 * suggested[1]:.0f} % (0: yes)")
    return said


def body(text: str) -> Text:
    """Return the shown part of a text."""
    shown = Text(safe_text(text[:_SHOWN]).expandtabs(4), "bold")
    return shown.append(f"\n… and {len(text) - _SHOWN:,} more characters", "dim") if len(text) > _SHOWN else shown


def head(given: Labelling, model: str) -> Text:
    """Return the top line: the file, how many of its texts are labelled, and the model."""
    said = Text.assemble((" label ", "bold reverse"), f" {safe_line(given.source.name, 40)}  ", no_wrap=True)
    return said.append(f"{len(given.labelled):,} of {count(len(given.texts), 'text')} labelled  model {safe_line(model, 40)}", "dim")
