"""Why a text gets its label, asked as the screen asks: over the engine's lines, of a real ladder on the tiny model."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from emotui.core.engine import server
from emotui.core.questions import ANSWERS, AskAttention, AskNeighbours, AskWhy, ReplyLine, RequestLine
from emotui.core.runs.explained import gap_of, weights_of
from emotui.core.runs.folder import RunFolder
from emotui.tui.screens.choose_run import RunRef
from emotui.tui.screens.why.explanation import Explanation, Question, Subject

TEXT = "we danced all day and he lied, today"


def answered(questions: Sequence[Question]) -> list[Any]:
    """Return the answers to questions that go through the engine's lines, in both ways as JSON."""
    lines = b"".join(msgspec.json.encode(RequestLine(number, ask)) + b"\n" for number, ask in enumerate(questions, 1))
    replies = io.BytesIO()
    served = server._Server(replies, None)
    served.read(io.BytesIO(lines))
    served.finish()
    served.work()
    found: dict[int, Any] = {}
    for line in replies.getvalue().splitlines():
        reply = msgspec.json.decode(line, type=ReplyLine)
        assert reply.error is None, reply.error
        if reply.progress is None and reply.begun is None:
            found[reply.id] = msgspec.json.decode(reply.answer, type=ANSWERS[type(questions[reply.id - 1])])
    return [found[number] for number in range(1, len(questions) + 1)]


@pytest.fixture
def run(ladder_run: RunFolder) -> RunFolder:
    return ladder_run


@pytest.mark.slow
def test_what_the_page_asks_the_engine_answers(run: RunFolder) -> None:
    of = Explanation(Subject(TEXT, RunRef(str(run.path), "cls")))
    asked: list[Question] = []
    for view in ("attention", "neighbours"):
        while (question := of.next_question(view)) is not None:
            asked.append(question)
            of.add(answered([question])[0])
    assert [getattr(each, "method", type(each).__name__) for each in asked] == [
        "quick",
        "AskAttention",
        "AskAttention",
        "integrated_gradients",
        "AskNeighbours",
    ]
    assert of.labels == run.read_spec().labels and of.ways == ("integrated_gradients", "leave_out")
    first, second = of.shown
    assert first is not None and second is not None and [each.start for each in first.words] == [each.start for each in second.words]
    gap = gap_of(first)
    assert gap is not None and sum(each.weight for each in (*first.words, *first.rest)) == pytest.approx(gap.whole + gap.gap, abs=1e-6)
    assert of.attention is not None and of.attention.layer == of.attention.layers == 2
    assert weights_of(of.attention).sum(1) == pytest.approx(np.ones(len(of.attention.tokens)), abs=5e-3)
    assert of.near is not None and len(of.near.rows) == 20 and of.near.searched == 90
    exact = Explanation(Subject(TEXT, RunRef(str(run.path), "tfidf")))
    exact.add(answered([AskWhy(run=str(run.path), rung="tfidf", text=TEXT)])[0])
    assert exact.ways == ("exact",) and exact.next_question("words") is None
    assert isinstance(exact.next_question("attention"), AskAttention) and isinstance(exact.next_question("neighbours"), AskNeighbours)


@pytest.mark.slow
def test_a_fine_tuned_run_is_explained_without_scikit_learn() -> None:
    code = "import sys, emotui.core.model.attribution; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
