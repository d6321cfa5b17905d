"""A one-line text field that shows outside text safely but returns it unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from textual import events
from textual.message import Message
from textual.widgets import Input

from ...core.safe_text import safe_line

LONGEST = 5_000
"""Characters that can be edited; a longer text is shown only up to here, but returned completely until it is edited."""


class LineField(Input):
    """An Input that accepts no control characters and misses no key."""

    def focus(self, scroll_visible: bool = True) -> Self:
        """Take the focus at once, so that keys pressed right after are text and not commands."""
        self.screen.set_focus(self, scroll_visible)
        return self

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if len(event.text) > LONGEST:
            self.notify(f"a field takes {LONGEST:,} characters at once; the rest of the paste was dropped", markup=False)
        self.insert_text_at_cursor(safe_line(event.text[:LONGEST]))


class TextField(LineField):
    """An Input that never draws a control character."""

    DEFAULT_CSS = """
    TextField { border: none; height: 1; padding: 0; background: transparent; }
    TextField:focus { border: none; background-tint: $foreground 0%; }
    """

    @dataclass
    class Edited(Message):
        """The text has changed, by typing or by the program."""

        text: str

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(placeholder=placeholder, id=id, select_on_focus=False)
        self.cursor_blink = False  # an idle screen should write nothing
        self._given: tuple[str, str] | None = None
        self._last = ""

    @property
    def text(self) -> str:
        """The text as it was set, or as it was typed since."""
        return self._given[0] if self._given is not None and self._given[1] == self.value else self.value

    @text.setter
    def text(self, text: str) -> None:
        shown = safe_line(text[:LONGEST])
        self._given = (text, shown)
        self.value = shown
        self.cursor_position = len(shown)
        self._post_edited()

    def go_on(self) -> None:
        """Take the focus with the cursor at the end of the text."""
        self.focus()
        self.cursor_position = len(self.value)

    def _post_edited(self) -> None:
        if self.text != self._last:
            self._last = self.text
            self.post_message(self.Edited(self.text))

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()
        self._post_edited()
