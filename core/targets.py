"""Checks where the user's files and folders may be written: never over what a run, emotui or the system needs."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import paths, symbolic_links
from .errors import UserError
from .plain_files import kind_of
from .safe_text import safe_line
from .sentences import Setting, Words, phrase

DEEPEST = 200
"""Parts of a path, at most: most programs cannot create or remove a tree of thousands of folders."""
_OWN_FOLDERS = ("runs", "downloads", "cache", "logs", "overlays", "faults")
_OF_A_RUN = ("control", "events.jsonl", "proc.json", "lock")
"""What a run's folder contains beside its spec.json."""
_OWN_FILES = ("run-notes.json", "run-notes.lock")


def checked(typed: str, what: Words | Setting, *, folder: bool = False, sources: Sequence[str] = ()) -> Path:
    """Return the absolute path, free of links, of a file or folder that may be written or replaced; nothing is written yet.

    `typed` is the value of `what`, such as Setting('out'); `sources` are the paths being read, as in the specs.
    The empty name, the working folder, the home folder, emotui's folder, the sources and all folders above them are refused,
    and so is everything inside a run, a source folder, or emotui's own folders. Raises UserError.
    """
    if not typed.strip():
        raise UserError(phrase(what, " is empty"), f"Name {'a folder' if folder else 'a file'}")
    read = [Path(each) for each in sources if os.path.isabs(each)]
    path = symbolic_links.follow(paths.expand(typed))
    name = phrase(what, f" {safe_line(str(path), 120)}")
    if not folder and typed.endswith(("/", "/.", "/..")):
        raise UserError(phrase(name, " is the name of a folder"), "Name a file")
    _check_parts(path, name)
    _check_kind(path, name, what, folder=folder)
    remedy = f"Choose another {'folder' if folder else 'file'}"
    for place, words in _needed(read):
        if _holds(path, place):
            raise UserError(phrase(name, f" is {words}{'' if _is_same(path, place) else ', or a folder above it'}"), remedy)
    for around in (path, *path.parents):
        if _is_run(around):
            raise UserError(phrase(name, f" is inside the run {safe_line(around.name, 60)}"), remedy)
    for place, words in _closed(read):
        if _holds(place, path):
            raise UserError(phrase(name, f" is inside {words}"), remedy)
    return path


def checked_new_folder(typed: str, what: Words | Setting, *, sources: Sequence[str] = ()) -> Path:
    """Return what `checked` does, for a folder that does not exist or is empty. Raises UserError."""
    path = checked(typed, what, folder=True, sources=sources)
    if not is_new(path):
        raise UserError(phrase(what, f" {safe_line(str(path), 120)} already exists and is not empty"), "Choose another folder")
    return path


def is_new(folder: Path) -> bool:
    """Return whether a folder does not exist or is empty. Raises UserError where it cannot be read."""
    try:
        return not folder.exists() or not any(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot read the folder {safe_line(str(folder), 120)}: {error.strerror or error}") from error


def _needed(sources: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield what must not be replaced; neither may any folder above it."""
    yield from ((source, "the file or folder being read") for source in sources)
    yield Path("/"), "the root of the file system"
    with contextlib.suppress(OSError):  # it was removed
        yield Path.cwd(), "the working folder"
    yield paths.home(), "emotui's own folder"
    yield paths.config_file(), "emotui's config.toml"
    with contextlib.suppress(RuntimeError):  # a user without one
        yield Path.home(), "your home folder"


def _closed(sources: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the folders in which nothing may be written."""
    yield from ((paths.home() / name, "emotui's own folders") for name in (*_OWN_FOLDERS, *_OWN_FILES))
    yield from ((source, "the folder being read, and would change it") for source in sources if source.is_dir())


def _holds(path: Path, place: Path) -> bool:
    """Return whether `path` is `place` or a folder above it, compared by identity rather than by name."""
    place = place.resolve()
    return any(_is_same(path, each) for each in (place, *place.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return one == other


def _is_run(folder: Path) -> bool:
    try:
        return (folder / "spec.json").is_file() and any((folder / name).exists() for name in _OF_A_RUN)
    except OSError:
        return False


def _check_parts(path: Path, name: Words) -> None:
    if len(path.parts) > DEEPEST:
        raise UserError(phrase(name, f" is {len(path.parts):,} folders deep, more than the limit of {DEEPEST}"), "Choose another place")
    for part in path.parts:
        if paths.is_too_long(part):
            raise UserError(phrase(name, " is too long: a name may have at most 255 bytes"))


def _check_kind(path: Path, name: Words, what: Words | Setting, *, folder: bool) -> None:
    """Raise UserError where something else than a regular file, or for a folder a folder, already exists."""
    try:
        status = path.stat()
        mode = status.st_mode
    except FileNotFoundError:
        if not folder and not path.parent.is_dir():
            where = safe_line(str(path.parent), 120)
            raise UserError(f"there is no folder {where}", phrase("Create it, or give ", what, " another name")) from None
        return
    except OSError as error:
        raise UserError(phrase("cannot read ", name, f": {error.strerror or error}")) from error
    if folder and not stat.S_ISDIR(mode):
        raise UserError(phrase(name, f" is {kind_of(mode)}"), "Name a folder")
    if not folder and not stat.S_ISREG(mode):
        raise UserError(phrase(name, f" is {kind_of(mode)}, not a regular file"), "Name a file")
    if not folder and not os.access(path, os.W_OK):
        raise UserError(phrase(name, " exists and is write-protected"), "Choose another file, or allow it: chmod u+w")
    if not folder and not _may_be_replaced(path, status):
        raise UserError(
            phrase(name, f" belongs to another user (uid {status.st_uid}), and its folder lets nobody else replace it"),
            "Choose another file",
        )


def _may_be_replaced(path: Path, status: os.stat_result) -> bool:
    """Return whether this user may replace a file in its folder: with the sticky bit only owners may."""
    around = path.resolve().parent.stat()
    return not around.st_mode & stat.S_ISVTX or os.geteuid() in (0, status.st_uid, around.st_uid)
