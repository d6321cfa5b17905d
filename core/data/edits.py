"""Small edits of a text with a known effect on its class: behavioural tests after CheckList (Ribeiro et al., 2020)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

INVARIANCE: Literal["invariance"] = "invariance"
DIRECTION: Literal["direction"] = "direction"


class NotApplicableError(Exception):
    """An edit does not apply to a text; the message is the reason, as part of a sentence."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One kind of edit."""

    name: str
    """On the command line and in kept results."""
    key: str
    """The key that applies it on the prompt."""
    title: str
    expectation: Literal["invariance", "direction"]
    """invariance: the class stays. direction: the probability of the class falls."""
    apply: Callable[[str, Random], str]
    """Returns the edited text, which differs from the text. Raises NotApplicableError."""


def edited(edit: Edit, text: str, seed: int = 0) -> str:
    """Return a text after an edit, the same one each time for the same seed. Raises NotApplicableError."""
    return edit.apply(text, Random(f"{seed}\0{text}"))  # noqa: S311 - no secret


# --- the script of a text ---------------------------------------------------------------------------------------

_FREQUENT = (
    "the a an and i you he she it we they is are was were am be been to of in on at for with that this my your his "
    "her not do does did have has had but so me im its"
)
_FUNCTION_WORDS = frozenset(_FREQUENT.split())
_SHARE = 1 / 8
"""The share of function words from which on a text in Latin script counts as English."""
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")


def is_english(text: str) -> bool:
    """Return whether a text is English: in Latin script, with enough of the most frequent English words."""
    letters = [each for each in text if each.isalpha()]
    if not letters or sum(_script(each) == "LATIN" for each in letters) < 0.8 * len(letters):
        return False
    words = [word.casefold() for word in _WORD.findall(text)]
    return bool(words) and sum(word in _FUNCTION_WORDS for word in words) >= max(1.0, _SHARE * len(words))


def is_chinese(text: str) -> bool:
    """Whether at least half of a text's letters are Han characters and none is Japanese kana."""
    letters = [each for each in text if each.isalpha()]
    scripts = [_script(each) for each in letters]
    return bool(letters) and 2 * scripts.count("CJK") >= len(scripts) and not {"HIRAGANA", "KATAKANA"} & set(scripts)


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _is_cased(letter: str) -> bool:
    return letter.lower() != letter.upper()


# --- edits that keep the meaning --------------------------------------------------------------------------------

_LEAST = 4
"""Letters of a word that may get a typo."""
_LETTERS = re.compile(r"[^\W\d_]+")


def typo(text: str, random: Random) -> str:
    """Swap two different neighbouring letters of a word of at least four; the first letter stays."""
    places = [
        at
        for word in _LETTERS.finditer(text)
        if len(word[0]) >= _LEAST and all(map(_is_cased, word[0]))
        for at in range(word.start() + 1, word.end() - 1)
        if text[at] != text[at + 1]
    ]
    if not places:
        raise NotApplicableError(f"no word of {_LEAST} letters in a script with upper and lower case")
    at = random.choice(places)
    return f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"


def case(text: str, _: Random) -> str:
    """Write all in capitals, or in small letters where all are capitals already."""
    for found in (text.upper(), text.lower()):
        if found != text:
            return found
    raise NotApplicableError("no letter that has upper and lower case")


def spaces(text: str, _: Random) -> str:
    """Write two spaces for each."""
    if " " not in text:
        raise NotApplicableError("no space")
    return text.replace(" ", "  ")


def punctuation(text: str, _: Random) -> str:
    """Remove the punctuation at the end, or add a full stop."""
    body = text.rstrip()
    bare = body.rstrip(".!?…。！？")
    if not bare.strip():
        raise NotApplicableError("nothing but punctuation")
    return bare if bare != body else f"{body}{'。' if is_chinese(body) else '.'}"


_WOMEN = "sarah emily hannah julia katie laura megan rebecca anna nina olivia sophia isabella maria elena fatima priya yuki aisha ingrid"
_MEN = "john david michael james robert daniel matthew andrew joshua kevin brian peter paul thomas ahmed raj carlos hiroshi omar lars"
_GROUPS = {name: tuple(group.split()) for group in (_WOMEN, _MEN) for name in group.split()}


def name(text: str, random: Random) -> str:
    """Replace each occurrence of a first name of a small list by another one."""
    found = next((word[0] for word in _WORD.finditer(text) if word[0].casefold().removesuffix("'s") in _GROUPS), None)
    if found is None:
        raise NotApplicableError("no first name of the list")
    bare = re.sub(r"'[sS]$", "", found)
    other = random.choice([each for each in _GROUPS[bare.casefold()] if each != bare.casefold()])
    shown = other.upper() if bare.isupper() and len(bare) > 1 else other.title() if bare[0].isupper() else other
    return re.sub(rf"\b{re.escape(bare)}\b", shown, text)


# --- negation ---------------------------------------------------------------------------------------------------

