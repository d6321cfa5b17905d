"""The footer: as many keys of the current screen as fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

ALWAYS = ("help", "leave")
"""The actions whose keys are shown even on a narrow line; the first of them shows all keys."""

PAUSE = 0.02
"""Seconds between checks of whether the screen is mounted."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key, as it is shown, with what it does."""

    key: str
    display: str
    description: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        """Width in cells, with a space before and after each part."""
        return Text(f" {self.display} {self.description} ").cell_len


class KeyLine(Widget):
    """Draws all keys as one line, where Textual's Footer has a widget per key; a click on a key presses it."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--description"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; background: $footer-background; color: $footer-foreground;
        & .key-line--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        & .key-line--description { color: $footer-description-foreground; background: $footer-description-background; }
    }
    """
    keys: reactive[tuple[ShownKey, ...]] = reactive(())

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen and self.app.app_focus:
            self.call_after_refresh(self._read_bindings)  # whether a key is enabled may depend on widgets that are not mounted yet

    def _read_bindings(self) -> None:
        if not self.is_attached or self.screen is not self.app.screen:
            return  # an action of "screen." would go to the screen in front; keys are read again when this screen is in front
        if not self.screen.is_mounted:  # the line may be mounted before deeper widgets, which decide whether a key is enabled
            self.set_timer(PAUSE, self._read_bindings)
            return
        found: dict[str, ShownKey] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in found:
                display = self.app.get_key_display(binding)
                found[binding.action] = ShownKey(binding.key, display, binding.description, binding.action, enabled)
        self.keys = tuple(found.values())

    def render(self) -> Text:
        key_style = self.get_component_rich_style("key-line--key")
        description_style = self.get_component_rich_style("key-line--description")
        line = Text(no_wrap=True, end="")
        for each in fitting(self.keys, self.size.width):
            dim = Style(dim=not each.enabled or None)
            line.append(f" {each.display} ", key_style + dim)
            line.append(f"{each.description} ", description_style + dim)
        return line

    def on_click(self, event: events.Click) -> None:
        column = event.get_content_offset_capture(self).x
        for each in fitting(self.keys, self.size.width):
            if 0 <= column < each.width:
                if each.enabled:
                    self.app.simulate_key(each.key)
                else:
                    self.app.bell()
            column -= each.width


def fitting(keys: tuple[ShownKey, ...], width: int) -> list[ShownKey]:
    """Return the keys that fit into `width` cells, in order; those of ALWAYS take precedence."""
    last = [each for each in keys if each.action.removeprefix("app.") in ALWAYS]
    room = width - sum(each.width for each in last)
    shown: list[ShownKey] = []
    for each in keys:
        if each in last:
            shown.append(each)
        elif each.width <= room:
            shown.append(each)
            room -= each.width
        else:
            room = 0
    return shown
