"""Writes files and folders under a temporary name and renames them when complete: readers find the old one or the new one."""

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
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from . import open_folder, symbolic_links
from .errors import UserError
from .paths import PRIVATE_FILE, PRIVATE_FOLDER
from .plain_files import kind_of, not_plain

_NAME = re.compile(r"\.emotui-([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.partial")
_FORGOTTEN = 86_400.0
"""Seconds without a change after which a leftover of another machine or an earlier boot counts as abandoned."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux."""
_asides: dict[Path, tuple[int, int] | None] = {}
"""What this process is writing now; for a folder, the descriptors of its parent and of itself."""
_given_up: list[bool] = []


def write_private(path: Path, content: bytes) -> None:
    """Write one of emotui's own files, for its user only; a link of that name is replaced, not followed. Raises OSError."""
    with replacing(path, private=True) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, private: bool = False) -> Generator[BinaryIO]:
    """Yield a file to be written, which is renamed to `path` when the block succeeds and removed when it does not.

    A link is followed, and the file that it leads to keeps its mode; a new file is for its user only. With `private`, for
    emotui's own files, a link is replaced and the mode is always 0600. What already has the name must be a regular file.
    Raises OSError, and UserError for what may not be written to.
    """
    target = path if private else symbolic_links.follow(path)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if private else open_folder.opened(target.parent)
    aside = _aside(target.parent)
    try:
        before = None if private else _plain(target, folder)
        descriptor = os.open(aside.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE, dir_fd=folder)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            _copy_group_and_mode(before, file.fileno())
            os.fsync(file.fileno())
            open_folder.check_is(file.fileno(), aside.name, folder)
        os.replace(aside.name, target.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside.name, dir_fd=folder)
        os.close(folder)
        _asides.pop(aside, None)


def _plain(target: Path, folder: int) -> os.stat_result | None:
    try:
        status = os.stat(target.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise not_plain(target, kind_of(status.st_mode))
    return status


def _copy_group_and_mode(before: os.stat_result | None, descriptor: int) -> None:
    """Give a new file the group and mode of the one it replaces; if the group cannot be set, its permissions are dropped."""
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
def new_folder(target: Path, *, last: str = "", may_replace: Callable[[Path], None] | None = None) -> Generator[Path]:
    """Yield an empty folder to be filled, which is renamed to `target` when the block succeeds and removed when it does not.

    An existing empty folder is filled and keeps its identity; the file called `last` is moved into it last. A folder that is not
    empty is replaced unless `may_replace(folder)` raises. The yielded path may differ from the name on the disk: it stays valid
    even if others rename the folder. Raises OSError, what `may_replace` raises, and UserError where others did rename it.
    """
    target = symbolic_links.follow(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    parent = open_folder.opened(target.parent)
    aside = _aside(target.parent)
    filled: int | None = None
    try:
        filled = open_folder.made(parent, aside.name, PRIVATE_FOLDER)
        _asides[aside] = parent, filled
        inside = open_folder.path_of(filled, aside)
        yield inside
        flush(inside)
        open_folder.check_is(filled, aside.name, parent)
        try:
            there = open_folder.within(parent, target.name)
        except FileNotFoundError:
            os.rename(aside.name, target.name, src_dir_fd=parent, dst_dir_fd=parent)
        else:
            try:
                if not os.listdir(there):
                    for name in sorted(os.listdir(filled), key=lambda each: (each == last, each)):
                        os.rename(name, name, src_dir_fd=filled, dst_dir_fd=there)
                elif may_replace is None:
                    raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(target))
                else:
                    _exchange(parent, aside, filled, target, there, may_replace)
                    filled, there = there, filled
                    _asides[aside] = parent, filled
            finally:
                os.close(there)
        os.fsync(parent)
    finally:
        if filled is not None:
            with contextlib.suppress(OSError):
                _remove_folder(aside.name, parent, filled)
            os.close(filled)
        os.close(parent)
        _asides.pop(aside, None)


def _exchange(parent: int, aside: Path, filled: int, target: Path, there: int, may_replace: Callable[[Path], None]) -> None:
    """Exchange `aside` and `target`; where `target` may not be replaced after all, exchange them back."""
    replaced = open_folder.path_of(there, target)
    may_replace(replaced)
    os.fchmod(filled, stat.S_IMODE(os.fstat(there).st_mode))
    _swap(parent, aside.name, target.name)
    try:
        may_replace(open_folder.path_of(there, aside))
    except BaseException:
        _swap(parent, aside.name, target.name)
        raise


def _remove_folder(name: str, parent: int, descriptor: int) -> None:
    """Remove the folder `name`, which `descriptor` has open; what others have put in its place stays. Raises OSError."""
    try:
        open_folder.check_is(descriptor, name, parent)
    except UserError:
        return  # another has its name, or it was moved away
    open_folder.empty(descriptor)
    os.rmdir(name, dir_fd=parent)


def _swap(folder: int, one: str, other: str) -> None:
    """Exchange two names in an open folder atomically; where the system cannot, through a third name, which may be left over."""
    import ctypes

    with contextlib.suppress(AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        if library.renameat2(folder, os.fsencode(one), folder, os.fsencode(other), _EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), other)
    between = f".{other[:100]}-{secrets.token_hex(8)}.before"
    _rename(folder, other, between)
    try:
        _rename(folder, one, other)
    except OSError:
        _rename(folder, between, other)
        raise
    _rename(folder, between, one)


def _rename(folder: int, one: str, other: str) -> None:
    os.rename(one, other, src_dir_fd=folder, dst_dir_fd=folder)


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
    """Remove what this process has half written, before it ends at once; it can write nothing new."""
    _given_up.append(True)
    for aside, folder in list(_asides.items()):
        with contextlib.suppress(OSError):
            if folder is None:
                aside.unlink()
            else:
                _remove_folder(aside.name, *folder)


def sweep(folder: Path) -> None:
    """Remove what ended processes have left half written in `folder`, as far as it belongs to this user.

    Where others may give new names to this user's folders, none is removed: it may be any, under the name of a leftover.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and Path(folder, entry.name) not in _asides:
                status = entry.stat(follow_symlinks=False)
                if status.st_uid == os.geteuid() and _is_dead(match[1], int(match[2]), status):
                    if not stat.S_ISDIR(status.st_mode):
                        os.unlink(entry.path)
                    elif open_folder.keeps_names(folder):
                        shutil.rmtree(entry.path, ignore_errors=True)


def _is_dead(place: str, pid: int, status: os.stat_result) -> bool:
    if place != _place():
        return time.time() - status.st_mtime > _FORGOTTEN
    if pid == os.getpid():
        return True  # an earlier process with the same number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _aside(folder: Path) -> Path:
    """Return an unguessable name in `folder` that identifies this process."""
    if _given_up:
        raise UserError("the process is ending", exit_code=1)
    sweep(folder)
    aside = folder / f".emotui-{_place()}-{os.getpid()}-{secrets.token_hex(8)}.partial"
    _asides[aside] = None
    return aside


@cache
def _place() -> str:
    """Return an identifier of this machine, boot and container, within which process numbers are unique."""
    known = [os.uname().nodename]
    for read in (lambda: Path("/proc/sys/kernel/random/boot_id").read_text("ascii"), lambda: os.readlink("/proc/self/ns/pid")):
        with contextlib.suppress(OSError):
            known.append(read())
    return hashlib.sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:8]
