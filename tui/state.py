"""What screens get from the application: facts and services."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.app import App
from textual.dom import DOMNode

from ..core.errors import UserError
from ..core.questions import AskClassify, AskDoctor, AskPath, ProgressLine, Question
from ..core.runs.state import RunView
from ..core.safe_text import safe_text
from .data_sets import DataSets
from .decisions import Decisions
from .facts import Facts
from .places import Places

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ..core.data.table import Dataset


class Asker(Protocol):
    """The interface of the engine for screens: core.engine.client.Engine, or a fake in tests."""

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        """Return the answer that questions.ANSWERS names, or None if a newer question superseded it. Raises UserError."""

    async def close(self) -> None: ...


class RunSource(Protocol):
    """The interface of the runs on disk for screens: run_watch.RunWatch, or a fake in tests."""

    def follow(self, run: str) -> None: ...

    def poll(self) -> tuple[RunView, ...] | None: ...


class State(Facts):
    """The facts, the engine, the runs on disk, the data sets, the decisions about rows and the ways to other screens."""

    def __init__(
        self,
        app: App[int],
        *,
        engine: Asker,
        runs: RunSource | None = None,
        read: Callable[..., Dataset] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the state with an engine, a source of runs, a function like data.sources.load, and a clock in seconds since the epoch."""
        super().__init__()
        self.application = app
        self.engine = engine
        self.run_source = runs
        self.clock = clock
        self.data = DataSets(app, self, self.ask, read)
        self.places = Places(app)
        self.decisions = Decisions(self)
        self._examining: asyncio.Task[None] | None = None

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        """Ask the engine and return its answer; None if a newer question of the same topic superseded this one. Raises UserError."""
        answer = await self.engine.ask(ask, on_progress)
        if isinstance(ask, AskPath | AskClassify) and self.machine is None and self._examining is None:
            # By now the engine has loaded what it needs to list its devices.
            self._examining = asyncio.create_task(self._examine())
        return answer

    async def _examine(self) -> None:
        with contextlib.suppress(UserError):  # the frame goes on showing what is known without the engine
            self.machine = await self.engine.ask(AskDoctor())

    async def close(self) -> None:
        """End the engine."""
        if self._examining is not None:
            self._examining.cancel()
        await self.engine.close()

    def follow(self, run: str) -> None:
        """Include the curves of the run with this id in `runs` from the next poll on."""
        if self.run_source is not None:
            self.run_source.follow(run)
            self.poll_runs()

    def poll_runs(self) -> None:
        """Read changes of the runs; `runs` changes if there are any."""
        views = self.run_source.poll() if self.run_source is not None else None
        if views is not None:
            self.runs = views
            self.tick_runs()

    def notify(self, message: str, *, problem: bool = False) -> None:
        """Show a sentence in the corner for some seconds; it may contain text from outside."""
        self.application.notify(safe_text(message), severity="error" if problem else "information", markup=False)

    @property
    def dark(self) -> bool:
        """Whether the theme is dark; class colours depend on it."""
        return self.application.current_theme.dark


class HasState(Protocol):
    """The interface of the application for screens."""

    state: State


def state_of(node: DOMNode) -> State:
    """Return the state of the application that a screen or a widget is in."""
    return cast(HasState, node.app).state
