"""Sends a terminal only the cells that differ from what it shows, as curses does.

Textual sends each line of whatever was drawn anew, every piece of it with its whole style. Over a slow line that is what one waits for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from textual.drivers.linux_driver import LinuxDriver

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_MOVE, _STYLE, _WORDS, _LINE_END = 2, 3, 4, 5
_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|([^\x00-\x1f\x7f-\x9f]+)|(\r?\n)")
_LEAVES_CELLS = re.compile(
    r"(?:\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, the clipboard, notifications
    r"|\x07|\x1b\[\?\d+\$p|\x1b\[[<>=?][\d;]*u"  # the bell, questions, the keyboard
    r"|\x1b\[\?(?!3[hl]|47[hl]|104[79][hl])\d+[hl])+"  # modes, but for those that change or clear the screen
)
_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Underlined, reversed, struck, underlined twice, overlined: what a space shows beside the colour behind it."""
_BRIDGE = 4
"""Most unchanged cells that are sent again, since to move the cursor over them takes more bytes."""
_RESET = "\x1b[0m"

Cell = tuple[str, str]
"""A character and the codes of its style. In a run with other than narrow characters, all that was sent and the cell's number in it."""


class Pen(NamedTuple):
    """A style in its parts, each as the codes that set it; '' where there is none."""

    attributes: frozenset[str]
    color: str
    background: str


PLAIN = Pen(frozenset(), "", "")


@dataclass(slots=True)
class _Run:
    """What was sent to one place; rows and columns are counted from 1."""

    row: int
    column: int
    cells: list[Cell | None] = field(default_factory=list)
    raw: str = ""
    is_narrow: bool = True
    """Whether each character takes one cell, on which all terminals agree."""

    def add(self, words: str, style: str) -> None:
        self.raw += words
        if words.isascii() or all(_width(character) == 1 for character in words):
            blank = _blank(style)
            self.cells += [(character, style if character != " " else blank) for character in words]
        else:
            self.is_narrow = False
            self.cells += [None] * cell_len(words)

    def close(self) -> None:
        if not self.is_narrow:
            self.cells = [(self.raw, str(index)) for index in range(len(self.cells))]


class FrameDiff:
    """Remembers what a terminal shows, and shortens what is sent to it."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell | None]] = {}
        self._cursor: tuple[int, int] | None = None
        self._is_sync_held = False

    def forget(self) -> None:
        """Take nothing for granted: the terminal has another size, or something else has written to it."""
        self._rows.clear()
        self._cursor = None

    def shorten(self, data: str) -> str:
        """Return what has the same effect on the terminal as `data`, which follows all that was shortened before.

        What moves the cursor, sets a style or writes is shortened. Other sequences pass; where they may change a cell, all is forgotten.
        """
        if data == SYNC_START:
            self._is_sync_held = True
            return ""
        sync, self._is_sync_held = SYNC_START if self._is_sync_held else "", False
        if sync and data == SYNC_END:
            return ""
        frame = _parse(data)
        if frame is None:
            if not _LEAVES_CELLS.fullmatch(data):
                self.forget()
            return sync + data
        sent = self._differences(*frame)
        self._is_sync_held = bool(sync and not sent)
        return sync + sent if sent else ""

    def _differences(self, runs: list[_Run], cursor: tuple[int, int] | None) -> str:
        sent: list[str] = []
        pen, at = PLAIN, (0, 0)
        for run in runs:
            before = self._write(run)
            if before == run.cells:
                continue
            if not run.is_narrow:
                sent += ["" if pen == PLAIN else _RESET, f"\x1b[{run.row};{run.column}H", run.raw]
                pen, at = PLAIN, (0, 0)
                continue
            for first, last in _different(before, run.cells):
                if at != (run.row, run.column + first):
                    sent.append(f"\x1b[{run.row};{run.column + first}H")
                for cell in run.cells[first:last]:
                    character, wanted = _drawn(cell, pen)
                    if wanted != pen:
                        sent.append(_change(pen, wanted))
                        pen = wanted
                    sent.append(character)
                at = (run.row, run.column + last)
        if pen != PLAIN:
            sent.append(_RESET)
        if cursor is not None and (sent or cursor != self._cursor):
            sent.append(f"\x1b[{cursor[0]};{cursor[1]}H")
        self._cursor = cursor
        return "".join(sent)

    def _write(self, run: _Run) -> list[Cell | None]:
        """Remember a run and return what was in its place."""
        known = self._rows.setdefault(run.row, [])
        start, end = run.column - 1, run.column - 1 + len(run.cells)
        known += [None] * (end - len(known))
        before = known[start:end]
        if before != run.cells:
            known[start:end] = run.cells
            if not run.is_narrow:
                del known[end:]  # a terminal that takes a character for wider has written over it
        return before


class FrameDiffDriver(LinuxDriver):
    """Textual's driver, which sends what FrameDiff leaves of it."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._frames = FrameDiff()

    def write(self, data: str) -> None:
        if shorter := self._frames.shorten(data):
            super().write(shorter)

    def forget(self) -> None:
        """Send what is drawn next as a whole."""
        self._frames.forget()


