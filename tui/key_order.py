"""Dispatches keys and pastes one after the other: each goes to the widget that has the focus once the one before is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from textual.events import Key, Paste
from textual.message_pump import MessagePump

FOCUS_TIMEOUT = 2.0
"""Seconds that a key waits for the one before it, at most."""


class KeyOrder:
    """Queues input until earlier input has been processed.

    Textual passes each key at once to the widget that has the focus. Over a slow connection several keys arrive together, and those
    after a Tab or an Escape would go to the widget that is about to lose the focus.
    """

    def __init__(self, app: MessagePump, pass_on: Callable[[Key | Paste], Awaitable[None]], target: Callable[[], MessagePump]) -> None:
        """Prepare an empty queue; `pass_on` passes an event to `target()`, from which it bubbles up to `app`."""
        self._app = app
        self._pass_on = pass_on
        self._target = target
        self._waiting: deque[Key | Paste] = deque()
        self._number = 0
        """The number of the current event, counted from 1."""
        self._is_busy = False

    async def dispatch(self, event: Key | Paste) -> None:
        """Pass `event` on, now or once those before it are done."""
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
        """Follow an event from `node` up to the application, after all messages that it caused there, and then pass on the next one."""
        if node is self._app:
            node.call_later(node.call_later, self._go_on, number)
        elif not node.call_later(self._behind, node, number):
            self._follow(self._above(node), number)  # the node is gone

    def _above(self, node: MessagePump) -> MessagePump:
        return node._parent or self._app  # pyright: ignore[reportPrivateUsage]

    def _behind(self, node: MessagePump, number: int) -> None:
        above = self._above(node)
        if not node.call_later(self._follow, above, number):
            self._follow(above, number)
