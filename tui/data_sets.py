"""Opens data sets: reads them in a thread, after the engine has downloaded them if necessary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from textual.app import App

from ..core.errors import UserError
from ..core.questions import AskDownload, ProgressLine, Question
from ..core.specs import DataSpec
from .facts import Facts, Loading

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ..core.data.table import Dataset


class Ask(Protocol):
    """Asks the engine a question."""

    def __call__(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Awaitable[Any]: ...


class DataSets:
    """Reads data sets, and sets the facts about the open one."""

    def __init__(self, app: App[int], facts: Facts, ask: Ask, load: Callable[..., Dataset] | None) -> None:
        """Prepare to read in workers of `app`; `load` is a function like data.sources.load, which is the default."""
        self._app, self._facts, self._ask, self._given = app, facts, ask, load

    def open(self, spec: DataSpec) -> None:
        """Read a data set in the background; `loading` changes, then either `dataset` or `data_error`."""
        self._facts.spec = spec
        self._facts.data_error = ""
        self._facts.loading = Loading("read")
        self._app.run_worker(self._open(spec), name="read the data set", group="dataset", exclusive=True)

    def use(self, spec: DataSpec, dataset: Dataset) -> None:
        """Make `dataset`, which was read from `spec`, the open data set."""
        self._app.workers.cancel_group(self._app, "dataset")
        self._install(spec, dataset)

    def _install(self, spec: DataSpec, dataset: Dataset) -> None:
        facts = self._facts
        facts.loading, facts.data_error = None, ""
        reading, overlay = (dataset.spec.reading, dataset.spec.overlay) if dataset.spec else (spec.reading, spec.overlay)
        facts.spec = msgspec.structs.replace(spec, source=dataset.source, reading=reading, overlay=overlay)
        facts.distrust = ()
        was, facts.dataset = facts.dataset, dataset
        if was is not None and (was.source, was.labels) != (dataset.source, dataset.labels):
            facts.done = frozenset()  # the steps of the path are not done for this data set
        facts.mark_done("data")
        facts.tick_runs()

    def relay(self, dataset: Dataset) -> None:
        """Replace the open data set by the same one with other decisions about its rows."""
        if self._facts.spec is not None and dataset.spec is not None:
            self._facts.spec = msgspec.structs.replace(self._facts.spec, overlay=dataset.spec.overlay)
        self._facts.dataset = dataset

    async def _open(self, spec: DataSpec) -> None:
        def report(loading: Loading) -> None:
            self._facts.loading = loading

        try:
            dataset = await self.read(spec, report)
        except UserError as error:
            self._facts.loading = None
            self._facts.data_error = error.sentence
        else:
            self._install(spec, dataset)

    async def read(self, spec: DataSpec, report: Callable[[Loading], None]) -> Dataset:
        """Return a data set, downloaded by the engine if necessary, without opening it. Raises UserError."""
        from ..core.data import sources

        loop = asyncio.get_running_loop()

        def report_progress(phase: str, done: int, total: int | None) -> None:
            loop.call_soon_threadsafe(report, Loading(phase, done, total))

        def load() -> Dataset:
            wanted = msgspec.structs.replace(spec, source=sources.resolve(spec.source))
            return (self._given or sources.load)(wanted, progress=report_progress)

        try:
            return await asyncio.to_thread(load)
        except sources.NotDownloaded as absent:
            report(Loading("download"))
            await self._ask(
                AskDownload(id=absent.id, what="dataset", offline=spec.offline),
                lambda line: report(Loading(line.phase, line.done, line.total)),
            )
            return await asyncio.to_thread(load)
