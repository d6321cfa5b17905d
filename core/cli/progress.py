"""Progress on stderr: a bar in a terminal, otherwise an occasional plain line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

from ..questions import ProgressLine
from ..safe_text import safe_line
from ..units import size
from .output import draws_unicode, write_line

FIRST = 1.0
"""Seconds before the first plain line; shorter work is not worth one."""
EVERY = 5.0
"""Seconds between plain lines."""
REDRAW = 0.1
"""Seconds between redraws of a bar."""
BAR = "{desc:<10}{percentage:3.0f} %|{bar}| {n_fmt} of {total_fmt} {unit}{postfix}"
COUNT = "{desc:<10}{n_fmt} {unit}{postfix}"
NAME = "{desc}{postfix}"


def counted(done: int, total: int | None, unit: str) -> str:
    """Return '3 of 10 rows', '3 rows', '1.0 MB of 2.0 MB'."""
    if unit == "bytes":
        return size(done) if total is None else f"{size(done)} of {size(total)}"
    return f"{done:,} {unit}" if total is None else f"{done:,} of {total:,} {unit}"


def countless(done: int, total: int | None) -> bool:
    """Whether a phase has no count worth showing: nothing done of an unknown total, or a total of one."""
    return (total is None and not done) or total == 1


class Progress:
    """Shows the progress of one task, phase by phase. A context manager, which removes the bar at its end."""

    def __init__(self, stderr: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stderr = stderr
        self._clock = clock
        self._terminal = stderr.isatty()
        self._phase: str | None = None
        self._bar: Any = None
        self._next = 0.0
        self._last = ""
        self._written = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, phase: str, done: int, total: int | None, unit: str, detail: str = "") -> None:
        """Show the progress of `phase`, followed by `detail`."""
        if phase != self._phase:
            self.close()
            self._phase, self._next = phase, self._clock() + (0 if self._terminal else FIRST)
        if self._terminal:
            self._draw(phase, done, total, unit, safe_line(detail))
        else:
            parts = [] if countless(done, total) else [counted(done, total, unit)]
            parts += [safe_line(detail)] if detail else []
            self._last = ": ".join([safe_line(phase), *([", ".join(parts)] if parts else [])])
            if self._clock() >= self._next:
                self._write()

    def engine(self, line: ProgressLine) -> None:
        """Show a progress line of the engine."""
        self.update(line.phase, line.done, line.total, line.unit)

    def data(self, phase: str, done: int, total: int | None) -> None:
        """Show the progress of reading a data set, in rows for Parquet and in bytes for other files."""
        self.update(phase, done, total, "rows" if phase.endswith(".parquet") else "bytes")

    def message(self, text: str) -> None:
        """Write a line above the bar."""
        if self._bar is not None:
            self._bar.clear()
        write_line(self._stderr, text)
        if self._bar is not None:
            self._bar.refresh()
        self._stderr.flush()

    def close(self) -> None:
        """Remove the bar, or write the last line of a phase that has written lines."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        elif self._written:
            self._write()
        self._phase, self._last, self._written = None, "", ""

    def _write(self) -> None:
        """Write the newest line, unless it is the one written before."""
        if self._last != self._written:
            write_line(self._stderr, self._last)
            self._stderr.flush()
        self._written, self._next = self._last, self._clock() + EVERY

    def _draw(self, phase: str, done: int, total: int | None, unit: str, detail: str) -> None:
        form = NAME if countless(done, total) else COUNT if total is None else BAR
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                initial=done,
                total=total,
                desc=safe_line(phase, 20),
                unit="B" if unit == "bytes" else safe_line(unit, 20),
                unit_scale=unit == "bytes",
                file=self._stderr,
                leave=False,
                dynamic_ncols=True,
                ascii=not draws_unicode(self._stderr),
                bar_format=form,
            )
        self._bar.total = total
        self._bar.bar_format = form
        self._bar.set_postfix_str(detail, refresh=False)
        self._bar.n = done
        if self._clock() >= self._next or done == total:
            self._bar.refresh()
            self._next = self._clock() + REDRAW
