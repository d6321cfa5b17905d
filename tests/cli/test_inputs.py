"""What comes on stdin: texts in any encoding that says so, and whole files."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from emotui.core import paths
from emotui.core.cli import inputs
from emotui.core.data import encodings
from emotui.core.errors import UserError


def reader(content: bytes, size: int) -> Callable[[], bytes]:
    stream = io.BytesIO(content)
    return lambda: stream.read(size)


def whole(read: Callable[[], bytes]) -> bytes:
    parts = []
    while part := read():
        parts.append(part)
    return b"".join(parts)


TEXT = "héllo 你好 🙂\nsecond\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 16])
@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
    ids=["plain", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"],
)
def test_a_mark_says_what_a_stream_holds_however_it_comes(content: bytes, size: int) -> None:
    assert whole(encodings.of_stream(reader(content, size), None)).decode() == TEXT


def test_what_is_asked_for_is_taken() -> None:
    assert whole(encodings.of_stream(reader("café\n".encode("cp1252"), 2), "latin-1")).decode() == "café\n"
    with pytest.raises(UserError, match="there is no encoding 'klingon'"):
        whole(encodings.of_stream(reader(b"x", 1), "klingon"))


def test_a_short_line_is_passed_on_before_more_comes() -> None:
    parts = iter([b"a\n", b"b\n"])
    read = encodings.of_stream(lambda: next(parts), None)
    assert (read(), read()) == (b"a\n", b"b\n")


def test_bytes_that_are_none_of_the_encoding_are_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        whole(encodings.of_stream(reader(codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", 9), None))


def test_a_file_on_stdin_is_kept_for_the_command_alone(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text,label\na,b\n")))
    with inputs.named("-") as path:
        assert path.read_bytes() == b"text,label\na,b\n"
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()
    assert not [each for each in paths.cache_folder().iterdir() if each.name.startswith("stdin-")]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"), inputs.named(str(tmp_path / "no.csv")):
        pass
