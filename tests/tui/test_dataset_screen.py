"""The dataset browser over real files and an engine within the test."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emotui.core.data import sources
from emotui.core.data.table import Dataset
from emotui.core.questions import AskLengths
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.screens.dataset import DatasetScreen
from emotui.tui.screens.dataset.side import DatasetSide
from emotui.tui.screens.open_data import OpenData
from emotui.tui.screens.tokens import TokensScreen
from emotui.tui.widgets.box_plots import BoxPlots
from emotui.tui.widgets.class_bars import ClassBars
from emotui.tui.widgets.distrust import Distrust
from emotui.tui.widgets.row_table import RowTable
from emotui.tui.widgets.split_table import SplitTable
from hostile import HOSTILE, RAW, drawn
from inspector import Inspector
from monitor import TIMEOUT, settle, until
from pictures import SIZES, check_picture
from textual import events
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widgets import Input, Static
from variants import sizes


@asynccontextmanager
async def browser(
    engine: object, data: Path | str, *, size: tuple[int, int] = (120, 36), **more: Any
) -> AsyncIterator[tuple[DatasetScreen, Pilot[int]]]:
    """Run the application until the data set is open or was refused."""
    app = EmotuiApp(engine=engine, spec=DataSpec(str(data)), **more)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, DatasetScreen)
        yield screen, pilot


def lines(screen: DatasetScreen) -> str:
    return "\n".join(drawn(screen.app))


def counts(screen: DatasetScreen) -> dict[str, int]:
    return {look.name: count for look, count in screen.query_one(ClassBars).counts}


@pytest.fixture
def engine(emotui_home: Path, tiny_model: Path) -> Inspector:
    return Inspector(tiny_model)


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """Two leaked rows and a text under two labels."""
    folder = tmp_path / "flawed"
    folder.mkdir()
    rows = [{"text": f"row {number} of the data", "label": "joy" if number % 2 else "anger"} for number in range(40)]
    rows.append({"text": "row 1 of the data", "label": "anger"})
    for name, part in (("train", rows), ("validation", rows[:2]), ("test", [{"text": "another one", "label": "joy"}] * 3)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    return folder


async def test_rows_classes_and_the_full_text_are_there(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        text = lines(screen)
        for part in ("train 90", "validation 30", "test 30", "words per text", "problems", "text string", "starter model"):
            assert part in text
        assert sum(counts(screen).values()) == 90
        dataset = sources.load(DataSpec(str(tiny_data)))
        assert screen.text_in_hand() == dataset.split("train").row(0).text
        await pilot.press("j", "j", "down")
        assert screen.text_in_hand() == dataset.split("train").row(3).text
        assert "feel alone today" in lines(screen)
        await pilot.press("G")
        assert screen.text_in_hand() == dataset.split("train").row(89).text


async def test_the_first_rows_are_drawn_in_the_width_of_their_place(engine: Inspector, tiny_data: Path) -> None:
    app = EmotuiApp(engine=engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.state.data.use(DataSpec(str(tiny_data)), sources.load(DataSpec(str(tiny_data))))
        assert isinstance(app.screen, DatasetScreen)
        table = app.screen._table
        assert table is not None and table.backend is not None
        first = list(table.backend.column_content_widths)
        await settle(pilot)
        assert list(table.backend.column_content_widths) == first


async def test_brackets_change_the_split(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert sum(counts(screen).values()) == 30
        await pilot.press("left_square_bracket", "left_square_bracket")
        await settle(pilot)
        assert screen._split == "test"


async def test_a_filter_changes_rows_charts_and_counts_together(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash", *"label:joy", "enter")
        await settle(pilot)
        dataset = sources.load(DataSpec(str(tiny_data)))
        joys = int((dataset.split("train").label_ids() == dataset.labels.index("joy")).sum())
        assert counts(screen) == {"sadness": 0, "joy": joys, "anger": 0}
        assert screen.query_one(RowTable).row_count == joys
        assert [box.look.name for box in screen.query_one(BoxPlots).plot.boxes] == ["joy"]
        assert f"train {joys} of 90" in lines(screen)
        await pilot.press("escape")
        await settle(pilot)
        assert sum(counts(screen).values()) == 90
        assert screen.query_one(RowTable).row_count == 90


async def test_sizes_that_follow_one_another_fast_are_not_laid_out_in_turn_for_ever(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data, size=(120, 36)) as (screen, pilot):
        layouts = []
        screen.screen_layout_refresh_signal.subscribe(screen, lambda _: layouts.append(screen._compositor.size), immediate=True)
        for size in (Size(100, 30), Size(120, 36)):
            screen.post_message(events.Resize(size, size))
            screen.call_later(lambda: None)  # a message between the two, without which they are taken for one
        await settle(pilot)
        assert (100, 30) not in layouts
        assert screen.size == (120, 36)


def type_ahead(screen: DatasetScreen, *keys: str) -> None:
    """Send keys as a slow line does, all together."""
    for key in keys:
        screen.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_keys_that_come_together_with_the_slash_are_words_of_the_filter_and_not_commands(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        type_ahead(screen, "slash", *"label:joy", "enter")
        await settle(pilot)
        assert pilot.app.screen is screen  # the o opens no dialog
        assert screen.query_one("#filter", Input).value == "label:joy"


async def test_keys_that_come_together_with_the_o_are_the_path(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        type_ahead(screen, "o", *"/no/q")
        await settle(pilot)
        assert isinstance(pilot.app.screen, OpenData)
        assert pilot.app.screen.query_one("#source", Input).value == "/no/q"


async def test_the_splits_stand_side_by_side_and_follow_the_filter(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        shown = screen.query_one(SplitTable)
        assert shown.display
        assert [(split.name, split.rows) for split in shown.shown.splits] == [("train", 90), ("validation", 30), ("test", 30)]
        await pilot.press("slash", *"label:joy", "enter")
        await settle(pilot)
        dataset = sources.load(DataSpec(str(tiny_data)))
        joy = dataset.labels.index("joy")
        assert [split.rows for split in shown.shown.splits] == [int((part.label_ids() == joy).sum()) for part in dataset.splits.values()]


async def test_shorter_limits_say_what_they_cut(engine: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "lengths.jsonl"
    rows = [{"text": f"{number} " + "word " * (40 if number % 10 == 0 else 4), "label": "ab"[number % 2]} for number in range(200)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with browser(engine, file) as (screen, pilot):
        train = sources.load(DataSpec(str(file))).split("train")
        long = np.array([len(text.split()) > 30 for text in train.texts()])
        share, most = 100 * long.mean(), 100 * long[train.label_ids() == 0].mean()
        assert f"cut at  16: {share:.1f} %  32: {share:.1f} %" in lines(screen)
        await pilot.resize_terminal(200, 60)
        await settle(pilot)
        assert f"32 tokens cut {share:>4.1f} %  most: ● a {most:.1f} %" in lines(screen)


async def test_a_filter_for_another_split_goes_there(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash", *"split:test", "enter")
        await settle(pilot)
        assert screen._split == "test"
        assert screen.query_one(RowTable).row_count == 30


async def test_a_wrong_filter_is_said_and_the_rows_stay(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash")
        screen.query_one("#filter", Input).value = "label:nobody"  # at once: half a word is a filter, too, on a slow machine
        await settle(pilot)
        assert "nobody" in lines(screen)
        assert screen.query_one(RowTable).row_count == 90
        await pilot.press("escape")
        await settle(pilot)
        assert screen.query_one(RowTable).has_focus


async def test_tokens_are_counted_by_the_engine_and_the_limit_is_drawn(engine: Inspector, tiny_data: Path) -> None:
    engine.limit = 12
    async with browser(engine, tiny_data) as (screen, pilot):
        assert any(isinstance(ask, AskLengths) for ask in engine.asked)
        await pilot.press("u")
        plot = screen.query_one(BoxPlots).plot
        assert plot.limit == 12
        dataset = sources.load(DataSpec(str(tiny_data)))
        cut = np.mean([len(row.text.split()) + 2 > 12 for row in dataset.split("train").rows(0, 90)])
        assert f"12 tokens cut {100 * cut:.1f} %" in lines(screen)
        assert "tokens per text" in lines(screen)


async def test_without_the_engine_the_rest_works_on(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    async with browser(Inspector(tiny_model, error="the engine is not well"), tiny_data) as (screen, pilot):
        await pilot.press("u")
        assert "no tokens: the engine is not well" in lines(screen)
        assert sum(counts(screen).values()) == 90


@pytest.mark.slow
async def test_a_red_line_says_on_every_screen_that_the_data_cannot_be_trusted(engine: Inspector, flawed: Path, tiny_data: Path) -> None:
    async with browser(engine, flawed) as (screen, pilot):
        app = screen.app
        assert isinstance(app, EmotuiApp)
        await until(pilot, lambda: bool(app.state.distrust), "the reasons")
        assert any("have their texts in train too (100.0 %)" in reason for reason in app.state.distrust)
        for key in ("2", "3", "4", "1"):
            await pilot.press(key)
            await settle(pilot)
            line = app.screen.query_one(Distrust)
            assert line.display
            assert "not to be trusted" in "\n".join(drawn(app))
        app.state.data.open(DataSpec(str(tiny_data)))
        await until(pilot, lambda: app.state.dataset is not None and len(app.state.dataset.splits["train"]) == 90, "the other data set")
        await settle(pilot)
        assert not app.state.distrust
        assert "not to be trusted" not in "\n".join(drawn(app))


async def test_problems_lead_to_their_rows(engine: Inspector, flawed: Path) -> None:
    async with browser(engine, flawed) as (screen, pilot):
        text = lines(screen)
        assert "texts in train too" in text
        screen.query_one("#problem_list").focus()
        await pilot.press("home", "enter")
        await settle(pilot)
        assert screen._split == "validation"
        assert screen.query_one(RowTable).row_count == 2
        assert screen.query_one(RowTable).has_focus
        await pilot.press("escape")
        await settle(pilot)
        assert screen._found is None


async def test_t_sends_the_row_and_the_rows_after_it_to_the_inspector(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("j")
        text, after = screen.text_in_hand(), screen.texts_after()
        await pilot.press("t")
        await settle(pilot)
        assert isinstance(screen.app.screen, TokensScreen)
        assert screen.app.screen.text_in_hand() == text
        assert screen.app.screen._batch_texts("x")[1:] == after[:7]


async def test_a_long_text_is_read_by_keys_alone(engine: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    long = " ".join(f"word{number}" for number in range(400))
    file.write_text("".join(json.dumps({"text": f"{number} {long}", "label": f"c{number % 2}"}) + "\n" for number in range(40)))
    async with browser(engine, file, size=(80, 24)) as (screen, pilot):
        await pilot.press("tab")
        assert screen.query_one("#text").has_focus
        assert "word399" not in lines(screen)
        await pilot.press("G")
        await settle(pilot)
        assert "word399" in lines(screen)
        await pilot.press("g", "z")
        await settle(pilot)
        text = lines(screen)
        assert "word100" in text
        assert "words per text" not in text
        assert "reading" not in text
        assert text.startswith(" emotui")
        await pilot.press("escape")
        await settle(pilot)
        assert "words per text" in lines(screen)


async def test_the_way_back_from_a_problem_is_never_cut(engine: Inspector, flawed: Path) -> None:
    async with browser(engine, flawed, size=(80, 24)) as (screen, pilot):
        assert "all rows" not in lines(screen)
        screen.query_one("#problem_list").focus()
        await settle(pilot)
        assert "q leave" in lines(screen)
        await pilot.press("home", "enter")
        await settle(pilot)
        assert "esc all rows" in lines(screen).splitlines()[-1]
        assert "q leave" in lines(screen).splitlines()[-1]
        await pilot.press("escape")
        await settle(pilot)
        assert "all rows" not in lines(screen)


async def test_the_rows_of_a_filter_are_written_to_a_file(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash", *"label:joy split:train", "enter")
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert "write 30 rows" in "\n".join(drawn(screen.app))
        field = screen.app.screen.query_one("#file", Input)
        for name, said in (("rows.xyz", "has no known ending"), ("rows.jsonl", "")):
            field.value = str(tmp_path / name)
            await pilot.press("enter")
            await settle(pilot)
            assert said in "\n".join(drawn(screen.app))
        assert screen.app.screen is screen
        rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
        assert len(rows) == 30
        assert {row["label"] for row in rows} == {"joy"}
        assert {row["split"] for row in rows} == {"train"}
        assert rows[0]["text"] == screen.text_in_hand()
        await pilot.press("x")
        await settle(pilot)
        screen.app.screen.query_one("#file", Input).value = str(tmp_path / "rows.jsonl")
        await pilot.press("enter")
        await settle(pilot)
        assert "already exists" in "\n".join(drawn(screen.app))


async def test_p_sends_the_row_to_the_prompt(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        text = screen.text_in_hand()
        await pilot.press("p")
        await settle(pilot)
        assert screen.app.current_mode == "classify"
        assert getattr(screen.app.screen, "text_in_hand")() == text  # noqa: B009


async def test_figures_of_a_part_say_so(engine: Inspector, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emotui.tui.screens.dataset import numbers as dataset_numbers

    monkeypatch.setattr(dataset_numbers, "FIRST", 10)
    may_go_on = threading.Event()
    count = dataset_numbers.count

    def slow(split: Any, indices: Any, lengths: Any, *, at_most: int | None = None) -> Any:
        if at_most is None:
            assert may_go_on.wait(TIMEOUT)
        return count(split, indices, lengths, at_most=at_most)

    monkeypatch.setattr(dataset_numbers, "count", slow)
    app = EmotuiApp(engine=engine, spec=DataSpec(str(tiny_data)))
    async with app.run_test(size=(120, 36)) as pilot:
        try:
            await until(pilot, lambda: "counted on 10 of 90" in "\n".join(drawn(app)), "figures of the first rows")
        finally:
            may_go_on.set()
        await settle(pilot)
        assert "counted on" not in "\n".join(drawn(app))


async def test_another_data_set_is_shown_before_it_is_taken(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text(
        "review,stars\n" + "".join(f"place number {number} was {'good' if number % 2 else 'bad'},{number % 2}\n" for number in range(30))
    )
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("o")
        dialog = screen.app.screen
        assert isinstance(dialog, OpenData)
        dialog.query_one("#source", Input).value = str(file)
        await pilot.press("enter")
        await settle(pilot)
        text = "\n".join(drawn(screen.app))
        assert "review" in text
        assert "stars" in text
        assert text.count("place number") == 5
        assert screen.state.dataset is not None
        assert screen.state.dataset.source == str(tiny_data)
        await pilot.press("enter")
        await settle(pilot)
        assert screen.app.screen is screen
        assert screen.state.dataset.source == str(file)
        assert "place number" in lines(screen)


async def test_a_data_set_that_cannot_be_read_is_said_in_a_sentence(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"text": "a", "label": "x"}\n{"text": "b"\n')
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("o")
        screen.app.screen.query_one("#source", Input).value = str(file)
        await pilot.press("enter")
        await settle(pilot)
        assert "broken.jsonl" in "\n".join(drawn(screen.app)).replace("\n", "")
        await pilot.press("escape")
        assert sum(counts(screen).values()) == 90


async def test_columns_that_cannot_be_guessed_are_named_in_the_dialog(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    good, unclear = tmp_path / "good.csv", tmp_path / "unclear.csv"
    good.write_text("review,stars\n" + "".join(f"place number {number},{number % 2}\n" for number in range(30)))
    unclear.write_text("a,b,c\n" + "".join(f"some words {number},other words {number},{number % 2}\n" for number in range(30)))
    async with browser(engine, tiny_data, size=(80, 24)) as (screen, pilot):
        await pilot.press("o")
        dialog = screen.app.screen
        assert isinstance(dialog, OpenData)
        for source in (good, unclear):
            dialog.query_one("#source", Input).value = str(source)
            await pilot.press("enter")
            await settle(pilot)
        text = "\n".join(drawn(screen.app))
        assert "review" not in text
        assert "--" not in text
        assert "the field 'text column'" in " ".join(text.replace("│", " ").split())
        dialog.query_one("#text_column", Input).value = "a"
        dialog.query_one("#label_column", Input).value = "c"
        dialog.query_one("#labels", Input).value = "bad, good"
        await pilot.press("enter")
        await settle(pilot)
        assert "some words 0" in "\n".join(drawn(screen.app))
        await pilot.press("enter")
        await settle(pilot)
        assert screen.state.dataset is not None
        assert screen.state.dataset.text_column == "a"
        assert screen.state.dataset.labels == ("bad", "good")


async def test_rows_that_cannot_be_used_are_left_out_when_asked(engine: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "holes.csv"
    file.write_text("text,label\n" + "".join(f"{'' if number == 7 else f'words {number}'},{'ab'[number % 2]}\n" for number in range(30)))
    async with browser(engine, file) as (screen, pilot):
        assert "Press o" in lines(screen)
        await pilot.press("o")
        text = "\n".join(drawn(screen.app))
        assert "holes.csv, row 8" in text
        screen.app.screen.query_one("#bad_rows").focus()
        await pilot.press("right", "enter")
        await settle(pilot)
        assert "skipped 1 row" in "\n".join(drawn(screen.app))
        await pilot.press("enter")
        await settle(pilot)
        assert screen.state.dataset is not None
        assert sum(len(split) for split in screen.state.dataset.splits.values()) == 29


async def test_the_first_data_set_cannot_be_read(engine: Inspector, tmp_path: Path) -> None:
    async with browser(engine, tmp_path / "nowhere") as (screen, _):
        text = lines(screen)
        assert "cannot open the data set" in text
        assert "Press o" in text


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_pictures(engine: Inspector, tiny_data: Path, flawed: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("emotui.tui.frame.device_of", lambda state: ("CPU 2 cores", ""))
    async with browser(engine, flawed, size=size) as (screen, _):
        check_picture(screen.app, "data-full")

    app = EmotuiApp(engine=engine)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        check_picture(app, "data-empty")
    async with browser(engine, "/nowhere", size=size) as (screen, _):
        check_picture(screen.app, "data-failed")


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_how_far_the_reading_has_come_is_shown(engine: Inspector, tiny_data: Path, size: tuple[int, int]) -> None:
    shown = threading.Event()

    def read(spec: DataSpec, *, progress: Any) -> Dataset:
        progress("read", 512, 2048)
        assert shown.wait(TIMEOUT), "the screen did not show it"
        return sources.load(spec)

    app = EmotuiApp(engine=engine, spec=DataSpec(str(tiny_data)), read=read)
    async with app.run_test(size=size) as pilot:
        try:
            await until(pilot, lambda: "reading the data set  25 %" in "\n".join(drawn(app)), "the share that is read")
        finally:
            shown.set()
        await settle(pilot)
        assert "reading the data set" not in "\n".join(drawn(app))


async def test_hostile_texts_and_labels_are_harmless(engine: Inspector, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    rows = [
        {"text": text.replace("\udc80", ""), "label": f"class {index % 2} {HOSTILE[index % 2][:40]}"} for index, text in enumerate(HOSTILE)
    ]
    for name in ("train", "validation", "test"):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({**row, "text": f"{name} {row['text']}"}) + "\n" for row in rows))
    async with browser(engine, folder) as (screen, pilot):
        assert screen.state.dataset is not None, screen.state.data_error
        for _ in range(len(rows)):
            for line in drawn(screen.app):
                assert not RAW.search(line), line
            await pilot.press("j")
        await pilot.press("slash", *"class")
        await settle(pilot)
        for line in drawn(screen.app):
            assert not RAW.search(line)
        await pilot.press("escape", "escape", "t")
        await settle(pilot)
        for line in drawn(screen.app):
            assert not RAW.search(line)


async def test_a_million_rows_scroll_to_their_end(engine: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    from emotui.core.data.arrays import numbers, strings
    from emotui.core.data.table import Split

    rows = 1_000_000
    text = pa.chunked_array([strings([f"i feel number {number} today" for number in range(1000)])] * (rows // 1000))
    columns: Any = {"text": text, "label": numbers(np.arange(rows) % 2, "int32"), "number": numbers(np.arange(rows) + 1, "int64")}
    table = pa.table(columns)
    labels = ("joy", "anger")
    dataset = Dataset("large", "large", {"train": Split("train", table, labels)}, labels, ("text", "label"), "text", "label", {}, {})
    app = EmotuiApp(engine=Inspector(Path(), silent=True))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, DatasetScreen)
        monkeypatch.setattr(DatasetSide, "open", lambda *_: None)
        monkeypatch.setattr(DatasetSide, "show", lambda *_: None)
        app.state.data.use(DataSpec("large"), dataset)
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        assert screen.text_in_hand() == "i feel number 999 today"
        assert "999,999" in "\n".join(drawn(app))


async def test_enter_takes_the_whole_line_also_where_a_half_typed_one_was_wrong(engine: Inspector, tiny_data: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("slash", *"label:")
        await settle(pilot)
        assert screen.query_one("#fault").has_class("-open")
        await pilot.press(*"joy split:train", "enter", "x")
        await settle(pilot)
        assert "write 30 rows" in "\n".join(drawn(screen.app))


async def test_the_dialog_says_how_many_rows_of_which_splits_it_writes(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press("right_square_bracket", "x")
        await settle(pilot)
        dialog = screen.app.screen
        said = "\n".join(drawn(screen.app))
        assert "write 30 rows" in said
        for offered in ("train 90", "● validation 30", "test 30", "all splits 150"):
            assert offered in said
        dialog.query_one("#splits").focus()
        await pilot.press("right", "right")
        await settle(pilot)
        assert "write 150 rows" in "\n".join(drawn(screen.app))
        await pilot.press("left", "left")
        dialog.query_one("#file", Input).value = str(tmp_path / "rows.jsonl")
        await pilot.press("enter")
        await settle(pilot)
        rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
        assert [row["split"] for row in rows] == ["validation"] * 30


@pytest.mark.parametrize("key", ["ctrl+g", "colon"])
async def test_a_key_goes_to_a_row_by_its_number(engine: Inspector, tiny_data: Path, key: str) -> None:
    texts = [json.loads(line)["text"] for line in (tiny_data / "train.jsonl").read_text().splitlines()]
    async with browser(engine, tiny_data) as (screen, pilot):
        await pilot.press(key, *"77", "enter")
        await settle(pilot)
        assert screen.app.screen is screen
        assert screen.text_in_hand() == texts[77]
        await pilot.press(key, *"90", "enter")
        await settle(pilot)
        assert "type a number from 0 to 89" in "\n".join(drawn(screen.app))
        await pilot.press("escape", "slash", *"label:joy", "enter")
        await settle(pilot)
        labels = [json.loads(line)["label"] for line in (tiny_data / "train.jsonl").read_text().splitlines()]
        other = next(index for index, label in enumerate(labels) if index > 30 and label != "joy")
        await pilot.press(key, *str(other), "enter")
        await settle(pilot)
        assert f"row {other} does not meet the filter" in "\n".join(drawn(screen.app))


async def test_the_dialog_takes_a_file_for_each_split(engine: Inspector, tiny_data: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("train", "validation", "test")):
        (tmp_path / f"part{number}.jsonl").write_text((tiny_data / f"{name}.jsonl").read_text())
    async with browser(engine, tiny_data, size=(80, 24)) as (screen, pilot):
        await pilot.press("o")
        dialog = screen.app.screen
        dialog.query_one("#source", Input).value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
        said = "\n".join(drawn(screen.app))
        assert "--" not in said
        assert "train file" in said
        for number, name in enumerate(("train", "validation", "test")):
            dialog.query_one(f"#{name}", Input).value = f"part{number}.jsonl"
        await pilot.press("enter")
        await settle(pilot)
        assert screen.app.screen is dialog
        await pilot.press("enter")
        await settle(pilot)
        assert screen.state.dataset is not None
        assert {name: len(split) for name, split in screen.state.dataset.splits.items()} == {"train": 90, "validation": 30, "test": 30}


async def test_the_notes_of_a_reader_name_fields_and_no_options(engine: Inspector, tmp_path: Path) -> None:
    rows = "".join(
        json.dumps({"text": f"some words {number}", "label": number % 2, "other": f"words {number}"}) + "\n" for number in range(40)
    )
    (tmp_path / "train.jsonl").write_text(rows)
    async with browser(engine, tmp_path / "train.jsonl", size=(200, 60)) as (screen, _):
        assert screen.state.dataset is not None
        assert any("--" in note for note in map(str, screen.state.dataset.notes))
        assert "--" not in str(screen.query_one("#notes", Static).content)
