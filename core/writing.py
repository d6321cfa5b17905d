"""Writes files and folders aside and renames them when they are whole: under a name readers find the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from . import targets
from .errors import UserError
from .paths import PRIVATE_FILE, PRIVATE_FOLDER
from .plain_files import kind_of, not_plain

_NAME = re.compile(r"\.emotui-([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.partial")
_FORGOTTEN = 86_400.0
"""Seconds without a change after which what a process of another machine or an earlier boot has left is dead."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux."""
_asides: set[Path] = set()
"""What this process is writing now."""
_given_up: list[bool] = []


def write_private(path: Path, content: bytes) -> None:
    """Write one of emotui's own files, for its user only; a link under its name is replaced, not followed. Raises OSError."""
    with replacing(path, private=True) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Yield a file to be written, which takes the name `path` when the block ends well and goes when it does not.

    A link is followed, and the file that it leads to keeps its mode; a new file is for its user only. With `private`, for
    emotui's own files, a link is replaced and the mode is always 0600. What is under the name already must be a plain file.
    Raises OSError, and UserError for what may not be written to.
    """
    target = path if private else targets.follow(path)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    aside = _aside(target.parent)
    try:
        before = None if private else _plain(target, folder)
        descriptor = os.open(aside.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE, dir_fd=folder)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            _take_after(before, file.fileno())
            os.fsync(file.fileno())
        os.replace(aside.name, target.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside.name, dir_fd=folder)
        os.close(folder)
        _asides.discard(aside)


def _plain(target: Path, folder: int) -> os.stat_result | None:
    try:
        status = os.stat(target.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise not_plain(target, kind_of(status.st_mode))
    return status


def _take_after(before: os.stat_result | None, descriptor: int) -> None:
    """Give a new file the group and the mode of the one that it replaces; without the group, what the group might do is taken away."""
    if before is None:
        os.fchmod(descriptor, PRIVATE_FILE)
        return
    mode = stat.S_IMODE(before.st_mode) & 0o777
    if os.fstat(descriptor).st_gid != before.st_gid:
        try:
            os.fchown(descriptor, -1, before.st_gid)
        except OSError:
            mode &= ~stat.S_IRWXG
    os.fchmod(descriptor, mode)


@contextlib.contextmanager
def new_folder(target: Path, *, last: str = "", may_replace: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yield an empty folder to be filled, which takes the name `target` when the block ends well and goes when it does not.

    An empty folder that is there already is filled and stays the same one; the file called `last` is moved there last. Another
    folder is replaced where `may_replace`, called with it, raises nothing. Raises OSError, and what `may_replace` raises.
    """
    target = targets.follow(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(target.parent)
    try:
        aside.mkdir(PRIVATE_FOLDER)
        yield aside
        flush(aside)
        try:
            there = set(os.listdir(target))
        except FileNotFoundError:
            os.rename(aside, target)
        else:
            if not there:
                for path in sorted(aside.iterdir(), key=lambda each: (each.name == last, each.name)):
                    os.rename(path, target / path.name)
            elif may_replace is None:
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(target))
            else:
                _exchange(aside, target, may_replace)
        flush_folder(target.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        _asides.discard(aside)


def _exchange(aside: Path, target: Path, may_replace: Callable[[Path], None]) -> None:
    """Put `aside` in the place of `target`, which then lies aside; where it may not be replaced after all, it is put back."""
    may_replace(target)
    os.chmod(aside, stat.S_IMODE(target.stat().st_mode))
    _swap(aside, target)
    try:
        may_replace(aside)
    except BaseException:
        _swap(aside, target)
        raise


def _swap(one: Path, other: Path) -> None:
    """Exchange two names at one stroke; where the system cannot, by way of a third one, which is not cleaned up by itself."""
    import ctypes

    with contextlib.suppress(AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        if library.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), _EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
    between = one.with_name(f".{other.name[:100]}-{secrets.token_hex(8)}.before")
    os.rename(other, between)
    try:
        os.rename(one, other)
    except OSError:
        os.rename(between, other)
        raise
    os.rename(between, one)


def flush(folder: Path) -> None:
    """Wait until every file and folder in `folder` is on the disk. Raises OSError."""
    for path, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(os.path.join(path, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        flush_folder(Path(path))


def flush_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_up() -> None:
    """Remove what this process has written in part, for a process that ends at once; it begins nothing new."""
    _given_up.append(True)
    for aside in list(_asides):
        _remove(aside)


def sweep(folder: Path) -> None:
    """Remove what processes that are gone have left half written in `folder`, as far as it belongs to this user."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and Path(folder, entry.name) not in _asides:
                status = entry.stat(follow_symlinks=False)
                if status.st_uid == os.geteuid() and _is_dead(match[1], int(match[2]), status):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _is_dead(place: str, pid: int, status: os.stat_result) -> bool:
    if place != _place():
        return time.time() - status.st_mtime > _FORGOTTEN
    if pid == os.getpid():
        return True  # one that had our number before us
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _aside(folder: Path) -> Path:
    """Return a name in `folder` that nobody can guess, and that tells whose it is."""
    if _given_up:
        raise UserError("the process is ending", exit_code=1)
    sweep(folder)
    aside = folder / f".emotui-{_place()}-{os.getpid()}-{secrets.token_hex(8)}.partial"
    _asides.add(aside)
    return aside


@cache
def _place() -> str:
    """Return what tells apart machines, boots and containers: a process's number means something within one of them only."""
    known = [os.uname().nodename]
    for read in (lambda: Path("/proc/sys/kernel/random/boot_id").read_text("ascii"), lambda: os.readlink("/proc/self/ns/pid")):
        with contextlib.suppress(OSError):
            known.append(read())
    return hashlib.sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:8]
