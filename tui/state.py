"""What the application knows, and how its screens learn of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import msgspec
from textual import work
from textual.app import App
from textual.reactive import var

from ..core.errors import UserError
from ..core.questions import AskClassify, AskDoctor, AskDownload, AskPath, DoctorAnswer, ProgressLine, Question
from ..core.runs.state import RunView
from ..core.safe_text import safe_text
from ..core.sentences import Words
from ..core.specs import DataSpec
from .decisions import Decisions

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ..core.data.table import Dataset

Part = Literal["data", "tokens", "baseline", "fine-tune", "classify", "errors"]
PARTS: tuple[Part, ...] = get_args(Part)
"""The parts of the path, in order."""


class Asker(Protocol):
    """The engine as the screens see it; core.engine.client.Engine, or a fake in tests."""

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        """Return the answer that questions.ANSWERS names, or None where a newer question superseded it. Raises UserError."""

    async def close(self) -> None: ...


class RunSource(Protocol):
    """The runs on disk as the screens see them; run_watch.RunWatch, or a fake in tests."""

    def follow(self, run: str) -> None: ...

    def poll(self) -> tuple[RunView, ...] | None: ...


@runtime_checkable
class LooksAtRun(Protocol):
    """A screen that shows one run."""

    def look_at_run(self, folder: str, rung: str, cell: tuple[int, int] | None) -> None:
        """Show a run, by its folder, or a rung of it ('': the best), and with a `cell` of its confusion matrix the rows in it."""
        ...


@runtime_checkable
class TakesText(Protocol):
    """A screen that a text can be sent to."""

    def receive_text(self, text: str) -> None: ...


class Loading(NamedTuple):
    """How far something has come that is being loaded."""

    phase: str
    done: int = 0
    total: int | None = None


class AppState(App[int]):
    """The part of the application that screens may use: facts as reactives, and requests as methods.

    The facts are `var`s: to set a `reactive` of an application draws its whole screen anew.

    Screens derive from `page.Page`, which calls their `show_…` methods when one of these facts changes.
    """

    spec: var[DataSpec | None] = var(None)
    """The data set that is open or being opened."""
    dataset: var[Dataset | None] = var(None, always_update=True)
    """The open data set; the last one stays until another is read."""
    distrust: var[tuple[str, ...]] = var(())
    """Why results on the open data set cannot be trusted, in sentences; empty where they can, or where that is not known yet."""
    loading: var[Loading | None] = var(None)
    """How far the reading of the data set is; None: nothing is being read."""
    data_error: var[Words] = var("")
    """Why the data set could not be read, as a sentence."""
    model: var[str] = var("starter")
    """The checkpoint that tokens, baselines and fine-tuning start from: 'starter', a folder or an id."""
    machine: var[DoctorAnswer | None] = var(None)
    """Devices as the engine sees them; None until it was asked."""
    runs: var[tuple[RunView, ...]] = var((), always_update=True)
    """Every run, newest first. Curves and events are there for runs that are alive or followed."""
    done: var[frozenset[Part]] = var(frozenset())
    """Parts of the path that are done."""

    def __init__(
        self,
        *,
        engine: Asker,
        runs: RunSource | None = None,
        read: Callable[..., Dataset] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the state over an engine, the runs, a function like data.sources.load and a wall clock in seconds."""
        super().__init__()
        self.engine = engine
        self.run_source = runs
        self.clock = clock
        self.companions: tuple[str, ...] = ()
        """Texts that stand beside the one that was sent last: the rows after it."""
        self.decisions = Decisions(self)
        """What makes decisions about rows."""
        self._read = read
        self._examining: asyncio.Task[None] | None = None

    # --- requests ---------------------------------------------------------------------------------------

    def open_dataset(self, spec: DataSpec) -> None:
        """Read a data set in the background: `loading` changes, then `dataset`, or `data_error`."""
        self.spec = spec
        self.data_error = ""
        self.loading = Loading("read")
        self._load(spec)

    def take_dataset(self, spec: DataSpec, dataset: Dataset) -> None:
        """Make `dataset`, which was read from `spec`, the open one."""
        self.workers.cancel_group(self, "dataset")
        self._take(spec, dataset)

    def _take(self, spec: DataSpec, dataset: Dataset) -> None:
        self.loading, self.data_error = None, ""
        reading, overlay = (dataset.spec.reading, dataset.spec.overlay) if dataset.spec else (spec.reading, spec.overlay)
        self.spec = msgspec.structs.replace(spec, source=dataset.source, reading=reading, overlay=overlay)
        self.distrust = ()
        was, self.dataset = self.dataset, dataset
        if was is not None and (was.source, was.labels) != (dataset.source, dataset.labels):
            self.done = frozenset()  # its path is another one
        self.mark_done("data")
        self._tick_runs()

    def relay(self, dataset: Dataset) -> None:
        """Show the open data set with other decisions about its rows."""
        if self.spec is not None and dataset.spec is not None:
            self.spec = msgspec.structs.replace(self.spec, overlay=dataset.spec.overlay)
        self.dataset = dataset

    @work(exclusive=True, group="dataset")
    async def _load(self, spec: DataSpec) -> None:
        def report(loading: Loading) -> None:
            self.loading = loading

        try:
            dataset = await self.read_dataset(spec, report)
        except UserError as error:
            self.loading = None
            self.data_error = error.sentence
        else:
            self._take(spec, dataset)

    async def read_dataset(self, spec: DataSpec, report: Callable[[Loading], None]) -> Dataset:
        """Return the data set, downloaded by the engine where it must be; nothing else changes. Raises UserError."""
        from ..core.data import sources

        loop = asyncio.get_running_loop()

        def tell(phase: str, done: int, total: int | None) -> None:
            loop.call_soon_threadsafe(report, Loading(phase, done, total))

        def read() -> Dataset:
            wanted = msgspec.structs.replace(spec, source=sources.resolve(spec.source))
            return (self._read or sources.load)(wanted, progress=tell)

        try:
            return await asyncio.to_thread(read)
        except sources.NotDownloaded as absent:
            report(Loading("download"))
            await self.ask(
                AskDownload(id=absent.id, what="dataset", offline=spec.offline),
                lambda line: report(Loading(line.phase, line.done, line.total)),
            )
            return await asyncio.to_thread(read)

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        """Ask the engine. Returns None where a newer question of the same topic superseded it. Raises UserError."""
        answer = await self.engine.ask(ask, on_progress)
        if isinstance(ask, AskPath | AskClassify) and self.machine is None and self._examining is None:
            # By now the engine has loaded what it needs to know its devices.
            self._examining = asyncio.create_task(self._examine())
        return answer

    async def _examine(self) -> None:
        with contextlib.suppress(UserError):  # what the frame knows without the engine is shown on
            self.machine = await self.engine.ask(AskDoctor())

    def follow(self, run: str) -> None:
        """Keep the curves of the run with this id in `runs` from the next look on."""
        if self.run_source is not None:
            self.run_source.follow(run)
            self.look_at_runs()

    def look_at_runs(self) -> None:
        """Read what is new of the runs; `runs` changes if anything did."""
        views = self.run_source.poll() if self.run_source is not None else None
        if views is not None:
            self.runs = views
            self._tick_runs()

    def _tick_runs(self) -> None:
        """Tick the parts of the path that finished runs of the open data set stand for."""
        finished = {view.task for view in self.runs if view.state == "finished" and self.is_of_open_data(view)}
        done: set[Part] = set(self.done)
        for part in PARTS:
            if part in ("baseline", "fine-tune"):
                (done.add if part in finished else done.discard)(part)
        self.done = frozenset(done)

    def is_of_open_data(self, view: RunView) -> bool:
        """Whether a run was made of the data set that is open, with its labels; of any, where none is open or being opened."""
        source, labels = view.spec.job.data.source, view.spec.labels
        if self.dataset is not None:
            return source == self.dataset.source and labels in ((), self.dataset.labels)
        return self.spec is None or source == self.spec.source

    async def go(self, mode: str) -> None:
        """Show a screen."""
        if self.current_mode != mode:
            await self.switch_mode(mode)

    async def inspect_text(self, text: str, companions: tuple[str, ...] = ()) -> None:
        """Show the token inspector with `text`, and a batch of it with its `companions` (up to 15)."""
        self.companions = companions
        await self._hand_over("tokens", text)

    async def classify_text(self, text: str) -> None:
        """Show the classifier prompt with `text`."""
        await self._hand_over("classify", text)

    async def show_errors(self, folder: str, rung: str = "", cell: tuple[int, int] | None = None) -> None:
        """Show where a run, by its folder, or a rung of it errs; with a `cell` of its confusion matrix the rows in it."""
        await self.go("errors")
        if isinstance(self.screen, LooksAtRun):
            self.screen.look_at_run(folder, rung, cell)

    async def _hand_over(self, mode: str, text: str) -> None:
        await self.go(mode)
        if isinstance(self.screen, TakesText):
            self.screen.receive_text(text)

    def mark_done(self, *parts: Part) -> None:
        """Tick parts of the path."""
        self.done = self.done | set(parts)

    def say(self, message: str, *, problem: bool = False) -> None:
        """Show a sentence in the corner for some seconds; text from outside may be in it."""
        self.notify(safe_text(message), severity="error" if problem else "information", markup=False)

    # --- facts ------------------------------------------------------------------------------------------

    @property
    def dark(self) -> bool:
        """Whether the theme is a dark one; class colours depend on it."""
        return self.current_theme.dark

    @property
    def offline(self) -> bool:
        """Whether nothing may be downloaded, as was said of the data set that is open."""
        return self.spec is not None and self.spec.offline

    @property
    def live_run(self) -> RunView | None:
        """The newest run that is starting or running."""
        return next((view for view in self.runs if view.is_live), None)
