"""What reaches stdout and stderr: safe, in the stream's encoding, one JSON object a line."""

from __future__ import annotations

import fcntl
import io
import itertools
import json
import os
import pty
import struct
import termios

import pytest
from emotui.core import units
from emotui.core.cli.output import ASCII, UNICODE, Output
from emotui.core.cli.progress import Progress

HOSTILE = "a\x1b]52;c;AA==\x07\x9b2J\u202ez\u2028"


def streams(encoding: str = "utf-8") -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
    return io.TextIOWrapper(io.BytesIO(), encoding), io.TextIOWrapper(io.BytesIO(), encoding)


def written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    return stream.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_keeps_the_value_and_holds_nothing_that_acts_on_a_terminal(encoding):
    out, err = streams(encoding)
    value = {"text": HOSTILE + "é你🙂"}
    Output(out, err).json(value)
    raw = written(out)
    assert json.loads(raw.decode(encoding)) == value
    assert raw.count(b"\n") == 1
    text = raw.decode(encoding)
    assert not any(each in text for each in "\x1b\x07\x9b\u202e\u2028")


def test_json_writes_null_for_what_is_not_finite():
    out, err = streams()
    Output(out, err).json({"loss": float("nan"), "lr": float("inf")})
    assert json.loads(written(out)) == {"loss": None, "lr": None}


def test_json_writes_names_of_files_that_are_no_unicode():
    out, err = streams()
    Output(out, err).json({"home": "/a\udcff", "names": ["b", ("\ud800c",)], "\udcfe": 1.5, "smile": "\ud83d\ude00"})
    assert json.loads(written(out)) == {"home": "/a\ufffd", "names": ["b", ["\ufffdc"]], "\ufffd": 1.5, "smile": "\U0001f600"}


def test_lines_are_safe_and_fit_the_encoding():
    out, err = streams("ascii")
    output = Output(out, err)
    assert output.glyphs is ASCII
    output.line(HOSTILE + "é…")
    output.message("é")
    raw = written(out)
    assert raw.isascii()
    assert b"\x1b" not in raw
    assert raw.endswith(b"\\xe9~\n")
    assert written(err) == b"\\xe9\n"
    assert Output(*streams()).glyphs is UNICODE


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_without_a_terminal_is_a_plain_line_now_and_then():
    _, err = streams()
    clock = Clock()
    with Progress(err, clock) as progress:
        for done in range(101):
            clock.now = done / 10
            progress.update("tokenize", done, 100, "rows", "half\x1b way")
    lines = written(err).decode().splitlines()
    assert lines == ["tokenize: 10 of 100 rows, half␛ way", "tokenize: 60 of 100 rows, half␛ way", "tokenize: 100 of 100 rows, half␛ way"]


def test_a_phase_without_a_count_says_only_its_name_and_says_it_once():
    _, err = streams()
    clock = Clock()
    with Progress(err, clock) as progress:
        for phase, total, detail in (("load", None, ""), ("fit", None, "TF-IDF"), ("save", 1, "")):
            for _ in range(4):
                progress.update(phase, 0, total, "files", detail)
                clock.now += 10
    assert written(err).decode().splitlines() == ["load", "fit: TF-IDF", "save"]


def test_a_phase_without_a_count_shows_only_its_name_on_a_terminal():
    screen = Terminal()
    with Progress(screen, Clock()) as progress:
        progress.update("load", 0, None, "files")
        progress.update("save", 0, 1, "files")
        progress.update("look", 3, None, "files")
    shown = [line.strip() for line in screen.getvalue().split("\r")]
    assert [line for line, _ in itertools.groupby(each for each in shown if each)] == ["load", "save", "look      3 files"]


def test_the_bar_of_a_narrow_terminal_leaves_room_for_the_time_left():
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with open(child, "w", encoding="utf-8") as screen:
        with Progress(screen, Clock()) as progress:
            progress.update("train", 1_019, 1_230, "steps", "loss 1.309, 3 min 05 s left")
        print("end of the test", file=screen, flush=True)
        shown = b""
        while b"end of the test" not in shown:
            shown += os.read(parent, 10_000)
    os.close(parent)
    assert b"3 min 05 s left" in shown


def test_short_work_is_not_worth_a_line():
    _, err = streams()
    clock = Clock()
    with Progress(err, clock) as progress:
        progress.update("tokenize", 1, 2, "rows")
        clock.now = 0.5
        progress.update("tokenize", 2, 2, "rows")
    assert written(err) == b""


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_a_bar_that_goes_away():
    screen = Terminal()
    clock = Clock()
    with Progress(screen, clock) as progress:
        progress.update("download", 0, 2_000_000, "bytes")
        clock.now = 1.0
        progress.update("download", 1_000_000, 2_000_000, "bytes", "two\x1b files")
        progress.message("a note")
    shown = screen.getvalue()
    assert "50 %" in shown
    assert "1.00M of 2.00M B" in shown
    assert "two␛ files" in shown
    assert "a note\n" in shown
    assert "\x1b]" not in shown
    *_, wiped, after = shown.split("\r")
    assert wiped.isspace()
    assert after == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7805, "2 h 10 min")]
)
def test_duration(seconds, text):
    assert units.duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 B"), (999, "999 B"), (45_140_120, "45.1 MB"), (999_960, "1.0 MB"), (2e12, "2.0 TB")])
def test_size(number, text):
    assert units.size(number) == text


def test_counts_and_ages():
    assert [units.count(1, "row"), units.count(1620, "row")] == ["1 row", "1,620 rows"]
    assert [units.age(5), units.age(120), units.age(7200), units.age(200_000)] == ["now", "2 min", "2 h", "2 d"]
