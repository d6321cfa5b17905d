"""What is written aside appears whole or not at all, goes where it was asked to go, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from emotui.core import symbolic_links, targets, writing
from emotui.core.errors import UserError

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
OTHER = 54_321
"""A user that is not us."""


def write(path: Path, content: bytes = b"new") -> None:
    with writing.replacing(path) as file:
        file.write(content)


def left(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".emotui-")]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755])
def test_the_mode_of_a_file_that_is_replaced_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"new", mode)


def test_a_new_file_is_private_whatever_the_umask_and_a_set_user_id_is_not_kept(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "out")
        (tmp_path / "program").write_bytes(b"")
        (tmp_path / "program").chmod(0o6755)
        write(tmp_path / "program")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "program").stat().st_mode & 0o7777 == 0o755


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"old")
    (tmp_path / "one").symlink_to("real/file")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "dangling").symlink_to(tmp_path / "real" / "made")
    write(tmp_path / "two")
    write(tmp_path / "dangling", b"made")
    assert (tmp_path / "one").is_symlink() and (tmp_path / "two").is_symlink() and (tmp_path / "dangling").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"new"
    assert (tmp_path / "real" / "made").read_bytes() == b"made"
    assert not left(tmp_path) and not left(tmp_path / "real")


def test_emotuis_own_files_replace_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"old")
    (tmp_path / "own").symlink_to("victim")
    writing.write_private(tmp_path / "own", b"new")
    assert ((tmp_path / "victim").read_bytes(), (tmp_path / "own").read_bytes()) == (b"old", b"new")
    assert not (tmp_path / "own").is_symlink()


def test_a_hard_link_keeps_its_other_name(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"old")
    os.link(tmp_path / "victim", tmp_path / "out")
    write(tmp_path / "out")
    assert ((tmp_path / "victim").read_bytes(), (tmp_path / "out").read_bytes()) == (b"old", b"new")


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # its name may be at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "a named pipe"),
        (os.mkdir, "a folder"),
        (make_socket, "a socket"),
        (lambda path: path.symlink_to("/dev/null"), "a device"),
    ],
)
def test_what_is_no_plain_file_is_refused_and_stays(tmp_path: Path, make, words: str) -> None:
    path = tmp_path / "out"
    make(path)
    before = path.lstat()
    for attempt in (lambda: write(path), lambda: targets.checked(str(path), "--out")):
        with pytest.raises(UserError, match=words):
            attempt()
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert not left(tmp_path)


def test_readers_see_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    path = tmp_path / "out"
    size = 300_000
    path.write_bytes(b"a" * size)
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            content = path.read_bytes()
            seen.add(content[:1] if content == content[:1] * size else b"mixed")

    reader = threading.Thread(target=read)
    reader.start()
    for letter in b"bcdefgh" * 4:
        write(path, bytes([letter]) * size)
    done.set()
    reader.join()
    assert b"mixed" not in seen and seen


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), writing.replacing(tmp_path / "out") as file:
            file.write(b"half")
            raise error
        with pytest.raises(error), writing.new_folder(tmp_path / "folder") as folder:
            (folder / "half").write_bytes(b"half")
            raise error
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"old"


CHILD = """
import signal, sys, time
from pathlib import Path
from emotui.core import writing
from emotui.core.cli import _leave
signal.signal(signal.SIGTERM, _leave)
with writing.replacing(Path(sys.argv[1]) / "out") as file, writing.new_folder(Path(sys.argv[1]) / "folder") as folder:
    file.write(b"half")
    (folder / "half").write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(600)
