"""The list of runs with its filter and order, and with the user's tags and pins."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from ....core.errors import UserError
from ....core.runs import filters, notes
from ....core.runs.state import RunView
from ....core.safe_text import safe_text
from ...field_names import by_fields
from ...state import state_of
from ...widgets.run_list import RunList
from ...widgets.text_field import LineField
from ..run_words import run_item

ORDERS = ("age", "F1", "state")
"""Orders of the list: the newest first, the best first, or those that need attention first."""
PAUSE = 0.12
"""Seconds without a key before a filter takes effect, so that half a word has none."""
_RANKS = {"running": 0, "starting": 0, "failed": 1, "lost": 2, "stopped": 3, "finished": 4, "unreadable": 5}


class RunPanel(Vertical):
    """Shows the runs that match the filter, pinned ones first. A line above the list opens for the filter, or for tags."""

    DEFAULT_CSS = """
    RunPanel {
        height: 1fr;
        LineField { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
        LineField.-open { display: block; }
        LineField:focus { border: none; }
        #run-fault { display: none; height: auto; max-height: 5; padding: 0 1; color: $error; }
        #run-fault.-open { display: block; }
    }
    """

    class Changed(Message):
        """The listed runs, their order or their notes changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._meets = filters.parse("")
        self._line = ""
        self._order = ORDERS[0]
        self._notes = notes.Notes()
        self._pause: Timer | None = None
        self._tagged = ""
        """Id of the run whose tags are being typed; '' if none."""

    def compose(self) -> ComposeResult:
        yield LineField(placeholder="state:failed  tag:good  f1>0.9", id="run-filter", compact=True)
        yield LineField(placeholder="tags, such as good", id="run-tags", compact=True)
        yield Static(id="run-fault", markup=False)
        yield RunList(id="runs", classes="panel")

    def on_mount(self) -> None:
        for field in self.query(LineField):
            field.cursor_blink = False  # an idle screen should write nothing

    # --- what is listed -------------------------------------------------------------------------------------

    def poll_notes(self) -> bool:
        """Read new notes of this or another application; return whether there were any."""
        return self._notes.poll()

    def listed(self, runs: Sequence[RunView]) -> list[RunView]:
        """Return the runs that match the filter in the chosen order; `runs` are newest first."""
        self._notes.poll()
        found = [view for view in runs if self._meets(view, self._notes.of(view.id))]
        if self._order == "F1":
            found.sort(key=lambda view: -(view.score("f1_weighted") or -1.0))
        elif self._order == "state":
            found.sort(key=lambda view: _RANKS[view.state])
        return sorted(found, key=lambda view: not self._notes.of(view.id).pinned)

    def show(
        self, runs: Sequence[RunView], total: int, looked: str | None, marked: Collection[str], colors: Mapping[str, str], rung: str = ""
    ) -> None:
        """Show the listed `runs` of `total`; `looked`, `marked` and the keys of `colors`, those of the curves, are folders.

        The score of the selected baseline is that of `rung`; other baselines show their best rung.
        """
        now = state_of(self).clock()
        items = tuple(
            run_item(
                view,
                now,
                marked=view.folder in marked,
                color=colors.get(view.folder, ""),
                note=self._notes.of(view.id),
                rung=rung if view.folder == looked else "",
            )
            for view in runs
        )
        words = "runs" if self._order == ORDERS[0] else f"runs by {self._order}"
        shown = self.query_one(RunList)
        shown.border_title = Text(f"{words}, {len(runs)} of {total}" if self._line else words)
        shown.show(items, looked)

    # --- filter and order -----------------------------------------------------------------------------------

    def open_filter(self) -> None:
        self._close("run-tags")
        self._open("run-filter")

    def turn_order(self) -> None:
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self.post_message(self.Changed())

    def show_all(self) -> None:
        """Clear the filter."""
        field = self.query_one("#run-filter", Input)
        with self.prevent(Input.Changed):
            field.value = ""
        self._rest()
        self._filter("")
        self._close("run-filter")

    @on(Input.Changed, "#run-filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._rest()
        self._pause = self.set_timer(PAUSE, partial(self._filter, event.value))

    def _rest(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None

    def _filter(self, line: str) -> None:
        if line.strip() == self._line:
            self._complain("")
            return
        try:
            meets = filters.parse(line)
        except UserError as error:  # an incomplete term: the list stays as it is
            self._complain(by_fields(error))
            return
        self._complain("")
        self._meets, self._line = meets, line.strip()
        self.post_message(self.Changed())

    @on(Input.Submitted, "#run-filter")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self._rest()
        self._filter(event.value)
        if not event.value.strip():
            self._close("run-filter")
        self.query_one(RunList).focus()

    # --- tags and pins --------------------------------------------------------------------------------------

    def pin(self, run: str) -> None:
        """Pin the run with this id to the top, or unpin it."""
        self._write(run, pinned=not self._notes.of(run).pinned)

    def open_tags(self, run: str) -> None:
        """Open the line for the tags of the run with this id."""
        self._tagged = run
        field = self.query_one("#run-tags", Input)
        field.value = " ".join(self._notes.of(run).tags)
        self._open("run-tags")

    @on(Input.Changed, "#run-tags")
    def _typed_tags(self, event: Input.Changed) -> None:
        event.stop()
        try:
            notes.parse_tags(event.value)
        except UserError as error:
            self._complain(by_fields(error))
        else:
            self._complain("")

    @on(Input.Submitted, "#run-tags")
    def _tag(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            tags = notes.parse_tags(event.value)
        except UserError as error:
            self._complain(by_fields(error))
            return
        self._close("run-tags")
        self._write(self._tagged, tags=tags)

    @work(group="notes")
    async def _write(self, run: str, *, tags: tuple[str, ...] | None = None, pinned: bool | None = None) -> None:
        try:
            await asyncio.to_thread(notes.change, run, tags=tags, pinned=pinned)
        except UserError as error:
            state_of(self).notify(by_fields(error), problem=True)
        self.post_message(self.Changed())

    # --- lines ----------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Close the line of tags, otherwise clear the filter."""
        if self.query_one("#run-tags").has_class("-open"):
            self._close("run-tags")
        else:
            self.show_all()

    def _open(self, name: str) -> None:
        field = self.query_one(f"#{name}", Input)
        field.add_class("-open")
        field.cursor_position = len(field.value)
        field.focus()

    def _close(self, name: str) -> None:
        field = self.query_one(f"#{name}", Input)
        had_focus = field.has_focus
        field.remove_class("-open")
        self._complain("")
        if had_focus:
            self.query_one(RunList).focus()

    def _complain(self, why: str) -> None:
        fault = self.query_one("#run-fault", Static)
        fault.update(Text(safe_text(why)))
        fault.set_class(bool(why), "-open")