_AUXILIARIES = ["is", "are", "was", "were", "am", "can", "could", "will", "would", "should", "must", "does", "did", "has", "had", "have"]
_REMOVED = (
    (re.compile(r"\b(can)not\b", re.IGNORECASE), r"\1"),
    (re.compile(r"\b(?:do not|don'?t) ", re.IGNORECASE), ""),
    (re.compile(r"\b(can)'?t\b", re.IGNORECASE), r"\1"),
    (re.compile(r"\bwon'?t\b", re.IGNORECASE), "will"),
    (re.compile(r"\b(is|are|was|were|could|would|should|does|did|has|had|have)n'?t\b", re.IGNORECASE), r"\1"),
    (re.compile(rf"\b({'|'.join(_AUXILIARIES)}|i'?m|you'?re|we'?re|they'?re|it'?s|he'?s|she'?s|that'?s) not\b", re.IGNORECASE), r"\1"),
    (re.compile(r"\bnever ", re.IGNORECASE), ""),
)
_PAST = {
    "felt": "feel",
    "thought": "think",
    "wanted": "want",
    "liked": "like",
    "loved": "love",
    "knew": "know",
    "hated": "hate",
    "needed": "need",
}
_PRESENT = ["feel", "think", "want", "like", "love", "know", "hate", "need", "believe", "enjoy", "remember", "see", "get"]
_ADDED = (
    (re.compile(r"\b(can)\b", re.IGNORECASE), r"\1not"),
    (re.compile(r"\b(is|are|was|were|am|could|will|would|should|must)\b", re.IGNORECASE), r"\1 not"),
    (re.compile(r"\b(i'?m|you'?re|we're|they'?re)\b", re.IGNORECASE), r"\1 not"),
    (re.compile(rf"\b(i|you|we|they) ({'|'.join(_PRESENT)})\b", re.IGNORECASE), r"\1 do not \2"),
    (re.compile(r"\b(he|she|it) (feel|think|want|like|love|know|hate|need|believe|enjoy)s\b", re.IGNORECASE), r"\1 does not \2"),
)
_PAST_ADDED = re.compile(rf"\b(i|you|he|she|it|we|they) ({'|'.join(_PAST)})\b", re.IGNORECASE)
_CHINESE = (
    ("不是", "是"),
    ("没有", "有"),
    ("不喜欢", "喜欢"),
    ("不想", "想"),
    ("不会", "会"),
    ("不能", "能"),
    ("不觉得", "觉得"),
    ("不爱", "爱"),
)
_CHINESE_ADDED = (
    ("很", "不"),
    ("喜欢", "不喜欢"),
    ("觉得", "不觉得"),
    ("是", "不是"),
    ("有", "没有"),
    ("想", "不想"),
    ("会", "不会"),
    ("能", "不能"),
    ("爱", "不爱"),
)


def negation(text: str, _: Random) -> str:
    """Remove the first negation, or negate the first verb, in English or in Chinese."""
    if is_chinese(text):
        return _first(text, _CHINESE) or _first(text, _CHINESE_ADDED) or _no_verb()
    if not is_english(text):
        raise NotApplicableError("not in English or Chinese")
    removed = _earliest(text, _REMOVED)
    if removed is not None:
        return removed
    added = _earliest(text, _ADDED)
    past = _PAST_ADDED.search(text)
    if added is None and past is not None:
        return f"{text[: past.start()]}{past[1]} did not {_PAST[past[2].casefold()]}{text[past.end() :]}"
    return added if added is not None else _no_verb()


def _no_verb() -> str:
    raise NotApplicableError("no verb that this edit can negate")


def _first(text: str, pairs: tuple[tuple[str, str], ...]) -> str | None:
    """Return `text` with the earliest of some words replaced, of those that begin at one place the first of `pairs`; None without any."""
    found = min(((at, number) for number, (old, _) in enumerate(pairs) if (at := text.find(old)) >= 0), default=None)
    if found is None:
        return None
    at, number = found
    old, new = pairs[number]
    return text[:at] + new + text[at + len(old) :]


def _earliest(text: str, pairs: tuple[tuple[re.Pattern[str], str], ...]) -> str | None:
    """Return `text` with the earliest match of some patterns replaced; None without any."""
    found = [(match.start(), number, match) for number, (pattern, _) in enumerate(pairs) if (match := pattern.search(text))]
    if not found:
        return None
    _, number, match = min(found, key=lambda each: each[:2])
    return text[: match.start()] + match.expand(pairs[number][1]) + text[match.end() :]


EDITS = (
    Edit("typo", "t", "two neighbouring letters swapped", INVARIANCE, typo),
    Edit("case", "u", "capitals, or small letters", INVARIANCE, case),
    Edit("spaces", "s", "two spaces for each", INVARIANCE, spaces),
    Edit("punctuation", "f", "punctuation at the end", INVARIANCE, punctuation),
    Edit("name", "n", "another first name", INVARIANCE, name),
    Edit("negation", "x", "negated, or no longer", DIRECTION, negation),
)
"""In the order in which they are shown."""
BY_NAME = {each.name: each for each in EDITS}
