"""Sends a terminal only the cells that differ from what it shows, as curses does.

Textual sends every redrawn line completely, each piece with its whole style, which takes long over a slow connection.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple
from unicodedata import category

from rich.cells import cell_len
from textual.app import ScreenStackError
from textual.drivers.linux_driver import LinuxDriver

from .ascii_only import encoding as locale_encoding
from .ascii_only import has
from .terminal_input import InputParser, read
from .terminal_output import known

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_STYLE, _WORDS, _LINE_END = 3, 4, 5
_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|([^\x00-\x1f\x7f-\x9f]+)|(\r?\n)")
_LEAVES_CELLS = re.compile(
    r"(?:\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, the clipboard, notifications
    r"|\x07|\x1b\[\?\d+\$p|\x1b\[[<>=?][\d;]*u"  # the bell, questions, the keyboard
    r"|\x1b\[\?(?!3[hl]|47[hl]|104[79][hl])\d+[hl])+"  # modes, but for those that change or clear the screen
)
_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Style codes that are visible on a space: underlined, reversed, struck, doubly underlined, overlined."""
_BRIDGE = 4
"""Unchanged cells up to which sending them again takes fewer bytes than moving the cursor past them."""
_RESET = "\x1b[0m"


class Part(NamedTuple):
    """One cell of a text with characters on whose width terminals differ; such a text is sent as a whole."""

    words: str
    style: str
    offset: int
    width: int


Cell = tuple[str, str] | Part
"""A character and the codes of its style, or a part of a text of uncertain width."""


class Pen(NamedTuple):
    """A style in parts, each as the codes that set it; '' for none."""

    attributes: frozenset[str]
    color: str
    background: str


PLAIN = Pen(frozenset(), "", "")


@dataclass(slots=True)
class _Run:
    """Text sent to one position; rows and columns are counted from 1."""

    row: int
    column: int
    cells: list[Cell | None] = field(default_factory=list)

    def add(self, words: str, style: str) -> None:
        last, blank = self.cells[-1] if self.cells else None, _blank(style)
        if isinstance(last, Part) and not words.strip(" ") and blank == _blank(last.style):
            # The space after it belongs to it too: a terminal that draws the text wider then still shows its end.
            del self.cells[-last.width :]
            words, style = last.words + words, last.style
        elif words.isascii() or all(map(_is_narrow, words)):
            self.cells += [(character, style if character != " " else blank) for character in words]
            return
        width = cell_len(words)
        self.cells += [Part(words, style, offset, width) for offset in range(width)]

    def put(self, row: list[Cell | None]) -> None:
        """Write this text over a row. A text that it covers partly is unknown from then on."""
        start, end = self.column - 1, self.column - 1 + len(self.cells)
        row += [None] * (end - len(row))
        for edge in (start, end):
            cut = row[edge] if edge < len(row) else None
            if isinstance(cut, Part) and cut.offset:
                first = edge - cut.offset
                row[first : first + cut.width] = [None] * cut.width
        row[start:end] = self.cells


class FrameDiff:
    """Remembers what a terminal shows, and shortens the output to it."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell | None]] = {}
        self._cursor: tuple[int, int] | None = None
        self._is_sync_held = False

    def forget(self) -> None:
        """Forget what the terminal shows, because its size has changed or something else has written to it."""
        self._rows.clear()
        self._cursor = None

    def shorten(self, data: str) -> str:
        """Return what has the same effect on the terminal as `data`, which follows all that was shortened before.

        Cursor moves, styles and text are shortened. Other sequences pass unchanged; if they may change a cell, everything is forgotten.
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
        rows: dict[int, list[Cell | None]] = {}
        for run in runs:
            run.put(rows.setdefault(run.row, list(self._rows.get(run.row, ()))))
        sent: list[str] = []
        pen, at = PLAIN, (0, 0)
        for number, row in rows.items():
            for first, last in _different(self._rows.get(number, []), row):
                place = f"\x1b[{number};{first + 1}H"
                if at != (number, first):
                    sent.append(place)
                for cell in row[first:last]:
                    text, wanted = _drawn(cell, pen)
                    if wanted != pen:
                        sent.append(_change(pen, wanted))
                        pen = wanted
                    sent.append(text)
                    if isinstance(cell, Part):
                        # A terminal that draws the text narrower leaves the rest of its cells unchanged, so they are blanked first.
                        sent[-1] = f"{' ' * cell.width}{place}{text}"
                        break
                at = (number, last) if not isinstance(row[first], Part) else (0, 0)
        self._rows.update(rows)
        if pen != PLAIN:
            sent.append(_RESET)
        if cursor is not None and (sent or cursor != self._cursor):
            sent.append(f"\x1b[{cursor[0]};{cursor[1]}H")
        self._cursor = cursor
        return "".join(sent)


