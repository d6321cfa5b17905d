"""Nothing that the application draws or sends holds a control character of somebody else's."""

from __future__ import annotations

import itertools
import re

import pytest
from emotui.core.alerts import sequence
from emotui.core.safe_text import MARKS, PARTS, cell_width, safe_line, safe_text, without_floods
from emotui.tui.terminal_output import CleanText, known
from hostile import RAW
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

ACTS = (
    "\x1b",
    "\x1b[2J",
    "\x1b[31m",
    "\x1b]52;c;YQ==\x07",
    "\x1b]0;t\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x1bPq#0\x1b\\",
    "\x1b[6n",
    "\x1b[?1049l",
    "\x1b[>25u",
    "\x1b_Ga=T\x1b\\",
    "\x1b[3;1H",
    "\x9b31m",
    "\x9d0;t\x9c",
    "\x90",
    "\x85",
    "\x07",
    "\x08",
    "\x0b",
    "\x0c",
    "\x0e",
    "\x7f",
    "\x00",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\udc80",
)
SURROUNDINGS = ("{}", "a{}b", "{}{}", "日{}本", "{}" + "x" * 300, "e\u0301{}", "🙂{}", "[red]{}[/]", " {} ")
HOSTILE = [around.replace("{}", each) for around, each in itertools.product(SURROUNDINGS, ACTS)]
FRAME = "\x1b[2;3H\x1b[1;38;2;1;2;3mloss 0.5\x1b[0m and 日本\n\x1b[3;1Hmore\x1b[1;1H"


def test_there_are_tries_enough() -> None:
    assert len(set(HOSTILE)) >= 300


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_drawn_text_holds_nothing_that_acts_and_keeps_its_width(around: str) -> None:
    for each in ACTS:
        segment = Segment(around.replace("{}", each), Style(bold=True))
        (drawn,) = CleanText().apply([segment], Color(0, 0, 0))
        assert not RAW.search(drawn.text)
        assert "\t" not in drawn.text
        assert cell_len(drawn.text) == cell_len(segment.text)
        assert drawn.style == segment.style


def test_drawn_text_that_is_harmless_stays_as_it_is() -> None:
    segments = [Segment("loss 0.5"), Segment("我今天 🙂", Style(color="red")), Segment("\u0e01\u0e33\u0e19\u0e49\u0e33"), Segment("⣿▏─")]
    cleaned = CleanText().apply(segments, Color(0, 0, 0))
    assert all(after is before for after, before in zip(cleaned, segments, strict=True))


def test_links_and_actions_are_taken_out_of_drawn_text_and_the_place_of_an_option_stays() -> None:
    style = Style(bold=True, link="http://x", meta={"@click": "app.quit", "option": 3})
    (drawn,) = CleanText().apply([Segment("quit", style)], Color(0, 0, 0))
    assert drawn.style is not None
    assert (drawn.style.link, drawn.style.meta, drawn.style.bold) == (None, {"option": 3}, True)


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_no_sequence_but_places_and_styles_gets_through_a_frame(around: str) -> None:
    for each in ACTS:
        sent = known(f"{FRAME}{around.replace('{}', each)}\x1b[1;1H")
        left = re.sub(r"\x1b\[\d+;\d+H|\x1b\[[\d;]*m|\r?\n", "", sent)
        assert not RAW.search(left)


@pytest.mark.parametrize(
    "sent",
    [
        FRAME,
        "\x07",
        "\x1b]52;c;YQ==\x07",
        "\x1b[?2026h",
        "\x1b[?2026l",
        "\x1b[?2026$p",
        "\x1b[?2048$p",
        "\x1b[>25u",
        "\x1b[<u",
        "\x1b[?25l",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?2004h",
        "\x1b[?7l",
        "\x1b[?1000h",
        "\x1b[?1003h",
        "\x1b[?1015h",
        "\x1b[?1006h",
        "\x1b[?1016h",
        "\x1b[?1004h",
        "\x1b]22;pointer\x07",
        sequence("run 3 finished", {"TERM": "xterm-kitty"}),
        sequence("a; b", {"TERM": "foot"}),
    ],
)
def test_what_the_application_sends_passes(sent: str) -> None:
    assert known(sent) is sent


@pytest.mark.parametrize(
    "sent",
    [
        "\x1b]52;c;?\x07",
        "\x1b]52;c;a\x1b]0;x\x07",
        "\x1b]0;title\x07",
        "\x1b]22;x\x1b[2J\x07",
        "\x1b]9;a\x1b]52;c;YQ==\x07\x1b\\",
        "\x1bc",
        "\x1b[2J",
        "\x1b[5i",
        "\x1bP$q\x1b\\",
        "\x1b[?69h",
        "words\x1b[6n",
        "\x9b2J",
        "\x1b]9;\u202e\x1b\\",
    ],
)
def test_what_it_does_not_send_is_drawn(sent: str) -> None:
    assert not RAW.search(known(sent))


def test_notifications_are_known_whatever_a_run_says() -> None:
    for hostile, term in itertools.product(HOSTILE, ("xterm-kitty", "foot", "xterm")):
        sent = sequence(hostile, {"TERM": term})
        assert known(sent) is sent


FLOODS = (
    "e" + "\u0301" * 3_000,
    "\u0301" * 3_000,
    "👩" + "\u200d👩" * 3_000,
    "か" + "\u3099" * 3_000,
    "\u1100" + "\u1161" * 3_000,
    "❤" + "\ufe0f" * 3_000,
    "a" + "\u200b" * 3_000,
    "z" + "\u0489\u20dd\u0334" * 1_000,
    "क" + "\u0903" * 3_000,
    "🏴" + "\U000e0067" * 3_000,
)


@pytest.mark.parametrize("flood", FLOODS)
def test_few_characters_reach_one_cell(flood: str) -> None:
    assert len(without_floods(flood)) <= 1 + PARTS
    assert len(safe_line(flood, 40)) <= 1 + PARTS
    (drawn,) = CleanText().apply([Segment(flood)], Color(0, 0, 0))
    assert len(drawn.text) <= 1 + PARTS + cell_len(flood)
    assert MARKS < PARTS


@pytest.mark.parametrize(
    "words",
    [
        "👩🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽",
        "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏿",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇩🇪🇫🇷" * 9,
        "\u05d1\u05bc\u05b8\u05a5\u05c4\u05bd",
        "\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48" * 20,
        "\u0f67\u0fb1\u0fb2\u0f71\u0f74\u0f82",
        "한국어" * 30,
        "e\u0302\u0301" * 50,
        "\u0915\u094d\u0937\u094d\u092e\u094d\u092f" * 9,
        "\u0628\u0651\u064e" * 40,
    ],
)
def test_words_of_real_languages_stay_whole(words: str) -> None:
    assert without_floods(words) == words


def test_what_is_safe_is_safe() -> None:
    for each in HOSTILE:
        assert not RAW.search(safe_line(each))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", safe_text(each))
        assert cell_width(safe_line(each, 20)) <= 20
