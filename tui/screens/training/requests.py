"""Keys that start, stop, kill and resume runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from ....core.errors import UserError
from ....core.runs import launch
from ....core.runs.folder import RunFolder
from ....core.runs.state import RunView
from ....core.units import count
from ...field_names import by_fields
from ...page import Page
from ..confirm import Confirm
from ..run_form import RunForm

_STOPS = {
    "fine-tune": "it saves after this step, measures its model and stops",
    "baseline": "it stops; the rungs that it has measured stay",
}
_GOES_ON = {
    "fine-tune": "it goes on from its last checkpoint",
    "baseline": "it begins again with its first rung; hidden states that are kept are not computed twice",
}


def lost_by_killing(view: RunView) -> str:
    """Return sentences on what is lost if a run is killed, and on what the gentler key does."""
    if view.task == "baseline":
        kept = f"The {count(len(view.rungs), 'rung')} that it has measured {'stays' if len(view.rungs) == 1 else 'stay'}"
        return f"{kept if view.rungs else 'It has measured no rung yet'}. s stops it as well."
    saved = max((each.step for each in view.checkpoints), default=0)
    lost = f"What came after its checkpoint of step {saved:,} is lost." if saved else "It has no checkpoint: all is lost."
    return f"{lost} s saves, measures its model and stops instead."


class RunRequests(Page):
    """A page with a selected run that keys can start, stop, kill and resume."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new run", id="training.new"),
        Binding("s", "stop", "stop", tooltip="stop: a fine-tuning saves and measures its model first", id="training.stop"),
        Binding("K", "kill", "kill", tooltip="end the run at once", id="training.kill"),
        Binding("R", "resume", "resume", tooltip="go on: a fine-tuning from its last checkpoint", id="training.resume"),
    ]

    @property
    def view(self) -> RunView | None:
        """The selected run; None if there is none."""
        raise NotImplementedError

    def show_new_run(self, run: RunFolder) -> None:
        """Select a run that was started here."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's own signature
        if action in ("stop", "kill"):
            return self.view is not None and self.view.is_live
        if action == "resume":
            return self.view is not None and self.view.state in ("stopped", "failed", "lost")
        return True

    @work
    async def action_new(self) -> None:
        run = await self.app.push_screen_wait(RunForm(self.state, self.view if self.view is not None and self.view.has_spec else None))
        if run is not None:
            self.show_new_run(run)

    def action_stop(self) -> None:
        if self.view is not None:
            self._ask_run(launch.stop, self.view, _STOPS[self.view.task])

    @work
    async def action_kill(self) -> None:
        view = self.view
        if view is None:
            return
        if await self.app.push_screen_wait(Confirm(f"Kill the run {view.id} at once?", lost_by_killing(view), "kill")):
            self._ask_run(launch.kill, view, "it was told to end at once")

    def action_resume(self) -> None:
        if self.view is not None:
            self._ask_run(launch.resume, self.view, _GOES_ON[self.view.task])

    @work(group="requests")
    async def _ask_run(self, request: Callable[[RunFolder], None], view: RunView, done: str) -> None:
        try:
            await asyncio.to_thread(request, RunFolder(Path(view.folder)))
        except UserError as error:
            self.state.notify(by_fields(error), problem=True)
        else:
            self.state.notify(f"run {view.id}: {done}")
            self.state.poll_runs()
