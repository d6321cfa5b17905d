"""The palette: every action of the screen in front and of the application, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.screen import Screen


class Command(NamedTuple):
    name: str
    keys: tuple[str, ...]
    id: str
    """The name that config.toml knows it by."""
    action: str
    owner: DOMNode
    """What carries the action out."""

    @property
    def title(self) -> str:
        return f"{self.name} ({' or '.join(self.keys)})"


def commands_of(screen: Screen) -> list[Command]:
    """Return each named action that the screen, what is focused on it and the application can carry out now.

    Unlike the keys below, they are the same while a text is typed.
    """
    app = screen.app
    found: dict[str, Command] = {}
    for owner in _owners(screen):
        bindings = owner._bindings.copy()
        bindings.apply_keymap(app._keymap)
        for key, binding in bindings:
            if not binding.description or binding.id is None or not app._check_action_state(binding.action, owner):
                continue
            shown = app.get_key_display(Binding(key, binding.action))
            name = binding.action.removeprefix("app.")
            known = found.get(name)
            if known is None:
                found[name] = Command(binding.tooltip or binding.description, (shown,), binding.id, binding.action, owner)
            elif shown not in known.keys:
                found[name] = known._replace(keys=(*known.keys, shown))
    return list(found.values())


def _owners(screen: Screen) -> Iterator[DOMNode]:
    for owner in screen.focused.ancestors_with_self if screen.focused is not None else (screen, screen.app):
        yield owner
        if owner.is_modal:
            return


class Commands(Provider):
    """Offers each action that can be carried out now, with its key."""

    async def discover(self) -> Hits:
        for command in commands_of(self.screen):
            yield DiscoveryHit(command.title, partial(self._run, command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in commands_of(self.screen):
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), partial(self._run, command))

    async def _run(self, command: Command) -> None:
        await self.app.run_action(command.action, command.owner)
