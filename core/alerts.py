"""Tells a person at a terminal how a run ended: by the bell, and by a notification where the terminal is known to support them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from .config import Config
from .safe_text import safe_line
from .sentences import Words, phrase

if TYPE_CHECKING:
    from .runs.state import RunView

_BELL = "\a"
_OSC_9 = "\x1b]9;emotui: {text}\x1b\\"
"""iTerm2's notification, which other terminals have adopted."""
_OSC_777 = "\x1b]777;notify;emotui;{text}\x1b\\"
"""That of rxvt-unicode, VTE and foot."""
_PROGRAMS = ("iTerm.app", "WezTerm", "ghostty")
_VERBS = {"lost": "was ", "unreadable": "is "}
_SHOWN = 200
"""The longest text of a notification, in cells."""


class Alerts:
    """Reports once that a run seen alive has finished, failed or stopped making progress."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        """Follow the settings of `config`; `clock` returns seconds."""
        self._is_on = config.alerts
        self._silence = config.no_progress_seconds
        self._clock = clock
        self._live: set[str] = set()
        self._heard: dict[str, tuple[float | None, float]] = {}
        """The newest event of each live run, and when it was seen first."""
        self._silent: set[str] = set()

    def expect(self, run: str) -> None:
        """Treat the run in this folder as alive, so that its end is reported even if it ended before the first look."""
        self._live.add(run)

    def notice(self, views: Iterable[RunView]) -> list[Words]:
        """Return a sentence for each run with news. What the user asked for, such as a stop, is no news."""
        news = [self._ending(view) if not view.is_live else self._silence_of(view) for view in views]
        return [each for each in news if each] if self._is_on else []

    def _ending(self, view: RunView) -> Words:
        if view.folder not in self._live:
            return ""
        self._live.discard(view.folder)
        self._silent.discard(view.folder)
        self._heard.pop(view.folder, None)
        if view.state == "stopped":
            return ""
        f1 = view.score("f1_weighted") if view.finished is not None else None
        outcome = f"F1 {f1:.4f}" if view.state == "finished" and f1 is not None else view.reason
        ended = f"{view.id} {_VERBS.get(view.state, '')}{view.state}"
        return phrase(ended, ": ", outcome) if outcome else ended

    def _silence_of(self, view: RunView) -> str:
        self._live.add(view.folder)
        now = self._clock()
        event, since = self._heard.get(view.folder, (None, now))
        if view.folder not in self._heard or event != view.last_event:
            self._heard[view.folder] = (view.last_event, now)
            self._silent.discard(view.folder)
        elif now - since > self._silence and view.folder not in self._silent:
            self._silent.add(view.folder)
            return f"{view.id}: no progress for {self._silence:g} s"
        return ""


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return what to write to the terminal that `environ` describes: the bell, and a notification where it supports them.

    Inside tmux and screen, which do not pass notifications on, and in an unknown terminal, only the bell rings.
    The sequences are from the manuals of iTerm2 (OSC 9) and of rxvt-unicode's `notify` (OSC 777).
    """
    kind = environ.get("TERM", "")
    if kind in ("", "dumb"):
        return ""
    form = _form(kind, environ)
    return _BELL + form.format(text=safe_line(text, _SHOWN).replace(";", ","))


def _form(kind: str, environ: Mapping[str, str]) -> str:
    if environ.get("TMUX") or kind.startswith(("tmux", "screen")):
        return ""
    if (
        environ.get("TERM_PROGRAM") in _PROGRAMS
        or environ.get("LC_TERMINAL") == "iTerm2"
        or kind in ("xterm-kitty", "xterm-ghostty", "wezterm")
        or environ.get("WT_SESSION")
        or environ.get("ConEmuANSI") == "ON"
    ):
        return _OSC_9
    if kind.startswith(("rxvt-unicode", "foot")) or environ.get("VTE_VERSION"):
        return _OSC_777
    return ""
