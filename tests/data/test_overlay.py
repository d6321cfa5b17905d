"""Decisions about rows: laid over the source, found again when it changes, and never lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from emotui.core.data import overlay_log, sources
from emotui.core.data.overlay import Place
from emotui.core.data.overlay_edit import Editor
from emotui.core.data.table import Dataset
from emotui.core.errors import UserError
from emotui.core.events import Started, notes_on_data
from emotui.core.runs import records
from emotui.core.specs import DataSpec, RunSpec, TrainSpec

pytestmark = pytest.mark.usefixtures("emotui_home")


@pytest.fixture
def folder(tmp_path: Path, tiny_data: Path) -> Path:
    return shutil.copytree(tiny_data, tmp_path / "tiny")


def load(place: Path, **more: Any) -> Dataset:
    return sources.load(DataSpec(str(place), **more))


def labels(dataset: Dataset, split: str = "train") -> list[str]:
    return [row.name for row in dataset.splits[split].rows(0, 10_000)]


def one_file(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def many(number: int = 60) -> list[tuple[str, str]]:
    return [(f"text number {at} of all", ("good", "bad", "so so")[at % 3]) for at in range(number)]


def test_what_is_decided_is_read_by_everyone_and_the_source_stays(folder: Path) -> None:
    before, content = load(folder), (folder / "train.jsonl").read_bytes()
    editor = Editor(before)
    editor.decide([Place("train", 0)], "anger", by="accepted", run="a-run")
    editor.decide([Place("train", 4), Place("train", 9)], None)
    after = load(folder)
    assert (folder / "train.jsonl").read_bytes() == content
    assert sources.fingerprint(after) == sources.fingerprint(editor.dataset) != sources.fingerprint(before)
    assert labels(before)[0] == "sadness" and labels(after)[0] == "anger"
    assert len(after.splits["train"]) == len(before.splits["train"]) - 2
    texts = before.splits["train"].texts()
    assert after.splits["train"].texts() == [text for at, text in enumerate(texts) if at not in (4, 9)]
    assert tuple(map(str, after.notes)) == ("overlay: 1 label changed, 2 rows left out; --no-overlay reads the source as it is",)
    assert after.overlay is not None
    decision = after.overlay.decision("train", 0)
    assert decision is not None and (decision.old, decision.new, decision.by, decision.run) == ("sadness", "anger", "accepted", "a-run")
    assert after.overlay.place("train", 4) == Place("train", 5) and after.overlay.index(Place("train", 4)) is None
    same = load(folder, overlay=0)
    assert sources.fingerprint(same) == sources.fingerprint(before) and same.notes == ()


def test_a_spec_names_the_decisions_that_it_was_read_with(folder: Path) -> None:
    editor = Editor(load(folder))
    then = editor.decide([Place("train", 0)], "anger")
    assert then.spec is not None and then.spec.overlay == 2  # whose it is, and the decision
    editor.decide([Place("train", 1)], None)
    assert sources.fingerprint(sources.load(then.spec)) == sources.fingerprint(then)
    assert load(folder).spec == DataSpec(str(folder), overlay=3)
    unmarked = load(folder, overlay=0).spec
    assert unmarked is not None and unmarked.overlay == 0
    editor.file.unlink()
    with pytest.raises(UserError, match=r"should have 2 lines, but .* has 0\. Restore the file"):
        sources.load(then.spec)


def test_no_decision_moves_a_row_to_another_split(tmp_path: Path) -> None:
    path = one_file(tmp_path / "all.jsonl", many())
    before = load(path)
    editor = Editor(before)
    editor.decide([Place("train", at) for at in range(8)], "bad")
    editor.decide([Place("train", 9)], None)
    after = load(path)
    for split in ("validation", "test"):
        assert after.splits[split].texts() == before.splits[split].texts()
    assert labels(after)[:8] == ["bad"] * 8
    other_draw = load(path, seed=5)
    changed = {row.text for split in other_draw.splits.values() for row in split.rows(0, 100) if dict(many())[row.text] != row.name}
    assert changed == {text for text, label in zip(before.splits["train"].texts()[:8], labels(before)[:8], strict=True) if label != "bad"}
    assert sum(map(len, other_draw.splits.values())) == 59


def test_of_equal_rows_the_one_that_was_meant_is_changed(tmp_path: Path) -> None:
    rows = [*many(), ("the same", "good"), ("the same", "bad"), ("the same", "good")]
    path = one_file(tmp_path / "all.jsonl", rows)
    before = load(path)
    split = next(name for name, part in before.splits.items() if "the same" in part.texts())
    same = [each for each, text in enumerate(before.splits[split].texts()) if text == "the same"]
    Editor(before).decide([Place(split, same[2])], "so so")
    assert [labels(load(path), split)[each] for each in same] == ["good", "bad", "so so"]


def test_rows_are_found_when_the_file_changes_and_what_is_not_is_told(tmp_path: Path) -> None:
    rows = many()
    path = one_file(tmp_path / "all.jsonl", rows)
    dataset = load(path)
    editor = Editor(dataset)

    def place(number: int) -> Place:
        return next(Place(s, at) for s, part in dataset.splits.items() for at, t in enumerate(part.texts()) if t == rows[number][0])

    editor.decide([place(3)], "bad")  # moves
    editor.decide([place(6)], "bad")  # goes
    editor.decide([place(9)], "bad")  # is mended in the source
    editor.decide([place(12)], "bad")  # becomes something else in the source
    editor.decide([place(15)], None)  # stays out
    changed = {9: "bad", 12: "so so"}
    mended = [(text, changed.get(at, label)) for at, (text, label) in enumerate(rows) if at != 6]
    one_file(path, [("a new first row", "good"), *mended[::-1]])
    now = load(path)
    found = {row.text: row.name for part in now.splits.values() for row in part.rows(0, 100)}
    assert found[rows[3][0]] == "bad" and found[rows[9][0]] == "bad" and found[rows[12][0]] == "so so"
    assert rows[15][0] not in found and len(found) == 59
    assert now.overlay is not None and (now.overlay.changed, now.overlay.left_out, now.overlay.settled) == (1, 1, 1)
    assert Counter(why for _, why in now.overlay.lost) == {"missing": 1, "relabelled": 1}
    told = "\n".join(map(str, now.notes))
    assert "1 decision is about a row that is no longer in the data, such as row 7 then, 'text number 6 of all'" in told
    assert "1 decision is about a row whose label has changed in the source; the source's label is used, such as row 13" in told


def test_labels_are_known_by_other_names_and_told_where_they_are_gone(tmp_path: Path) -> None:
    numbers = {"good": "0", "bad": "1", "so so": "2"}
    path = one_file(tmp_path / "all.csv", [])
    path.write_text("text,label\n" + "".join(f"{text},{numbers[label]}\n" for text, label in many()))
    dataset = load(path)
    Editor(dataset).decide([Place("train", 0)], "2")
    assert labels(load(path, labels=("GOOD", "BAD", "MEDIUM")))[0] == "MEDIUM"
    other = one_file(tmp_path / "others.jsonl", many())
    Editor(load(other)).decide([Place("train", 1)], "so so")
    one_file(other, [(text, label if label != "so so" else "medium") for text, label in many()])
    told = [str(note) for note in load(other).notes]
    assert any("1 decision gives a label that is no longer a class" in note for note in told)


def test_each_column_of_labels_has_decisions_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text, "mood": label, "topic": ("x", "y")[at % 2]}) + "\n" for at, (text, label) in enumerate(many()))
    )
    Editor(load(path, label_column="mood")).decide([Place("train", 0)], "bad")
    other = load(path, label_column="topic")
    assert other.notes[-1:] != ("overlay",) and other.overlay is not None and not other.overlay.decided and not other.overlay.lost


def test_undo_goes_back_without_end_and_is_appended(folder: Path) -> None:
    first = load(folder)
    editor = Editor(first)
    editor.decide([Place("train", 0)], "anger")
    editor.decide([Place("train", 0)], "joy")
    editor.decide([Place("train", 1)], None)
    size = editor.file.stat().st_size
    assert [each.new for each in editor.undo()] == [None]
    assert editor.file.stat().st_size > size
    again = Editor(load(folder))  # another session
    assert [each.new for each in again.undo()] == ["joy"] and labels(again.dataset)[0] == "anger"
    assert [each.new for each in again.undo(5)] == ["anger"]
    assert again.undo() == []
    assert sources.fingerprint(load(folder)) == sources.fingerprint(first) and load(folder).notes == ()


_WRITER = """
import sys
from emotui.core.data import sources
from emotui.core.data.overlay import Place
from emotui.core.data.overlay_edit import Editor
from emotui.core.specs import DataSpec
editor = Editor(sources.load(DataSpec(sys.argv[1])))
for at in range(int(sys.argv[2]), int(sys.argv[3])):
    editor.decide([Place("train", at)], "joy")
