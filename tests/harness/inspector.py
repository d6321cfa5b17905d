"""An engine within the test: real tokens of a tiny model, and a way through it that is written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.model import tokens
from emotui.core.questions import (
    AskBatch,
    AskDoctor,
    AskLengths,
    AskPath,
    AskTokens,
    DoctorAnswer,
    Layer,
    LengthsAnswer,
    PathAnswer,
    ProgressLine,
    Question,
)
from monitor import never
from textual.worker import Worker


class Inspector:
    """Answers what the data and token screens ask; `error` is answered instead where it is given."""

    def __init__(self, model: Path, *, error: str = "", silent: bool = False, limit: int = 48) -> None:
        self.model, self.error, self.silent, self.limit = str(model), error, silent, limit
        self.asked: list[Question] = []
        self.closed = False
        self.unanswered: set[Worker[Any]] = set()

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        self.asked.append(ask)
        if self.silent:
            return await never(self.unanswered)
        if self.error:
            raise UserError(self.error)
        match ask:
            case AskTokens():
                return msgspec.structs.replace(tokens.describe(msgspec.structs.replace(ask, model=self.model)), seconds=0.0)
            case AskBatch():
                return tokens.pad(msgspec.structs.replace(ask, model=self.model))
            case AskPath():
                return self.path(ask)
            case AskDoctor():
                return DoctorAnswer({}, ({"device": "cpu", "train": "float32", "baseline": "bf16"},), 2, "")
            case AskLengths():
                data = sources.load(ask.data)
                counts = {name: tuple(len(text.split()) + 2 for text in split.texts()) for name, split in data.splits.items()}
                return LengthsAnswer(self.limit, counts)
        raise AssertionError(f"the screen asked {ask}")

    def path(self, ask: AskPath) -> PathAnswer:
        seen = tokens.describe(AskTokens(text=ask.text, model=self.model)).subwords.tokens
        count = len(seen)
        norms = tuple(tuple(float(stage + index) for index in range(count)) for stage in (3, 4, 5))
        layers = (
            Layer("ids", (1, count)),
            Layer("one-hot", (1, count, 150)),
            Layer("embeddings", (1, count, 32), 3.5),
            Layer("layer 1", (1, count, 32), 4.5),
            Layer("layer 2", (1, count, 32), 5.5),
            Layer("[CLS]", (32,), 5.0),
        )
        return PathAnswer(seen, layers, norms, (0.5, -0.25), architecture="DistilBertModel", parameters=20_000)

    async def close(self) -> None:
        self.closed = True
