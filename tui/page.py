"""What the screens have in common: the lines on top, the keys below, and how facts reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from ..core.runs.state import RunView
from .frame import facts_of, path_of
from .state import State, state_of
from .widgets.distrust import Distrust
from .widgets.key_line import KeyLine
from .widgets.path_strip import PathStrip
from .widgets.state_line import StateLine
from .widgets.text_field import TextField

if TYPE_CHECKING:
    from ..core.data.table import Dataset


class Page(Screen[None]):
    """One of the screens of `screen_table`.

    A page implements `compose_body`, and overrides the `show_…` methods of the facts that it shows. They are called once the
    page is mounted, with what is known by then, and again on each change, also while another page is in front.
    `state` gives it facts and services: `self.state.runs`, `self.state.ask(…)`, `self.state.notify(…)`.
    """

    MODE: ClassVar[str]
    TYPED: ClassVar[tuple[str, str]] = ("", "")
    """The selector of the box around the page's text field, and its title; '' for none."""
    AUTO_FOCUS = ""

    @property
    def state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        yield StateLine()
        yield PathStrip()
        yield Distrust()
        with Container(id="body"):
            yield from self.compose_body()
        yield KeyLine()

    def compose_body(self) -> ComposeResult:
        """Yield the widgets between the top lines and the footer."""
        yield from ()

    def on_mount(self) -> None:
        state = self.state
        self.watch(state, "dataset", self._dataset_changed)
        self.watch(state, "model", self.show_model)
        self.watch(state, "runs", self._runs_changed)
        self.watch(state, "distrust", self._distrust_changed)
        for name in ("spec", "loading", "machine", "done", "data_error"):
            self.watch(state, name, self._frame_changed, init=False)
        self.watch(state.application, "theme", self._theme_changed, init=False)
        self._frame_changed()

    def on_resize(self, event: events.Resize) -> None:
        if event.size != self.app.size:
            # A screen sends itself each size that it was laid out in, so two sizes in its queue would alternate for ever.
            event.prevent_default()
            return
        self.set_class(self.size.width < 100, "-narrow")
        self.set_class(self.size.height < 30, "-short")
        self.set_class(self.size.width >= 160, "-wide")

    def _distrust_changed(self, reasons: tuple[str, ...]) -> None:
        self.query_one(Distrust).reasons = reasons

    async def on_path_strip_chosen(self, message: PathStrip.Chosen) -> None:
        await self.app.run_action(f"app.go('{message.key}')")

    def on_descendant_focus(self) -> None:
        self._frame_changed()
        self._name_typing_key()

    def on_descendant_blur(self) -> None:
        self._frame_changed()
        self._name_typing_key()

    def _name_typing_key(self) -> None:
        """Show on the text's box the key that focuses it, while letters are commands."""
        box, title = self.TYPED
        if box:
            self.query_one(box).border_title = Text(title if isinstance(self.focused, TextField) else f"{title}   i: type")

    def on_screen_resume(self) -> None:
        self._frame_changed()

    @property
    def is_enlarged(self) -> bool:
        """Whether one panel fills the whole body."""
        return bool(self.query("#body .-large"))

    def action_enlarge(self) -> None:
        """Enlarge the focused panel to the whole body, or restore the layout."""
        if self.is_enlarged:
            self.action_shrink()
            return
        body = self.query_one("#body")
        above = self.focused.ancestors_with_self if self.focused is not None else []
        panel = next((each for each in above if isinstance(each, Widget) and each.has_class("panel")), None)
        while panel is not None and panel is not body:
            panel.add_class("-large")
            for other in panel.siblings:
                other.add_class("-aside")
            panel = panel.parent if isinstance(panel.parent, Widget) else None
        self.refresh_bindings()

    def action_shrink(self) -> None:
        """Restore the layout after a panel was enlarged."""
        for name in ("-large", "-aside"):
            self.query(f"#body .{name}").remove_class(name)
        self.refresh_bindings()

    # --- for pages to override --------------------------------------------------------------------------

    def show_dataset(self, dataset: Dataset) -> None:
        """Called when a data set was opened."""

    def show_model(self, _: str) -> None:
        """Called when the checkpoint was chosen."""

    def show_runs(self, runs: tuple[RunView, ...]) -> None:
        """Called when runs were added, removed or changed; `runs` are newest first."""

    def show_theme(self) -> None:
        """Called when the theme changed, so that class colours must be redrawn."""

    def receive_text(self, text: str) -> None:
        """Called when a text was sent to this page by `t` or `p`."""

    def text_in_hand(self) -> str | None:
        """Return the text under the cursor, which `t` and `p` send on; None if there is none."""
        return None

    def texts_after(self) -> tuple[str, ...]:
        """Return up to 15 texts after the one under the cursor, which the token inspector pads together with it."""
        return ()

    # --- the frame --------------------------------------------------------------------------------------

    def _dataset_changed(self, dataset: Dataset | None) -> None:
        self._frame_changed()
        if dataset is not None:
            self.show_dataset(dataset)

    def _runs_changed(self, runs: tuple[RunView, ...]) -> None:
        self._frame_changed()
        self.show_runs(runs)

    def _theme_changed(self) -> None:
        self._frame_changed()
        self.show_theme()

    def _frame_changed(self) -> None:
        if self.is_current or self.is_mounted:
            self.query_one(StateLine).facts = facts_of(self.state)
            self.query_one(PathStrip).path = path_of(self.state, self.MODE, typing=isinstance(self.focused, Input))
