"""What a terminal sends: keys act, and everything between the marks of a paste is text, however its bytes are cut."""

from __future__ import annotations

import random

import pytest
from emotui.tui.terminal_input import END, LONGEST_PASTE, SETTLED, STALLED, START, InputParser
from textual import events
from textual.message import Message
from variants import mostly_slow


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Typing:
    """A parser, what it told, and a clock that tests turn."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.parser = InputParser(clock=self.clock)
        self.told: list[Message] = []

    def send(self, *pieces: str, pause: float = 0.001) -> None:
        for piece in pieces:
            self.told += self.parser.feed(piece)
            self.clock.now += pause
            self.told += self.parser.tick()

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.told += self.parser.tick()

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.told if isinstance(each, events.Key)]

    @property
    def pastes(self) -> list[str]:
        return [each.text for each in self.told if isinstance(each, events.Paste)]


TEXTS = (
    "plain words",
    "\x1bq",
    "\x1b3\x1bn",
    "a\x1b[A\x1b[B\x1b[3~b",
    "\x1b]52;c;YQ==\x07",
    "\x9b31m \x9d0;title\x9c",
    "\x1b[<0;5;5M\x1b[<0;5;5m",
    "\x1b[200~\x1b[200",
    "\x1b[201",
    "\x1b\x1b\x1b",
    "\r\n\t\x03\x11\x1a\x7f\x08",
    "\x1b[?2026;1$y\x1b[48;10;10;10;10t\x1b[I\x1b[O",
    "日本 🙂 e\u0301 \u202e",
    "q" * 20_000,
    "",
)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("size", mostly_slow([3, 1 << 20, 1, 2, 5, 7], quick=2))
def test_all_between_the_marks_is_text(text: str, size: int) -> None:
    typing, sent = Typing(), START + text + END
    typing.send(*(sent[at : at + size] for at in range(0, len(sent), size)), pause=0.0001)
    typing.wait(2 * SETTLED)
    typing.send("x")
    typing.wait(1)
    assert typing.keys == ["x"]
    assert typing.pastes == ([text.replace(START, "")] if text else [])
    assert not [each for each in typing.told if not isinstance(each, events.Key | events.Paste)]


@pytest.mark.parametrize("seed", range(40))
def test_no_cut_of_the_bytes_and_no_pause_makes_a_key_of_a_paste(seed: int) -> None:
    draw = random.Random(seed)
    text = "".join(draw.choice((*TEXTS[:13], "q", "\x1b", "[", "201", "~")) for _ in range(8))
    typing, sent = Typing(), START + text + END
    while sent:
        size = draw.choice((1, 1, 2, 4, 9, 50))
        typing.send(sent[:size], pause=draw.choice((0.0, 0.001, SETTLED * 0.9)))
        sent = sent[size:]
    typing.wait(2 * SETTLED)
    assert typing.keys == []
    assert "".join(typing.pastes) == text.replace(START, "").replace(END, "")


@pytest.mark.parametrize("pretended", ["q", "\x1bq", f"q{START}", f"{START}q{END}q", "\x1b[A", f"q{END}q{END}"])
@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_an_end_within_the_paste_ends_nothing(pretended: str, size: int) -> None:
    typing, sent = Typing(), f"{START}before{END}{pretended}{END}"
    typing.send(*(sent[at : at + size] for at in range(0, len(sent), size)))
    typing.wait(1)
    assert typing.keys == []
    assert typing.pastes == ["before" + pretended.replace(START, "").replace(END, "")]


def test_keys_after_a_paste_are_keys_soon() -> None:
    typing = Typing()
    typing.send(f"{START}words{END}\r")
    assert typing.keys == []
    typing.wait(2 * SETTLED)
    assert (typing.pastes, typing.keys) == (["words"], ["enter"])


def test_keys_that_keep_coming_after_a_paste_are_not_held_for_ever() -> None:
    typing = Typing()
    typing.send(f"{START}words{END}", *("j" * 40), pause=SETTLED * 0.9)
    assert typing.pastes == ["words"]
    assert set(typing.keys) == {"j"}


def test_a_paste_without_an_end_is_handed_on_and_keys_work_again() -> None:
    typing = Typing()
    typing.send(f"{START}never ended \x1bq")
    typing.wait(STALLED)
    assert typing.pastes == ["never ended \x1bq"]
    typing.send("the rest of it, \x1b3 which comes late")
    typing.wait(STALLED)
    assert typing.keys == []
    typing.send("j")
    typing.send("\x1b[B")
    assert typing.keys == ["j", "down"]


@pytest.mark.parametrize("at", range(1, len(START)))
def test_the_mark_of_a_paste_may_come_in_two_parts_over_a_slow_line(at: int) -> None:
    typing = Typing()
    typing.send(START[:at])
    typing.wait(0.2)
    typing.send(f"{START[at:]}q{END}")
    typing.wait(2 * SETTLED)
    assert "q" not in typing.keys
    assert typing.pastes == ["q"]


def test_a_very_long_paste_is_kept_in_part() -> None:
    typing = Typing()
    typing.send(START, *["x" * 4096] * 2_000, END, pause=0)
    typing.wait(2 * SETTLED)
    assert [len(each) for each in typing.pastes] == [LONGEST_PASTE]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1b4", ["escape", "4"]),
        ("\x1bq", ["escape", "q"]),
        ("\x1b\x1b[A", ["escape", "up"]),
        ("\x1b[A\x1b[1;5C", ["up", "ctrl+right"]),
        ("\x1b\t4", ["escape", "tab", "4"]),
        ("\x1b\r", ["escape", "enter"]),
        ("jk\x1b", ["j", "k", "escape"]),
        ("\x1bOP", ["f1"]),
        ("\x1b\x7f", ["ctrl+w"]),
        ("\x1b[27u", ["escape"]),
    ],
)
def test_keys_that_come_in_one_burst_are_the_keys_that_were_pressed(sent: str, keys: list[str]) -> None:
    typing = Typing()
    typing.send(sent)
    typing.wait(0.2)
    typing.wait(0.2)
    assert typing.keys == keys


def test_an_escape_alone_is_told_when_nothing_follows() -> None:
    typing = Typing()
    typing.send("\x1b")
    assert typing.keys == []
    typing.wait(0.11)
    assert typing.keys == ["escape"]
