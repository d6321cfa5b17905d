"""Where words stand, in scripts with and without spaces, and that nothing of a text is lost between them."""

from __future__ import annotations

import pytest
from emotui.core.data.words import counted, spans
from hypothesis import given
from hypothesis import strategies as st


def words(text: str) -> list[str]:
    return [text[start:stop] for start, stop in spans(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I saw a movie, it's well-known!!", ["I", "saw", "a", "movie", ",", "it's", "well-known", "!!"]),
        ("'quoted' x- -y", ["'", "quoted", "'", "x", "-", "-", "y"]),
        ("我喜欢这部电影。good 2024年", ["我", "喜", "欢", "这", "部", "电", "影", "。", "good", "2024", "年"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("مرحبا بكم في", ["مرحبا", "بكم", "في"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("so 😀😀 👩‍👩‍👧 1️⃣ ok", ["so", "😀😀", "👩‍👩‍👧", "1️⃣", "ok"]),
        ("안녕하세요 세상", ["안녕하세요", "세상"]),
        ("", []),
        (" \n\t ", []),
        ("\u0301 a", ["\u0301", "a"]),
    ],
)
def test_words_stand_where_people_see_them(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text())
def test_all_but_spaces_belongs_to_one_word_each(text: str) -> None:
    covered = [at for start, stop in spans(text) for at in range(start, stop)]
    assert covered == sorted(set(covered))
    assert all(text[at].isspace() for at in set(range(len(text))) - set(covered))
    assert all(stop > start for start, stop in spans(text))


def test_words_are_counted_in_lower_case_and_signs_are_not() -> None:
    assert counted(["Good, good movie!", "a GOOD 好好"]) == {"good": 3, "movie": 1, "a": 1, "好": 2}
