"""What is kept of behaviour tests: read back as it was written, bounded, and refused in words where it is damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import run_folders as folders
from emotui.core.errors import UserError
from emotui.core.runs import behaviour
from emotui.core.runs.behaviour import Behaviour, EditTest, Example
from emotui.core.runs.folder import RunFolder


@pytest.fixture
def run(emotui_home: Path) -> RunFolder:
    return RunFolder(folders.write_train_run(emotui_home / "runs"))


def failed(row: int, fall: float, text: str = "so good") -> Example:
    return Example(row, text, f"{text}!", "joy", "love", 0.9, 0.9 - fall)


def kept_of(run: RunFolder, *tests: EditTest) -> Behaviour:
    return Behaviour(run.id, "", "validation", "0" * 64, folders.STARTED, 6, 6, 0, 1.0, tests)


def test_what_is_kept_is_read_back(run: RunFolder) -> None:
    assert behaviour.read(run, "validation") is None
    made = EditTest("typo", "invariance", 4, 1, (0.05, 0.7), (failed(3, 0.2),), {"no word of four letters": 2})
    path = behaviour.write(run, kept_of(run, made))
    found = behaviour.read(run, "validation")
    assert found is not None and found.tests == (made,) and found.tests[0].rate == 0.25
    assert path.stat().st_mode & 0o777 == 0o600 and behaviour.read(run, "test") is None
    assert EditTest("name", "invariance", 0, 0).rate is None


def test_the_rows_that_changed_most_are_kept(run: RunFolder) -> None:
    kept = behaviour.worst([failed(row, 0.01 * (row % 30)) for row in range(40)], "invariance")
    assert [each.row for each in kept][:4] == [29, 28, 27, 26] and len(kept) == behaviour.MOST_EXAMPLES
    assert [each.row for each in behaviour.worst([failed(5, 0.1), failed(2, 0.1)], "invariance")] == [2, 5]
    assert [each.row for each in behaviour.worst([failed(1, -0.05), failed(2, -0.1), failed(3, 0.0)], "direction")] == [2, 1, 3]
    long = behaviour.shown("a" * 5_000)
    assert len(long) == behaviour.LONGEST_TEXT and long.endswith("…")
    msgspec.json.encode(behaviour.shown("half \ud83d"))  # half a character cannot be written


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"run": 1}', "rates", "\ufffd" * 9, '{"failures": 2, "rows": 1, "edit": "typo", "expectation": "invariance"}']
)
def test_a_damaged_file_is_told(run: RunFolder, content: str) -> None:
    path = behaviour.write(run, kept_of(run))
    path.write_text(content)
    with pytest.raises(UserError, match=r"validation\.json is damaged: .*emotui behaviour"):
        behaviour.read(run, "validation")


def test_more_failures_than_rows_are_none(run: RunFolder) -> None:
    path = behaviour.write(run, kept_of(run, EditTest("typo", "invariance", 4, 4)))
    path.write_text(path.read_text().replace('"failures": 4', '"failures": 5'))
    with pytest.raises(UserError, match="5 of 4 rows cannot have failed"):
        behaviour.read(run, "validation")
