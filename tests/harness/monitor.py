"""The real application over run folders and an engine that the test writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from emotui.core.engine.protocol import AskClassify, AskEstimate, ClassifyAnswer, EstimateAnswer, Prediction, ProgressLine, Question
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.run_watch import RunWatch
from run_folders import STARTED
from textual.pilot import Pilot


class Classifier:
    """An engine that answers every sentence by what its run's id begins with, and remembers the questions."""

    def __init__(
        self, labels: tuple[str, ...], probabilities: dict[str, tuple[float, ...]], *, truncated: bool = False, error: str = ""
    ) -> None:
        self.labels, self.probabilities, self.truncated, self.error = labels, probabilities, truncated, error
        self.asked: list[AskClassify] = []
        self.measured: list[AskEstimate] = []
        self.loaded: list[str] = []
        """Runs whose model was asked for without a sentence."""

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        if isinstance(ask, AskEstimate):
            self.measured.append(ask)
            return EstimateAnswer(3.0, 20.0, 5, "steps")
        if not isinstance(ask, AskClassify):
            return await asyncio.Event().wait()
        if not ask.texts:
            self.loaded.append(ask.run.rpartition("/")[2])
            return ClassifyAnswer(ask.run, (), 0.0)
        self.asked.append(ask)
        if self.error:
            raise UserError(self.error)
        run = ask.run.rpartition("/")[2]
        shares = self.probabilities.get(run, tuple(1 / len(self.labels) for _ in self.labels))
        best = self.labels[shares.index(max(shares))]
        text = ask.texts[0]
        tokens = 512 if self.truncated else len(text.split()) + 2
        prediction = Prediction(text, best, dict(zip(self.labels, shares, strict=True)), tokens, self.truncated)
        return ClassifyAnswer(ask.run, (prediction,), 0.014)

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


async def settle(pilot: Pilot[int]) -> None:
    """Wait until the work of the screen in front is done, threads included, and the data set is read."""
    for _ in range(3):
        await pilot.pause()
        app = pilot.app
        going = [worker for worker in app.workers if not worker.is_finished and worker.name not in _ASKING]
        mine = [worker for worker in going if worker.name == "_load" or (worker.node is not app and worker.node.screen is app.screen)]
        if mine:
            await asyncio.wait([asyncio.ensure_future(_finish(worker)) for worker in mine], timeout=5)
    await pilot.pause()


async def _finish(worker: Any) -> None:
    from textual.worker import WorkerCancelled, WorkerFailed

    try:
        await worker.wait()
    except (WorkerCancelled, WorkerFailed):
        return
