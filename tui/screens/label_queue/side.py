"""The side of the label queue: labels by class, F1 over the number of labels, and how the queue is ordered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rich.text import Text

from ....core.questions import QueueAnswer, QueueOrder
from ....core.safe_text import safe_line, safe_text
from ....core.units import count
from ...theme import class_color
from ...widgets.chart import Chart, Series
from ...widgets.class_bars import class_lines

if TYPE_CHECKING:
    from ....core.data.labelling import Labelling
    from ...widgets.label_look import LabelLook

ORDERS: tuple[QueueOrder, ...] = ("informative", "uncertain", "different", "disagreement")
_MEANING = {
    "informative": "texts that tell most about all others, then uncertain ones, for each class in turn",
    "uncertain": "the two most probable classes are nearly as probable",
    "different": "farthest from all that has a label (k-centre)",
    "disagreement": "the newest runs with these labels differ most",
}


@dataclass(slots=True)
class Standing:
    """How the queue is ordered, and what is known about the labels so far."""

    by: QueueOrder = "informative"
    example: str = ""
    """The text to which similar ones come first; '' for none."""
    doing: str = ""
    """What is being computed; '' for nothing."""
    failed: str = ""
    """Why a computation failed; '' if none did."""
    begun: bool = False
    """Whether the user has seen the current text, which then stays current."""
    by_names: bool = False
    f1: float | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float | None = None
    of: int = 0
    """Rows with hidden states if the file has too many; 0 for all."""

    def update(self, answer: QueueAnswer) -> None:
        """Store the results of the regression."""
        known = dict(self.curve) | dict(answer.curve)
        self.curve = sorted(known.items())
        self.by_names, self.f1, self.seconds = answer.by_names, answer.f1_macro, answer.seconds


def counts(given: Labelling, looks: tuple[LabelLook, ...], width: int) -> Text:
    """Return the number of labelled rows of each class, as bars of at most `width` cells."""
    import numpy as np

    labels = given.labels[given.labelled]
    per_class = np.bincount(labels, minlength=len(looks)).tolist() if len(labels) else [0] * len(looks)
    plain = [replace(look, id=None) for look in looks]  # the key of a class is not its id
    return class_lines(tuple(zip(plain, per_class, strict=True)), max(20, width))


def curve(points: tuple[tuple[int, float], ...]) -> Chart:
    """Return a chart of the cross-validated F1 over the number of labels."""
    x, y = tuple(float(labels) for labels, _ in points), tuple(f1 for _, f1 in points)
    series = (Series("macro-F1", x, y, class_color(0), "●" if len(points) < 12 else ""),) if points else ()
    return Chart("macro-F1, 5 folds", series, x_name="labels", bounds=(0.0, 1.0), empty="from 10 labels of two classes on")


def how(standing: Standing, labelled: int, ordered_with: int, step: int, is_ready: bool) -> Text:
    """Return lines on how the rows are ordered, and on what is being computed."""
    text = Text()
    if standing.doing:
        text.append(f"{safe_line(standing.doing, 60)}…", "bold").append("  c: cancel\n", "dim")
    if standing.failed:
        text.append(f"{safe_text(standing.failed)}\n", "bold")
    if standing.example:
        text.append("nearest to ").append(f"'{safe_line(standing.example, 60)}'", "bold").append("\no: back to the order before\n", "dim")
    elif standing.by == "disagreement":  # it needs neither hidden states nor labels
        text.append(standing.by, "bold").append(f": {_MEANING[standing.by]}\n", "dim")
    elif not is_ready:
        text.append("random").append(", until the hidden states are there\n", "dim")
    elif standing.by_names:
        text.append("label names").append(": texts like each name in turn, until each class has two labels or so\n", "dim")
    else:
        text.append(standing.by, "bold").append(f": {_MEANING[standing.by]}\n", "dim")
    if standing.f1 is not None:
        text.append(f"macro-F1 {standing.f1:.4f}", "bold").append(f" with {count(ordered_with, 'label')}", "dim")
        text.append(", cross-validated on the queue's own texts", "dim")
        text.append(f", fitted in {standing.seconds:.1f} s\n" if standing.seconds is not None else "\n", "dim")
    if is_ready:
        text.append(f"ordered anew in {max(0, step - (labelled - ordered_with))} labels   o: order   /: texts like an example", "dim")
    if standing.of:
        text.append(f"\n{standing.of:,} of the texts were drawn at random for the queue", "dim")
    return text
