"""The application: the screens of the table over one state."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, ClassVar

from textual import events
from textual.app import App
from textual.await_remove import AwaitRemove
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from ..core import config, crash, standard_streams
from ..core.alerts import Alerts, sequence
from ..core.engine.client import Engine
from ..core.errors import UserError
from ..core.model import naming
from ..core.paths import config_file
from ..core.safe_text import safe_text
from ..core.specs import DataSpec
from . import hang_up, theme
from .ascii_only import SAMPLE, AsciiOnly, has
from .ascii_only import encoding as locale_encoding
from .commands import Commands
from .ending_workers import EndingWorkers
from .facts import Facts, Loading
from .field_names import by_fields
from .frame_diff import FrameDiffDriver
from .key_order import KeyOrder
from .keymap import binding_ids, keymap
from .page import Page
from .run_watch import RunWatch
from .screen_table import MODES, SCREENS, ScreenRow
from .sixteen_colors import SixteenColors
from .state import State
from .terminal_output import CleanText

POLL_SECONDS = 1.0
"""Seconds between two polls of the runs."""
_GC_THRESHOLD = 20_000
"""New container objects between two runs of the youngest generation of the garbage collector."""


def _screen(module: str, name: str) -> Screen[Any]:
    """Return a new screen; its module is imported only when it is first shown, so that the first paint does not wait for it."""
    return getattr(import_module(f".screens.{module}", __package__), name)()


def _binding(row: ScreenRow) -> Binding:
    keys = ",".join(filter(None, (row.key, row.letters)))
    return Binding(keys, row.action or f"go('{row.key}')", row.title, tooltip=row.tooltip, show=False, id=row.mode)


class EmotuiApp(App[int]):
    """The screens, the keys that work on each of them, and the palette."""

    TITLE = "emotui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {Commands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {row.mode: partial(_screen, row.mode, row.class_name) for row in SCREENS}
    DEFAULT_MODE = "dataset"
    BINDINGS: ClassVar[list[BindingType]] = [
        *map(_binding, SCREENS),
        Binding("p", "prompt", "classify", tooltip="classify the text under the cursor", show=False, id="prompt"),
        Binding("question_mark", "help", "help", tooltip="help: the keys of this screen", key_display="?", id="help"),
        Binding("M", "model", "model", tooltip="choose the model: starter, a folder or an id", show=False, id="model"),
        Binding("T", "theme", "light or dark", tooltip="light or dark theme", show=False, id="theme"),
        Binding("ctrl+l", "redraw", "redraw", tooltip="redraw the screen", show=False, id="redraw"),
        Binding("ctrl+z", "suspend_process", "suspend", tooltip="suspend; fg in the shell comes back", show=False, id="suspend"),
        Binding("q", "leave", "leave", tooltip="quit; runs continue", id="quit"),
    ]

    def __init__(
        self,
        *,
        spec: DataSpec | None = None,
        to_label: DataSpec | None = None,
        keymap: dict[str, str] | None = None,
        alerts: Alerts | None = None,
        encoding: str | None = None,
        **state: object,
    ) -> None:
        """Prepare the application; `spec`, or the label queue of the file `to_label`, is opened after the first paint.

        With `encoding`, such as 'ascii', only its characters are drawn. Other arguments are passed to State.
        """
        super().__init__()
        self._workers = EndingWorkers(self)
        self.state = State(self, **state)  # type: ignore[arg-type]
        self._alerts = alerts
        self._first, self._to_label = spec, to_label
        # The first paint already shows that it is being read.
        self.state.set_reactive(Facts.spec, spec)
        self.state.set_reactive(Facts.loading, Loading("read") if spec is not None else None)
        for each in theme.THEMES.values():
            self.register_theme(each)
        self.theme = theme.DARK.name
        self.driver_class = FrameDiffDriver
        if self.console.color_system == "standard":
            self._filters.append(SixteenColors())
        self._filters.append(CleanText())
        if encoding is not None:
            self._filters.append(AsciiOnly(encoding))
        self._key_order = KeyOrder(self, super().on_event, lambda: self.focused or self.screen)
        self.crash: tuple[BaseException, Path | None] | None = None
        """The first unexpected error, and the file with its traceback."""
        if keymap:
            self.set_keymap(keymap)

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Start everything that takes time, after the first paint."""
        if not self.is_headless:
            gc.freeze()  # imported modules stay: traversing them again and again took a fifth of the time of a key
            gc.set_threshold(_GC_THRESHOLD)
        if self._to_label is not None:
            from .screens.label_queue import LabelQueue

            self.push_screen(LabelQueue(self._to_label))
        elif self._first is not None:
            self.state.data.open(self._first)
        if self.state.run_source is not None:
            self._poll()
            self.set_interval(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        self.state.poll_runs()
        for news in self._alerts.notice(self.state.runs) if self._alerts is not None else ():
            if self._driver is not None and not self.is_headless:
                self._driver.write(sequence(by_fields(news), os.environ))

    async def on_unmount(self) -> None:
        await self.state.close()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._key_order.dispatch(event)
        else:
            await super().on_event(event)

    async def action_go(self, key: str) -> None:
        await self.state.places.go(MODES[int(key) - 1])

    async def action_tokens(self) -> None:
        page = self.screen
        text = page.text_in_hand() if isinstance(page, Page) and page.MODE != "tokens" else None
        places = self.state.places
        await (places.go("tokens") if text is None or not isinstance(page, Page) else places.inspect_text(text, page.texts_after()))

    async def action_prompt(self) -> None:
        text = self.screen.text_in_hand() if isinstance(self.screen, Page) else None
        places = self.state.places
        await (places.go("classify") if text is None else places.classify_text(text))

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    async def action_model(self) -> None:
        from .screens.choose_model import ChooseModel

        await self.push_screen(ChooseModel())

    def action_theme(self) -> None:
        self.theme = theme.LIGHT.name if self.state.dark else theme.DARK.name

    def action_redraw(self) -> None:
        """Redraw all cells, in case something else has written to the terminal."""
        if isinstance(self._driver, FrameDiffDriver):
            self._driver.forget()
        self.refresh()

    def on_resize(self) -> None:
        """Redraw all cells even if Textual sees no change: a terminal that briefly had another size may have moved or lost cells."""
        self.action_redraw()

    def action_leave(self) -> None:
        self.exit(0)

    async def action_quit(self) -> None:
        self.action_leave()

    def _handle_exception(self, error: Exception) -> None:
        """End the application on an unexpected error, and write its traceback to a file without printing it."""
        self._return_code = 1
        if self._exception is None:  # the test framework reads it
            self._exception = error
            self._exception_event.set()
        self.note_crash(error.error if isinstance(error, WorkerFailed) else error)
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """End without printing Textual's report, which may contain anything."""
        self._handle_exception(sys.exc_info()[1] or RuntimeError(" ".join(str(each) for each in renderables)[:1_000]))  # type: ignore[arg-type]

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()

    def _prune(self, *nodes: Widget, parent: DOMNode | None = None) -> AwaitRemove:
        self._workers.let_go(nodes)
        return super()._prune(*nodes, parent=parent)

    def note_crash(self, error: BaseException) -> None:
        """Write the traceback of the first error to a file."""
        if self.crash is None:
            self.crash = (error, None if self.is_headless else crash.record(error))


def run(
    dataset: str | None = None,
    *,
    model: str = "starter",
    offline: bool = False,
    ascii_only: bool = False,
    to_label: DataSpec | None = None,
) -> int:
    """Run the application until the user leaves, and return the exit code. Raises UserError without a suitable terminal.

    `dataset` is 'starter', a path or an id; None means the starter data. With `to_label` the label queue of that file is opened.
    `model` is 'starter', a folder or an id. With `ascii_only`, or in a locale without Unicode, it draws in ASCII or Latin-1.
    """
    check_terminal()
    for name in ("COLUMNS", "LINES"):
        # If exported, they take precedence over the terminal's real size, which may have changed since.
        os.environ.pop(name, None)
    settings = config.read(config_file())
    model = naming.resolve(model)
    app = EmotuiApp(
        spec=None if to_label is not None else DataSpec(dataset or "starter", offline=offline),
        to_label=to_label,
        keymap=keymap(settings.keys, config_file(), _binding_ids),
        engine=Engine(offline=offline),
        runs=RunWatch(),
        alerts=Alerts(settings),
        encoding="ascii" if ascii_only else None if has(locale_encoding(), SAMPLE) else locale_encoding(),
    )
    app.state.set_reactive(Facts.model, model)
    return asyncio.run(_run(app))


def _binding_ids() -> set[str]:
    """Return the ids of all key bindings of the application, its screens and their widgets."""
    screens = import_module(".screens", __package__)
    for found in walk_packages(screens.__path__, f"{screens.__name__}."):  # including those that are imported only when first shown
        import_module(found.name)
    ours = [module for name, module in list(sys.modules.items()) if name.startswith(f"{__package__}.")]
    return binding_ids(EmotuiApp, *(each for module in ours for each in vars(module).values() if isinstance(each, type)))


async def _run(app: EmotuiApp) -> int:
    hang_up.listen(app.exit)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: app.note_crash(_error_of(context)))
    threading.excepthook = lambda failed: _note(app, failed.exc_value or failed.exc_type())
    try:
        code = await app.run_async()
    except Exception as error:
        app.note_crash(error)
        code = 1
    if app.crash is not None:
        standard_streams.unfailing(sys.stderr).write(f"emotui: {crash.sentence(*app.crash)}\n")
        code = code or app.return_code or 1
    going = [view for view in app.state.runs if view.is_live]
    if going and code == 0:
        names = ", ".join(view.id for view in going)
        print(safe_text(f"Still running: {names}. Start emotui again to watch."))  # noqa: T201
    return code if code is not None else app.return_code or 0


def _note(app: EmotuiApp, error: BaseException) -> None:
    """Record the error that ended a thread as a crash, unless the terminal is gone; `hang_up` then ends the application."""
    if not (isinstance(error, OSError) and error.errno == errno.EIO):
        app.note_crash(error)


def _error_of(context: dict[str, Any]) -> BaseException:
    return context.get("exception") or RuntimeError(context["message"])


def check_terminal() -> None:
    """Raise UserError unless the application can draw on this terminal."""
    if os.environ.get("TERM", "") in ("dumb", ""):
        raise UserError("this terminal cannot move the cursor (TERM is dumb or not set)", "Use the command line: emotui --help")
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UserError("the application needs a terminal for its input and output", "Use the command line: emotui --help")
