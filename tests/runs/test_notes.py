"""Tags and pins are kept in one private file, whatever else is written into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from emotui.core import paths
from emotui.core.errors import UserError
from emotui.core.runs import notes
from emotui.core.runs.notes import Notes, RunNote


def make(*runs: str) -> None:
    for run in runs:
        paths.make_private(paths.runs_folder() / run)


def test_tags_and_pins_are_read_back(emotui_home: Path) -> None:
    make("aa", "bb")
    seen = Notes()
    seen.poll()
    assert notes.change("aa", tags=("good",)) == RunNote(("good",))
    assert notes.change("aa", pinned=True) == RunNote(("good",), True)
    notes.change("bb", tags=("x",))
    notes.change("bb", tags=())
    assert notes.read() == {"aa": RunNote(("good",), True)}
    assert seen.of("aa") == notes.NOTHING
    assert (seen.poll(), seen.poll()) == (True, False)
    assert (seen.of("aa").tags, seen.of("bb")) == (("good",), notes.NOTHING)
    assert notes.notes_file().stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(emotui_home)) == ["run-notes.json", "run-notes.lock", "runs"]


def test_notes_of_removed_runs_go_with_the_next_change(emotui_home: Path) -> None:
    make("aa", "bb")
    notes.change("aa", pinned=True)
    (paths.runs_folder() / "aa").rmdir()
    notes.change("bb", pinned=True)
    assert list(notes.read()) == ["bb"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b'"text"',
        b'{"aa": {"tags": "good"}}',
        b'{"aa": 3}',
        b"[" * 100_000,
        b'{"aa": ' + b"[" * 100_000,
        b'{"a\\u0000/../b": {"pinned": true}, "": {"pinned": true}}',
        b" " * (5 << 20),
    ],
)
def test_garbage_in_the_file_is_no_note_and_gives_way_to_one(emotui_home: Path, content: bytes) -> None:
    make("aa")
    notes.notes_file().write_bytes(content)
    assert "aa" not in notes.read()
    notes.change("aa", tags=("good",))
    assert notes.read()["aa"] == RunNote(("good",))


def test_what_is_understood_is_kept_beside_garbage_and_tags_are_safe(emotui_home: Path) -> None:
    make("aa", "bb")
    notes.notes_file().write_text(json.dumps({"aa": {"tags": ["\x1b[31mred", "#ok"], "pinned": True}, "bb": []}))
    assert notes.read()["aa"].pinned
    assert not any("\x1b" in tag for tag in notes.read()["aa"].tags)
    assert list(notes.read()) == ["aa"]


def test_a_file_that_cannot_be_written_is_said(emotui_home: Path) -> None:
    make("aa")
    notes.notes_file().mkdir()
    assert notes.read() == {}
    with pytest.raises(UserError, match="cannot write"):
        notes.change("aa", pinned=True)


def test_changes_at_once_all_stay(emotui_home: Path) -> None:
    names = [f"run{number}" for number in range(12)]
    make(*names)
    threads = [threading.Thread(target=notes.change, args=(name,), kwargs={"pinned": True}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(notes.read()) == sorted(names)


CHANGES = """
import sys
from emotui.core.runs import notes
for number in range(60):
    notes.change(f"{sys.argv[1]}-{number % 20}", tags=(f"t{number}",), pinned=True)
"""


def test_three_processes_of_sixty_changes_lose_none(emotui_home: Path) -> None:
    make(*(f"{name}-{number}" for name in "abc" for number in range(20)))
    children = [subprocess.Popen([sys.executable, "-P", "-c", CHANGES, name]) for name in "abc"]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert notes.read() == {f"{name}-{number}": RunNote((f"t{number + 40}",), True) for name in "abc" for number in range(20)}


def test_a_line_of_tags() -> None:
    assert notes.parse_tags(" #good, lr-5e-5  good ") == ("good", "lr-5e-5")
    assert notes.parse_tags(" # , ") == ()
    for line, words in (("x" * 25, "longer than 24"), ("a b c d e f g h i", "at most 8")):
        with pytest.raises(UserError, match=words):
            notes.parse_tags(line)
