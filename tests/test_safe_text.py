"""What safe_text.py promises for each kind of text from outside: nothing that acts on a terminal is left, and the widths are right."""

from __future__ import annotations

import unicodedata

import pytest
from emotui.core import safe_text
from emotui.core.safe_text import MARKS, PARTS, cell_width, cut, escape_json, pad, safe_line, without_floods

ACUTE = "\u0301"
"""A mark that is drawn over the character before it."""


@pytest.mark.parametrize("code", [*range(0x09), *range(0x0B, 0x20)])
def test_a_control_character_becomes_its_picture(code: int) -> None:
    shown = safe_text.safe_text(f"a{chr(code)}b")
    assert shown == f"a{chr(0x2400 + code)}b"
    assert unicodedata.name(shown[1]).startswith("SYMBOL FOR")


@pytest.mark.parametrize(
    "character",
    [
        *map(chr, range(0x80, 0xA0)),
        *"\u061c\u200e\u200f\u2028\u2029\u202a\u202c\u202e\u2066\u2069\ufeff\ufff9\ufffb",
        "\ud800",
        "\udbff",
        "\udfff",
    ],
)
def test_what_else_acts_becomes_a_replacement_character(character: str) -> None:
    assert safe_text.safe_text(f"a{character}b") == "a\ufffdb"


def test_delete_becomes_its_picture() -> None:
    assert safe_text.safe_text("a\x7fb") == "a\u2421b"


def test_newlines_tabs_and_plain_text_stay() -> None:
    text = "a\tb\nc é 漢 \u2010 \xa0 👍🏽"
    assert safe_text.safe_text(text) == text


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\n", "\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_a_line_has_one_sign_for_each_break(line_break: str) -> None:
    assert safe_line(f"a{line_break}b\tc") == "a⏎b c"


def test_a_line_is_safe_and_without_floods() -> None:
    assert safe_line("a\x1b[31mb") == "a␛[31mb"
    assert safe_line("e" + 20 * ACUTE) == "e" + MARKS * ACUTE


def test_a_line_is_cut_to_its_width() -> None:
    assert safe_line("abcdef", 6) == "abcdef"
    assert safe_line("abcdefg", 6) == "abcde…"
    assert safe_line("漢字漢字", 5) == "漢字…"


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    """A cell shows at most a few characters more than its width, so a text of gigabytes costs no more than a short one."""

    class Counted(str):
        taken: list[slice] = []

        def __getitem__(self, key: object) -> str:
            assert isinstance(key, slice)
            self.taken.append(key)
            return str.__getitem__(self, key)

    text = Counted("x" * 1_000)
    assert safe_line(text, 10) == "x" * 9 + "…"
    assert text.taken == [slice(None, 56)]


def test_marks_of_every_language_stay_and_floods_do_not() -> None:
    assert without_floods("e" + MARKS * ACUTE + "x") == "e" + MARKS * ACUTE + "x"
    assert without_floods("e" + (MARKS + 1) * ACUTE + "x") == "e" + MARKS * ACUTE + "x"
    assert without_floods("nothing but ASCII") == "nothing but ASCII"
    assert without_floods((MARKS + 1) * ACUTE) == MARKS * ACUTE


def test_each_character_has_marks_of_its_own() -> None:
    text = ("e" + 5 * ACUTE) * 3
    assert without_floods(text + 10 * "\u0489") == text + "\u0489"


def test_emoji_of_a_family_stay_and_a_chain_is_cut() -> None:
    family = "\u200d".join(["👩🏽", "👨🏽", "👧🏽", "👦🏽"])
    assert without_floods(family) == family
    chain = "\u200d".join("👩" * 20)
    assert without_floods(chain) == chain[: 1 + PARTS]


def test_characters_that_are_not_joined_are_no_parts() -> None:
    text = "น้ำ" * 9  # Thai: seven and more in a row that may be marks
    assert without_floods(text) == text
    emoji = "👍" * 30
    assert without_floods(emoji) == emoji


@pytest.mark.parametrize("character", ["\u200b", "\u2060", "\u1160", "\u11a8", "\u11ff", "\u0300", "\u20dd", "\U000e0041"])
def test_what_takes_no_cell_can_flood(character: str) -> None:
    assert without_floods("a" + 30 * character) == "a" + MARKS * character


@pytest.mark.parametrize("character", ["\u115f", "\u1200", "\u0600", "\u00ad"])
def test_what_has_a_cell_of_its_own_is_no_mark(character: str) -> None:
    text = "a" + 30 * character
    assert without_floods(text) == text


def test_json_with_escapes_means_the_same() -> None:
    assert escape_json('"a\x7fb\u202ec\x85 é"') == '"a\\u007fb\\u202ec\\u0085 é"'


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e" + ACUTE, 1),
        ("a\u0300", 1),
        ("\u02ff", 1),
        ("漢", 2),
        ("Ａ", 2),
        ("ｱ", 1),
        ("a\u200bb\u200cc\u200dd", 4),
        ("a\u20dd", 1),
        ("\u115f", 2),
        ("\u1160\u11ff", 0),
        ("\u1200", 1),
        ("👍", 2),
    ],
)
def test_the_width_in_cells(text: str, cells: int) -> None:
    assert cell_width(text) == cells


@pytest.mark.parametrize(
    ("line", "width", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("abcd", 0, ""),
        ("", 0, ""),
        ("漢字", 4, "漢字"),
        ("漢字", 3, "漢…"),
        ("漢字", 2, "…"),
        ("aé漢b", 4, "aé…"),
        ("e" + ACUTE + "bcd", 3, "e" + ACUTE + "b…"),
    ],
)
def test_a_cut_line_fits_and_says_that_it_was_cut(line: str, width: int, expected: str) -> None:
    assert cut(line, width) == expected


@pytest.mark.parametrize(
    ("line", "width", "expected"),
    [("ab", 4, "ab  "), ("abcd", 4, "abcd"), ("abcde", 4, "abc…"), ("漢", 3, "漢 "), ("漢字", 3, "漢…"), ("漢字漢", 4, "漢… ")],
)
def test_a_padded_line_has_its_width(line: str, width: int, expected: str) -> None:
    assert pad(line, width) == expected
    assert cell_width(expected) == width
