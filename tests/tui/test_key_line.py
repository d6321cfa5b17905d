"""The line of keys: whole keys only, the way out always, and a click that presses one."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from emotui.tui.widgets.key_line import KeyLine, ShownKey, fitting
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Label

KEYS = tuple(
    ShownKey(key, key, f"does {key}", f"app.{action}", True) for key, action in zip("abcdef?q", [*"uvwxyz", "help", "leave"], strict=True)
)


@pytest.mark.parametrize("width", range(22, 90))
def test_no_key_is_cut_and_help_and_the_way_out_stay(width: int) -> None:
    shown = fitting(KEYS, width)
    assert sum(each.width for each in shown) <= width
    assert [each.key for each in shown[-2:]] == ["?", "q"]
    assert shown[:-2] == list(KEYS[: len(shown) - 2])
    assert len(shown) == len(KEYS) or sum(each.width for each in shown) + KEYS[len(shown) - 2].width > width


class _Pressed(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "press('a')", "first"),
        Binding("b", "press('b')", "second"),
        Binding("c", "press('c')", "third", show=False),
        Binding("d,e", "press('d')", "fourth"),
    ]
    pressed: ClassVar[list[str]] = []

    def compose(self) -> ComposeResult:
        yield KeyLine()

    def action_press(self, key: str) -> None:
        self.pressed.append(key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if parameters == ("b",) else True


async def test_a_click_presses_a_key_unless_it_is_off() -> None:
    app = _Pressed()
    app.pressed.clear()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        line = app.query_one(KeyLine).render().plain
        assert "third" not in line
        assert line.count("fourth") == 1
        for word in ("first", "second", "fourth"):
            await pilot.click(KeyLine, offset=(line.index(word), 0))
        await pilot.pause()
    assert app.pressed == ["a", "d"]


class _Deep(Container):
    """Has its parts only when `ready` says so, as on a busy machine."""

    def __init__(self, ready: asyncio.Event) -> None:
        super().__init__()
        self._ready = ready

    async def on_mount(self) -> None:
        await self._ready.wait()
        await self.mount(Label("deep", id="deep"))


class _Late(Screen[None]):
    """Needs one of its parts to say whether a key is on, as Errors does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "act", "acts")]

    def __init__(self, ready: asyncio.Event) -> None:
        super().__init__()
        self._ready = ready

    def compose(self) -> ComposeResult:
        yield KeyLine()
        yield _Deep(self._ready)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "act" or bool(self.query_one("#deep"))


async def test_the_keys_of_a_screen_are_read_once_all_of_it_is_there() -> None:
    ready = asyncio.Event()
    app: App[None] = App()
    async with app.run_test(size=(60, 5)) as pilot:
        screen = _Late(ready)
        app.push_screen(screen)
        while not screen.query(KeyLine) or not screen.query_one(KeyLine).is_mounted:
            await asyncio.sleep(0.01)
        screen.query_one(KeyLine)._read_bindings()  # an error here would end the application
        assert screen.query_one(KeyLine).keys == ()
        ready.set()
        while app.is_running and "acts" not in screen.query_one(KeyLine).render().plain:
            await pilot.pause(0.01)


class _Front(Screen[None]):
    """Cannot say yet whether a key is on."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.query_one("#deep"))


class _Behind(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "screen.act", "acts")]

    def compose(self) -> ComposeResult:
        yield KeyLine()

    def action_act(self) -> None: ...


async def test_a_screen_that_is_behind_another_does_not_ask_that_one() -> None:
    app: App[None] = App()
    async with app.run_test(size=(60, 5)) as pilot:
        behind = _Behind()
        await app.push_screen(behind)
        await pilot.pause()
        line = behind.query_one(KeyLine)
        await app.push_screen(_Front())
        line._read_bindings()  # an error here would end the application
        app.pop_screen()
        while app.is_running and "acts" not in line.render().plain:
            await pilot.pause(0.01)
