"""Rows that cannot be used: the first one is an error, or all are left out and counted."""

from __future__ import annotations

from ..errors import UserError
from ..safe_text import safe_line


class Faults:
    """Collects rows that cannot be used. With `skip` they are counted; without it the first raises UserError."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.count = 0
        self.first = ""
        """The sentence about the first row left out."""

    def bad(self, file: str, place: str, fault: str) -> None:
        """Report the row at `place` ('row 3'). Raises UserError unless such rows are skipped."""
        sentence = f"{safe_line(file, 80)}, {place}: {fault}"
        if not self.skip:
            raise UserError(f"{sentence}. Mend it, or leave such rows out with --skip-bad-rows")
        self.first = self.first or sentence
        self.count += 1


def shown(value: object) -> str:
    """Return a value from outside as a short, safe, quoted piece of a sentence."""
    return f"'{safe_line(str(value), 40)}'"