"""


def test_two_screens_at_once_lose_nothing(folder: Path) -> None:
    halves = (("0", "30"), ("30", "60"))
    both = [subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), *half], env=dict(os.environ)) for half in halves]
    assert [each.wait(200) for each in both] == [0, 0]
    dataset = load(folder)
    assert dataset.overlay is not None and len(dataset.overlay.decided) == 60
    assert set(labels(dataset)[:60]) == {"joy"}
    log = dataset.overlay.log
    assert (log.lines, log.damaged, len(log.live)) == (61, 0, 60)


def test_a_screen_follows_what_another_decides(folder: Path) -> None:
    mine, other = Editor(load(folder)), Editor(load(folder))
    assert not mine.follow()
    other.decide([Place("train", 2)], "anger")
    mine.decide([Place("train", 3)], None)
    assert labels(mine.dataset)[2] == "anger" and mine.place("train", 3) == Place("train", 4)
    assert other.follow() and sources.fingerprint(other.dataset) == sources.fingerprint(mine.dataset) == sources.fingerprint(load(folder))


@pytest.mark.parametrize("torn", [b'{"kind":"decision","id":"abc","ro', b"\x00\xff\xfe", b"{" * 5_000])
def test_a_torn_last_line_spoils_nothing(folder: Path, torn: bytes) -> None:
    editor = Editor(load(folder))
    then = editor.decide([Place("train", 0)], "anger")
    with editor.file.open("ab") as file:
        file.write(torn)
    assert then.spec is not None and load(folder).spec == then.spec and labels(load(folder))[0] == "anger"
    after = Editor(load(folder)).decide([Place("train", 1)], "anger")
    assert labels(after)[:2] == ["anger", "anger"] and labels(load(folder))[:2] == ["anger", "anger"]
    assert "skipped 1 line of" in str(load(folder).notes[-1])
    assert sources.fingerprint(sources.load(then.spec)) == sources.fingerprint(then)


def test_what_cannot_be_written_is_not_decided(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = Editor(load(folder))
    editor.decide([Place("train", 0)], "anger")
    before, real = editor.file.read_bytes(), os.write

    def full(descriptor: int, content: Any) -> int:
        real(descriptor, bytes(content)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match="No space left on device"):
        editor.decide([Place("train", 1)], "anger")
    monkeypatch.undo()
    assert editor.file.read_bytes() == before and labels(editor.dataset)[1] == "sadness"


def test_a_log_that_is_no_plain_file_is_refused(folder: Path, tmp_path: Path) -> None:
    editor = Editor(load(folder))
    overlay_log.folder().mkdir(parents=True, mode=0o700)
    (tmp_path / "elsewhere").write_text("precious\n")
    editor.file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError):
        editor.decide([Place("train", 0)], "anger")
    with pytest.raises(UserError, match="symbolic link"):
        load(folder)
    assert (tmp_path / "elsewhere").read_text() == "precious\n"


def test_it_is_private(folder: Path) -> None:
    editor = Editor(load(folder))
    editor.decide([Place("train", 0)], "anger")
    assert editor.file.stat().st_mode & 0o077 == 0 and editor.file.parent.stat().st_mode & 0o077 == 0
    editor.file.parent.chmod(0o777)
    with pytest.raises(UserError, match="other users may write to the folder"):
        load(folder)


def test_too_little_may_not_be_left(folder: Path) -> None:
    dataset = load(folder)
    editor = Editor(dataset)
    with pytest.raises(UserError, match="leaves out every row of test"):
        editor.decide([Place("test", at) for at in range(30)], None)
    with pytest.raises(UserError, match="leaves one class in train"):
        editor.decide([Place("train", at) for at in range(90)], "joy")
    assert not editor.file.exists() and load(folder).notes == ()


def test_a_label_that_is_given_back_changes_nothing(folder: Path) -> None:
    editor = Editor(load(folder))
    editor.decide([Place("train", 0)], "sadness")
    now = load(folder)
    assert now.notes == () and now.overlay is not None and now.overlay.decision("train", 0) is not None
    assert sources.fingerprint(now) == sources.fingerprint(load(folder, overlay=0))


def test_a_run_tells_what_was_changed_and_an_old_one_reads_its_source_alone() -> None:
    started = Started("cpu", "cpu", "float32", ("a", "b"), {"train": 2}, {}, overlay="1 label changed")
    assert [note.message for note in notes_on_data(started)] == ["overlay: 1 label changed"]
    spec = json.loads(json.dumps({"id": "x", "created": 1.0, "job": {"task": "train", "data": {"source": "starter"}}}))
    assert records.spec(json.dumps(spec).encode())[0].job.data.overlay == 0
    import msgspec

    now = RunSpec("x", 1.0, TrainSpec(DataSpec("starter")))
    assert records.spec(msgspec.json.encode(now))[0] == now


def test_file_names_that_are_not_unicode_have_an_overlay(tmp_path: Path) -> None:
    path = one_file(tmp_path / os.fsdecode(b"caf\xe9.jsonl"), many())
    Editor(load(path)).decide([Place("train", 0)], "bad")
    assert load(path).overlay is not None
