"""Rows that cannot be used: the first one is an error, or all are skipped and counted."""

from __future__ import annotations

import re
from collections import Counter

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase

_VALUE = re.compile(r"'[^']*'|\d[\d,.]*|\(.*\)")
_CAUSES = 5
"""Causes in a summary, at most."""

SKIP_BAD_ROWS = Setting("skip_bad_rows")
_REMEDY = phrase("Correct it, or skip such rows with ", SKIP_BAD_ROWS)


class BadRowError(UserError):
    """A row that cannot be used, where such rows are not skipped."""

    def __init__(self, problem: Words, remedy: Words = _REMEDY) -> None:
        super().__init__(problem, remedy)


class Faults:
    """Collects rows that cannot be used. With `skip` they are counted; without it the first raises BadRowError."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.count = 0
        self.first = ""
        """The sentence about the first row left out."""
        self.causes: Counter[str] = Counter()
        """How many rows were left out, by what is wrong with them; all beyond some causes under 'others'."""

    def bad(self, file: str, place: str, fault: str) -> None:
        """Report the row at `place` ('row 3'). Raises BadRowError unless such rows are skipped."""
        sentence = f"{safe_line(file, 80)}, {place}: {fault}"
        if not self.skip:
            raise BadRowError(sentence)
        self.first = self.first or sentence
        self.count += 1
        cause = _VALUE.sub("…", fault).strip()
        self.causes[cause if cause in self.causes or len(self.causes) < 10 * _CAUSES else "others"] += 1


def summarize_causes(causes: Counter[str]) -> str:
    """Return the number of skipped rows by cause."""
    counts = [f"{count:,} {cause}" for cause, count in causes.most_common(_CAUSES)]
    others = causes.total() - sum(count for _, count in causes.most_common(_CAUSES))
    return "; ".join(counts + ([f"{others:,} others"] if others else []))


def shown(value: object) -> str:
    """Return a value from outside as a short, safe, quoted piece of a sentence."""
    return f"'{safe_line(str(value), 40)}'"
