"""Decisions about rows made on screens: each is written to disk before it is shown, and then applied to the open data set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..core.safe_text import safe_line

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ..core.data.overlay import Place
    from ..core.data.overlay_edit import Editor
    from ..core.data.overlay_log import By, Decision
    from ..core.data.table import Dataset
    from .state import State


def describe_undone(decision: Decision) -> str:
    """Return a sentence, as safe text, on which decision was undone."""
    was = "left out" if decision.new is None else safe_line(decision.new, 24)
    return f"undone: {was}, of '{safe_line(decision.excerpt, 40)}'"


class Decisions:
    """Makes and undoes decisions about rows."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._editor: Editor | None = None
        self._shown: Dataset | None = None
        """The open data set after the editor's last change."""

    def editor(self, dataset: Dataset) -> Editor:
        """Return the editor of the overlay of a data set, the open one or another."""
        from ..core.data.overlay_edit import Editor

        if dataset is not self._state.dataset:
            return Editor(dataset)
        if self._editor is None or self._shown is not dataset:
            self._editor, self._shown = Editor(dataset), dataset
        return self._editor

    async def decide(self, editor: Editor, places: Sequence[Place], new: str | None, *, by: By = "typed", run: str = "") -> None:
        """Give rows of the source the label `new`, or leave them out if it is None. Raises UserError, and then decides nothing."""
        await asyncio.to_thread(partial(editor.decide, places, new, by=by, run=run))
        await self._follow(editor)

    async def undo(self, editor: Editor) -> Decision | None:
        """Undo the last decision and return it; None if there is none. Raises UserError."""
        undone = await asyncio.to_thread(editor.undo)
        await self._follow(editor)
        return undone[0] if undone else None

    async def _follow(self, editor: Editor) -> None:
        """Apply the decisions of `editor` to the open data set."""
        dataset = self._state.dataset
        if dataset is None:
            return
        mine = self.editor(dataset)
        if editor is not mine:
            if mine.file != editor.file:
                return
            await asyncio.to_thread(mine.follow)
        if self._state.dataset is dataset and mine.dataset is not dataset:
            self._shown = mine.dataset
            self._state.data.relay(mine.dataset)
