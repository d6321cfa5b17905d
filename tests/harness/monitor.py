"""The real application over run folders and an engine that the test writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import frames
from emotui.core.errors import UserError
from emotui.core.questions import AskClassify, AskEstimate, ClassifyAnswer, EstimateAnswer, Prediction, ProgressLine, Question
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.run_watch import RunWatch
from run_folders import STARTED
from textual.app import App
from textual.pilot import Pilot
from textual.worker import Worker, WorkerCancelled, WorkerFailed, get_current_worker

TIMEOUT = 60.0
"""Seconds in which what is waited for must happen, on a machine that does other things too."""


async def never(unanswered: set[Worker[Any]]) -> None:
    """Give no answer, and note who waits for it."""
    unanswered.add(get_current_worker())
    await asyncio.Event().wait()


class Classifier:
    """An engine that answers every sentence by what its run's id begins with, and remembers the questions."""

    def __init__(
        self, labels: tuple[str, ...], probabilities: dict[str, tuple[float, ...]], *, truncated: bool = False, error: str = ""
    ) -> None:
        self.labels, self.probabilities, self.truncated, self.error = labels, probabilities, truncated, error
        self.of_text: dict[str, tuple[float, ...]] = {}
        """What every run says of a text, where that is another than of all others."""
        self.asked: list[AskClassify] = []
        self.measured: list[AskEstimate] = []
        self.loaded: list[str] = []
        """Runs whose model was asked for without a sentence."""
        self.unanswered: set[Worker[Any]] = set()

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if isinstance(ask, AskEstimate):
            self.measured.append(ask)
            return EstimateAnswer(3.0, 20.0, 5, "steps")
        if not isinstance(ask, AskClassify):
            return await never(self.unanswered)
        if not ask.texts:
            self.loaded.append(ask.run.rpartition("/")[2])
            return ClassifyAnswer(ask.run, (), 0.0)
        self.asked.append(ask)
        if self.error:
            raise UserError(self.error)
        run = ask.run.rpartition("/")[2]
        return ClassifyAnswer(ask.run, tuple(self._said(run, text) for text in ask.texts), 0.014, ask.rung)

    def _said(self, run: str, text: str) -> Prediction:
        even = tuple(1 / len(self.labels) for _ in self.labels)
        shares = self.of_text.get(text) or self.probabilities.get(run, even)
        best = self.labels[shares.index(max(shares))]
        tokens = 512 if self.truncated else len(text.split()) + 2
        return Prediction(text, best, dict(zip(self.labels, shares, strict=True)), tokens, self.truncated)

    async def close(self) -> None: ...


_ASKING = ("action_new", "action_kill")
"""Workers that wait for the user."""


@asynccontextmanager
async def application(
    engine: object, key: str, *, size: tuple[int, int] = (120, 36), spec: DataSpec | None = None
) -> AsyncIterator[tuple[EmotuiApp, Pilot[int]]]:
    """Run the application until the screen behind `key` is there and shows the runs of EMOTUI_HOME."""
    app = EmotuiApp(engine=engine, runs=RunWatch(), spec=spec, clock=lambda: STARTED + 170)
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await settle(pilot)
        yield app, pilot
        frames.draw(app)


async def settle(pilot: Pilot[int]) -> None:
    """Wait until the work of the screen in front is done, threads included, and the data set is read.

    Raises AssertionError with the names of what is still going on after TIMEOUT seconds.
    """
    deadline, calm = time.monotonic() + TIMEOUT, 0
    while calm < 3:
        await pilot.pause()
        going = _going_on(pilot.app)
        calm = 0 if going else calm + 1
        if going:
            names = [worker.name for worker in going]
            assert time.monotonic() < deadline, f"still going on after {TIMEOUT:.0f} s: {', '.join(names)}"
            await asyncio.wait([asyncio.ensure_future(_finish(worker)) for worker in going], timeout=0.05)
    frames.draw_first(pilot.app)


def _going_on(app: App[int]) -> list[Worker[Any]]:
    unanswered = getattr(getattr(getattr(app, "state", None), "engine", None), "unanswered", ())
    return [
        worker
        for worker in app.workers
        if not worker.is_finished
        and worker.name not in _ASKING
        and worker not in unanswered
        and (worker.group == "dataset" or (worker.node is not app and worker.node.screen is app.screen))
    ]


async def _finish(worker: Worker[Any]) -> None:
    try:
        await worker.wait()
    except (WorkerCancelled, WorkerFailed):
        return


async def until(pilot: Pilot[int], condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds; AssertionError after TIMEOUT seconds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"waited {TIMEOUT:.0f} s for {what} in vain"
        await pilot.pause(0.02)
