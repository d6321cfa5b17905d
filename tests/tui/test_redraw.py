"""Widgets are drawn, and the screen is laid out, only for what is another than before."""

from __future__ import annotations

import pytest
from emotui.tui.widgets.key_legend import KeyLegend
from emotui.tui.widgets.queue_list import QueueLine, QueueList
from emotui.tui.widgets.reading import Reading
from emotui.tui.widgets.redraw import set_text, set_titles
from hostile import drawn
from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static


class Few(App[None]):
    CSS = """
    Reading { height: 5; border: round white; }
    Reading Static { height: auto; min-height: 100%; }
    #free { height: auto; }
    QueueList { height: 6; }
    """

    def compose(self) -> ComposeResult:
        with Reading(id="box"):
            yield Static(id="text")
        with Vertical():
            yield Static(id="free")
            yield KeyLegend()
            yield QueueList()


async def test_what_is_the_same_is_not_drawn_again_and_only_another_height_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Few()
    async with app.run_test(size=(40, 24)) as pilot:
        seen: list[tuple[str, bool]] = []
        for widget in app.query("Reading, Static, KeyLegend").results():
            refresh = widget.refresh

            def spy(*regions: object, layout: bool = False, of: object = widget, do: object = refresh, **options: object) -> object:
                seen.append((getattr(of, "id") or "legend", layout))  # noqa: B009
                return do(*regions, layout=layout, **options)  # type: ignore[operator]

            monkeypatch.setattr(widget, "refresh", spy)

        def noted() -> list[tuple[str, bool]]:
            found = list(seen)
            seen.clear()
            return found

        box, keys = app.query_one("#box"), app.query_one(KeyLegend)
        text, free = app.query_one("#text", Static), app.query_one("#free", Static)
        for is_first in (True, False):
            set_titles(box, Text("one", "bold"), Text("below"))
            set_text(text, Text("a\nb"))
            set_text(free, Text("a"))
            keys.show([Text("1 joy")])
            await pilot.pause()
            assert bool(noted()) == is_first
        for title, words, height in (("two", "c", 1), ("two", "a\nb\nc", 3), ("three", "1\n2\n3\n4\n5", 5)):
            set_titles(box, Text(title), Text("below"))
            set_text(text, Text(words))
            assert ("text", True) not in noted() or height > 3
            await pilot.pause()
        assert text.size.height == 5
        noted()
        set_text(free, Text("a", "bold"))
        assert noted() == [("free", False)]
        await pilot.pause()
        noted()
        set_text(free, Text("a\nb"))
        keys.show([Text("1 joy"), Text("2 love")])
        assert noted() == [("free", False), ("free", True), ("legend", False)]


@pytest.mark.every_frame
async def test_the_lines_of_a_queue_move_up_by_one_and_are_not_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Few()
    async with app.run_test(size=(40, 24)) as pilot:
        listed, lines = app.query_one(QueueList), [QueueLine(f"text {number}") for number in range(30)]
        listed.show(tuple(lines), 10)
        await pilot.pause()
        made: list[int] = []
        line = listed._line
        monkeypatch.setattr(listed, "_line", lambda place, width: made.append(place) or line(place, width))
        listed.show(tuple(lines), 11)
        await pilot.pause()
        assert sorted(made) == [10, 11, 14]  # the one that was in hand, the one that is, and the one that came into sight
        shown = [each.strip() for each in drawn(app) if "text " in each]
        assert shown == ["text 9", "text 10", "▶            text 11", "text 12", "text 13", "text 14"]
