"""The answers that explain a prediction, and the next question to ask. It knows no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ....core.questions import AskAttention, AskNeighbours, AskWhy, AttentionAnswer, NeighboursAnswer, WhyAnswer, WhyMethod
from ..choose_run import RunRef

if TYPE_CHECKING:  # NumPy and Arrow are imported after the first paint
    from ....core.runs.cell_words import CellWords
    from ....core.runs.examined import Examined

View = Literal["words", "attention", "neighbours", "cell"]
Question = AskWhy | AskAttention | AskNeighbours
Answer = WhyAnswer | AttentionAnswer | NeighboursAnswer
NEAREST = 20
"""The number of nearest training rows to ask for."""


@dataclass(frozen=True)
class Cell:
    """The cell of the confusion matrix that the text is from."""

    found: Examined
    true: int
    predicted: int

    @property
    def names(self) -> tuple[str, str]:
        labels = self.found.judged.labels
        return labels[self.true], labels[self.predicted]


@dataclass(frozen=True)
class Subject:
    """A text, the run that classifies it, and where the text is from."""

    text: str
    ref: RunRef
    true: str = ""
    """The true label of the text; '' if it has none."""
    place: str = ""
    """Where the text is from, such as 'row 7 of validation'."""
    cell: Cell | None = None


class Explanation:
    """The answers about one text by one run that have arrived so far."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.label = ""
        """The explained class; '' until the first answer names the most probable one."""
        self.labels: tuple[str, ...] = ()
        self.layer, self.head = 0, 0
        """Layer 0 means the last one, whose number is unknown before the first answer; head 0 means the mean of all."""
        self.near: NeighboursAnswer | None = None
        self.cell_words: CellWords | None = None
        self.faults: dict[str, str] = {}
        """Why there is no answer, by its kind: a method of word weights with its class, 'attention', or 'neighbours'."""
        self._weights: dict[str, dict[str, WhyAnswer]] = {}
        """Answers with word weights by class and method."""
        self._attention: dict[tuple[int, int], AttentionAnswer] = {}

    # --- what is known ----------------------------------------------------------------------------------------

    @property
    def views(self) -> tuple[View, ...]:
        """The available views."""
        return ("words", "attention", "neighbours", *(("cell",) if self.subject.cell is not None else ()))

    @property
    def ways(self) -> tuple[WhyMethod | Literal["gradient_x_input", "exact"], ...]:
        """The methods of word weights shown side by side; the first may be a rough one until a better one has arrived."""
        of = self._weights.get(self.label, {})
        if "exact" in of:
            return ("exact",)
        rough = "gradient_x_input" in of and "integrated_gradients" not in of
        return ("gradient_x_input" if rough else "integrated_gradients", "leave_out")

    def weights(self, way: str) -> WhyAnswer | None:
        return self._weights.get(self.label, {}).get(way)

    @property
    def shown(self) -> tuple[WhyAnswer | None, ...]:
        """The answer of each of `ways`; None if it has not arrived."""
        return tuple(self.weights(way) for way in self.ways)

    @property
    def first(self) -> WhyAnswer | None:
        """The answer whose weights are shown below the words of the text."""
        return next((each for each in self.shown if each is not None), None)

    @property
    def words_fault(self) -> str:
        """Why words cannot be weighed; '' if they are, or may be."""
        return self.faults.get(f"quick {self.label}", "")

    @property
    def attention(self) -> AttentionAnswer | None:
        return self._attention.get((self.layer, self.head))

    # --- what is asked ----------------------------------------------------------------------------------------

    def next_question(self, view: View) -> Question | None:
        """Return the next question while `view` is shown; None if everything is known.

        The fastest comes first: leaving words out of a short text. Training rows are asked for only if they are shown, because
        their hidden states may have to be computed.
        """
        subject, of = self.subject, self._weights.get(self.label, {})
        run, rung, text = *subject.ref, subject.text
        if not of and not self.words_fault:
            return AskWhy(run=run, rung=rung, text=text, label=self.label)
        if view == "attention" and self.attention is None and "attention" not in self.faults:
            return AskAttention(run=run, rung=rung, text=text, layer=max(1, self.layer), head=self.head)
        is_exact = "exact" in of or not of
        if not is_exact and self._lacks("integrated_gradients"):
            return AskWhy(run=run, rung=rung, text=text, label=self.label, method="integrated_gradients")
        if view == "neighbours" and self.near is None and "neighbours" not in self.faults:
            return AskNeighbours(run=run, rung=rung, text=text, rows=NEAREST)
        if not is_exact and self._lacks("leave_out"):
            return AskWhy(run=run, rung=rung, text=text, label=self.label, method="leave_out")
        return None

    def _lacks(self, way: str) -> bool:
        return self.weights(way) is None and f"{way} {self.label}" not in self.faults

    def add(self, answer: Answer) -> None:
        """Add an answer of the engine."""
        if isinstance(answer, NeighboursAnswer):
            self.near = answer
        elif isinstance(answer, AttentionAnswer):
            if not self.layer and answer.layer != answer.layers:
                self._attention[answer.layer, answer.head] = answer
                self.layer = answer.layers  # the answer was computed from the last layer, so ask for that one
                return
            self.layer = self.layer or answer.layer
            self._attention[answer.layer, answer.head] = answer
        else:
            self.labels = tuple(answer.probabilities)
            self.label = self.label or answer.label
            self._weights.setdefault(answer.label, {})[answer.method] = answer

    def refuse(self, question: Question, why: str) -> None:
        """Record why a question has no answer."""
        match question:
            case AskAttention():
                self.faults["attention"] = why
            case AskNeighbours():
                self.faults["neighbours"] = why
            case AskWhy():
                self.faults[f"{question.method} {question.label}"] = why

    # --- what is looked at ------------------------------------------------------------------------------------

    def turn_class(self, by: int) -> None:
        if self.labels:
            self.label = self.labels[(self.labels.index(self.label) + by) % len(self.labels)]

    def turn_layer(self, by: int) -> None:
        if (shown := self._any_attention) is not None:
            self.layer = (self.layer - 1 + by) % shown.layers + 1

    def turn_head(self, by: int) -> None:
        """Switch to another head; 0, the mean of all, precedes the first."""
        if (shown := self._any_attention) is not None:
            self.head = (self.head + by) % (shown.heads + 1)

    @property
    def _any_attention(self) -> AttentionAnswer | None:
        return next(iter(self._attention.values()), None)


def command(of: Explanation, quoted: Sequence[str]) -> str:
    """Return the command line that prints the same; `quoted` are the run, the text and the class, quoted for a shell."""
    run, text, label = quoted
    return f"emotui why {run} {text}" + (f" --class {label}" if of.label else "")
