"""The confusion matrix: shares, and a matrix with more classes than fit."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from emotui.tui.theme import class_looks
from emotui.tui.widgets.confusion import Confusion
from emotui.tui.widgets.confusion_places import Matrix, share
from emotui.tui.widgets.label_look import LabelLook
from hostile import drawn
from textual.app import App, ComposeResult

COUNTS = ((8, 2), (1, 0))


def test_shares_of_rows_and_columns() -> None:
    assert share(COUNTS, 0, 1, "row %") == pytest.approx(0.2)
    assert share(COUNTS, 0, 0, "column %") == pytest.approx(8 / 9)
    assert share(((0, 0), (0, 0)), 0, 0, "row %") == 0.0


class Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield Confusion()


def big(classes: int) -> Matrix:
    looks = tuple(LabelLook(f"class{index:02}", "●", "#7aa9f7") for index in range(classes))
    counts = tuple(tuple(100 if row == column else (row * column) % 7 for column in range(classes)) for row in range(classes))
    return Matrix("run", looks, counts)


async def test_thirty_classes_scroll_with_the_cursor() -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(big(30))
        confusion.mode = "counts"
        confusion.focus()
        await pilot.press("home")
        await pilot.pause()
        top = "\n".join(drawn(app))
        assert "class00" in top
        assert "class29" not in top
        assert " of 30: 100 class00 predicted right" in top
        await pilot.press("end")
        await pilot.pause()
        bottom = "\n".join(drawn(app))
        assert "▸100◂" in bottom
        assert "class29" in bottom
        assert "class00" not in bottom
        assert confusion.cursor == (29, 29)
        assert all(len(line) == 80 for line in drawn(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
@pytest.mark.parametrize("name", ["class number {:02}", "a class with a very long name and at its end {:02}", "{:02}"])
async def test_thirty_classes_whose_names_begin_alike_can_be_told_apart(size: tuple[int, int], name: str) -> None:
    looks = class_looks([name.format(index) for index in range(30)])
    app = Alone()
    async with app.run_test(size=size) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(Matrix("run", looks, big(30).counts))
        await pilot.pause()
        lines = drawn(app)
        head = lines[2] if "→" in lines[1] else lines[1].partition("predicted")[2]
        heads = re.findall(r"\d+", head)
        assert len(heads) >= 5
        assert len(set(heads)) == len(heads)
        rows = [line for line in drawn(app) if re.search(r"│ . (\d+)", line)]
        assert [re.search(r"│ . (\d+)", line)[1] for line in rows] == [  # type: ignore[index]
            f"{index:02}" if name == "{:02}" else str(index) for index in range(confusion._first[0], confusion._first[0] + len(rows))
        ]


@pytest.mark.parametrize(("size", "lines"), [((55, 24), 2), ((55, 9), 1), ((78, 24), 1)])
async def test_names_that_are_wider_than_their_columns_take_turns_on_two_lines_where_there_is_room(
    size: tuple[int, int], lines: int
) -> None:
    looks = class_looks(["sadness", "joy", "love", "anger", "fear", "surprise"])
    counts = tuple(tuple(40 if row == column else row + column for column in range(6)) for row in range(6))
    app = Alone()
    async with app.run_test(size=size) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(Matrix("run", looks, counts))
        confusion.focus()
        await pilot.pause()
        shown = drawn(app)
        heads = [line.replace("true ↓", "").replace("predicted →", "") for line in shown if not re.search(r"[╭╰]|[0-5] \w+", line)]
        whole = [look.name for look in looks if any(f"{look.glyph} {look.name}" in line for line in heads)]
        assert (len(whole) == 6) == (size != (55, 9)) and confusion._shown.heads == lines
        row = next(at for at, line in enumerate(shown) if "3 anger" in line)
        column = confusion._shown.named + sum(confusion._shown.width(index) for index in range(5)) + 5
        await pilot.click(Confusion, offset=(column, row))
        assert confusion.cursor == (3, 5)
        assert all(len(line) == size[0] for line in shown)


async def test_the_cursor_begins_at_the_commonest_mistake_and_says_what_it_is() -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(Matrix("run", (LabelLook("joy", "●", "#7aa9f7"), LabelLook("love", "◆", "#7aa9f7")), ((90, 7), (9, 50))))
        await pilot.pause()
        assert confusion.cursor == (1, 0)
        text = "\n".join(drawn(app))
        assert "9 love predicted as joy" in text
        assert "true \\ predicted" in text


def pair(counts: tuple[tuple[int, int], tuple[int, int]]) -> Matrix:
    return Matrix("run", (LabelLook("joy", "●", "#7aa9f7"), LabelLook("love", "◆", "#7aa9f7")), counts)


@pytest.mark.parametrize("counts", [((90, 0), (0, 50)), ((0, 0), (0, 0))])
async def test_it_says_so_where_nothing_is_confused(counts: tuple[tuple[int, int], tuple[int, int]]) -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(pair(counts))
        await pilot.pause()
        assert f"nothing is confused: {counts[0][0]} joy predicted right" in "\n".join(drawn(app))
        confusion.focus()
        await pilot.press("right")
        assert "nothing is confused: 0 joy predicted as love" in "\n".join(drawn(app))


async def test_the_cursor_follows_the_commonest_mistake_until_it_is_moved() -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        confusion = app.query_one(Confusion)
        for counts, said in (
            (((90, 0), (0, 50)), "nothing is confused"),
            (((80, 10), (2, 48)), " 10 joy predicted as love"),
            (((85, 5), (9, 41)), " 9 love predicted as joy"),
        ):
            confusion.show(pair(counts))
            await pilot.pause()
            assert said in "\n".join(drawn(app))
        confusion.focus()
        await pilot.press("up")
        confusion.show(pair(((80, 0), (9, 41))))
        await pilot.pause()
        assert " 80 joy predicted right" in "\n".join(drawn(app))


async def test_a_click_moves_the_cursor_and_the_second_one_asks_for_the_rows() -> None:
    chosen: list[tuple[int, int]] = []

    class Listening(Alone):
        def on_confusion_chosen(self, event: Confusion.Chosen) -> None:
            chosen.append((event.true, event.predicted))

    app = Listening()
    async with app.run_test(size=(80, 24)) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(big(3))
        await pilot.pause()
        for _ in range(2):
            await pilot.click(confusion, offset=(22, 3))
            await pilot.pause()
        assert chosen == [(1, 0)]


@pytest.mark.parametrize("size", [(67, 15), (69, 13), (80, 12)])
async def test_names_are_whole_where_the_columns_have_room_for_them(size: tuple[int, int]) -> None:
    names = ["sadness", "joy", "love", "anger", "fear", "surprise"]
    counts = tuple(tuple(1000 * (row == column) + column for column in range(6)) for row in range(6))
    app = Alone()
    async with app.run_test(size=size) as pilot:
        confusion = app.query_one(Confusion)
        confusion.show(Matrix("run", class_looks(names), counts))
        confusion.mode = "counts"
        confusion.focus()
        await pilot.press("home")
        await pilot.pause()
        lines = drawn(app)
        head = next(index for index, line in enumerate(lines) if "● sadness" in line and "★ surprise" in line)
        ends = [lines[head].index(f"{look.glyph} {look.name}") for look in class_looks(names)] + [size[0]]
        for row, line in enumerate(lines[head + 1 : head + 7]):
            cells = [line[start:end] for start, end in pairwise(ends)]
            assert [int(cell.strip("▸◂ │").replace(",", "")) for cell in cells] == list(counts[row])
        for column in range(6):
            await pilot.click(confusion, offset=(ends[column] + 1, head + 3))
            assert confusion.cursor == (2, column)


async def test_the_mistake_is_named_by_ids_where_names_are_cut_alike() -> None:
    looks = class_looks([f"a class with a very long name and at its end {index}" for index in range(3)])
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Confusion).show(Matrix("run", looks, ((5, 0, 0), (0, 5, 3), (0, 0, 5))))
        await pilot.pause()
        assert re.search(r"3 1 a class w\S* .*predicted as 2 a class w", drawn(app)[-1])
