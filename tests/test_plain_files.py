"""Files that are no plain ones are refused at once, whatever stands behind them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from emotui.core.errors import UserError
from emotui.core.plain_files import open_plain, read_plain


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"words")
    assert read_plain(tmp_path / "a", 5) == b"words"
    with open_plain(tmp_path / "a") as file:
        assert file.read() == b"words"


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"words")
    with pytest.raises(UserError, match="larger than 4 bytes"):
        read_plain(tmp_path / "a", 4)


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "a", 5)


@pytest.mark.timeout(10)
def test_pipes_sockets_devices_folders_and_links_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(b"words")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name, words in {"pipe": "named pipe", "folder": "folder", "link": "symbolic link", "socket": "socket"}.items():
            with pytest.raises(UserError, match=words):
                open_plain(tmp_path / name)
    with pytest.raises(UserError, match="device"):
        open_plain(Path("/dev/zero"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
def test_files_that_the_kernel_makes_up_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self/mem")
    for path in (Path("/proc/self/environ"), Path("/proc/kmsg"), tmp_path / "link"):
        with pytest.raises((UserError, PermissionError), match=r"kernel|denied"):
            open_plain(path, follow=True)


def test_a_link_is_followed_where_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"words")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_plain(tmp_path / "link", 5, follow=True) == b"words"
