"""Event lines are whole or not there, whoever is killed while writing, and however full the disk is."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from emotui.core.events import Line, Note, Step
from emotui.core.runs import log
from hypothesis import given, settings
from hypothesis import strategies as st


def writer(path: Path, seq: int = 0, now: float = 100.0) -> log.Writer:
    return log.Writer(path, seq=seq, clock=lambda: now)


def note(text: str) -> bytes:
    return msgspec.json.encode(Note("info", text))


def texts(lines: list[Line]) -> list[str]:
    return [line.event.message for line in lines if isinstance(line.event, Note)]


def test_what_is_written_is_read_once_in_order(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader, out = log.Reader(path), writer(path, seq=6)
    assert reader.read() == []
    out.add(note("one"), attempt=2, sent=5)
    out.add(note("two ⏎ 日本"), attempt=2)
    assert reader.read() == [Line(2, 7, 100.0, Note("info", "one"), 5), Line(2, 8, 100.0, Note("info", "two ⏎ 日本"), 0)]
    assert reader.read() == []
    out.add(note("three"), attempt=2)
    assert texts(reader.read()) == ["three"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer(path).add(note("one"), attempt=1)
    whole = path.read_bytes()
    reader = log.Reader(path)
    path.write_bytes(whole + whole[:20])
    assert texts(reader.read()) == ["one"]
    assert reader.read() == []
    path.write_bytes(whole + whole)
    assert texts(reader.read()) == ["one"]


def test_the_next_writer_begins_a_line_after_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"attempt":1,"seq":1,"time":1.0,"event":{"kind":"no')
    writer(path, seq=1).add(note("after"), attempt=1)
    assert texts(log.Reader(path).read()) == ["after"]
    assert [line["seq"] for line in log.whole_lines(path)] == [2]


def test_garbage_and_unknown_kinds_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer(path).add(note("one"), attempt=1)
    with path.open("ab") as file:
        file.write(b'\xff\xfe\n\n[]\nnull\n{"attempt":1,"seq":9,"time":1.0,"event":{"kind":"from_the_future","x":1}}\n')
        file.write(b'{"attempt":1,"seq":10,"time":1.0,"event":{"kind":"note","level":"info","message":"two","new":1},"more":2}\n')
        file.write(b'{"attempt":1,"seq":11,"time":1.0,"event":{"kind":"step","step":"no number"}}\n')
        file.write(b'{"attempt":1,"seq":12,"time":1.0,"event":{"kind":"note","level":"info","message":"\xff"}}\n')
    writer(path, seq=12).add(note("three"), attempt=1)
    assert texts(log.Reader(path).read()) == ["one", "two", "three"]
    assert [line["seq"] for line in log.whole_lines(path)] == [1, 9, 10, 11, 13]


def test_a_file_that_was_replaced_or_cut_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    out = writer(path)
    for text in ("one", "two"):
        out.add(note(text), attempt=1)
    reader = log.Reader(path)
    reader.read()
    assert not reader.began_anew
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert texts(reader.read()) == ["one"]
    assert reader.began_anew
    other = tmp_path / "other"
    writer(other).add(note("a much longer text than the one before"), attempt=1)
    other.replace(path)
    assert texts(reader.read()) == ["a much longer text than the one before"]
    assert reader.began_anew
    reader.read()
    assert not reader.began_anew


def test_what_the_disk_does_not_take_waits_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "events.jsonl"
    out = writer(path)
    out.add(note("one"), attempt=1)
    out.add(note("two"), attempt=1)
    assert isinstance(out.problem, FileNotFoundError)
    assert not out.flush()
    path.parent.mkdir()
    out.add(note("three"), attempt=1)
    assert out.problem is None
    assert texts(log.Reader(path).read()) == ["one", "two", "three"]


def test_a_full_device_is_recognised() -> None:
    with pytest.raises(OSError, match="No space left") as full, open("/dev/full", "wb", buffering=0) as device:
        device.write(b"one")
    assert log.is_disk_full(full.value)
    assert not log.is_disk_full(ValueError("No space left"))


PARTLY = """
import json, resource, signal, sys
from pathlib import Path
from emotui.core.runs import log
path = Path(sys.argv[1])
out = log.Writer(path, seq=0, clock=lambda: 1.0)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
for number in range(5):
    out.add(json.dumps({"kind": "note", "level": "info", "message": str(number)}).encode(), attempt=1)
assert path.stat().st_size == 150 and out.problem is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert out.flush() and out.problem is None
"""


def test_a_line_of_which_only_a_part_fitted_is_completed_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", PARTLY, str(path)], check=True)
    assert texts(log.Reader(path).read()) == ["0", "1", "2", "3", "4"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=8), st.lists(st.integers(1, 60), max_size=30))
def test_however_the_bytes_arrive_the_lines_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, messages: list[str], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    out = writer(folder / "whole")
    messages = [text.encode("utf-8", "ignore").decode() for text in messages]
    for text in messages:
        out.add(note(text), attempt=1)
    content = (folder / "whole").read_bytes() if messages else b""
    reader, seen = log.Reader(folder / "growing"), []
    with (folder / "growing").open("ab", buffering=0) as file:
        for size in [*cuts, len(content)]:
            file.write(content[:size])
            content = content[size:]
            seen += reader.read()
    assert texts(seen) == messages


@pytest.mark.slow
def test_a_hundred_thousand_events_are_read_fast(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    step = Step(1, 0.5, 1.25, 1e-5, 0.5, 64, 1400, 0.1)
    with path.open("wb") as file:
        for number in range(1, 100_001):
            file.write(msgspec.json.encode(Line(1, number, float(number), msgspec.structs.replace(step, step=number))) + b"\n")
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    lines = log.Reader(path).read()
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - began
    assert len(lines) == 100_000
    assert lines[-1].seq == 100_000
    assert seconds < 3
    began_at = time.process_time()
    assert sum(1 for _ in log.whole_lines(path)) == 100_000
    assert time.process_time() - began_at < 10


def test_the_writers_lines_are_what_msgspec_would_write(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer(path, now=1795481033.25).add(note('a "quoted" \\ text'), attempt=3, sent=2)
    assert json.loads(path.read_text()) == msgspec.to_builtins(Line(3, 1, 1795481033.25, Note("info", 'a "quoted" \\ text'), 2))
