"""Parses a terminal's input: keys, and pastes, in which everything is text."""

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
"""Seconds without input after an end mark before the paste is over, because a mark within the paste may imitate the end."""
LONGEST_WAIT = 1.0
"""Seconds after which the paste is over in any case, and after which the beginning of a mark is not one."""
STALLED = 2.0
"""Seconds without input after which a paste without an end mark is passed on."""
LONGEST_PASTE = 1 << 20
"""Characters of a paste that are kept, at most."""
_KEY_ALONE = re.compile(r"[^\x1b]|\x1b(?:\[[\d;:]*[A-Za-z~]|O.|[^\x1b])?")
_ESCAPE_AND_KEY = re.compile(r"\x1b(?=[^\x1b\[O\x08\x7f])")
"""An escape that is a key of its own. Not before Backspace: Alt and Backspace delete a word."""
_MARKS = re.compile(f"{re.escape(START)}|{re.escape(END)}")


class InputParser(XTermParser):
    """Textual's parser, which never sees characters of a paste, and reads an escape before a letter as two keys."""

    def __init__(self, debug: bool = False, clock: Callable[[], float] = monotonic) -> None:
        """Prepare an empty parser; `clock` returns seconds."""
        super().__init__(debug)
        self._clock = clock
        self._last = 0.0
        self._begun = ""
        """The end of the input so far that may be the beginning of a mark."""
        self._is_escape_sent = False
        """Whether an escape was sent as a key because nothing followed it; what comes next may still be the rest of a mark."""
        self._paste: list[str] | None = None
        self._is_stalled = False
        self._held: str | None = None
        """Input after the end mark of a paste."""
        self._ended = 0.0

    @property
    def wait(self) -> float:
        """Seconds after which `tick` must be called if there is no input."""
        return SETTLED / 2 if self._held is not None or self._begun else 0.1

    def feed(self, data: str) -> Iterator[Message]:
        """Yield the messages of `data`, which continues the earlier input; '' is the end of input."""
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
        """Yield the messages that are certain after a time without input."""
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
            data = ESC + data  # the mark's escape was sent as a key, because nothing followed it for long
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
        """Yield the keys of `data`; an escape is a key of its own unless a sequence follows, and at the end if `is_over`."""
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
            self._paste = None  # its end mark never came, and keys are being pressed
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
        """Keep pasted text, up to LONGEST_PASTE characters."""
        assert self._paste is not None  # noqa: S101 - the callers have seen it
        if (room := LONGEST_PASTE - sum(map(len, self._paste))) > 0:
            self._paste.append(text[:room])

    def _hold_back(self) -> None:
        """Treat input up to another end mark as part of the paste: it arrived with it, so nobody pressed those keys."""
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
    """Return the length of the longest suffix of `text` that is a proper prefix of `mark`."""
    return next((length for length in range(min(len(text), len(mark) - 1), 0, -1) if mark.startswith(text[-length:])), 0)


def read(
    descriptor: int, parser: InputParser, take: Callable[[Message], None], is_over: Callable[[], bool], encoding: str = "utf-8"
) -> None:
    """Pass the messages of a terminal's input to `take` until `is_over`; bytes that are invalid in `encoding` become U+FFFD."""
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
