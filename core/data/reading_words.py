"""Parses how to read a file, as people write it: encoding=cp1252 delimiter=semicolon header=no quotes=no skip=2."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, option
from ..specs import MOST_SKIPPED, Reading

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "none": ""}
_TRUTH = {"yes": True, "no": False}


def delimiter(text: str) -> str:
    """Return the delimiter for a name, or for the character itself if it is neither a quote nor a line end. Raises UserError."""
    if text in DELIMITERS:
        return DELIMITERS[text]
    if text == "\\t":
        return "\t"
    if (match := re.fullmatch(r"\\x([0-1][0-9a-fA-F]|7[fF])", text)) and chr(int(match[1], 16)) not in "\0\n\r":
        return chr(int(match[1], 16))
    if len(text) == 1 and text.isprintable() and text != '"':
        return text
    raise UserError(f"'{safe_line(text, 40)}' is not a delimiter; choose comma, tab, semicolon, bar, none or one character")


def delimiter_name(character: str) -> str:
    """Return the name of a delimiter, as `delimiter` accepts it."""
    named = next((name for name, each in DELIMITERS.items() if each == character), character)
    return named if named.isprintable() else f"\\x{ord(named):02x}"


def parse(text: str) -> Reading:
    """Return what words such as 'encoding=cp1252 header=no' say. Raises UserError that names the word at fault."""
    from .encodings import checked

    found: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        match name:
            case "encoding" if value:
                found[name] = checked(value)
            case "delimiter" if value:
                found[name] = delimiter(value)
            case "header" | "quotes" if value in _TRUTH:
                found[name] = _TRUTH[value]
            case "skip" if value.isascii() and value.isdigit() and int(value[:9]) <= MOST_SKIPPED:
                found[name] = int(value[:9])
            case _:
                raise UserError(
                    f"'{safe_line(word, 40)}' is not a setting for reading a file",
                    "Write encoding=NAME, delimiter=semicolon, header=yes or no, quotes=yes or no, skip=2 for the lines above",
                )
    return Reading(**found)


def words(reading: Reading) -> str:
    """Return what `parse` takes."""
    found = msgspec.structs.asdict(reading)
    if reading.delimiter is not None:
        found["delimiter"] = delimiter_name(reading.delimiter)
    return " ".join(
        f"{name}={('no', 'yes')[value] if isinstance(value, bool) else value}" for name, value in found.items() if value is not None
    )


def options(reading: Reading) -> list[str]:
    """Return the equivalent options of the command line."""
    found = msgspec.structs.asdict(reading)
    if reading.delimiter is not None:
        found["delimiter"] = delimiter_name(reading.delimiter)
    return [
        str(Setting(name, value)) if isinstance(value, bool) else f"{option(name)}={value}"
        for name, value in found.items()
        if value is not None
    ]