def _parse(data: str) -> tuple[list[_Run], tuple[int, int] | None] | None:
    """Return the runs of a frame and where it leaves the cursor; None for what is no frame: words without a place, other sequences."""
    runs: list[_Run] = []
    run: _Run | None = None
    style, position = "", 0
    for token in _TOKEN.finditer(data):
        if token.start() != position:
            return None
        position = token.end()
        kind = token.lastindex
        if kind == _WORDS:
            if run is None:
                return None
            run.add(token[_WORDS], style)
        elif kind == _STYLE:
            style = token[_STYLE] if token[_STYLE] != "0" else ""
            if run is not None:
                run.raw += token[0]
        elif kind == _LINE_END:
            run = None
        else:
            run = _Run(int(token[1]), int(token[2]))
            runs.append(run)
    if position != len(data) or style:
        return None
    for each in runs:
        each.close()
    cursor = (run.row, run.column) if run is not None and not run.cells else None
    return [each for each in runs if each.cells], cursor


def _different(before: list[Cell | None], now: list[Cell | None]) -> list[tuple[int, int]]:
    """Return the stretches [first, last) in which two rows differ, those joined that are near and of one style."""
    stretches: list[tuple[int, int]] = []
    for index, (old, new) in enumerate(zip(before, now, strict=True)):
        if old == new:
            continue
        if stretches:
            first, last = stretches[-1]
            if index - last <= _BRIDGE and len({cell[1] for cell in now[last - 1 : index + 1] if cell}) == 1:
                stretches[-1] = (first, index + 1)
                continue
        stretches.append((index, index + 1))
    return stretches


def _drawn(cell: Cell | None, pen: Pen) -> tuple[str, Pen]:
    """Return a cell's character, and the style to draw it in: of a space, that which is nearest to `pen` among those that look alike."""
    character, codes = cell or (" ", "")
    wanted = _pen(codes)
    if character == " " and not (pen.attributes | wanted.attributes) & _SEEN_ON_BLANKS:
        wanted = Pen(pen.attributes, pen.color, wanted.background)
    return character, wanted


@lru_cache(4096)
def _change(before: Pen, now: Pen) -> str:
    """Return the sequence that turns one style into another."""
    if now == PLAIN:
        return _RESET
    if before.attributes - now.attributes or any(old and not new for old, new in zip(before[1:], now[1:], strict=True)):
        return f"\x1b[{';'.join(['0', *sorted(now.attributes), *filter(None, now[1:])])}m"
    added = [*sorted(now.attributes - before.attributes), *(new for old, new in zip(before[1:], now[1:], strict=True) if new != old)]
    return f"\x1b[{';'.join(added)}m"


@lru_cache(4096)
def _blank(codes: str) -> str:
    """Return the codes of what of a style is seen on a space."""
    pen = _pen(codes)
    return codes if pen.attributes & _SEEN_ON_BLANKS else pen.background


@lru_cache(4096)
def _pen(codes: str) -> Pen:
    attributes, colors = set(), {"3": "", "4": ""}
    numbers = iter(codes.split(";")) if codes else iter(())
    for number in numbers:
        if number in ("38", "48"):
            kind = next(numbers)
            colors[number[0]] = ";".join([number, kind, *(next(numbers) for _ in range(3 if kind == "2" else 1))])
        elif number.zfill(3)[:2] in ("03", "09"):
            colors["3"] = number
        elif number.zfill(3)[:2] in ("04", "10"):
            colors["4"] = number
        else:
            attributes.add(number)
    return Pen(frozenset(attributes), colors["3"], colors["4"])


@lru_cache(4096)
def _width(character: str) -> int:
    return cell_len(character)
