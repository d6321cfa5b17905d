"""The edits of behaviour tests: what they make of a text, and of which texts they say nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from emotui.core.data import edits
from emotui.core.data.edits import BY_NAME, EDITS, NotApplicableError, edited
from hypothesis import given
from hypothesis import strategies as st


def made(name: str, text: str, seed: int = 0) -> str:
    return edited(BY_NAME[name], text, seed)


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("I am happy today", "I am not happy today"),
        ("i'm so happy and calm", "i'm not so happy and calm"),
        ("im feeling great", "im not feeling great"),
        ("we're on our way to the sea", "we're not on our way to the sea"),
        ("they were late", "they were not late"),
        ("i can do it", "i cannot do it"),
        ("i feel loved", "i do not feel loved"),
        ("she loves the sea", "she does not love the sea"),
        ("i felt the sun", "i did not feel the sun"),
        ("I am not happy", "I am happy"),
        ("i don't feel well", "i feel well"),
        ("i didnt feel well", "i did feel well"),
        ("it isn't good", "it is good"),
        ("you can't do it", "you can do it"),
        ("i cannot do it", "i can do it"),
        ("it won't rain and i know", "it will rain and i know"),
        ("i never feel alone", "i feel alone"),
        ("我很开心", "我不开心"),
        ("这是一部好电影", "这不是一部好电影"),
        ("我不喜欢你", "我喜欢你"),
        ("没有人来", "有人来"),
    ],
)
def test_negation_in_english_and_chinese(text: str, negated: str) -> None:
    assert made("negation", text) == negated


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("negation", "je suis content aujourd'hui", "not in English or Chinese"),
        ("negation", "мне очень хорошо", "not in English or Chinese"),
        ("negation", "とても嬉しいです", "not in English or Chinese"),
        ("negation", "the sea, the sun", "no verb that this edit can negate"),
        ("name", "i met a friend", "no first name of the list"),
        ("typo", "我很开心", "no word of 4 letters in a script with upper and lower case"),
        ("typo", "a be cat", "no word of 4 letters in a script with upper and lower case"),
        ("case", "我很开心 123", "no letter that has upper and lower case"),
        ("spaces", "one", "no space"),
        ("punctuation", "?!", "nothing but punctuation"),
    ],
)
def test_what_an_edit_says_nothing_of(name: str, text: str, reason: str) -> None:
    with pytest.raises(NotApplicableError) as told:
        made(name, text)
    assert str(told.value) == reason


def test_edits_that_change_no_meaning() -> None:
    assert made("case", "So good") == "SO GOOD" and made("case", "SO GOOD") == "so good"
    assert made("spaces", "so very good") == "so  very  good"
    assert (
        made("punctuation", "so good!?") == "so good"
        and made("punctuation", "so good") == "so good."
        and made("punctuation", "很好") == "很好。"
    )
    assert made("punctuation", "很好。") == "很好"


def test_a_name_is_swapped_wherever_it_stands_in_its_own_case() -> None:
    for text, case in (("Sarah met sarah's Sarah", str.title), ("so sarah left", str.lower), ("SARAH LEFT", str.upper)):
        found = made("name", text)
        word = next(word for word in found.replace("'", " ").split() if word.casefold() in edits._GROUPS)
        assert word == case(word) and word.casefold() != "sarah" and word.casefold() in edits._WOMEN.split()
    assert made("name", "Sarah's dog and Sarah").count("Sarah") == 0
    assert not set(edits._WOMEN.split()) & set(edits._MEN.split())


@given(st.text(alphabet="abcDEF gh'é1", min_size=4, max_size=30), st.integers(0, 5))
def test_a_typo_swaps_two_neighbours_of_one_word_and_is_the_same_each_time(text: str, seed: int) -> None:
    try:
        found = made("typo", text, seed)
    except NotApplicableError:
        return
    assert found == made("typo", text, seed) and found != text and Counter(found) == Counter(text)
    places = [at for at, (one, other) in enumerate(zip(text, found, strict=True)) if one != other]
    assert len(places) == 2 and places[1] == places[0] + 1 and text[places[0] - 1].isalpha()


@given(st.text(max_size=40))
def test_every_edit_changes_a_text_or_says_why_not(text: str) -> None:
    for edit in EDITS:
        try:
            assert edited(edit, text) != text
        except NotApplicableError as reason:
            assert str(reason)


def test_typos_of_other_seeds_are_others() -> None:
    assert len({made("typo", "wonderful afternoons everywhere", seed) for seed in range(20)}) > 5
