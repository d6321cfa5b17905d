"""Who may change a program that is about to be run: the file and every folder above it; standard library only."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import stat
import sys
from pathlib import Path

from . import symbolic_links
from .errors import UserError
from .safe_text import safe_line

_RUNNERS = {
    *("sh", "bash", "dash", "zsh", "ksh", "fish", "env", "nohup", "nice", "ionice", "setsid", "exec", "command", "time", "sudo", "timeout"),
    *("python", "python3", "perl", "ruby", "node", "php", ".", "source"),
    *("xargs", "eval", "builtin", "stdbuf", "systemd-run", "if", "then", "elif", "else", "while", "until", "do", "!", "{"),
}
"""Programs and shell keywords that run the file named after them."""
_OPERATORS = set(";&|()<>`\n")
"""What separates the commands of a line in a shell."""
_HOLDS_MORE = {*_OPERATORS, " ", "\t"}
_DEEPEST = 5
"""The depth to which commands within quotes are examined."""
_ADMINISTRATORS = {"root", "wheel", "admin", *(("staff",) if sys.platform == "linux" else ())}
"""Groups whose members may change the system's programs anyway."""


def check(path: Path, what: str) -> None:
    """Raise UserError where someone other than its user or root may change or replace `path`, a plain file.

    `what` begins the sentence, such as 'on_event:'. Links are followed, and their folders are checked as well.
    """
    way: list[tuple[Path, os.stat_result]] = []
    path = symbolic_links.follow(path, way)
    for folder, entry in way:
        _check_folder(folder, entry, what)
    status = path.stat()
    name = safe_line(str(path), 120)
    if status.st_uid not in (0, os.geteuid()):
        raise UserError(f"{what} {name} belongs to another user (uid {status.st_uid})", "Use a file of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(f"{what} other users may write to {name}", f"Protect it with: chmod go-w {shlex.quote(name)}")


def _check_folder(folder: Path, entry: os.stat_result, what: str) -> None:
    """Raise UserError where other users may replace an entry of `folder`."""
    status = folder.stat()
    name = safe_line(str(folder), 120)
    if status.st_uid not in (0, os.geteuid()):
        raise UserError(f"{what} the folder {name} belongs to another user (uid {status.st_uid})", "Use a folder of your own")
    shared = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not (status.st_uid == 0 and _of_administrators(status)))
    kept = status.st_mode & stat.S_ISVTX and entry.st_uid in (0, os.geteuid())
    if shared and not kept:
        raise UserError(f"{what} other users may write to the folder {name}", f"Protect it with: chmod go-w {shlex.quote(name)}")


def _of_administrators(status: os.stat_result) -> bool:
    import grp

    try:
        return status.st_gid == 0 or grp.getgrgid(status.st_gid).gr_name in _ADMINISTRATORS
    except KeyError:
        return False


def check_command(command: str, folder: Path, what: str, *, deep: int = 0) -> None:
    """Raise UserError where other users may change what a shell command runs: its programs, and the scripts passed to them.

    Every part of a pipe or list is checked, what is in $(...) or in quotes, and every argument that names a program. Relative
    names are resolved against `folder`. Shell built-ins and programs that are not found are not checked.
    """
    runs, goes_to_file = True, False
    for word in map(os.path.expandvars, _words(command)):
        if set(word) <= _OPERATORS:
            goes_to_file = bool({"<", ">"} & set(word)) and "(" not in word
            runs = runs or not goes_to_file
            continue
        if _HOLDS_MORE & set(word) and word != command and deep < _DEEPEST:
            check_command(word, folder, what, deep=deep + 1)
        if goes_to_file or word.startswith("-") or "=" in word or word.replace(".", "").isdigit():
            goes_to_file = False  # an option, a variable or the seconds of timeout is not what runs
            continue
        found = _found(word, folder)
        if found is not None and (runs or ("/" in word and os.access(found, os.X_OK))):
            with contextlib.suppress(OSError):
                check(found, what)
        name = os.path.basename(word)
        runs = runs and (name in _RUNNERS or name.startswith("python"))


def _words(command: str) -> list[str]:
    """Return the words of a shell command without quotes, and its operators."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="".join(_OPERATORS))
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        return list(lexer)
    except ValueError:
        return command.split()


def _found(word: str, folder: Path) -> Path | None:
    """Return the file that the shell would run for a word; None where there is none."""
    if word.startswith("~"):
        word = os.path.expanduser(word)
    beside = Path(os.path.join(folder, word))
    with contextlib.suppress(OSError, ValueError):
        if "/" not in word and (program := shutil.which(word)):
            return Path(program).absolute()
        if beside.is_file():
            return beside
    return None
