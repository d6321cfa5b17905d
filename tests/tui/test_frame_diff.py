"""What FrameDiff leaves of the application's output must look the same on a terminal, and be short."""

from __future__ import annotations

import json
import random
import signal
import sys
from pathlib import Path

import pyte
import pytest
import terminals
from emotui.tui.frame_diff import SYNC_END, SYNC_START, FrameDiff
from rich.cells import cell_len

COLUMNS, ROWS = 40, 8
_STYLES = ("", "1", "2;38;2;10;20;30", "38;2;10;20;30;48;2;1;2;3", "48;2;1;2;3", "7", "4;31", "1;3;91;100", "38;5;200", "9;48;5;7", "35;45")
_WORDS = ("a", " ", "  ", "loss 0.123", "⠉⠑⢄", "日本", "x日", "é", "e\u0301", "🙂 b", "      ", "│")


class Screens:
    """Two terminals: one is sent all, the other what FrameDiff leaves of it."""

    def __init__(self, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.frames = FrameDiff()
        self._whole, self._short = (pyte.Screen(columns, rows) for _ in range(2))
        for screen in (self._whole, self._short):
            screen.reset_mode(7, private=True)  # as the application does: what is too long ends at the edge
        self._streams = pyte.Stream(self._whole), pyte.Stream(self._short)

    def send(self, data: str) -> str:
        shorter = self.frames.shorten(data)
        self.show(data, shorter)
        return shorter

    def show(self, data: str, shorter: str) -> None:
        for stream, sent in zip(self._streams, (data, shorter), strict=True):
            stream.feed(sent)
        whole, short = _look(self._whole), _look(self._short)
        assert whole == short, f"{data!r} and {shorter!r} differ:\n{self._whole.display}\n{self._short.display}"


def _look(screen: pyte.Screen) -> list[object]:
    """Return what is seen in each cell, and the cursor's place."""
    cells: list[object] = [(screen.cursor.y, screen.cursor.x)]
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            ink = () if cell.data == " " and not cell.reverse and not cell.underscore and not cell.strikethrough else (cell.fg, cell.bold)
            cells.append((cell.data, cell.bg, cell.underscore, cell.reverse, cell.strikethrough, cell.italics and cell.data != " ", ink))
    return cells


def _piece(words: str, style: str) -> str:
    return f"\x1b[{style}m{words}\x1b[0m" if style else words


def _frame(draw: random.Random) -> str:
    """Return what Textual sends: lines of styled pieces, each line with its place, and the cursor's place in the end."""
    parts = []
    for row in sorted(draw.sample(range(1, ROWS + 1), draw.randint(1, ROWS))):
        column = draw.choice((1, 1, 1, 7, 20))
        parts.append(f"\x1b[{row};{column}H")
        left = COLUMNS + 1 - column
        for _ in range(draw.randint(1, 6)):
            words = draw.choice(_WORDS)
            if (width := cell_len(words)) <= left:
                parts.append(_piece(words, draw.choice(_STYLES)))
                left -= width
        parts.append("\n" if row < ROWS and draw.random() < 0.5 else "")
    return "".join(parts) + f"\x1b[{draw.randint(1, ROWS)};{draw.randint(1, COLUMNS)}H"


@pytest.mark.parametrize("seed", range(8))
def test_a_terminal_shows_the_same(seed: int) -> None:
    draw, screens = random.Random(seed), Screens()
    before = ""
    for _ in range(60):
        chance = draw.random()
        if chance < 0.1:
            screens.send("\x1b[2J")
        elif chance < 0.2:
            screens.send("\x1b]2;a title\x07")
        frame = before if before and chance > 0.8 else _frame(draw)
        screens.send(frame)
        before = frame


def test_what_is_shown_already_is_not_sent() -> None:
    screens = Screens()
    frame = "\x1b[2;3H\x1b[1;38;2;1;2;3;48;2;9;9;9mloss 0.5\x1b[0m and 日本\n\x1b[3;1Hmore\x1b[1;1H"
    assert screens.send(frame)
    assert screens.send(frame) == ""
    assert screens.send(SYNC_START) + screens.send(frame) + screens.send(SYNC_END) == ""
    moved = frame.removesuffix("\x1b[1;1H") + "\x1b[4;4H"
    assert screens.send(moved) == "\x1b[4;4H"


def test_of_a_line_only_the_cells_that_changed_are_sent() -> None:
    screens = Screens()
    line = "\x1b[1;1H\x1b[38;2;1;2;3;48;2;9;9;9mloss {}\x1b[0m\x1b[38;2;7;7;7;48;2;9;9;9m   step {} of 90\x1b[0m\x1b[1;1H"
    screens.send(line.format("0.512", 10))
    sent = screens.send(SYNC_START) + screens.send(line.format("0.498", 11)) + screens.send(SYNC_END)
    assert sent == (
        f"{SYNC_START}\x1b[1;8H\x1b[38;2;1;2;3;48;2;9;9;9m498\x1b[1;20H\x1b[38;2;7;7;7m1\x1b[0m\x1b[1;1H{SYNC_END}"
    )  # the second style differs in its colour only


def test_a_space_is_sent_in_any_style_that_looks_alike() -> None:
    screens = Screens()
    screens.send("\x1b[1;1H\x1b[31mabc\x1b[0m\x1b[1;1H")
    assert (
        screens.send("\x1b[1;1H\x1b[1;34ma\x1b[0m\x1b[32m \x1b[0m\x1b[4m \x1b[0m\x1b[1;1H")
        == "\x1b[1;1H\x1b[1;34ma \x1b[0;4m \x1b[0m\x1b[1;1H"
    )


@pytest.mark.parametrize(
    "clears", ["\x1b[2J", "\x1b[?1049h", "\x1bc", "text without a place", "\x1b[1;1H\x1b[31mwithout an end", "\x1b[?3h"]
)
def test_after_what_may_change_a_cell_all_is_sent(clears: str) -> None:
    frames, frame = FrameDiff(), "\x1b[1;1Hall of it\x1b[1;1H"
    frames.shorten(frame)
    assert frames.shorten(clears) == clears
    assert frames.shorten(frame) == frame


@pytest.mark.parametrize(
    "passes", ["\x07", "\x1b]52;c;YQ==\x07", "\x1b]9;done\x1b\\", "\x1b[?25l", "\x1b[?2026$p", "\x1b[>25u", "\x1b[?1003h"]
)
def test_what_changes_no_cell_passes_and_nothing_is_forgotten(passes: str) -> None:
    frames, frame = FrameDiff(), "\x1b[1;1Hall of it\x1b[1;1H"
    frames.shorten(frame)
    assert frames.shorten(passes) == passes
    assert frames.shorten(frame) == ""


def test_after_a_resize_all_is_sent() -> None:
    frames, frame = FrameDiff(), "\x1b[1;1Hall of it\x1b[1;1H"
    frames.shorten(frame)
    frames.forget()
    assert frames.shorten(frame) == frame


_ODD = (
    "👩\u200d👩\u200d👧\u200d👦 at home",
    "a ❤\ufe0f and 👍🏽",
    "🇩🇪 🇫🇷",
    "我今天 🙂",
    "e\u0301\u0301 z\u0335",
    "plain words",
    "ﷺ long",
    "",
)
"""Words on whose width the two terminals of these tests and the application differ, and some on which they agree."""


@pytest.mark.parametrize("seed", range(4))
def test_columns_stay_aligned_where_a_terminal_takes_words_for_wider_or_narrower(seed: int) -> None:
    draw, frames, screen = random.Random(seed), FrameDiff(), pyte.Screen(COLUMNS, ROWS)
    screen.reset_mode(7, private=True)  # as the application does: what is too long ends at the edge
    stream = pyte.Stream(screen)
    for _ in range(40):
        parts = []
        for row in sorted(draw.sample(range(1, ROWS + 1), draw.randint(1, ROWS))):
            words = draw.choice(_ODD)
            cell = words + " " * (20 - cell_len(words))
            parts.append(f"\x1b[{row};1H\x1b[34m│\x1b[0m{_piece(cell, draw.choice(_STYLES))}\x1b[34m││\x1b[0mjoy {draw.randint(10, 99)}\n")
        stream.feed(frames.shorten("".join(parts) + "\x1b[1;1H"))
        for y in range(ROWS):
            cells = [screen.buffer[y][x].data for x in range(COLUMNS)]
            if any(cell.strip() for cell in cells):
                assert cells[21:27] == [*"││joy "], "".join(cells)
                assert not "".join(cells[29:]).strip()
                assert "│" not in cells[1:21]


def test_words_of_uncertain_width_get_a_blank_place_and_what_stands_behind_them_is_sent_again() -> None:
    frames = FrameDiff()
    frames.shorten("\x1b[1;1Hab\x1b[1;3Hcd\x1b[1;1H")
    assert frames.shorten("\x1b[1;1H日\x1b[1;1H") == "\x1b[1;1H  \x1b[1;1H日\x1b[1;3Hcd\x1b[1;1H"
    assert frames.shorten("\x1b[1;1H日\x1b[1;1H") == ""


def test_the_end_of_words_is_seen_where_a_terminal_takes_them_for_wider() -> None:
    frames, screen = FrameDiff(), pyte.Screen(COLUMNS, ROWS)
    words = "🇩🇪🇫🇷 at home"
    pyte.Stream(screen).feed(frames.shorten(f"\x1b[1;1H{_piece(words, '37;40')}{_piece(' ' * 10, '33;40')}│\x1b[1;1H"))
    assert "at home" in screen.display[0]
    assert screen.buffer[0][cell_len(words) + 10].data == "│"


_RECORDS = """
import json, sys
from emotui.tui import app, frame_diff

class Recording(frame_diff.FrameDiff):
    def shorten(self, data):
        shorter = super().shorten(data)
        print(json.dumps([data, shorter]), file=record, flush=True)
        return shorter

record = open(sys.argv[1], "w", encoding="utf-8")
frame_diff.FrameDiff = Recording
sys.exit(app.run(sys.argv[2], offline=True))
"""


@pytest.mark.slow
def test_all_that_the_application_draws_looks_the_same(tmp_path: Path, emotui_home: Path) -> None:
    # Nothing of which pyte and the application think differently: variation selectors, and the parts of Korean syllables.
    texts = ["plain words", "漢字と仮名 🙂 here", "e\u0301 and é", "a long one " * 30, "😀😀😀", "right\u202eto left", "本 text"]
    rows = [{"text": f"{texts[number % len(texts)]} {number}", "label": number % 3} for number in range(120)]
    file, record = tmp_path / "rows.jsonl", tmp_path / "record.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with terminals.terminal("-P", "-c", _RECORDS, str(record), str(file), command=sys.executable) as shown:
        shown.see("train 96", "tokens cut")
        shown.press("j", "G", "k", "z", "escape", "T", "?", "escape")
        shown.press("2", "漢字 and", "escape", "3", "n", "escape", "4", "escape", "1", "o", "escape")
        shown.process.send_signal(signal.SIGTERM)
        assert shown.ended() == 128 + signal.SIGTERM
    terminal, long, short = Screens(terminals.COLUMNS, terminals.ROWS), 0, 0
    for line in record.read_text("utf-8").splitlines():
        data, shorter = (terminals.drawn_by_pyte(each.encode()).decode() for each in json.loads(line))
        terminal.show(data, shorter)
        long, short = long + len(data), short + len(shorter)
    assert short < long / 2
