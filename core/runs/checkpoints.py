"""Marks, finds and deletes the checkpoints of a run; one is complete if all its files reached the disk before they were listed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Protocol

from .. import writing
from ..errors import UserError
from ..plain_files import read_plain

COMPLETE = "COMPLETE"
_STEP = re.compile(r"step-([0-9]{1,15})")
_BEST = re.compile(r"best-([0-9]{1,15})")
_LARGEST = 1 << 20
"""Bytes of a list of files that is read, at most."""


class HasCheckpoints(Protocol):
    """A run, with its checkpoints in `checkpoints`/step-N."""

    @property
    def checkpoints(self) -> Path: ...


def mark_complete(folder: Path) -> None:
    """Flush every file of `folder` to the disk, then write the file COMPLETE, which lists their names and sizes in bytes.

    Raises OSError, such as for a full disk; the folder then does not count as a checkpoint.
    """
    sizes = {}
    for path in _files(folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            sizes[str(path.relative_to(folder))] = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
    writing.flush_folder(folder)
    writing.write_private(folder / COMPLETE, json.dumps({"files": sizes}, indent=1).encode())
    writing.flush_folder(folder.parent)


def is_complete(folder: Path) -> bool:
    """Whether `folder` has its list, and every listed file with the listed size."""
    try:
        sizes = json.loads(read_plain(folder / COMPLETE, _LARGEST))["files"]
        return bool(sizes) and all(_has_size(folder / name, size) for name, size in sizes.items())
    except (OSError, UserError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _has_size(file: Path, size: object) -> bool:
    status = file.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def step_of(folder: Path) -> int:
    """Return the number of optimizer steps in a checkpoint's name, step-N. Raises ValueError for another name."""
    match = _STEP.fullmatch(folder.name)
    if match is None:
        raise ValueError(f"{folder} is not named step-N")
    return int(match[1])


def latest(run: HasCheckpoints) -> Path | None:
    """Return the folder of the newest complete checkpoint of `run`."""
    return next((folder for folder in _newest_first(run) if is_complete(folder)), None)


def prune(run: HasCheckpoints, keep: int) -> None:
    """Delete all but the newest `keep` complete checkpoints, and incomplete ones that are older than the newest of them."""
    complete = [folder for folder in _newest_first(run) if is_complete(folder)]
    if not complete:
        return
    kept = set(complete[:keep])
    for folder in _newest_first(run):
        if folder not in kept and step_of(folder) <= step_of(complete[0]):
            # Delete the list first: a partly deleted checkpoint must not count.
            (folder / COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def best_folder(run: HasCheckpoints, step: int) -> Path:
    """Return the folder of the weights that were the best so far at `step`."""
    return run.checkpoints / f"best-{step}"


def prune_best(run: HasCheckpoints, step: int | None) -> None:
    """Delete all best weights but those of `step`. Call it only once a checkpoint that refers to these is complete."""
    for folder in run.checkpoints.glob("best-*") if not run.checkpoints.is_symlink() else ():
        if _BEST.fullmatch(folder.name) and folder.name != f"best-{step}" and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _newest_first(run: HasCheckpoints) -> list[Path]:
    if run.checkpoints.is_symlink():
        return []
    try:
        folders = [each for each in run.checkpoints.iterdir() if _STEP.fullmatch(each.name) and each.is_dir() and not each.is_symlink()]
    except OSError:
        return []
    return sorted(folders, key=step_of, reverse=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.name != COMPLETE)
