"""Probabilities of all labels as bars, for one or several models side by side."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.widget import Widget

from ...core.safe_text import cell_width, pad, safe_line
from .bars import bar
from .label_look import LabelLook


@dataclass(frozen=True, slots=True)
class Guess:
    """One model's prediction for a text."""

    title: str
    probabilities: tuple[float, ...] = ()
    """Probabilities in the order of the labels; empty if there is no answer, and `note` says why."""
    looks: tuple[LabelLook, ...] = ()
    note: str = ""
    """Shown beside the title: the time taken, or 'loading'."""
    stale: bool = False
    """Whether the prediction is for an older text and a new one is pending."""
    error: str = ""


class LabelBars(Widget):
    """Shows guesses side by side, one row per label in label order; if they do not fit, only the most probable labels."""

    DEFAULT_CSS = """
    LabelBars { height: auto; min-height: 3; padding: 0 1; }
    LabelBars > .label-bars--title { color: $text; text-style: bold; }
    LabelBars > .label-bars--note { color: $foreground 60%; }
    LabelBars > .label-bars--error { color: $error; }
    """
    COMPONENT_CLASSES = {"label-bars--title", "label-bars--note", "label-bars--error"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._guesses: tuple[Guess, ...] = ()

    @property
    def guesses(self) -> tuple[Guess, ...]:
        return self._guesses

    def show(self, guesses: tuple[Guess, ...]) -> None:
        if guesses != self._guesses:
            grown = self._rows(guesses) != self._rows(self._guesses)
            self._guesses = guesses
            self.refresh(layout=grown)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 - Textual's own signature
        return 2 + self._rows(self._guesses)

    @staticmethod
    def _rows(guesses: tuple[Guess, ...]) -> int:
        return max((len(guess.looks) for guess in guesses), default=1)

    def render(self) -> Text:
        width, height = self.content_size
        if not self._guesses or width < 16:
            return Text()
        per = max(24, width // len(self._guesses))
        shown = self._guesses[: max(1, width // per)]
        blocks = [self._block(guess, min(per, width) - 2, max(3, height)) for guess in shown]
        lines: list[Text] = []
        for row in range(max(len(block) for block in blocks)):
            line = Text(no_wrap=True)
            for block in blocks:
                part = block[row] if row < len(block) else Text()
                line.append_text(part).append(" " * (min(per, width) - part.cell_len))
            lines.append(line)
        return Text("\n").join(lines)

    def _block(self, guess: Guess, width: int, height: int) -> list[Text]:
        note = safe_line(guess.note, max(0, width - 8))
        title = pad(safe_line(guess.title), max(1, width - cell_width(note) - 1))
        style = {name: self.get_component_rich_style(f"label-bars--{name}", partial=True) for name in ("title", "note", "error")}
        lines = [Text.assemble((title, style["title"]), " ", (note, style["note"])), Text()]
        if guess.error:
            words = Text(safe_line(guess.error), style["error"])
            return [*lines[:1], *words.wrap(self.app.console, width)[: height - 1]]
        if not guess.probabilities:
            return lines
        named = min(max(cell_width(safe_line(look.name)) + look.id_cells for look in guess.looks) + 2, 20, width // 2)
        room = max(1, width - named - 9)
        order = list(range(len(guess.looks)))
        best = max(order, key=lambda index: guess.probabilities[index])
        if len(order) > height - 2:
            order = sorted(order, key=lambda index: -guess.probabilities[index])[: height - 2]
        for index in order:
            look, probability = guess.looks[index], guess.probabilities[index]
            weight = "bold" if index == best else ""
            faded = "dim" if guess.stale else ""
            lines.append(
                Text.assemble(
                    look.text(named, style=weight, numbered=True),
                    " ",
                    (bar(probability, room), f"{look.color} {faded}".strip()),
                    (f"{100 * probability:5.1f} %".rjust(8), f"{weight} {faded}".strip()),
                    no_wrap=True,
                )
            )
        return lines
