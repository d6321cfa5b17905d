"""Slices: filters saved by name, shared by all runs on the same data set, in one file of emotui's home."""

from __future__ import annotations

from pathlib import Path

from .. import home_file, paths
from ..data import filters
from ..errors import UserError
from ..filter_line import LONGEST as LONGEST_FILTER
from ..json_kinds import is_object
from ..safe_text import safe_line

LONGEST = 40
"""Characters of a name, at most."""
MOST = 100
"""Slices of one data set, at most."""


def slices_file() -> Path:
    return paths.home() / "slices.json"


def read(source: str) -> dict[str, str]:
    """Return the filters of a data set by name, in the order in which they were saved; invalid entries are skipped."""
    found = home_file.read(slices_file()).get(source)
    saved = found.items() if is_object(found) else ()
    return {name: line for name, line in saved if isinstance(line, str) and _is_name(name) and len(line) <= LONGEST_FILTER}


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= LONGEST and name == safe_line(name).strip()


def save(source: str, name: str, line: str) -> str:
    """Save a filter under a name, replacing any of that name, and return the name. Raises UserError for an invalid name or filter.

    The file is read again first, so that changes by other processes stay. It writes to the disk, so do not call it on the event loop.
    """
    name = safe_line(name).strip()
    if not name:
        raise UserError("a slice needs a name", "Write a word or two, such as: short texts")
    if len(name) > LONGEST:
        raise UserError(f"the name {safe_line(name, 40)} is longer than {LONGEST} characters", "Shorten it")
    if not filters.parse(line).terms:
        raise UserError("a slice needs a filter, such as: len<5", "Filter the rows first, then save the filter")
    with home_file.locked(slices_file()):
        content = home_file.read(slices_file())
        mine = read(source)
        if name not in mine and len(mine) >= MOST:
            raise UserError(f"there are {len(mine)} slices of this data set already, the most that are kept", "Remove some first")
        home_file.write(slices_file(), {**content, source: {**mine, name: line}})
    return name


def remove(source: str, name: str) -> None:
    """Remove a slice, if it exists. Raises UserError if the file cannot be written."""
    with home_file.locked(slices_file()):
        content = home_file.read(slices_file())
        left = {each: line for each, line in read(source).items() if each != name}
        home_file.write(
            slices_file(), {**{each: value for each, value in content.items() if each != source}, **({source: left} if left else {})}
        )


def typed(text: str) -> tuple[str, str]:
    """Return name and filter of NAME=FILTER; a filter alone, in which = may follow a field as in len=3, is its own name."""
    name, equals, line = text.partition("=")
    is_name = bool(equals) and bool(line.strip()) and not set(name) & set(':<>"-') and name.strip().lower() not in _COMPARED
    return (safe_line(name).strip(), line) if is_name and name.strip() else (safe_line(text, 60), text)


_COMPARED = ("len", "words", "chars", "tokens", "loss", "confidence")