class FrameDiffDriver(LinuxDriver):
    """Textual's driver with output shortened by FrameDiff, only known sequences, and pastes read as text."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._frames = FrameDiff()
        found = locale_encoding()
        self._encoding = found if has(found, "é") else "utf-8"  # in the locale C, which says nothing about what the terminal sends

    def write(self, data: str) -> None:
        if shorter := self._frames.shorten(known(data)):
            super().write(shorter)
        if not self._fits():
            self._frames.forget()

    def run_input_thread(self) -> None:
        read(self.fileno, InputParser(self._debug), self.process_message, self.exit_event.is_set, self._encoding)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)  # pyright: ignore[reportPrivateUsage]

    def forget(self) -> None:
        """Send the next frame completely."""
        self._frames.forget()

    def _fits(self) -> bool:
        """Return whether the frame has the terminal's size; until a resize is processed, lines would be at the wrong positions."""
        try:
            return os.get_terminal_size(sys.__stderr__.fileno()) == tuple(self._app.screen._compositor.size)  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError, ScreenStackError):
            return False


def _parse(data: str) -> tuple[list[_Run], tuple[int, int] | None] | None:
    """Return the texts of a frame and the final cursor position; None if it is not a frame: text without a position, other sequences."""
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
        elif kind == _LINE_END:
            run = None
        else:
            run = _Run(int(token[1]), int(token[2]))
            runs.append(run)
    if position != len(data) or style:
        return None
    cursor = (run.row, run.column) if run is not None and not run.cells else None
    return [each for each in runs if each.cells], cursor


def _different(before: list[Cell | None], now: list[Cell | None]) -> list[tuple[int, int]]:
    """Return the stretches [first, last) of a row that must be sent, joining near ones of the same style.

    Cells after a text of uncertain width are sent too: a terminal that draws it wider has overwritten them.
    """
    stretches: list[tuple[int, int]] = []
    is_overwritten = False
    for index, (old, new) in enumerate(zip_longest(before, now)):
        if new is None or (old == new and not is_overwritten):
            continue
        if isinstance(new, Part):
            is_overwritten = True
            if not new.offset:
                stretches.append((index, index + new.width))
            continue
        if stretches:
            first, last = stretches[-1]
            if index - last <= _BRIDGE and all(_is_narrow_in(cell, new[1]) for cell in now[last - 1 : index]):
                stretches[-1] = (first, index + 1)
                continue
        stretches.append((index, index + 1))
    return stretches


def _is_narrow_in(cell: Cell | None, style: str) -> bool:
    return cell is not None and not isinstance(cell, Part) and cell[1] == style


def _drawn(cell: Cell | None, pen: Pen) -> tuple[str, Pen]:
    """Return a cell's text and the style to draw it in; for a space, the nearest to `pen` of the styles that look the same."""
    text, codes = (cell or (" ", ""))[:2]
    wanted = _pen(codes)
    if text == " " and not (pen.attributes | wanted.attributes) & _SEEN_ON_BLANKS:
        wanted = Pen(pen.attributes, pen.color, wanted.background)
    return text, wanted


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
    """Return the codes of a style that are visible on a space."""
    pen = _pen(codes)
    return codes if pen.attributes & _SEEN_ON_BLANKS else pen.background


@lru_cache(4096)
def _pen(codes: str) -> Pen:
    attributes: set[str] = set()
    colors = {"3": "", "4": ""}
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
def _is_narrow(character: str) -> bool:
    """Return whether all terminals draw a character in one cell; combining marks, letters of flags and recent symbols are uncertain."""
    return character < "\U00010000" and cell_len(character) == 1 and category(character)[0] != "M"
