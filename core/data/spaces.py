"""Detects whether texts have spaces between words, which decides whether lengths are counted in words or characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

SAMPLE = 2000
"""Texts that are looked at."""
CHARACTERS = 500
"""Characters of each."""

# Han, kana, Bopomofo, Yi, Thai, Lao, Myanmar, Khmer, Tibetan, Javanese, Balinese, Tai Tham and their kin. Korean has spaces.
_WITHOUT = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u30ff"
    "\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9df\ua9e0-\ua9ff\uaa60-\uaadf"
    "\uf900-\ufaff\uff66-\uff9f\U00016fe0-\U00018cff\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)


def has_spaces_between(character: str) -> bool:
    """Whether a character is none of a script that is written without spaces between words."""
    return character.isascii() or _WITHOUT.match(character) is None


def without_spaces(text: str) -> bool:
    """Return whether most letters of `text` belong to scripts that are written without spaces between words."""
    return unspaced([text])


def unspaced(texts: Iterable[str]) -> bool:
    """Return the same for all letters of the first SAMPLE texts."""
    letters = found = 0
    for text in islice(texts, SAMPLE):
        part = text[:CHARACTERS]
        if part.isascii():
            letters += sum(map(str.isalpha, part))
            continue
        found += len(_WITHOUT.findall(part))
        letters += sum(character.isalpha() or unicodedata.category(character) in ("Mn", "Mc") for character in part)
    return found * 2 > letters
