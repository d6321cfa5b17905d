"""Goes from one screen to another, and passes data along."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.app import App


@runtime_checkable
class ShowsErrors(Protocol):
    """A screen that shows the errors of one run."""

    def show_run_errors(self, folder: str, rung: str, cell: tuple[int, int] | None) -> None:
        """Show a run, given its folder, or a rung of it ('' is the best); with a `cell` of its confusion matrix, the rows in that."""
        ...


@runtime_checkable
class ReceivesText(Protocol):
    """A screen that a text can be sent to."""

    def receive_text(self, text: str) -> None: ...


class Places:
    """Goes to screens by their modes."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self.companions: tuple[str, ...] = ()
        """The texts of the rows after the text that was sent last."""

    async def go(self, mode: str) -> None:
        """Show a screen."""
        if self._app.current_mode != mode:
            await self._app.switch_mode(mode)

    async def inspect_text(self, text: str, companions: tuple[str, ...] = ()) -> None:
        """Show the token inspector with `text`, batched with its `companions` (up to 15)."""
        self.companions = companions
        await self._hand_over("tokens", text)

    async def classify_text(self, text: str) -> None:
        """Show the classifier prompt with `text`."""
        await self._hand_over("classify", text)

    async def show_errors(self, folder: str, rung: str = "", cell: tuple[int, int] | None = None) -> None:
        """Show the errors of a run, given its folder, or of a rung of it; with a `cell` of its confusion matrix, the rows in that."""
        await self.go("errors")
        if isinstance(self._app.screen, ShowsErrors):
            self._app.screen.show_run_errors(folder, rung, cell)

    async def _hand_over(self, mode: str, text: str) -> None:
        await self.go(mode)
        if isinstance(self._app.screen, ReceivesText):
            self._app.screen.receive_text(text)
