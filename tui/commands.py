"""The command palette: all actions of the current screen and of the application, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.screen import Screen


class Command(NamedTuple):
    name: str
    keys: tuple[str, ...]
    id: str
    """The id of its binding in config.toml."""
    action: str
    owner: DOMNode
    """The node that runs the action."""

    @property
    def title(self) -> str:
        return f"{self.name} ({' or '.join(self.keys)})"


def _app_of(screen: Screen[Any]) -> App[Any]:
    return screen.app  # pyright: ignore[reportUnknownVariableType]


def commands_of(screen: Screen[Any]) -> list[Command]:
    """Return the named actions that the screen, its focused widget and the application can run now.

    Unlike the keys in the footer, they stay the same while a text is typed.
    """
    app = _app_of(screen)
    found: dict[str, Command] = {}
    for owner in _owners(screen):
        bindings = owner._bindings.copy()  # pyright: ignore[reportPrivateUsage]
        bindings.apply_keymap(app._keymap)  # pyright: ignore[reportPrivateUsage]
        for key, binding in bindings:
            can_run = app._check_action_state(binding.action, owner)  # pyright: ignore[reportPrivateUsage]
            if not binding.description or binding.id is None or not can_run:
                continue
            shown = app.get_key_display(Binding(key, binding.action))
            name = binding.action.removeprefix("app.")
            known = found.get(name)
            if known is None:
                found[name] = Command(binding.tooltip or binding.description, (shown,), binding.id, binding.action, owner)
            elif shown not in known.keys:
                found[name] = known._replace(keys=(*known.keys, shown))
    return list(found.values())


def _owners(screen: Screen[Any]) -> Iterator[DOMNode]:
    owner: DOMNode
    for owner in screen.focused.ancestors_with_self if screen.focused is not None else (screen, _app_of(screen)):
        yield owner
        if owner.is_modal:
            return


class Commands(Provider):
    """Offers each action that can be run now, with its key."""

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
