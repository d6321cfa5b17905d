"""Sentences in parts: words, and settings, which the command line names by their options and the application by their fields.

Standard library only: the supervisor of a run forwards them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .json_kinds import is_array, is_object
from .shell import quote

_OPTIONS = {"learning_rate": "--lr", "skip": "--skip-lines"}
"""The options whose names are not those of their settings."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, by the name of its field in a spec or a question; 'train', 'validation' and 'test' are files."""

    name: str
    value: str | int | float | bool | None = None
    """The value it has or should have; None: the setting as such."""
    example: str = ""
    """The placeholder for a value, such as FILE."""

    def __str__(self) -> str:
        """Return the command line's option, with the value as it is typed."""
        name = option(self.name)
        if isinstance(self.value, bool):
            return name if self.value else f"--no-{name[2:]}"
        value = self.example if self.value is None else quote(str(self.value))
        return f"{name} {value}" if value else name


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that name settings. As a string it names the command line's options."""

    parts: tuple[str | Setting, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(part for part in self.parts if isinstance(part, Setting))


Words = str | Sentence
"""A message to a user: plain text, or text that names settings."""


def option(name: str) -> str:
    """Return the command line's option for the setting `name`."""
    return _OPTIONS.get(name) or f"--{name.replace('_', '-')}"


def phrase(*parts: Words | Setting) -> Words:
    """Return the parts joined to one message: a plain string where none of them names a setting."""
    flat: list[str | Setting] = []
    for part in parts:
        for each in part.parts if isinstance(part, Sentence) else (part,):
            if isinstance(each, str) and flat and isinstance(before := flat[-1], str):
                flat[-1] = before + each
            elif each:
                flat.append(each)
    return Sentence(tuple(flat)) if any(isinstance(each, Setting) for each in flat) else "".join(map(str, flat))


def shortened(words: Words, most: int) -> Words:
    """Return the first `most` characters of a message; a setting is kept whole or left out."""
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
    """Return the sentence that a JSON object describes; None where the value is not one."""
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