"""


def stopped(folder: Path, number: signal.Signals) -> int:
    with subprocess.Popen([sys.executable, "-P", "-c", CHILD, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert len(left(folder)) == 2
        write(folder / "beside")  # what a living process writes is left alone
        assert len(left(folder)) == 2
        child.send_signal(number)
        return child.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_what_was_begun_goes_when_the_process_is_asked_to_end(tmp_path: Path, number: signal.Signals, code: int) -> None:
    assert stopped(tmp_path, number) == code
    assert os.listdir(tmp_path) == ["beside"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    stopped(tmp_path, signal.SIGKILL)
    assert len(left(tmp_path)) == 2
    write(tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["beside", "out"]


def test_only_what_is_surely_dead_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    place = writing._place()
    names = {
        f".emotui-{place}-{dead.pid}-0123456789abcdef.partial": False,
        f".emotui-{place}-{os.getpid()}-0123456789abcdef.partial": False,  # of one that had our number before
        f".emotui-{place}-1-0123456789abcdef.partial": True,
        f".emotui-00000000-{dead.pid}-0123456789abcdef.partial": True,  # of another machine, a moment ago
        f".emotui-00000000-{dead.pid}-0123456789abcdea.partial": False,  # of another machine, days ago
        f".emotui-{place}-{dead.pid}-0123456789abcdef.partial.txt": True,
        f"emotui-{place}-{dead.pid}-0123456789abcdef.partial": True,
        ".out.1234": True,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"")
    long_ago = time.time() - 3 * 86_400
    os.utime(tmp_path / f".emotui-00000000-{dead.pid}-0123456789abcdea.partial", (long_ago, long_ago))
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / f".emotui-{place}-{dead.pid}-00000000000000aa.partial").symlink_to("victim")
    writing.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([name for name, stays in names.items() if stays] + ["victim"])


def test_a_folder_appears_whole_is_filled_where_it_is_empty_and_else_only_replaced_where_it_may_be(tmp_path: Path) -> None:
    def fill(**how: object) -> None:
        with writing.new_folder(tmp_path / "out", **how) as folder:  # type: ignore[arg-type]
            (folder / "config.json").write_bytes(b"new")
            (folder / "deep").mkdir()
            (folder / "deep" / "file").write_bytes(b"new")

    fill()
    with pytest.raises(OSError, match="not empty"):
        fill()
    asked: list[list[str]] = []

    def refuse_second(folder: Path) -> None:
        asked.append(sorted(os.listdir(folder)))
        if len(asked) == 2:
            raise UserError("something came meanwhile")

    (tmp_path / "out" / "old").write_bytes(b"old")
    (tmp_path / "out").chmod(0o755)
    inode = (tmp_path / "out").stat().st_ino
    with pytest.raises(UserError, match="meanwhile"):
        fill(may_replace=refuse_second)
    assert asked == [["config.json", "deep", "old"]] * 2
    assert ((tmp_path / "out").stat().st_ino, (tmp_path / "out" / "old").read_bytes()) == (inode, b"old")
    fill(may_replace=lambda folder: None)
    assert sorted(os.listdir(tmp_path / "out")) == ["config.json", "deep"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["out"]


def test_names_are_exchanged_without_the_systems_help_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was {name}").write_bytes(b"")
    folder = os.open(tmp_path, os.O_RDONLY)
    writing._swap(folder, "one", "other")
    os.close(folder)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*/*")) == ["one/was other", "other/was one"]


@AS_ROOT
@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o770])
def test_a_link_that_another_user_put_into_an_open_folder_is_not_followed(tmp_path: Path, mode: int) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "private").mkdir(0o700)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    for name, leads in (("out", tmp_path / "victim"), ("folder", tmp_path / "private"), ("new", tmp_path / "made")):
        (shared / name).symlink_to(leads)
        os.lchown(shared / name, OTHER, OTHER)
    (shared / "own").symlink_to(tmp_path / "victim")
    for name in ("out", "new", "folder/out"):
        for attempt in (lambda path: write(path), lambda path: targets.checked(str(path), "--out")):
            with pytest.raises(UserError, match="a link that another user"):
                attempt(shared / name)
    with pytest.raises(UserError, match="a link that another user"), writing.new_folder(shared / "folder"):
        pass
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not os.listdir(tmp_path / "private") and not (tmp_path / "made").exists()
    write(shared / "own", b"by my own link")
    assert (tmp_path / "victim").read_bytes() == b"by my own link"


@AS_ROOT
def test_a_colleagues_own_links_in_a_folder_that_only_they_may_write_in_are_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "link").symlink_to("file")
    for path in (tmp_path / "theirs", tmp_path / "theirs" / "link"):
        os.lchown(path, OTHER, OTHER)
    write(tmp_path / "theirs" / "link")
    assert (tmp_path / "theirs" / "file").read_bytes() == b"new"


def test_a_name_planted_in_advance_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    monkeypatch.setattr(writing.secrets, "token_hex", lambda size: "0" * 2 * size)
    name = f".emotui-{writing._place()}-{os.getpid()}-{'0' * 16}.partial"
    monkeypatch.setattr(writing, "sweep", lambda folder: None)
    (tmp_path / name).symlink_to("victim")
    with pytest.raises(FileExistsError):
        write(tmp_path / "out")
    assert (tmp_path / "victim").read_bytes() == b"mine"


@AS_ROOT
def test_a_file_that_only_its_owner_may_replace_is_refused_before_any_work() -> None:
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o1777)
        theirs = shared / "theirs.csv"
        theirs.write_text("theirs")
        theirs.chmod(0o666)
        os.chown(theirs, 12345, 12345)
        os.seteuid(23456)
        try:
            with pytest.raises(UserError, match=r"belongs to another user \(uid 12345\), and its folder lets nobody else replace it"):
                targets.checked(str(theirs), "--out")
        finally:
            os.seteuid(0)
        os.seteuid(12345)
        try:
            assert targets.checked(str(theirs), "--out") == theirs
        finally:
            os.seteuid(0)


def take_away(folder: Path, instead: Path) -> None:
    """Do what others may in a folder open to them: give what is being written there another name, and its name to something else."""
    (name,) = left(folder)
    (folder / name).rename(folder / "moved")
    if instead.is_dir() and instead.parent == folder:
        instead.rename(folder / name)
    else:
        (folder / name).symlink_to(instead)


def test_nothing_is_written_elsewhere_where_the_name_of_what_is_being_written_leads_there(tmp_path: Path) -> None:
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    for folder in (shared, victim):
        folder.mkdir()
    (victim / "config.json").write_bytes(b"mine")
    with pytest.raises(UserError, match="another user moved"), writing.new_folder(shared / "out") as folder:
        take_away(shared, victim)
        (folder / "config.json").write_bytes(b"new")
        (folder / "deep").mkdir()
    assert ((victim / "config.json").read_bytes(), os.listdir(victim)) == (b"mine", ["config.json"])
    assert not os.path.lexists(shared / "out")


def test_a_file_that_others_put_in_the_place_of_what_is_being_written_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    with pytest.raises(UserError, match="another user moved"), writing.replacing(tmp_path / "out") as file:
        file.write(b"new")
        take_away(tmp_path, tmp_path / "victim")
    assert not os.path.lexists(tmp_path / "out")


@pytest.mark.parametrize("write_to", ["file", "folder"])
def test_a_folder_on_the_way_that_becomes_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_to: str) -> None:
    way, victim = tmp_path / "way", tmp_path / "victim"
    for folder in (way, victim):
        folder.mkdir()
    follow = symbolic_links.follow

    def follow_and_swap(path: Path) -> Path:
        found = follow(path)
        way.rename(tmp_path / "moved")
        way.symlink_to(victim)
        return found

    monkeypatch.setattr(symbolic_links, "follow", follow_and_swap)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        if write_to == "file":
            write(way / "out")
        else:
            with writing.new_folder(way / "out") as folder:
                (folder / "config.json").write_bytes(b"new")
    assert not os.listdir(victim)


def test_only_the_folder_that_was_replaced_is_removed(tmp_path: Path) -> None:
    """Where others give its name to another folder meanwhile, that one stays."""
    for name in ("out", "thesis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chapter").write_bytes(b"years")
    asked: list[Path] = []

    def swap_at_last(folder: Path) -> None:
        asked.append(folder)
        if len(asked) == 2:
            take_away(tmp_path, tmp_path / "thesis")

    with writing.new_folder(tmp_path / "out", may_replace=swap_at_last) as folder:
        (folder / "config.json").write_bytes(b"new")
    (name,) = left(tmp_path)
    assert (tmp_path / name / "chapter").read_bytes() == b"years"
    assert os.listdir(tmp_path / "out") == ["config.json"]


def test_a_process_that_ends_removes_only_what_it_has_made(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_bytes(b"years")
    script = CHILD.replace('writing.replacing(Path(sys.argv[1]) / "out") as file, ', "").replace('    file.write(b"half")\n', "")
    with subprocess.Popen([sys.executable, "-P", "-c", script, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        take_away(tmp_path, tmp_path / "thesis")
        child.send_signal(signal.SIGTERM)
        assert child.wait() == 143
    (name,) = left(tmp_path)
    assert (tmp_path / name / "chapter").read_bytes() == b"years"


@pytest.mark.parametrize(("mode", "stays"), [(0o777, True), (0o770, True), (0o1777, False), (0o755, False)])
def test_a_folder_that_others_may_have_called_a_leftover_stays(tmp_path: Path, mode: int, stays: bool) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    leftover = tmp_path / "shared" / f".emotui-{writing._place()}-{dead.pid}-0123456789abcdef.partial"
    leftover.mkdir(parents=True)
    (leftover / "chapter").write_bytes(b"years")
    leftover.parent.chmod(mode)
    writing.sweep(leftover.parent)
    assert leftover.exists() == stays
