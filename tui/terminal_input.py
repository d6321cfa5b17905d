"""Reads what a terminal sends: keys, and pastes, in which everything is text."""

from __future__ import annotations

import os
import re
import selectors
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from textual import constants, events
from textual._xterm_parser import BRACKETED_PASTE_END as END
from textual._xterm_parser import BRACKETED_PASTE_START as START
from textual._xterm_parser import XTermParser
from textual.message import Message

ESC = "\x1b"
SETTLED = 0.05
"""Seconds without input after which a paste is over whose end was seen: until then a mark in it may pretend to be its end."""
LONGEST_WAIT = 1.0
"""Seconds after which it is over in any case, and after which a mark that was begun is none."""
STALLED = 2.0
"""Seconds without input after which a paste without an end is handed on as it is."""
LONGEST_PASTE = 1 << 20
"""Characters of a paste that are kept."""
_KEY_ALONE = re.compile(r"[^\x1b]|\x1b(?:\[[\d;:]*[A-Za-z~]|O.|[^\x1b])?")
_ESCAPE_AND_KEY = re.compile(r"\x1b(?=[^\x1b\[O\x08\x7f])")
"""Not before backspace: alt and backspace delete a word."""
_MARKS = re.compile(f"{re.escape(START)}|{re.escape(END)}")


class InputParser(XTermParser):
    """Textual's parser, to which no character of a paste is shown, and which takes an escape before a letter for the two keys."""

    def __init__(self, debug: bool = False, clock: Callable[[], float] = monotonic) -> None:
        """Read from the beginning; `clock` gives seconds."""
        super().__init__(debug)
        self._clock = clock
        self._last = 0.0
        self._begun = ""
        """The end of what came, where it may be the beginning of a mark."""
        self._is_escape_sent = False
        """Whether an escape was taken for a key since nothing came after it; what comes may still be the rest of a mark."""
        self._paste: list[str] | None = None
        self._is_stalled = False
        self._held: str | None = None
        """What came after the end of a paste."""
        self._ended = 0.0

    @property
    def wait(self) -> float:
        """Seconds after which `tick` wants to be called although nothing came."""
        return SETTLED / 2 if self._held is not None or self._begun else 0.1

    def feed(self, data: str) -> Iterator[Message]:
        """Yield what `data` means, which follows what was fed before; '' is the end of input."""
        if not data:
            yield from self._flush()
            yield from super().feed("")
            return
        self._last = self._clock()
        if self._held is not None:
            self._held += data
            self._hold_back()
        elif self._paste is not None:
            yield from self._parse_paste(data)
        else:
            yield from self._parse_keys(data)

    def tick(self) -> Iterable[Message]:
        """Yield what is known now that nothing came for a while."""
        now = self._clock()
        silence = now - self._last
        if self._held is not None:
            if silence >= SETTLED or now - self._ended >= LONGEST_WAIT:
                yield from self._flush()
        elif self._paste is not None:
            if silence >= STALLED and not self._is_stalled:
                yield from self._paste_so_far()
                self._is_stalled = True
        elif self._begun and silence >= (constants.ESCAPE_DELAY if self._begun == ESC else LONGEST_WAIT):
            self._is_escape_sent = self._begun == ESC
            begun, self._begun = self._begun, ""
            yield from self._keys(begun, is_over=True)
        else:
            yield from super().tick()

    def _parse_keys(self, data: str) -> Iterator[Message]:
        if self._is_escape_sent and data.startswith(START[1:]):
            data = ESC + data  # the mark's escape was taken for the key, as nothing came after it for long
        self._is_escape_sent = False
        data, self._begun = self._begun + data, ""
        keys, mark, rest = data.partition(START)
        if mark:
            yield from self._keys(keys, is_over=True)
            self._paste, self._is_stalled = [], False
            if rest:
                yield from self._parse_paste(rest)
            return
        begun = _beginning(keys, START)
        self._begun = keys[len(keys) - begun :]
        yield from self._keys(keys[: len(keys) - begun])

    def _keys(self, data: str, *, is_over: bool = False) -> Iterator[Message]:
        """Yield the keys of `data`; an escape is a key of its own before anything but a sequence, and in the end where `is_over`."""
        at = 0
        for escape in _ESCAPE_AND_KEY.finditer(data):
            yield from self._understood(data[at : escape.end()], is_over=True)
            at = escape.end()
        yield from self._understood(data[at:], is_over=is_over)

    def _understood(self, data: str, *, is_over: bool) -> Iterator[Message]:
        if data:
            yield from super().feed(data)
        if is_over and self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from super().tick()

    def _parse_paste(self, data: str) -> Iterator[Message]:
        assert self._paste is not None  # noqa: S101 - the caller has seen it
        if self._is_stalled and _KEY_ALONE.fullmatch(data):
            self._paste = None  # its end never came, and somebody presses keys
            yield from self._parse_keys(data)
            return
        text, mark, rest = (self._begun + data).partition(END)
        begun = 0 if mark else _beginning(text, END)
        self._begun = text[len(text) - begun :]
        self._keep(text[: len(text) - begun])
        if mark:
            self._held, self._ended = rest, self._clock()
            self._hold_back()

    def _keep(self, text: str) -> None:
        """Keep what was pasted, as far as there is room."""
        assert self._paste is not None  # noqa: S101 - the callers have seen it
        if (room := LONGEST_PASTE - sum(map(len, self._paste))) > 0:
            self._paste.append(text[:room])

    def _hold_back(self) -> None:
        """Take what came up to another end for a part of the paste: it came with it, and is no key that anybody pressed."""
        assert self._held is not None  # noqa: S101 - the callers have seen it
        text, mark, rest = self._held.rpartition(END)
        if mark:
            self._keep(text)
            self._held = rest

    def _paste_so_far(self) -> Iterator[Message]:
        text = _MARKS.sub("", "".join((*(self._paste or ()), self._begun))).replace("\x00", "")
        self._begun = ""
        self._paste = []
        if text:
            yield events.Paste(text)

    def _flush(self) -> Iterator[Message]:
        if self._paste is not None:
            yield from self._paste_so_far()
            self._paste = None
        begun, self._begun = self._begun, ""
        if begun:
            yield from self._keys(begun, is_over=True)
        held, self._held = self._held, None
        if held:
            yield from self._parse_keys(held)


def _beginning(text: str, mark: str) -> int:
    """Return the length of the longest end of `text` with which `mark` begins, and which is shorter than it."""
    return next((length for length in range(min(len(text), len(mark) - 1), 0, -1) if mark.startswith(text[-length:])), 0)


def read(
    descriptor: int, parser: InputParser, take: Callable[[Message], None], is_over: Callable[[], bool], encoding: str = "utf-8"
) -> None:
    """Hand on what comes from a terminal until `is_over`; bytes that are none of its `encoding` become U+FFFD."""
    decode = getincrementaldecoder(encoding)("replace").decode
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not is_over():
            if selector.select(parser.wait):
                try:
                    data = os.read(descriptor, 1 << 12)
                except OSError:
                    data = b""
                if not data:
                    return  # the terminal is gone
                if text := decode(data):
                    for message in parser.feed(text):
                        take(message)
            for message in parser.tick():
                take(message)
