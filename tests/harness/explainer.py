"""An engine that answers why a text gets its label by figures that are made up, in the form of the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import run_folders as folders
from emotui.core.data.words import spans
from emotui.core.errors import UserError
from emotui.core.questions import (
    AskAttention,
    AskNeighbours,
    AskWhy,
    AttentionAnswer,
    NearRow,
    NeighboursAnswer,
    ProgressLine,
    Question,
    Rest,
    WhyAnswer,
    WordWeight,
)
from monitor import Classifier, never

SHARES = (0.02, 0.9, 0.04, 0.02, 0.01, 0.01)


class Explainer(Classifier):
    """Weighs each word by its length, against the class where its place is odd; leaving out finds half of it."""

    def __init__(self, *, labels: tuple[str, ...] = folders.LABELS, near: tuple[NearRow, ...] = (), quick: str = "leave_out") -> None:
        super().__init__(labels, {"fine77": SHARES})
        self.near, self.quick = near, quick
        self.questions: list[Any] = []
        self.silent: type[Any] | None = None
        """Questions of this kind get some progress, and no answer."""
        self.refused: dict[type[Any], str] = {}

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if not isinstance(ask, AskWhy | AskAttention | AskNeighbours):
            return await super().ask(ask, on_progress)
        self.questions.append(ask)
        if type(ask) in self.refused:
            raise UserError(self.refused[type(ask)])
        if type(ask) is self.silent:
            if on_progress is not None:
                on_progress(ProgressLine("hidden states of training rows", 1_200, 16_000, "rows"))
            return await never(self.unanswered)
        if isinstance(ask, AskWhy):
            return self._why(ask)
        return self._attention(ask) if isinstance(ask, AskAttention) else NeighboursAnswer(self.near, 16_000, "[CLS]", ask.distance)

    def _why(self, ask: AskWhy) -> WhyAnswer:
        label = ask.label or self.labels[1]
        turn = -1.0 if self.labels.index(label) % 2 == 0 else 1.0
        half = 0.5 if ask.method == "leave_out" else 1.0
        weights = [
            WordWeight(*span, turn * half * (len(ask.text[slice(*span)]) / 4) * (-1 if at % 2 else 1))
            for at, span in enumerate(spans(ask.text))
        ]
        method: Any = self.quick if ask.method == "quick" else ask.method
        rest = (Rest("[CLS]", 0.125 * turn), Rest("[SEP]", 0.0)) if method == "integrated_gradients" else ()
        total = sum(each.weight for each in (*weights, *rest))
        gradients = method in ("integrated_gradients", "exact")
        return WhyAnswer(
            text=ask.text,
            method=method,
            words=tuple(weights),
            score=total + 0.5,
            tokens=len(weights) + 2,
            rest=rest,
            baseline=0.49 if gradients else None,
            steps=32 if method == "integrated_gradients" else 0,
            gap=-0.01 if gradients else None,
            run="fine77",
            rung=ask.rung,
            label=label,
            probabilities=dict(zip(self.labels, SHARES, strict=True)),
        )

    def _attention(self, ask: AskAttention) -> AttentionAnswer:
        tokens = ("[CLS]", *(ask.text[slice(*span)] for span in spans(ask.text)), "[SEP]")
        weights = np.exp(-0.3 * ask.layer * (np.arange(len(tokens))[:, None] - np.arange(len(tokens))[None] + 1.5 - ask.head) ** 2)
        weights /= weights.sum(1, keepdims=True)
        return AttentionAnswer(tokens, 6, 12, ask.layer, ask.head, weights.astype("<f2").tobytes(), full_length=len(tokens))
