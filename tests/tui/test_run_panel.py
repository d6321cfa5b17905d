"""The list of runs: filter, order, pins and tags, also among five hundred."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import run_folders as folders
from emotui.core.runs import notes
from emotui.tui.app import EmotuiApp
from emotui.tui.widgets.plot import Plot
from emotui.tui.widgets.run_list import RunList
from hostile import HOSTILE, RAW, drawn
from monitor import Classifier, application, settle
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input
from variants import mostly_slow, sizes

IDLE = Classifier(folders.LABELS, {})


@pytest.fixture
def runs(emotui_home: Path) -> Path:
    """Three runs, the failed one the newest, the baseline the oldest."""
    runs = emotui_home / "runs"
    folders.write_failed_run(runs, "bad333")
    folders.write_train_run(runs, "fine77", created=folders.STARTED - 10)
    folders.write_baseline_run(runs, "base22", created=folders.STARTED - 20)
    return runs


def listed(app: EmotuiApp) -> list[str]:
    return [item.id for item in app.screen.query_one(RunList).items]


async def until(pilot: Pilot[int], met: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not met():
            await pilot.pause(0.02)


async def insert(pilot: Pilot[int], text: str) -> None:
    for character in text:
        pilot.app.screen.query_one("Input:focus", Input).insert_text_at_cursor(character)
        await pilot.pause()


@pytest.mark.slow
@pytest.mark.parametrize("size", sizes([(80, 24), (120, 36)]))
async def test_a_line_over_the_list_filters_it(runs: Path, size: tuple[int, int]) -> None:
    async with application(IDLE, "3", size=size) as (app, pilot):
        assert listed(app) == ["bad333", "fine77", "base22"]
        assert " / filter" in "\n".join(drawn(app))
        await pilot.press("slash")
        await insert(pilot, "task:fine f1>0.9")
        await until(pilot, lambda: listed(app) == ["fine77"])
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "1 of 3" in text and "✓ finished in" in text  # the run that is listed is looked at
        await insert(pilot, " state:done")
        await until(pilot, lambda: "there is no" in "\n".join(drawn(app)))
        assert listed(app) == ["fine77"]
        await pilot.press("enter", "escape")
        await until(pilot, lambda: listed(app) == ["bad333", "fine77", "base22"])
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "there is no" not in text and "1 of 3" not in text
        assert app.screen.query_one(RunList).has_focus


async def test_a_filter_that_no_run_meets_leaves_the_charts(runs: Path) -> None:
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("slash")
        await insert(pilot, "nothing")
        await until(pilot, lambda: listed(app) == [])
        await pilot.press("enter", "down", "space", "P")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "runs, 0 of 3" in text and "✗ failed at step 100" in text


async def test_o_turns_the_order(runs: Path) -> None:
    async with application(IDLE, "3") as (app, pilot):
        for order, title in (
            (["fine77", "base22", "bad333"], "runs by F1"),
            (["bad333", "fine77", "base22"], "runs by state"),
            (["bad333", "fine77", "base22"], "─ runs ─"),
        ):
            await pilot.press("o")
            await until(pilot, lambda order=order: listed(app) == order)
            await settle(pilot)
            assert title in "\n".join(drawn(app))


@pytest.mark.slow
async def test_pins_and_tags_are_kept_and_seen_by_other_applications(runs: Path) -> None:
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("end", "P")
        await until(pilot, lambda: listed(app) == ["base22", "bad333", "fine77"])
        assert notes.read() == {"base22": notes.RunNote(pinned=True)}
        await settle(pilot)
        assert "↑ base22 baseline" in "\n".join(drawn(app))
        await pilot.press("number_sign")
        await insert(pilot, "keep #lr-3")
        await pilot.press("enter")
        await until(pilot, lambda: notes.read().get("base22") == notes.RunNote(("keep", "lr-3"), True))
        await until(pilot, lambda: "#keep #lr-3" in "\n".join(drawn(app)))
        assert app.screen.query_one(RunList).has_focus
        notes.change("fine77", tags=("other",))  # as another application does
        await until(pilot, lambda: "#other" in "\n".join(drawn(app)))
        await pilot.press("number_sign")
        assert app.screen.query_one("#run-tags", Input).value == "keep lr-3"
        await pilot.press("escape", "P")
        await until(pilot, lambda: listed(app) == ["bad333", "fine77", "base22"])
    async with application(IDLE, "3", size=(80, 24)) as (app, pilot):
        await pilot.press("slash")
        await insert(pilot, "tag:keep,other")
        await until(pilot, lambda: listed(app) == ["fine77", "base22"])
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "─ #other starter" in text


async def test_what_is_no_tag_is_said_and_what_cannot_be_written_too(runs: Path) -> None:
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("number_sign")
        await insert(pilot, "x" * 25)
        await until(pilot, lambda: "longer than 24" in "\n".join(drawn(app)))
        await pilot.press("enter")
        assert app.screen.query_one("#run-tags", Input).has_focus
        await pilot.press("escape")
        notes.notes_file().mkdir()
        await pilot.press("P")
        await until(pilot, lambda: any("cannot write" in each.message for each in app._notifications))
        assert listed(app) == ["bad333", "fine77", "base22"]


async def test_the_keys_of_the_list_are_in_help(runs: Path) -> None:
    async with application(IDLE, "3", size=(120, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await settle(pilot)
        text = "\n".join(drawn(app))
        for words in ("filter runs: words, state:failed", "sort the runs by age, F1 or state", "keep this run on top", "tag this run"):
            assert words in text, words


async def test_another_theme_colours_the_curves_and_the_list(runs: Path) -> None:
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("down")  # the finished fine-tuning
        loss = app.screen.query_one("#loss", Plot)
        for _ in range(2):
            before = dict(app.theme_variables)
            await pilot.press("T")
            await until(pilot, lambda before=before: loss.chart.series[0].color not in ("", before["warning"]))
            assert loss.chart.series[0].color == app.theme_variables["warning"]
            sign = app.screen.query_one(RunList).get_option_at_index(1).prompt
            styles = {str(span.style) for span in getattr(sign, "spans")}  # noqa: B009
            assert app.theme_variables["success"] in styles and before["success"] not in styles


@pytest.mark.slow
@pytest.mark.parametrize("text", mostly_slow(HOSTILE))
async def test_hostile_filters_and_tags(runs: Path, text: str) -> None:
    async with application(IDLE, "3", size=(80, 24)) as (app, pilot):
        for key in ("slash", "number_sign"):
            await pilot.press(key)
            app.screen.query_one("Input:focus", Input).post_message(events.Paste(text[:2000]))
            await settle(pilot)
            assert not any(RAW.search(line) for line in drawn(app))
            await pilot.press("enter", "escape")
        await settle(pilot)
        assert not any(RAW.search(line) for line in drawn(app))


@pytest.mark.slow
async def test_five_hundred_runs_open_scroll_and_are_not_drawn_anew_at_each_look(
    emotui_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = emotui_home / "runs"
    happened = folders.train_events(steps=8)
    for number in range(500):
        folders.write_run(runs, f"r{number:03d}", folders.train_spec(), happened, created=folders.STARTED - 3_600 * number)
    async with application(IDLE, "3") as (app, pilot):
        assert len(listed(app)) == 500
        await pilot.press("end")
        await settle(pilot)
        assert "r499 fine-tune" in "\n".join(drawn(app))
        drawn_anew: list[int] = []
        replace = RunList.replace_option_prompt_at_index
        monkeypatch.setattr(
            RunList,
            "replace_option_prompt_at_index",
            lambda self, index, prompt: (drawn_anew.append(index), replace(self, index, prompt))[1],
        )
        monkeypatch.setattr(RunList, "clear_options", lambda self: pytest.fail("the whole list was built anew"))
        live = runs / "r002"
        (live / "result.json").unlink()
        with folders.held(live):
            app.state.poll_runs()
            app.screen.draw()  # type: ignore[attr-defined]
        assert drawn_anew == [2]
        assert listed(app)[2] == "r002"
