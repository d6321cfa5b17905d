"""Follows the runs on disk: with full curves for those that are alive or followed, and a glance at the others."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import UserError
from ..core.runs import lock
from ..core.runs.folder import RunFolder, list_runs
from ..core.runs.state import RunReader, RunView, glance


class RunWatch:
    """Reads changes at each `poll`. It only reads, so any number of applications may watch the same runs."""

    def __init__(self) -> None:
        self._followed: set[str] = set()
        self._readers: dict[str, RunReader] = {}
        self._glances: dict[str, tuple[object, RunView]] = {}
        self._last: tuple[RunView, ...] = ()
        self._shown = False
        self._created: dict[tuple[str, int], float] = {}

    def follow(self, run: str) -> None:
        """Also read the events of the run with this id, even if it has ended."""
        self._followed.add(run)

    def poll(self) -> tuple[RunView, ...] | None:
        """Return all runs, newest first; None if nothing has changed since the last call. Raises UserError."""
        views: list[RunView] = []
        changed = not self._shown
        folders = list_runs(self._created)
        for folder in folders:
            try:
                reader = self._readers.get(folder.id)
                view = self._glance(folder) if reader is None else reader.view
                if view.is_live:
                    self._followed.add(folder.id)
                if reader is None and folder.id in self._followed and view.has_spec:
                    reader = self._readers[folder.id] = RunReader(folder)
                if reader is not None:
                    changed = reader.poll() or changed
                    view = reader.view
            except UserError:
                # The run's folder was removed since the listing.
                continue
            views.append(view)
        gone = {*self._readers, *self._glances} - {folder.id for folder in folders}
        for name in gone:
            self._readers.pop(name, None)
            self._glances.pop(name, None)
        changed = changed or [view.id for view in views] != [view.id for view in self._last]
        changed = changed or any(a.state != b.state for a, b in zip(views, self._last, strict=True))
        self._last, self._shown = tuple(views), True
        return self._last if changed else None

    def _glance(self, folder: RunFolder) -> RunView:
        """Return a glance, read again only if something was written or removed since, because a log may be long."""
        mark: tuple[object, ...] = (_changed(folder.spec_file), _changed(folder.result_file))
        if mark[1] is None:  # a lost run stays lost until another process takes its lock
            mark += (_holder(folder), _changed(folder.events_file), _changed(folder.proc_file), _changed(folder.path))
        known = self._glances.get(folder.id)
        if known is None or known[0] != mark:
            known = self._glances[folder.id] = (mark, glance(folder))
        return known[1]


def _holder(folder: RunFolder) -> int | None:
    try:
        return lock.holder(folder.lock_file)
    except UserError:  # the glance reports why
        return None


def _changed(path: Path) -> int | None:
    """Return when a file or its mode was last changed, in ns; None if it does not exist."""
    try:
        return path.lstat().st_ctime_ns
    except OSError:
        return None
