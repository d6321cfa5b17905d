"""The report of a run, written by a key."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_folders as folders
from emotui.tui.screens.write_report import WriteReport
from monitor import Classifier, application, settle
from pictures import SIZES, check_picture
from report_runs import write_whole_run
from textual.widgets import Input, Static
from variants import sizes

IDLE = Classifier(folders.LABELS, {})


@pytest.fixture
def work(emotui_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_whole_run(emotui_home, tmp_path / "data")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_the_monitor_writes_the_report_of_its_run(work: Path, size: tuple[int, int]) -> None:
    async with application(IDLE, "3", size=size) as (app, pilot):
        await pilot.press("H")
        await settle(pilot)
        assert isinstance(app.screen, WriteReport)
        check_picture(app, "write-report")
        await pilot.press("enter")
        await settle(pilot)
        assert not isinstance(app.screen, WriteReport)
        assert [path.name for path in work.iterdir()] == ["report-fine77.html"]


async def test_a_file_that_is_there_is_replaced_by_a_second_enter(work: Path) -> None:
    (work / "report-fine77.html").write_text("mine")
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("H", "enter")
        await settle(pilot)
        assert "already exists. enter once more replaces it" in str(app.screen.query_one("#said", Static).render())
        assert (work / "report-fine77.html").read_text() == "mine"
        app.screen.query_one("#file", Input).value = "report.pdf"
        await pilot.press("enter")
        await settle(pilot)
        assert "ends in .html or .md" in str(app.screen.query_one("#said", Static).render())
        app.screen.query_one("#file", Input).value = "report-fine77.html"
        await pilot.press("enter")
        await settle(pilot)
        assert not isinstance(app.screen, WriteReport)
        assert "Run fine77" in (work / "report-fine77.html").read_text("utf-8")


async def test_the_errors_screen_writes_the_report_of_its_split(work: Path) -> None:
    async with application(IDLE, "5") as (app, pilot):
        await settle(pilot)
        await pilot.press("H")
        await settle(pilot)
        app.screen.query_one("#file", Input).value = "."
        await pilot.press("enter")
        await settle(pilot)
        assert sorted(path.name for path in work.iterdir()) == ["report-fine77.html", "report-fine77.md"]
        await pilot.press("s", "H")
        await settle(pilot)
        assert app.screen.query_one("#file", Input).value == "report-fine77-test.html"
