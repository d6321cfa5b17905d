"""Resolves symbolic links in paths, and refuses those that another user has planted."""

from __future__ import annotations

import os
import stat
from collections import deque
from pathlib import Path

from .errors import UserError
from .safe_text import safe_line

MOST_LINKS = 40
"""Symbolic links in one path, as many as Linux follows."""


def follow(path: Path, way: list[tuple[Path, os.stat_result]] | None = None) -> Path:
    """Return what `resolve` does; raise UserError also where a part of the path cannot be read."""
    try:
        return resolve(path, way)
    except OSError as error:
        raise UserError(f"cannot read {safe_line(str(path), 120)}: {error.strerror or error}") from error


def resolve(path: Path, way: list[tuple[Path, os.stat_result]] | None = None) -> Path:
    """Return where `path`, absolute, leads to through symbolic links; its last parts need not exist.

    Raises UserError for a link that another user has put into a folder open to several: what it leads to was not the choice of
    whoever runs emotui (the rule of Linux's protected_symlinks, held on every system). Raises OSError where a part cannot be looked at.
    Each folder that is gone through is added to `way`, with what is found in it there: a link is its own.
    """
    parts = deque(path.parts[1:])
    here, links = Path(path.anchor), 0
    while parts:
        part = parts.popleft()
        if part == "..":
            here = here.parent
            continue
        try:
            status = (here / part).lstat()
        except FileNotFoundError:
            return Path(os.path.normpath(here.joinpath(part, *parts)))
        except ValueError as error:  # a NUL character
            raise UserError(f"cannot read {safe_line(str(path), 120)}: {error}") from error
        if way is not None:
            way.append((here, status))
        if not stat.S_ISLNK(status.st_mode):
            here /= part
            continue
        links += 1
        if links > MOST_LINKS:
            raise UserError(f"{safe_line(str(path), 120)} passes through too many symbolic links", "Give the path of the file itself")
        leads = _target_of(here, here / part, status)
        if leads.is_absolute():
            here = Path(leads.anchor)
        parts.extendleft(reversed(leads.parts[1:] if leads.is_absolute() else leads.parts))
    return here


def _target_of(folder: Path, link: Path, status: os.stat_result) -> Path:
    around, leads = folder.stat(), Path(os.readlink(link))
    shared = around.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if shared and status.st_uid not in (0, os.geteuid(), around.st_uid):
        raise UserError(
            f"{safe_line(str(link), 120)} is a link that another user (uid {status.st_uid}) has made in a folder open to others",
            "Choose another name",
        )
    return leads
