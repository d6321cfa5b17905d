"""Decisions about rows as the screens make them: on the disk before they are shown, and the open data set follows each."""

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
    """Return in words, safe to show, which decision was taken back."""
    was = "left out" if decision.new is None else safe_line(decision.new, 24)
    return f"undone: {was}, of '{safe_line(decision.excerpt, 40)}'"


class Decisions:
    """Makes decisions about rows, and takes them back."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._editor: Editor | None = None
        self._shown: Dataset | None = None
        """The open data set as the editor left it."""

    def editor(self, dataset: Dataset) -> Editor:
        """Return what adds to the overlay of a data set, the open one or another."""
        from ..core.data.overlay_edit import Editor

        if dataset is not self._state.dataset:
            return Editor(dataset)
        if self._editor is None or self._shown is not dataset:
            self._editor, self._shown = Editor(dataset), dataset
        return self._editor

    async def decide(self, editor: Editor, places: Sequence[Place], new: str | None, *, by: By = "typed", run: str = "") -> None:
        """Give rows of the source another label, or leave them out where it is None. Raises UserError, and nothing is decided then."""
        await asyncio.to_thread(partial(editor.decide, places, new, by=by, run=run))
        await self._follow(editor)

    async def undo(self, editor: Editor) -> Decision | None:
        """Take back the last decision that stands, and return it; None where there is none. Raises UserError."""
        undone = await asyncio.to_thread(editor.undo)
        await self._follow(editor)
        return undone[0] if undone else None

    async def _follow(self, editor: Editor) -> None:
        """Show the open data set with what was decided by way of `editor`."""
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
