"""Looks for links in a run's folder, through which emotui would write elsewhere; standard library only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import UserError
from ..plain_files import kind_of
from ..safe_text import safe_line
from .folder import RunFolder


def check(run: RunFolder, part: Path | None = None) -> None:
    """Raise UserError unless a run, or only `part` of it, contains nothing but its user's own plain files and folders.

    A folder from elsewhere may contain symbolic links, hard links to files outside it, pipes, or folders that others may
    write to: writing or deleting by these names would affect files outside the run. Missing files pass.
    """
    folder = part or run.path
    try:
        if wrong := _wrong(folder.lstat()):
            raise _refused(run, folder, wrong)
        _check_folder(folder, run)
    except FileNotFoundError:
        return  # deleted meanwhile
    except OSError as error:
        raise UserError(f"cannot read the run {run.id}: {error.strerror or error}") from error


def _check_folder(path: Path, run: RunFolder) -> None:
    folders = [str(path)]
    while folders:
        here = folders.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # a checkpoint that the run has just deleted
                if wrong := _wrong(status):
                    raise _refused(run, Path(entry.path), wrong)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(entry.path)


def _refused(run: RunFolder, path: Path, wrong: str) -> UserError:
    name = safe_line(os.path.relpath(path, run.path), 80)
    remedy = f"Inspect it, or make a copy without links with: cp -rL {safe_line(str(run.path), 120)} NEW"
    return UserError(f"the run {safe_line(run.id, 60)} contains {name}, which is {wrong}, so nothing is written there", remedy)


def _wrong(status: os.stat_result) -> str:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if status.st_uid != os.geteuid():
        return f"another user's (uid {status.st_uid})"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "open to others for writing"
    if stat.S_ISREG(mode):
        return "a hard link to a file that also has another name" if status.st_nlink > 1 else ""
    return "" if stat.S_ISDIR(mode) else kind_of(mode)
