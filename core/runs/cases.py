"""Test cases: sentences with their expected labels, one file per data set in emotui's home, shared by all its runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from .. import json_log, paths
from ..data import overlay_log
from ..errors import UserError
from ..events import Share
from ..plain_files import read_plain
from ..questions import Prediction
from ..safe_text import safe_line
from ..specs import DataSpec, Moment

LONGEST = 20_000
"""Characters of a text, at most."""
MOST = 10_000
"""Cases of one data set, at most."""
_LARGEST = 1 << 29
"""Bytes of a file that is read, at most."""


class Case(msgspec.Struct, frozen=True, tag_field="kind", tag="case"):
    """A text and its expected label."""

    text: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    label: Annotated[str, msgspec.Meta(max_length=1_000)]
    when: Moment


class Removed(msgspec.Struct, frozen=True, tag_field="kind", tag="removed"):
    """An entry that removes the case of a text."""

    text: str
    when: Moment


class _Head(msgspec.Struct, frozen=True, tag_field="kind", tag="cases"):
    """The first line of a file, which names the data set."""

    source: str
    version: int = 1


_decoder = msgspec.json.Decoder(Case | Removed | _Head)


@dataclass(frozen=True, slots=True)
class Kept:
    """The cases of a data set."""

    cases: tuple[Case, ...]
    """Cases in the order in which they were added; only the newest of each text."""
    damaged: int = 0
    """Lines that could not be decoded and were skipped."""


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one case for a run."""

    case: Case
    label: str
    """Predicted."""
    probability: Share | None
    """The probability of the expected label; None if the run does not have that label."""
    fault: str = ""
    """Why the case can never pass; '' if it can."""

    @property
    def passed(self) -> bool:
        return not self.fault and self.label == self.case.label


def file_of(data: DataSpec) -> Path:
    """Return the path of a data set's cases, which depends only on its source, not on its options and splits."""
    found = overlay_log.file_of(data.source)
    return paths.home() / "cases" / found.name


def read(data: DataSpec) -> Kept:
    """Return the cases of a data set. It reads a file, so do not call it on the event loop. Raises UserError if it cannot be read."""
    path = file_of(data)
    if path.parent.is_dir():
        paths.check_private(path.parent)
    try:
        content = read_plain(path, _LARGEST)
    except FileNotFoundError:
        return Kept(())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}", "Repair it or move it away") from error
    found: dict[str, Case] = {}
    damaged = 0
    for line in content.splitlines():
        try:
            entry = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += bool(line.strip())
            continue
        if isinstance(entry, Case):
            found[entry.text] = entry
        elif isinstance(entry, Removed):
            found.pop(entry.text, None)
    return Kept(tuple(found.values()), damaged)


def add(data: DataSpec, text: str, label: str, labels: Sequence[str], clock: Callable[[], float] = time.time) -> Case | None:
    """Store a text with its expected label, and return the earlier case of that text that it replaces; None if there was none.

    `labels` are the existing ones. It writes to the disk, so do not call it on the event loop. Raises UserError for an invalid case.
    """
    text = text.encode("utf-8", "replace").decode().strip()
    if not text:
        raise UserError("a case needs a text", "Write a sentence")
    if len(text) > LONGEST:
        raise UserError(f"the text has {len(text):,} characters; a case may have at most {LONGEST:,}", "Shorten it")
    if label not in labels:
        raise UserError(f"there is no label {safe_line(label, 40)!r}", f"Choose from: {safe_line(', '.join(labels), 200)}")
    before: list[Case] = []

    def entries(is_new: bool) -> list[msgspec.Struct]:
        kept = () if is_new else read(data).cases
        before.extend(case for case in kept if case.text == text)
        if not before and len(kept) >= MOST:
            raise UserError(f"there are {MOST:,} cases already", "Remove some with: emotui cases remove")
        head: list[msgspec.Struct] = [_Head(overlay_log.as_text(data.source))] if is_new else []
        same = bool(before) and before[0].label == label
        return head if same else [*head, Case(text, label, clock())]

    json_log.append(file_of(data), entries)
    return before[0] if before else None


def remove(data: DataSpec, cases: Sequence[Case], clock: Callable[[], float] = time.time) -> None:
    """Remove cases. It writes to the disk, so do not call it on the event loop. Raises UserError if that fails."""
    if cases:
        json_log.append(file_of(data), lambda _: [Removed(case.text, clock()) for case in cases])


def judged(cases: Sequence[Case], predictions: Sequence[Prediction], labels: Sequence[str]) -> list[Outcome]:
    """Return the outcome of each case for a run with these labels."""
    found: list[Outcome] = []
    for case, said in zip(cases, predictions, strict=True):
        if case.label not in labels:
            found.append(Outcome(case, said.label, None, f"the run has no label {safe_line(case.label, 40)}"))
        else:
            found.append(Outcome(case, said.label, said.probabilities.get(case.label)))
    return found
