"""The palette: every action of the screen in front and of the application, by name."""

from __future__ import annotations

from functools import partial

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider


class Commands(Provider):
    """Offers each binding that works now, with its key."""

    def _actions(self) -> list[tuple[str, Binding]]:
        seen: dict[str, tuple[str, Binding]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.description and binding.id is not None and binding.action not in seen:
                title = f"{binding.tooltip or binding.description} ({self.app.get_key_display(binding)})"
                seen[binding.action] = (title, binding)
        return list(seen.values())

    async def discover(self) -> Hits:
        for title, binding in self._actions():
            yield DiscoveryHit(title, partial(self._run, binding))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, binding in self._actions():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(self._run, binding))

    async def _run(self, binding: Binding) -> None:
        self.app.simulate_key(binding.key)
