"""Sentences in parts: words, and the settings that they name, which the command line calls by options and the application by fields.

Standard library only: the supervisor of a run hands them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .json_kinds import is_array, is_object
from .shell import quote

_OPTIONS = {"learning_rate": "--lr", "skip": "--skip-lines"}
"""The options that are not called as their settings are."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a person can set, by the name of its field in a spec or in a question; 'train', 'validation' and 'test' are files."""

    name: str
    value: str | int | float | bool | None = None
    """What it is set to, or is to be set to; None: the setting as such."""
    example: str = ""
    """What stands for a value of it where it is typed, such as FILE."""

    def __str__(self) -> str:
        """Return the option of the command line, with the value as it is typed."""
        name = option(self.name)
        if isinstance(self.value, bool):
            return name if self.value else f"--no-{name[2:]}"
        value = self.example if self.value is None else quote(str(self.value))
        return f"{name} {value}" if value else name


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that name settings. As a string they are those of the command line."""

    parts: tuple[str | Setting, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(part for part in self.parts if isinstance(part, Setting))


Words = str | Sentence
"""What is told to a user: plain words, or words that name settings."""


def option(name: str) -> str:
    """Return the option of the command line that sets what is called `name`."""
    return _OPTIONS.get(name) or f"--{name.replace('_', '-')}"


def phrase(*parts: Words | Setting) -> Words:
    """Return what parts that follow each other say: plain words where none names a setting."""
    flat: list[str | Setting] = []
    for part in parts:
        for each in part.parts if isinstance(part, Sentence) else (part,):
            if isinstance(each, str) and flat and isinstance(before := flat[-1], str):
                flat[-1] = before + each
            elif each:
                flat.append(each)
    return Sentence(tuple(flat)) if any(isinstance(each, Setting) for each in flat) else "".join(map(str, flat))


def shortened(words: Words, most: int) -> Words:
    """Return the first `most` characters of what is told; a setting is named as a whole or not at all."""
    if isinstance(words, str):
        return words[:most]
    kept: list[str | Setting] = []
    for part in words.parts:
        short = part[:most] if isinstance(part, str) else part
        most -= len(str(short))
        if most < 0:
            break
        kept.append(short)
    return Sentence(tuple(kept))


def of_json(value: Any) -> Sentence | None:
    """Return the sentence that was written as a JSON object; None where the value is none."""
    parts = value.get("parts") if is_object(value) else None
    if not is_array(parts):
        return None
    read = tuple(part if isinstance(part, str) else _setting(part) for part in parts)
    known = tuple(part for part in read if part is not None)
    return Sentence(known) if len(known) == len(parts) else None


def _setting(value: Any) -> Setting | None:
    match value:
        case {"name": str(name), "value": str() | int() | float() | None as set_to, "example": str(example)}:
            return Setting(name, set_to, example)
        case _:
            return None
