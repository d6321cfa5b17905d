"""Texts from a stream of bytes: in order, as soon as they are there, and never cut."""

from __future__ import annotations

import pytest
from emotui.core.cli.predict import BATCH, LONGEST, _Lines
from emotui.core.errors import UserError


def test_each_chunk_is_answered_as_it_comes():
    lines = _Lines(skip=False)
    assert list(lines.batches([b"one\ntwo\nth", b"ree\r\n", b"four"])) == [["one", "two"], ["three"], ["four"]]


def test_only_newlines_end_a_text_and_a_character_may_be_split_between_chunks():
    raw = "a\u2028b\x0bc\n你好\n".encode()
    assert list(_Lines(skip=False).batches([raw[:10], raw[10:]])) == [["a\u2028b\x0bc"], ["你好"]]


def test_batches_have_a_limit():
    raw = b"".join(b"%d\n" % number for number in range(2 * BATCH + 3))
    batches = list(_Lines(skip=False).batches([raw]))
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 3]
    assert [text for batch in batches for text in batch] == [str(number) for number in range(2 * BATCH + 3)]


@pytest.mark.parametrize(("bad", "problem"), [(b"", "is empty"), (b"  ", "is empty"), (b"\xff", "is not valid UTF-8")])
def test_a_bad_line_is_named_after_the_texts_before_it(bad, problem):
    batches = _Lines(skip=False).batches([b"one\n" + bad + b"\ntwo\n"])
    assert next(batches) == ["one"]
    with pytest.raises(UserError, match=f"line 2 of stdin {problem}"):
        next(batches)


def test_bad_lines_can_be_left_out():
    lines = _Lines(skip=True)
    assert list(lines.batches([b"one\n\n\xff\ntwo"])) == [["one"], ["two"]]
    assert lines.skipped == 2


def test_a_line_without_an_end_does_not_fill_the_memory():
    batches = _Lines(skip=False).batches([b"one\n", *[b"x" * 65536] * (LONGEST // 65536 + 1)])
    assert next(batches) == ["one"]
    with pytest.raises(UserError, match="line 2 of stdin is longer"):
        next(batches)


def test_nothing_gives_nothing():
    assert list(_Lines(skip=False).batches([])) == []
