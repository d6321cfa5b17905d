"""The folder in which a download is assembled: it is opened once, and no link in it is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self

from .. import paths
from ..errors import UserError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BLOCK = 1 << 20
_PLAIN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Staging:
    """A folder of finished files under their names, and of one partial file for each unfinished one.

    Names must have been checked (hub_names). The methods raise OSError, also if a link or a folder is in the place
    of a file.
    """

    def __init__(self, folder: Path) -> None:
        """Open `folder`, which must exist."""
        self._path = folder
        self._top = os.open(folder, _FOLDER | os.O_NOFOLLOW)

    def close(self) -> None:
        os.close(self._top)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def size(self, name: str) -> int | None:
        """Return the size of a finished file in bytes; None if there is none."""
        try:
            with self._folder_of(name) as folder:
                status = os.stat(name.rpartition("/")[2], dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def part_size(self, name: str) -> int:
        """Return the bytes received of an unfinished file."""
        try:
            return os.stat(_part(name), dir_fd=self._top, follow_symlinks=False).st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def part(self, name: str, limit: int) -> Generator[FileIO]:
        """Yield the partial file, positioned at its end; it is emptied first if it has more than `limit` bytes."""
        descriptor = os.open(_part(name), os.O_RDWR | os.O_CREAT | _PLAIN, paths.PRIVATE_FILE, dir_fd=self._top)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileExistsError(f"{self._path / _part(name)} is no plain file")
            if status.st_size > limit:
                file.truncate(0)
            file.seek(0, os.SEEK_END)
            yield file

    def finish(self, name: str) -> None:
        """Rename a partial file to its final name."""
        with self._folder_of(name, make=True) as folder:
            os.rename(_part(name), name.rpartition("/")[2], src_dir_fd=self._top, dst_dir_fd=folder)

    def read(self, name: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a finished file."""
        with self._open(name) as file:
            return file.read(limit)

    def sha256(self, name: str) -> str:
        """Return the sha256 of a finished file in hex."""
        digest = sha256()
        with self._open(name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def remove(self, name: str) -> None:
        """Remove a finished file, or a link in its place."""
        with self._folder_of(name) as folder:
            os.unlink(name.rpartition("/")[2], dir_fd=folder)

    def remove_part(self, name: str) -> None:
        try:
            os.unlink(_part(name), dir_fd=self._top)
        except FileNotFoundError:
            return

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove everything but the files `names`."""
        wanted = set(names)
        for folder, below, files, descriptor in os.fwalk(".", topdown=False, follow_symlinks=False, dir_fd=self._top):
            within = "" if folder == "." else f"{folder.removeprefix('./')}/"
            for file in files:
                if within + file not in wanted:
                    os.unlink(file, dir_fd=descriptor)
            for each in below:
                status = os.stat(each, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    os.unlink(each, dir_fd=descriptor)
                elif not any(name.startswith(f"{within}{each}/") for name in wanted):
                    os.rmdir(each, dir_fd=descriptor)

    def move_to(self, folder: Path, names: Iterable[str]) -> None:
        """Move finished files to an existing folder."""
        with _opened(folder, _FOLDER) as target:
            for name in names:
                with self._folder_of(name) as source, _walk(target, name, make=True) as place:
                    last = name.rpartition("/")[2]
                    os.rename(last, last, src_dir_fd=source, dst_dir_fd=place)

    @contextmanager
    def _folder_of(self, name: str, *, make: bool = False) -> Generator[int]:
        with _walk(self._top, name, make=make) as folder:
            yield folder

    @contextmanager
    def _open(self, name: str) -> Generator[BinaryIO]:
        with self._folder_of(name) as folder:
            descriptor = os.open(name.rpartition("/")[2], os.O_RDONLY | _PLAIN, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            yield file


@contextmanager
def _opened(path: str | Path, flags: int, within: int | None = None) -> Generator[int]:
    descriptor = os.open(path, flags, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _walk(top: int, name: str, *, make: bool) -> Generator[int]:
    """Yield a descriptor of the folder that `name` belongs in, opened part by part from `top`, so that no part can be a link."""
    folder = os.dup(top)
    try:
        for step in name.split("/")[:-1]:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(step, paths.PRIVATE_FOLDER, dir_fd=folder)
            below = os.open(step, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def _part(name: str) -> str:
    """Return the name of a partial file, of a length that every file system accepts."""
    return f"{sha256(name.encode()).hexdigest()[:32]}.incomplete"


def cannot_keep(error: OSError, folder: Path) -> UserError:
    """Return a UserError for an error of the disk."""
    why = error.strerror or error
    return UserError(f"cannot keep the download in {folder}: {why}", "Move away what lies there, or set EMOTUI_HOME", exit_code=1)
