"""What comes on stdin: texts in any encoding that says so, and whole files."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from emotui.core import paths
from emotui.core.cli import inputs
from emotui.core.data import encodings
from emotui.core.errors import UserError


def cut(content: bytes, size: int) -> Iterator[bytes]:
    stream = io.BytesIO(content)
    return iter(lambda: stream.read(size), b"")


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
    assert b"".join(encodings.of_stream(cut(content, size), None)).decode() == TEXT


def test_what_is_asked_for_is_taken() -> None:
    assert b"".join(encodings.of_stream(cut("café\n".encode("cp1252"), 2), "latin-1")).decode() == "café\n"
    with pytest.raises(UserError, match="there is no encoding 'klingon'"):
        b"".join(encodings.of_stream(cut(b"x", 1), "klingon"))


def test_a_short_line_is_passed_on_before_more_comes() -> None:
    came: list[bytes] = []

    def coming() -> Iterator[bytes]:
        for chunk in (b"a\n", b"b\n"):
            came.append(chunk)
            yield chunk

    read = encodings.of_stream(coming(), None)
    assert (next(read), came) == (b"a\n", [b"a\n"])
    assert (next(read), came) == (b"b\n", [b"a\n", b"b\n"])


def test_bytes_that_are_none_of_the_encoding_are_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"".join(encodings.of_stream(cut(codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", 9), None))


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
