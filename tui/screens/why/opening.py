"""Opens the page from other screens."""

from __future__ import annotations

from collections.abc import Callable

from ...state import State
from .explanation import Subject


def explain(state: State, subject: Subject | None, *, otherwise: str, take_word: Callable[[str], None] | None = None) -> None:
    """Explain the prediction of a run for a text; without a subject, show the sentence `otherwise`.

    `take_word` is called with a word of the cell's rows when the rows that contain it are asked for.
    """
    from .screen import WhyPage

    if subject is None or not subject.text.strip():
        state.notify(otherwise, problem=True)
    else:
        state.application.push_screen(WhyPage(subject), lambda word: take_word(word) if word and take_word is not None else None)
