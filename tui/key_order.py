"""Hands keys and pastes on one after the other: each goes to what has the focus once the key before it has done its work."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from textual.events import Key, Paste
from textual.message_pump import MessagePump

FOCUS_TIMEOUT = 2.0
"""Seconds that a key waits for the one before it, at most."""


class KeyOrder:
    """What was typed and waits for what was typed before it.

    Textual gives each key at once to what has the focus at that moment. Over a slow line several come together, and those behind a tab
    or an escape would go to the place that the first one is about to leave.
    """

    def __init__(self, app: MessagePump, pass_on: Callable[[Key | Paste], Awaitable[None]], target: Callable[[], MessagePump]) -> None:
        """`pass_on` hands an event to `target()`, from which it rises to `app`."""
        self._app = app
        self._pass_on = pass_on
        self._target = target
        self._waiting: deque[Key | Paste] = deque()
        self._number = 0
        """Of the event under way, counted from 1."""
        self._is_busy = False

    async def dispatch(self, event: Key | Paste) -> None:
        """Hand `event` on, now or when those before it are done."""
        self._waiting.append(event)
        if self._is_busy:
            self._app.set_timer(FOCUS_TIMEOUT, partial(self._go_on, self._number))
        else:
            await self._next()

    async def _next(self) -> None:
        self._is_busy = bool(self._waiting)
        if self._waiting:
            self._number += 1
            target = self._target()
            await self._pass_on(self._waiting.popleft())
            self._follow(target, self._number)

    async def _go_on(self, number: int) -> None:
        if self._is_busy and number == self._number:
            await self._next()

    def _follow(self, node: MessagePump, number: int) -> None:
        """Go the way of an event that `node` was given, behind it and what it led to there, up to the application, and hand on the next."""
        if node is self._app:
            node.call_later(node.call_later, self._go_on, number)
        elif not node.call_later(self._behind, node, number):
            self._follow(self._above(node), number)  # it is gone

    def _above(self, node: MessagePump) -> MessagePump:
        return node._parent or self._app  # pyright: ignore[reportPrivateUsage]

    def _behind(self, node: MessagePump, number: int) -> None:
        above = self._above(node)
        if not node.call_later(self._follow, above, number):
            self._follow(above, number)
